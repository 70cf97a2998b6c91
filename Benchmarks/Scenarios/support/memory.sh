# SPDX-License-Identifier: Apache-2.0
# Rollcall

# memory_of COUNT MEGABYTES SECONDS: instances 10 to a service, 3 entries of metadata, the usual lease of 30 s; a server is
# started over their file, again and again.
memory_of() {
    local count=$1 megabytes=$2 milliseconds=$3
    local ready=() resident=() round up
    "$bench" fill "$folder/memory" "$count"
    for ((round = 0; round < rounds; round++)); do
        start_server main --data "$folder/memory"
        ready+=("$ready_ms")
        resident+=("$(resident_mb main)")
        up=$(curl -s "$(url main)/api/v1/services" \
            | python3 -c 'import json, sys; print(sum(s["healthy"] for s in json.load(sys.stdin)["services"]))')
        [[ $up == "$count" ]] || complain "memory: $up of $count instances are up after the start"
        stop_server main
    done
    rm -rf "$folder/memory"
    figure "memory: $count instances, ready from disk after" ms "$milliseconds" "${ready[@]}"
    figure "memory: $count instances, resident" MB "$megabytes" "${resident[@]}"
}
