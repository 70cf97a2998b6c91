# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "idle: rollcall serve without instances, its registry in a new folder"
ready=() resident=()
for ((round = 0; round < rounds; round++)); do
    start_server main --data "$folder/idle-$round"
    ready+=("$ready_ms")
    sleep 1
    resident+=("$(resident_mb main)")
    stop_server main
done
figure "idle: ready after" ms "<=200" "${ready[@]}"
figure "idle: resident" MB "<=40" "${resident[@]}"
