# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "million: 1,000,000 instances"
memory_of 1000000 "<=1500" -

heading "million: look-ups of a service of 10 among 1,000 and among 1,000,000 instances"
# A lease of an hour: nothing expires while it is measured.
"$bench" fill "$folder/few" 1000 3600
"$bench" fill "$folder/many" 1000000 3600
start_server 18500 --data "$folder/few"
start_server 18501 --data "$folder/many"
few=() many=()
for ((round = 0; round < rounds; round++)); do
    few+=("$(load http://127.0.0.1:18500/api/v1/services/service-7)")
    many+=("$(load http://127.0.0.1:18501/api/v1/services/service-7)")
done
stop_server 18500
stop_server 18501
figure "million: look-ups among 1,000" requests/s - "${few[@]}"
figure "million: look-ups among 1,000,000" requests/s - "${many[@]}"
readarray -t quotients < <(ratios "${many[@]}" / "${few[@]}")
figure "million: among 1,000,000 / among 1,000" ratio ">=0.9" "${quotients[@]}"
rm -rf "$folder/few" "$folder/many"
