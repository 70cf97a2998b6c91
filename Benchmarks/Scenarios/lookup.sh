# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "lookup: a service of 10 instances, beside nginx with the same bytes as a file"
start_server main --memory
for host in 10.0.0.{0..9}; do
    curl -s -f -o /dev/null -X PUT "$(url main)/api/v1/services/web/instances/$host:8080" -d "{
        \"host\": \"$host\", \"port\": 8080, \"healthCheck\": \"/health\", \"tags\": [\"v2\", \"blue\"],
        \"metadata\": {\"team\": \"shop\", \"commit\": \"3f2a9c1d\", \"started-by\": \"deploy\"},
        \"zone\": \"north-1\", \"lease\": {\"kind\": \"none\"}}"
done
mkdir -p "$folder/www"
curl -s -f "$(url main)/api/v1/services/web" > "$folder/www/web.json"
start_nginx nginx-1 1 "$folder/www"
start_nginx nginx-2 2 "$folder/www"
curl -s "$(url nginx-1)/web.json" | cmp - "$folder/www/web.json" || complain "nginx does not serve the same bytes"
echo "$(wc -c < "$folder/www/web.json") bytes of body"
ours=() one_worker=() two_workers=()
for ((round = 0; round < rounds; round++)); do
    ours+=("$(load "$(url main)/api/v1/services/web")")
    one_worker+=("$(load "$(url nginx-1)/web.json")")
    two_workers+=("$(load "$(url nginx-2)/web.json")")
done
for server in main nginx-1 nginx-2; do stop_server "$server"; done
figure "lookup: rollcall" requests/s - "${ours[@]}"
figure "lookup: nginx, 1 worker" requests/s - "${one_worker[@]}"
figure "lookup: nginx, 2 workers" requests/s - "${two_workers[@]}"
readarray -t quotients < <(ratios "${ours[@]}" / "${one_worker[@]}")
figure "lookup: rollcall / nginx, 1 worker" ratio ">=0.8" "${quotients[@]}"
readarray -t quotients < <(ratios "${ours[@]}" / "${two_workers[@]}")
figure "lookup: rollcall / nginx, 2 workers" ratio ">=0.8" "${quotients[@]}"
