# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "watch: $watchers open watches of one service, one of which never reads"
start_server main --data "$folder/watch"
medians=() tails=() worst=()
# A round is 20 changes; times are from just before the request that makes the change is sent.
"$bench" watch "${port_of[main]}" "$watchers" 20 "$rounds" > "$folder/watch.out" \
    || complain "watch: the load generator failed: $(tail -n 1 "$folder/watch.out")"
while read -r median tail most; do
    medians+=("$median") tails+=("$tail") worst+=("$most")
done < "$folder/watch.out"
peak=$(peak_mb main)
stop_server main
if [[ ${#medians[@]} -gt 0 ]]; then
    figure "watch: change to a watch, median" ms - "${medians[@]}"
    figure "watch: change to a watch, 99 of 100" ms "<=250" "${tails[@]}"
    figure "watch: change to the last watch" ms - "${worst[@]}"
    figure "watch: peak resident of the server" MB - "$peak"
fi
