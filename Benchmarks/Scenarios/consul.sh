# SPDX-License-Identifier: Apache-2.0
# Rollcall

heading "consul: /v1/health/service/web?passing of 10 instances, beside nginx with the same bytes as a file"
start_server main --memory
for host in 10.0.0.{0..9}; do
    curl -s -f -o /dev/null -X PUT "$(url main)/v1/agent/service/register" -d "{
        \"ID\": \"web-$host\", \"Name\": \"web\", \"Address\": \"$host\", \"Port\": 8080, \"Tags\": [\"v2\", \"blue\"],
        \"Meta\": {\"team\": \"shop\", \"commit\": \"3f2a9c1d\"}, \"Check\": {\"TTL\": \"1h\", \"Status\": \"passing\"}}"
done
beside_nginx consul "/v1/health/service/web?passing"
