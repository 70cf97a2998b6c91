-- SPDX-License-Identifier: Apache-2.0
-- Rollcall
--
-- Renews one lease a request, of 10,000 instances as `RollcallBench fill` registers them, in scattered order.

local paths = {}
for n = 0, 9999 do
    local host = "10.1." .. math.floor(n / 250) % 250 .. "." .. n % 250
    local path = "/api/v1/services/service-" .. math.floor(n / 10) .. "/instances/" .. host .. ":8080/heartbeat"
    paths[n] = path
end

local requests, n = {}, 0

init = function()
    for index, path in pairs(paths) do requests[index] = wrk.format("PUT", path) end
end

request = function()
    n = (n + 7919) % 10000
    return requests[n]
end
