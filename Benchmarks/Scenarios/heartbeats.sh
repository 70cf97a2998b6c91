# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "heartbeats: 10,000 instances, single and in batches of 1,000"
"$bench" fill "$folder/heartbeats" 10000
start_server main --data "$folder/heartbeats"
single=() batches=()
for ((round = 0; round < rounds; round++)); do
    single+=("$(load "$(url main)" Benchmarks/Load/heartbeat.lua)")
    batches+=("$(($(load "$(url main)" Benchmarks/Load/heartbeat-batch.lua) * 1000))")
done
refused=$(counter main 'rollcall_heartbeats_total{outcome="refused"}')
[[ $refused == 0 ]] || complain "heartbeats: ${refused:-an unknown number} were refused"
stop_server main
figure "heartbeats: single requests" renewals/s ">=20000" "${single[@]}"
figure "heartbeats: batches of 1,000" renewals/s ">=100000" "${batches[@]}"
