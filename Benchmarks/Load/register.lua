-- SPDX-License-Identifier: Apache-2.0
-- Rollcall
--
-- Registers a new instance at each request, 10 to a service.

local prefix = "r" .. os.time() .. "-"
local n = 0

request = function()
    n = n + 1
    local host = "10.1." .. math.floor(n / 250) % 250 .. "." .. n % 250
    local body = '{"host":"' .. host .. '","port":8080,"healthCheck":"/health","tags":["v2","blue"],'
        .. '"metadata":{"team":"shop","commit":"3f2a9c1d","started-by":"deploy"},"region":"north","zone":"north-1",'
        .. '"node":"node-' .. n % 100 .. '","version":"1.4.0","lease":{"ttlSeconds":3600}}'
    local path = "/api/v1/services/" .. prefix .. math.floor(n / 10) .. "/instances/" .. host .. ":8080"
    return wrk.format("PUT", path, nil, body)
end
