# SPDX-License-Identifier: Apache-2.0
# Rollcall

# load URL [SCRIPT]: prints the requests a second of one run of wrk: one thread, 64 connections kept alive. Anything but
# good answers is a complaint.
load() {
    local out
    out=$(wrk -t1 -c64 -d"${run_seconds}s" ${2:+-s "$2"} "$1")
    local trouble
    trouble=$(grep -E 'Non-2xx|Socket errors' <<< "$out" || true)
    [[ -z $trouble ]] || complain "$1 ${2:-}: $trouble"
    awk '/Requests\/sec/ { print int($2) }' <<< "$out"
}

# beside_nginx NAME PATH: requests/s of the server `main` for PATH, and of nginx for the same bytes as a file, with one and
# with two workers, in turns. Ends all of them.
beside_nginx() {
    mkdir -p "$folder/www"
    curl -s -f "$(url main)$2" > "$folder/www/$1.json"
    start_nginx nginx-1 1 "$folder/www"
    start_nginx nginx-2 2 "$folder/www"
    curl -s "$(url nginx-1)/$1.json" | cmp - "$folder/www/$1.json" || complain "nginx does not serve the same bytes"
    echo "$(wc -c < "$folder/www/$1.json") bytes of body"
    local ours=() one_worker=() two_workers=() round quotients server
    for ((round = 0; round < rounds; round++)); do
        ours+=("$(load "$(url main)$2")")
        one_worker+=("$(load "$(url nginx-1)/$1.json")")
        two_workers+=("$(load "$(url nginx-2)/$1.json")")
    done
    for server in main nginx-1 nginx-2; do stop_server "$server"; done
    figure "$1: rollcall" requests/s - "${ours[@]}"
    figure "$1: nginx, 1 worker" requests/s - "${one_worker[@]}"
    figure "$1: nginx, 2 workers" requests/s - "${two_workers[@]}"
    readarray -t quotients < <(ratios "${ours[@]}" / "${one_worker[@]}")
    figure "$1: rollcall / nginx, 1 worker" ratio ">=0.8" "${quotients[@]}"
    readarray -t quotients < <(ratios "${ours[@]}" / "${two_workers[@]}")
    figure "$1: rollcall / nginx, 2 workers" ratio ">=0.8" "${quotients[@]}"
}
