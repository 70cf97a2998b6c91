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
beside_nginx lookup /api/v1/services/web
