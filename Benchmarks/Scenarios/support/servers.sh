# SPDX-License-Identifier: Apache-2.0
# Rollcall
#
# Starts and stops the servers that are measured. Each is known by its port and ended by its process.

declare -A server_of=()

# start_server PORT ARGUMENT...: starts rollcall serve and waits until it is ready. Sets ready_ms, from the start of the
# process to the first answer of /health/ready.
start_server() {
    local port=$1 began
    shift
    began=$(date +%s%N)
    "$rollcall" serve --port "$port" "$@" > "$folder/server-$port.out" 2>&1 &
    server_of[$port]=$!
    until curl -s -f -o /dev/null "http://127.0.0.1:$port/health/ready"; do
        kill -0 "${server_of[$port]}" 2> /dev/null || { cat "$folder/server-$port.out" >&2; exit 1; }
    done
    ready_ms=$((($(date +%s%N) - began) / 1000000))
}

stop_server() {
    local port=$1
    kill "${server_of[$port]}" 2> /dev/null || true
    wait "${server_of[$port]}" 2> /dev/null || true
    unset "server_of[$port]"
}

# start_nginx PORT WORKERS ROOT: nginx with nothing in its way: no log, the file's handle cached, no end of keep-alive.
start_nginx() {
    local port=$1 workers=$2 root=$3
    local place=$folder/nginx-$port
    mkdir -p "$place"
    # Its workers run as another user when it is started by root.
    chmod a+x "$folder"
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
    server_of[$port]=$!
    until curl -s -o /dev/null "http://127.0.0.1:$port/"; do
        kill -0 "${server_of[$port]}" 2> /dev/null || { cat "$place/errors" >&2; exit 1; }
        sleep 0.05
    done
}

stop_everything() {
    local port
    for port in "${!server_of[@]}"; do stop_server "$port"; done
}

# resident_mb PORT: megabytes (10^6 bytes) that the server at PORT has in memory.
resident_mb() { awk '/VmRSS/ { printf "%.1f\n", $2 * 1024 / 1e6 }' "/proc/${server_of[$1]}/status"; }

# peak_mb PORT: the most that it had in memory.
peak_mb() { awk '/VmHWM/ { printf "%.1f\n", $2 * 1024 / 1e6 }' "/proc/${server_of[$1]}/status"; }

# counter PORT NAME: a value of the server's metrics.
counter() { curl -s "http://127.0.0.1:$1/metrics" | awk -v name="$2" '$1 == name { print $2 }'; }
