# SPDX-License-Identifier: Apache-2.0
# Rollcall
#
# Collects figures, prints them as they come, and writes them as Markdown and JSON at the end.

begin_report() {
    figures=$folder/figures
    complaints=$folder/complaints
    : > "$figures"
    : > "$complaints"
    began_at=$(date -u +%Y-%m-%d-%H%M%S)
    machine="$(nproc) x $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1), $(
        awk '/MemTotal/ {printf "%.0f", $2 / 1048576}' /proc/meminfo) GiB, Linux $(uname -r | cut -d- -f1), load $(
        cut -d' ' -f1 /proc/loadavg) at the start"
    echo "$machine"
}

heading() { printf '\n== %s (load %s)\n' "$*" "$(cut -d' ' -f1 /proc/loadavg)"; }

# complain TEXT...: something that makes a figure worth nothing, such as errors in answers. The run fails at its end.
complain() {
    echo "!! $*" | tee -a "$complaints" >&2
}

# figure NAME UNIT TARGET VALUE...: notes the median of the values. A target is ">=N", "<=N", or "-" when there is none.
figure() {
    local name=$1 unit=$2 target=$3
    shift 3
    printf '%s\n' "$@" | sort -g | awk -v OFS='\t' -v name="$name" -v unit="$unit" -v target="$target" '
        { v[NR] = $1 }
        END {
            median = v[int((NR + 1) / 2)]
            verdict = "-"
            bound = substr(target, 3) + 0
            if (target ~ /^>=/) verdict = median >= bound ? "reached" : "MISSED"
            if (target ~ /^<=/) verdict = median <= bound ? "reached" : "MISSED"
            print name, median, unit, v[1], v[NR], NR, target, verdict
        }' | tee -a "$figures" | print_figures
}

print_figures() {
    awk -F'\t' '{
        printf "%-58s %12s %-16s", $1, $2, $3
        if ($6 > 1) printf " [%s - %s]", $4, $5
        if ($7 != "-") printf "  target %s: %s", $7, $8
        printf "\n"
    }'
}

# ratios A... / B...: the quotients of two lists of the same length, pair by pair.
ratios() {
    local left=()
    while [[ $1 != / ]]; do left+=("$1"); shift; done
    shift
    local index=0 right
    for right in "$@"; do
        awk -v a="${left[index]}" -v b="$right" 'BEGIN { printf "%.3f\n", a / b }'
        index=$((index + 1))
    done
}

# end_report FOLDER: writes FOLDER/TIME.md and FOLDER/TIME.json, and fails when there were complaints.
end_report() {
    local results=$1
    local base=$results/$began_at
    mkdir -p "$results"
    {
        printf '# Benchmarks of %s\n\n%s. %s runs of %s s where there is load.\n\n' \
            "$began_at" "$machine" "$rounds" "$run_seconds"
        printf '| figure | median | unit | range | target | |\n|---|---:|---|---|---|---|\n'
        awk -F'\t' '{ printf "| %s | %s | %s | %s – %s | %s | %s |\n", $1, $2, $3, $4, $5, $7, $8 }' "$figures"
        sed 's/^/\n/' "$complaints"
    } > "$base.md"
    python3 - "$figures" "$complaints" "$began_at" "$machine" > "$base.json" << 'PYTHON'
import json, sys

figures, complaints, began_at, machine = sys.argv[1:]
keys = ("name", "median", "unit", "lowest", "highest", "runs", "target", "verdict")
rows = [dict(zip(keys, line.rstrip("\n").split("\t"))) for line in open(figures)]
for row in rows:
    row.update({key: float(row[key]) for key in ("median", "lowest", "highest")}, runs=int(row["runs"]))
json.dump({"beganAt": began_at, "machine": machine, "figures": rows,
           "complaints": [line.strip() for line in open(complaints)]}, sys.stdout, indent=2)
PYTHON
    printf '\n== all figures\n'
    print_figures < "$figures"
    echo "kept in $base.md and .json"
    [[ ! -s $complaints ]] || { cat "$complaints" >&2; return 1; }
}
