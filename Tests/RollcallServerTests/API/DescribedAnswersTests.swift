// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("The description of the native API", .timeLimit(.minutes(2)))
struct DescribedAnswersTests {
    private let check: SchemaCheck

    init() throws {
        check = SchemaCheck(document: try JSONValue.parse(Array(OpenAPIDocument.text.utf8)))
    }

    /// One question for each route and status, in an order in which they make sense.
    private static let exchanges: [(route: NativeRoute, target: String, body: String?, status: Int)] = {
        let instance = "/api/v1/services/web/instances/web-1"
        let full = """
            {"host": "h", "port": 1, "ports": {"a": 2}, "healthCheck": "/h", "tags": ["t"], "metadata": {"k": "v"},
            "zone": "z", "region": "r", "node": "n", "version": "1", "lease": {"ttlSeconds": 20}}
            """
        return [
            (.resolve, "/api/v1/services/web/resolve", nil, 404),
            (.register, instance, full, 201), (.register, instance, full, 200),
            (.register, instance, #"{"host": ""}"#, 422), (.register, instance, "x", 400),
            (.register, "\(instance)?incarnation=0", full, 409),
            (.register, instance, #"{"host": "h", "port": 1, "lease": {"kind": "connection"}}"#, 501),
            (.reportCheck, "\(instance)/checks/disk", #"{"status": "warning", "output": "full"}"#, 200),
            (.setState, "\(instance)/state", #"{"desired": "draining", "until": "2027-01-01T00:00:00Z"}"#, 200),
            (.resolve, "/api/v1/services/web/resolve", nil, 503),
            (.readService, "/api/v1/services/web", nil, 200), (.readService, "/api/v1/services/web?x=1", nil, 400),
            (.setState, "\(instance)/state", #"{"desired": "enabled"}"#, 200),
            (.setReadiness, "\(instance)/readiness", #"{"readiness": "ready"}"#, 200),
            (.removeCheck, "\(instance)/checks/disk", nil, 200),
            (.resolve, "/api/v1/services/web/resolve", nil, 200),
            (.listServices, "/api/v1/services", nil, 200), (.readInstance, instance, nil, 200),
            (.readInstance, "\(instance)0", nil, 404), (.heartbeat, "\(instance)/heartbeat", nil, 204),
            (.heartbeat, "\(instance)0/heartbeat", nil, 404),
            (.heartbeat, "\(instance)/heartbeat?incarnation=0", nil, 409),
            (
                .heartbeats, "/api/v1/heartbeats",
                #"{"heartbeats": [{"service": "a", "id": "x"}, {"service": "web", "id": "web-1", "incarnation": 0}]}"#,
                200
            ),
            (.deregister, "\(instance)?incarnation=0", nil, 409), (.deregister, instance, nil, 204),
            (.deregister, instance, nil, 404), (.setState, "\(instance)/state", #"{"desired": "enabled"}"#, 404),
            (.readBrake, "/api/v1/brake", nil, 200), (.releaseBrake, "/api/v1/brake/release", nil, 204),
            (.releaseBrake, "/api/v1/brake/release?service=web", nil, 404),
            (.openAPI, "/api/openapi.json", nil, 200), (.live, "/health/live", nil, 200),
            (.ready, "/health/ready", nil, 200), (.metrics, "/metrics", nil, 200),
        ]
    }()

    @Test("is true: every answer has a status, a type and a shape that it names")
    func answers() async throws {
        try await RunningServer.run { [check] (server) async throws in
            var answered: Set<NativeRoute> = [.watch]
            for (route, target, body, status) in Self.exchanges {
                let what = "\(route.name) \(target)"
                let method = String(route.name.prefix { $0 != " " })
                let reply = try await server.request(method, target, body)
                #expect(reply.status == status, "\(what): \(reply.body)")
                if status < 300 { answered.insert(route) }
                let operation = try #require(check.document["paths"]?[route.path]?[method.lowercased()], "\(what)")
                let response = try #require(
                    resolved(operation["responses"]?[String(status)], check), "\(what): \(status) is not described")
                let type = reply.headers["content-type"].map { String($0.prefix { $0 != ";" }) }
                #expect(response["content"]?.objectValue?.map(\.key) == type.map { [$0] }, "\(what)")
                if let type, type.hasSuffix("json"), let schema = response["content"]?[type]?["schema"] {
                    #expect(check.faults(reply.json, schema, isComplete: true) == [], "\(what): \(reply.body)")
                }
                if let body, status < 300 {
                    let schema = try #require(operation["requestBody"]?["content"]?["application/json"]?["schema"])
                    let value = try JSONValue.parse(Array(body.utf8))
                    #expect(check.faults(value, schema, isComplete: false) == [], "\(what): \(body)")
                }
            }
            #expect(answered == Set(NativeRoute.allCases))
        }
    }

    private func resolved(_ value: JSONValue?, _ check: SchemaCheck) -> JSONValue? {
        guard let reference = value?["$ref"]?.stringValue else { return value }
        return check.target(reference)
    }

    @Test("has examples that are right")
    func examples() throws {
        var count = 0
        for schema in check.document["components"]?["schemas"]?.objectValue ?? [] {
            for example in schema.value["examples"]?.arrayValue ?? [] {
                count += 1
                #expect(check.faults(example, schema.value, isComplete: true) == [], "\(schema.key)")
            }
        }
        #expect(count >= 8)
    }

    @Test("has a check of schemas that finds what is wrong")
    func schemaCheck() {
        let schema = check.document["components"]?["schemas"]?["Registration"] ?? .null
        func faults(_ text: String) -> [String] {
            check.faults((try? JSONValue.parse(Array(text.utf8))) ?? .null, schema, isComplete: true)
        }
        #expect(faults(#"{"host": "h", "port": 1}"#) == [])
        for wrong in [
            "[]", "{}", #"{"host": "h"}"#, #"{"host": 1, "port": 1}"#, #"{"host": "h", "port": 0}"#,
            #"{"host": "h", "port": 65536}"#, #"{"host": "h", "port": 1, "prot": 1}"#,
            #"{"host": "h", "port": 1, "tags": ["a", "a"]}"#, #"{"host": "h", "port": 1, "ports": {"a": "b"}}"#,
            #"{"host": "h", "port": 1, "readiness": "x"}"#, #"{"host": "h", "port": 1, "changedAt": "today"}"#,
        ] {
            #expect(faults(wrong) != [], "\(wrong)")
        }
    }
}
