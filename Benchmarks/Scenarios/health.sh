# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "health: 10,000 instances with an HTTP check each, every 10 s, of one local target"
# The target listens where nobody else does: the checks name its port before it runs.
target_port=18499
checks=10000 seconds=30 warm_up=25
"$bench" health-fill "$folder/health" "$checks" "$target_port"
# It outlives the measurement of the server: no check may fail meanwhile.
"$bench" health-serve "$target_port" "$seconds" "$((warm_up + 5))" > "$folder/health.out" &
target=$!
start_server main --data "$folder/health"
sleep "$warm_up"
before=$(awk '{print $14 + $15}' "/proc/${server_of[main]}/stat")
sleep "$seconds"
after=$(awk '{print $14 + $15}' "/proc/${server_of[main]}/stat")
scrape=$(curl -s "$(url main)/metrics")
wait "$target"
read -r least most tenth mean different < "$folder/health.out"
peak=$(peak_mb main)
changes=$(awk '/^rollcall_changes_total\{kind="checkChanged"\}/ {print $2}' <<< "$scrape")
failed=$(awk '/^rollcall_checks_total\{kind="http",result="critical"\}/ {print $2}' <<< "$scrape")
[[ $failed == 0 ]] || complain "health: $failed rounds failed"
stop_server main
share=$(awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v s="$seconds" 'BEGIN {printf "%.1f", 100 * t / hz / s}')
figure "health: processor share of the server" "% of one core" - "$share"
figure "health: rounds a second, mean" /s - "$mean"
figure "health: rounds in the least and the busiest second" /s - "$least" "$most"
figure "health: rounds in the busiest tenth of a second" "" - "$tenth"
figure "health: instances that were asked" "" ">=$checks" "$different"
figure "health: writes of results" "" - "$changes"
figure "health: peak resident of the server" MB - "$peak"
