-- SPDX-License-Identifier: Apache-2.0
-- Rollcall
--
-- Renews 1,000 leases a request, of 10,000 instances as `RollcallBench fill` registers them.

local requests, n = {}, 0

init = function()
    for batch = 0, 9 do
        local heartbeats = {}
        for i = batch * 1000, batch * 1000 + 999 do
            local host = "10.1." .. math.floor(i / 250) % 250 .. "." .. i % 250
            heartbeats[#heartbeats + 1] = '{"service":"service-' .. math.floor(i / 10) .. '","id":"' .. host .. ':8080"}'
        end
        local body = '{"heartbeats":[' .. table.concat(heartbeats, ",") .. "]}"
        requests[#requests + 1] = wrk.format("POST", "/api/v1/heartbeats", nil, body)
    end
end

request = function()
    n = n % 10 + 1
    return requests[n]
end
