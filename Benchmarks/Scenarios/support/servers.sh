# SPDX-License-Identifier: Apache-2.0
# Rollcall
#
# Starts and stops the servers that are measured. Each has a name, a free port of its own, so that no other server is
# measured by mistake, and is ended by its process.

declare -A server_of=() port_of=()

# start_server NAME ARGUMENT...: starts rollcall serve and waits until it is ready. Sets ready_ms, from the start of the
# process to the first answer of /health/ready.
start_server() {
    local name=$1 out=$folder/server-$1.out began
    shift
    : > "$out"
    began=$(date +%s%N)
    "$rollcall" serve --port 0 "$@" > "$out" 2>&1 &
    server_of[$name]=$!
    until [[ $(< "$out") =~ listening\ on\ http://127\.0\.0\.1:([0-9]+) ]]; do
        kill -0 "${server_of[$name]}" 2> /dev/null || { cat "$out" >&2; exit 1; }
        sleep 0.005
    done
    port_of[$name]=${BASH_REMATCH[1]}
    until curl -s -f -o /dev/null "$(url "$name")/health/ready"; do
        kill -0 "${server_of[$name]}" 2> /dev/null || { cat "$out" >&2; exit 1; }
    done
    ready_ms=$((($(date +%s%N) - began) / 1000000))
}

url() { echo "http://127.0.0.1:${port_of[$1]}"; }

stop_server() {
    local name=$1
    kill "${server_of[$name]}" 2> /dev/null || true
    wait "${server_of[$name]}" 2> /dev/null || true
    unset "server_of[$name]" "port_of[$name]"
}

# start_nginx NAME WORKERS ROOT: nginx with nothing in its way: no log, the file's handle cached, no end of keep-alive.
start_nginx() {
    local name=$1 workers=$2 root=$3 port
    local place=$folder/$name
    mkdir -p "$place"
    # Its workers run as another user when it is started by root.
    chmod a+x "$folder"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat > "$place/nginx.conf" << NGINX
worker_processes $workers; daemon off; pid $place/pid; error_log $place/errors;
events { worker_connections 1024; }
http {
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=100;
    types { application/json json; }
    client_body_temp_path $place/b; proxy_temp_path $place/p; fastcgi_temp_path $place/f;
    uwsgi_temp_path $place/u; scgi_temp_path $place/s;
    server { listen 127.0.0.1:$port; root $root; }
}
NGINX
    PATH=$PATH:/usr/sbin nginx -c "$place/nginx.conf" 2> "$place/errors" &
    server_of[$name]=$!
    port_of[$name]=$port
    until curl -s -o /dev/null "$(url "$name")"; do
        kill -0 "${server_of[$name]}" 2> /dev/null || { cat "$place/errors" >&2; exit 1; }
        sleep 0.05
    done
}

stop_everything() {
    local name
    for name in "${!server_of[@]}"; do stop_server "$name"; done
}

# resident_mb NAME: megabytes (10^6 bytes) that a server has in memory.
resident_mb() { awk '/VmRSS/ { printf "%.1f\n", $2 * 1024 / 1e6 }' "/proc/${server_of[$1]}/status"; }

# peak_mb NAME: the most that it had in memory.
peak_mb() { awk '/VmHWM/ { printf "%.1f\n", $2 * 1024 / 1e6 }' "/proc/${server_of[$1]}/status"; }

# counter NAME METRIC: a value of a server's metrics.
counter() { curl -s "$(url "$1")/metrics" | awk -v name="$2" '$1 == name { print $2 }'; }
