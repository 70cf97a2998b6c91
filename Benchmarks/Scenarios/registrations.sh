# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "registrations: durable, through the engine and over HTTP"
# Each run is a process of its own with a new file. A commit is one transaction, which is one fsync of the log.
for writers in 16 64 256; do
    rates=() shares=()
    for ((round = 0; round < rounds; round++)); do
        read -r rate commits < <("$bench" registrations "$folder/engine-$writers-$round" 100000 "$writers")
        rates+=("$rate") shares+=("$((100000 / commits))")
        rm -rf "$folder/engine-$writers-$round"
    done
    target=-
    [[ $writers != 256 ]] || target=">=20000"
    figure "registrations: engine, $writers writers" registrations/s "$target" "${rates[@]}"
    figure "registrations: engine, $writers writers, in one commit" registrations - "${shares[@]}"
done
rates=()
start_server main --data "$folder/registrations"
for ((round = 0; round < rounds; round++)); do
    rates+=("$(load "$(url main)" Benchmarks/Load/register.lua)")
done
live=$(counter main rollcall_instances)
bytes=$(resident_mb main | awk -v live="$live" '{ printf "%.0f", $1 * 1e6 / live }')
stop_server main
figure "registrations: HTTP, 64 connections" registrations/s - "${rates[@]}"
figure "registrations: resident for each of the $live so registered" bytes - "$bytes"
# What was acknowledged is there after a restart.
start_server main --data "$folder/registrations"
again=$(counter main rollcall_instances)
[[ $again == "$live" ]] || complain "registrations: $live before the restart, $again after it"
stop_server main
rm -rf "$folder/registrations"
