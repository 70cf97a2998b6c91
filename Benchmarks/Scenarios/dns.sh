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
    main_rates=() bind9_rates=() knot_rates=() main_costs=() bind9_costs=() knot_costs=()
    for ((round = 0; round < rounds; round++)); do
        dns_round main "$ours" "$folder/queries"
        dns_round bind9 "${port_of[bind9]}" "$folder/queries"
        dns_round knot "${port_of[knot]}" "$folder/queries"
    done
    figure "dns: $type, rollcall" queries/s - "${main_rates[@]}"
    figure "dns: $type, bind9" queries/s - "${bind9_rates[@]}"
    figure "dns: $type, knot" queries/s - "${knot_rates[@]}"
    # The load generator has one of the processors to itself: what a server takes for a query tells them apart beyond
    # what one generator can ask.
    figure "dns: $type, rollcall, processor time" us/query - "${main_costs[@]}"
    figure "dns: $type, bind9, processor time" us/query - "${bind9_costs[@]}"
    figure "dns: $type, knot, processor time" us/query - "${knot_costs[@]}"
    target=-
    [[ $type != SRV ]] || target=">=3"
    readarray -t quotients < <(ratios "${main_rates[@]}" / "${bind9_rates[@]}")
    figure "dns: $type, rollcall / bind9" ratio "$target" "${quotients[@]}"
    target=-
    [[ $type != SRV ]] || target=">=0.5"
    readarray -t quotients < <(ratios "${main_rates[@]}" / "${knot_rates[@]}")
    figure "dns: $type, rollcall / knot" ratio "$target" "${quotients[@]}"
done
for server in main bind9 knot; do stop_server "$server"; done
