# SPDX-License-Identifier: Apache-2.0
# Rollcall
#
# Name servers beside ours, with the records of a zone file, and the load on them.

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# dns_port NAME: the port on which a server of ours answers DNS. It writes it down just after it listens.
dns_port() {
    local out=$folder/server-$1.out
    until [[ $(< "$out") =~ answering\ DNS\ on\ 127\.0\.0\.1:([0-9]+) ]]; do
        kill -0 "${server_of[$1]}" 2> /dev/null || { cat "$out" >&2; exit 1; }
        sleep 0.005
    done
    echo "${BASH_REMATCH[1]}"
}

# start_named NAME ZONE-FILE: bind9 with one zone, consul, and nothing that a name server can do without.
start_named() {
    local name=$1 zone=$2 port
    local place=$folder/$name
    mkdir -p "$place"
    port=$(free_port)
    cat > "$place/named.conf" << NAMED
options {
    directory "$place"; pid-file "$place/pid"; session-keyfile "$place/key"; lock-file none;
    listen-on port $port { 127.0.0.1; }; listen-on-v6 { none; };
    recursion no; querylog no; dnssec-validation no; notify no; empty-zones-enable no;
};
controls { };
zone "consul" { type primary; file "$zone"; };
NAMED
    PATH=$PATH:/usr/sbin named -f -c "$place/named.conf" > "$place/out" 2>&1 &
    server_of[$name]=$!
    port_of[$name]=$port
    await_dns "$name" "$place/out"
}

# start_knot NAME ZONE-FILE: knot with the same.
start_knot() {
    local name=$1 zone=$2 port
    local place=$folder/$name
    mkdir -p "$place"
    port=$(free_port)
    cat > "$place/knot.conf" << KNOT
server:
    rundir: "$place"
    listen: 127.0.0.1@$port
database:
    storage: "$place"
control:
    listen: "$place/control"
template:
  - id: default
    storage: "$place"
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
zone:
  - domain: consul
    file: "$zone"
KNOT
    PATH=$PATH:/usr/sbin knotd -c "$place/knot.conf" > "$place/out" 2>&1 &
    server_of[$name]=$!
    port_of[$name]=$port
    await_dns "$name" "$place/out"
}

await_dns() {
    until dig @127.0.0.1 -p "${port_of[$1]}" +time=1 +tries=1 consul SOA 2> /dev/null | grep -q NOERROR; do
        kill -0 "${server_of[$1]}" 2> /dev/null || { cat "$2" >&2; exit 1; }
        sleep 0.05
    done
}

# dns_load PORT QUERIES: prints the queries a second of one run of dnsperf: one thread, 8 sockets, EDNS. Anything but good
# answers is a complaint.
dns_load() {
    local out
    out=$(dnsperf -s 127.0.0.1 -p "$1" -d "$2" -c 8 -T 1 -l "$run_seconds" -e 2> /dev/null)
    grep -Eq 'Response codes: +NOERROR [0-9]+ \(100.00%\)$' <<< "$out" \
        || complain "port $1: $(grep 'Response codes' <<< "$out")"
    awk '/Queries per second/ { print int($4) }' <<< "$out"
}

# cpu_ticks NAME: what a server has taken of the processors so far, in hundredths of a second.
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/${server_of[$1]}/stat"; }

# dns_round NAME PORT QUERIES: one run of dns_load against a server. Adds the queries a second to NAME_rates, and the
# microseconds of processor time that the server took for each to NAME_costs.
dns_round() {
    local -n rates=$1_rates costs=$1_costs
    local before rate
    before=$(cpu_ticks "$1")
    rate=$(dns_load "$2" "$3")
    rates+=("$rate")
    costs+=("$(awk -v ticks=$(($(cpu_ticks "$1") - before)) -v queries=$((rate * run_seconds)) \
        'BEGIN { printf "%.1f\n", ticks * 10000 / queries }')")
}

# dns_answer PORT NAME TYPE: how many answers there are, and of how many bytes.
dns_answer() {
    dig @127.0.0.1 -p "$1" "$2" "$3" | awk '
        match($0, /ANSWER: [0-9]+/) { answers = substr($0, RSTART + 8, RLENGTH - 8) }
        /MSG SIZE/ { print answers " answers, " $NF " bytes" }'
}
