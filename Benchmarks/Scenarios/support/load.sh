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
