# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "million: 1,000,000 instances"
memory_of 1000000 "<=1500" -

heading "million: look-ups of a service of 10 among 1,000 and among 1,000,000 instances"
# A lease of an hour: nothing expires while it is measured.
"$bench" fill "$folder/few" 1000 3600
"$bench" fill "$folder/many" 1000000 3600
start_server few --data "$folder/few"
start_server many --data "$folder/many"
few=() many=()
for ((round = 0; round < rounds; round++)); do
    few+=("$(load "$(url few)/api/v1/services/service-7")")
    many+=("$(load "$(url many)/api/v1/services/service-7")")
done
stop_server few
stop_server many
figure "million: look-ups among 1,000" requests/s - "${few[@]}"
figure "million: look-ups among 1,000,000" requests/s - "${many[@]}"
readarray -t quotients < <(ratios "${many[@]}" / "${few[@]}")
figure "million: among 1,000,000 / among 1,000" ratio ">=0.9" "${quotients[@]}"
rm -rf "$folder/few" "$folder/many"
