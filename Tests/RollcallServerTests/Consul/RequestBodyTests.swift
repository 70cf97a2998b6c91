// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallServer
import RollcallTesting
import Testing

@Suite("Bodies that Consul's clients send", .timeLimit(.minutes(2)))
struct RequestBodyTests {
    @Test("what cannot be read is refused in Go's words, and what Consul refuses in Consul's")
    func refusals() async throws {
        let cases: [(path: String, body: String, status: Int, text: String)] = [
            ("agent/service/register", "", 400, "Request decode failed: EOF"),
            ("agent/service/register", #"{"Name":"a","Port":1.5}"#, 400,
             "Request decode failed: json: cannot unmarshal number 1.5 into Go struct field .Port of type int"),
            ("agent/service/register", #"{"Name":"a","Tags":[1]}"#, 400,
             "Request decode failed: json: cannot unmarshal number into Go struct field .Tags of type string"),
            ("agent/service/register", #"{"Name":"a","Check":{"HTTP":true}}"#, 400,
             "Request decode failed: json: cannot unmarshal bool into Go struct field .HTTP of type string"),
            ("agent/service/register", #"{"Name":"a","Check":{"Script":"x","Interval":"5s"}}"#, 400,
             "Request decode failed: json: unknown field \"Script\""),
            ("agent/service/register", #"{"Name":"a","Check":{"TTL":"10"}}"#, 400,
             "Request decode failed: time: missing unit in duration \"10\""),
            ("agent/service/register", #"{"Name":"a","Address":"0.0.0.0"}"#, 400, "Invalid service address"),
            ("agent/service/register", #"{"Name":"a","Weights":{"Passing":0}}"#, 400,
             "Invalid Weights: Passing must be greater than 0"),
            ("agent/service/register", #"{"Name":"a","Meta":{"consul-x":"1"}}"#, 400,
             "Invalid Service Meta: Couldn't load metadata pair ('consul-x', '1'): "
                + "Key prefix 'consul-' is reserved for internal use"),
            ("agent/service/register", #"{"Name":"a","Check":{"TTL":"5s","Status":"fine"}}"#, 400,
             "Status for checks must 'passing', 'warning', 'critical'"),
            ("agent/service/register", #"{"Name":"a","Checks":[{}]}"#, 400, "Invalid check: TTL must be > 0 for TTL checks"),
            ("agent/service/register", #"{"Name":"a","Check":{"AliasService":"b","TTL":"5s"}}"#, 400,
             "Invalid check: TTL must be not be set for Alias checks"),
            ("agent/service/register", #"{"Name":"a","Check":{"ScriptArgs":["true"],"Interval":"5s"}}"#, 500,
             "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true"),
            ("agent/service/register", #"{"Name":"a","Check":{"UDP":"h:1","Interval":"5s"}}"#, 400,
             "Invalid check: UDP checks are not run by Rollcall"),
            ("agent/service/register",
             #"{"Name":"a","Check":{"DockerContainerID":"c","ScriptArgs":["true"],"Interval":"5s"}}"#, 400,
             "Invalid check: Docker checks are not run by Rollcall"),
            ("agent/service/deregister/ghost", "", 404,
             "Unknown service ID \"ghost\". Ensure that the service ID is passed, not the service name."),
            ("agent/check/register", #"{"Name":"a","TTL":"5s","Status":"fine"}"#, 400, "Bad check status"),
            ("agent/check/pass/ghost", "", 404,
             "Unknown check ID \"ghost\". Ensure that the check ID is passed, not the check name."),
            ("catalog/register", #"{"Node":"n","Address":"a","Service":{"ID":"x"}}"#, 500,
             "Must provide service name (Service.Service) when service ID is provided"),
            ("catalog/register", #"{"Node":"n","Address":"a","ID":"x"}"#, 500, "Bad node ID: uuid string is wrong length"),
            ("catalog/register", #"{"Node":"n","Address":"a","Datacenter":"dc2"}"#, 500, "No path to datacenter"),
            ("catalog/deregister", "{}", 500, "Must provide node"),
            ("acl/token", "{}", 401, "ACL support disabled"),
            ("config", "{}", 501,
             "Rollcall does not have this part of Consul: configuration entries of the service mesh"),
        ]
        try await RunningServer.run { server in
            for (path, body, status, text) in cases {
                let reply = try await server.request("PUT", "/v1/\(path)", body)
                #expect(reply.status == status, "\(path) \(body)")
                #expect(reply.body == text, "\(path) \(body)")
            }
            #expect(server.registry.catalog.counts.instances == 0)
        }
    }

    @Test("scripts are run where the server's configuration allows commands")
    func scripts() async throws {
        var configuration = ServerConfiguration()
        configuration.health.runsCommands = true
        try await RunningServer.run(configuration) { server in
            let body = #"{"Name":"a","Check":{"Args":["sh","-c","echo so so; exit 1"],"Interval":"5s"}}"#
            #expect(try await server.request("PUT", "/v1/agent/service/register", body).status == 200)
            server.clock.advance(by: .seconds(1.2))
            var check: HealthCheck?
            while check?.status != .warning {
                // A command takes real time.
                try await Task.sleep(for: .milliseconds(2))
                check = server.registry.catalog.snapshot(of: "a").instances.first?.checks.first
            }
            #expect(check?.output == "so so\n")
        }
    }

    @Test("the native API goes on refusing an instance without a port, with whatever else is wrong")
    func nativePort() async throws {
        try await RunningServer.run { server in
            let refused = try await server.request(
                "PUT", "/api/v1/services/web/instances/a", #"{"host":"h h","port":0}"#)
            #expect(refused.status == 422)
            #expect(refused.json["faults"]?.arrayValue?.map { $0["field"]?.stringValue } == ["host", "port"])
            #expect(try await server.request("PUT", "/v1/agent/service/register", #"{"Name":"web"}"#).status == 200)
            let found = try await server.request("GET", "/api/v1/services/web/instances/web").json
            #expect(found["port"]?.intValue == 0)
            #expect(found["endpoint"]?.stringValue == "http://127.0.0.1")
        }
    }
}
