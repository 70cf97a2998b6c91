# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "dns: a service of 10 instances, beside bind9 and knot with the same records"
start_server main --memory
zone=$folder/consul.zone
{
    echo '$TTL 0'
    echo '@ IN SOA ns hostmaster 1 3600 600 86400 0'
    echo '@ IN NS ns'
    echo 'ns IN A 127.0.0.1'
} > "$zone"
for last in {0..9}; do
    curl -s -f -o /dev/null -X PUT "$(url main)/api/v1/services/web/instances/web-$last" \
        -d "{\"host\": \"10.0.0.$last\", \"port\": 8080, \"lease\": {\"kind\": \"none\"}}"
    hexadecimal=0a00000$last.addr.dc1
    {
        echo "web.service IN SRV 1 1 8080 $hexadecimal"
        echo "web.service IN A 10.0.0.$last"
        echo "$hexadecimal IN A 10.0.0.$last"
    } >> "$zone"
done
start_named bind9 "$zone"
start_knot knot "$zone"
ours=$(dns_port main)
for type in SRV A; do
    echo "web.service.consul $type" > "$folder/queries"
    for server in main bind9 knot; do
        port=${port_of[$server]}
        [[ $server != main ]] || port=$ours
        echo "$type of $server: $(dns_answer "$port" web.service.consul "$type")"
    done
    rollcall_rates=() bind9_rates=() knot_rates=()
    for ((round = 0; round < rounds; round++)); do
        rollcall_rates+=("$(dns_load "$ours" "$folder/queries")")
        bind9_rates+=("$(dns_load "${port_of[bind9]}" "$folder/queries")")
        knot_rates+=("$(dns_load "${port_of[knot]}" "$folder/queries")")
    done
    figure "dns: $type, rollcall" queries/s - "${rollcall_rates[@]}"
    figure "dns: $type, bind9" queries/s - "${bind9_rates[@]}"
    figure "dns: $type, knot" queries/s - "${knot_rates[@]}"
    target=-
    [[ $type != SRV ]] || target=">=3"
    readarray -t quotients < <(ratios "${rollcall_rates[@]}" / "${bind9_rates[@]}")
    figure "dns: $type, rollcall / bind9" ratio "$target" "${quotients[@]}"
    target=-
    [[ $type != SRV ]] || target=">=0.5"
    readarray -t quotients < <(ratios "${rollcall_rates[@]}" / "${knot_rates[@]}")
    figure "dns: $type, rollcall / knot" ratio "$target" "${quotients[@]}"
done
for server in main bind9 knot; do stop_server "$server"; done
