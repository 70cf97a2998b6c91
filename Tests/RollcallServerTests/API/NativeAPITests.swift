// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("The native API", .timeLimit(.minutes(2)))
struct NativeAPITests {
    static let web = "/api/v1/services/web"
    static let instance = "/api/v1/services/web/instances/web-1"
    static let body = #"{"host": "10.0.0.1", "port": 8080}"#

    @Test("an instance is registered, found, updated and removed")
    func wholeLife() async throws {
        try await RunningServer.run { (server) async throws in
            let created = try await server.request("PUT", Self.instance, Self.body)
            #expect(created.status == 201)
            #expect(created.json["status"] == .string("up"))
            #expect(created.json["endpoint"] == .string("http://10.0.0.1:8080"))
            let updated = try await server.request("PUT", Self.instance, #"{"host": "10.0.0.2", "port": 8080}"#)
            #expect(updated.status == 200)
            #expect(updated.json["incarnation"] == created.json["incarnation"])

            let found = try await server.request("GET", Self.instance)
            #expect(found.status == 200)
            #expect(found.body == updated.body)
            let list = try await server.request("GET", Self.web)
            #expect(list.json["instances"]?.arrayValue?.count == 1)
            #expect(list.json["instances"]?[0] == found.json)
            let services = try await server.request("GET", "/api/v1/services")
            #expect(services.json["services"]?[0]?["instances"]?.intValue == 1)

            #expect(try await server.request("DELETE", Self.instance).status == 204)
            #expect(try await server.request("DELETE", Self.instance).problem == "unknown-instance")
            #expect(try await server.request("GET", Self.instance).status == 404)
            #expect(try await server.request("GET", Self.web).json["instances"]?.arrayValue?.count == 0)
        }
    }

    @Test("what was read can be edited and sent back")
    func editedAnswer() async throws {
        try await RunningServer.run { (server) async throws in
            let text = #"{"host": "h", "port": 1, "tags": ["a"], "metadata": {"k": "v"}, "zone": "z"}"#
            let created = try await server.request("PUT", Self.instance, text)
            let again = try await server.request("PUT", Self.instance, created.body)
            #expect(again.status == 200)
            #expect(again.body == created.body)
        }
    }

    @Test("a list is filtered, on the event loop and on the route alike")
    func filters() async throws {
        try await RunningServer.run { (server) async throws in
            let bodies = [
                #"{"host": "h", "port": 1, "tags": ["a", "b"], "zone": "z1", "region": "r", "metadata": {"team": "x y"}}"#,
                #"{"host": "h", "port": 2, "tags": ["a"], "zone": "z2"}"#,
                #"{"host": "h", "port": 3, "readiness": "starting"}"#,
            ]
            for (number, body) in bodies.enumerated() {
                #expect(try await server.request("PUT", "\(Self.web)/instances/\(number)", body).status == 201)
            }
            func ids(_ query: String) async throws -> [String] {
                let reply = try await server.request("GET", Self.web + query)
                return reply.json["instances"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? ["?"]
            }
            let cases: [(String, [String])] = [
                ("", ["0", "1", "2"]), ("?healthy=true", ["0", "1"]), ("?healthy=false", ["0", "1", "2"]),
                ("?tag=a", ["0", "1"]), ("?tag=a&tag=b", ["0"]), ("?zone=z2", ["1"]), ("?region=r", ["0"]),
                ("?metadata.team=x+y", ["0"]), ("?metadata.team=x%20y&healthy=true", ["0"]), ("?zone=none", []),
            ]
            for (query, expected) in cases {
                let found = try await ids(query)
                #expect(found == expected, "\(query)")
            }
            // The fast path and the route give the same bytes for the same question.
            let fast = try await server.request("GET", "\(Self.web)?healthy=true")
            let ordinary = try await server.request("GET", "/api/v1/services/w%65b?healthy=true")
            #expect(fast.body == ordinary.body)
            #expect(fast.headers["etag"] == ordinary.headers["etag"])
            #expect(fast.headers["content-type"] == ordinary.headers["content-type"])
            #expect(try await server.request("GET", "\(Self.web)?helthy=true").problem == "malformed")
            #expect(try await server.request("GET", "\(Self.web)?healthy=maybe").problem == "malformed")
        }
    }

    @Test("a long list arrives whole, also when it is asked for several times at once")
    func longList() async throws {
        try await RunningServer.run { (server) async throws in
            for number in 0 ..< 300 {
                let registration = Registration(
                    service: "web", id: InstanceID("\(number)"), host: "10.0.0.1", port: 80,
                    metadata: ["text": String(repeating: "x", count: 1000)])
                try await server.registry.register(registration)
            }
            let list = try await server.request("GET", Self.web)
            #expect(list.json["instances"]?.arrayValue?.count == 300)
            let line = "GET \(Self.web) HTTP/1.1\r\nhost: x\r\n\r\n"
            let replies = try await RawConnection.exchange(line + line, port: server.port)
            #expect(replies.count > list.body.count * 2)
        }
    }

    @Test("a list that did not change is not sent again")
    func entityTags() async throws {
        try await RunningServer.run { (server) async throws in
            _ = try await server.request("PUT", Self.instance, Self.body)
            for target in [Self.web, "\(Self.web)?zone=", "\(Self.web)?healthy=true"] {
                let first = try await server.request("GET", target)
                let tag = try #require(first.headers["etag"])
                let second = try await server.request("GET", target, headers: ["if-none-match": tag])
                #expect(second.status == 304, "\(target)")
                #expect(second.body.isEmpty)
                let third = try await server.request("GET", target, headers: ["if-none-match": "\"0\""])
                #expect(third.status == 200)
            }
        }
    }

    @Test("heartbeats renew, bring back, and say what is wrong, one by one and many at once")
    func heartbeats() async throws {
        try await RunningServer.run { (server) async throws in
            let created = try await server.request("PUT", Self.instance, Self.body)
            let incarnation = try #require(created.json["incarnation"]?.intValue)
            let beat = "\(Self.instance)/heartbeat"
            #expect(try await server.request("PUT", beat).status == 204)
            #expect(try await server.request("PUT", "\(beat)?incarnation=\(incarnation)").status == 204)
            let fenced = try await server.request("PUT", "\(beat)?incarnation=\(incarnation + 7)")
            #expect(fenced.problem == "fenced")
            #expect(fenced.status == 409)
            #expect(fenced.json["currentIncarnation"]?.intValue == incarnation)
            #expect(
                try await server.request("PUT", "\(Self.web)/instances/ghost/heartbeat").problem == "unknown-instance")
            #expect(try await server.request("PUT", "\(beat)?incarnation=x").problem == "malformed")

            let many = """
                {"heartbeats": [{"service": "web", "id": "web-1"}, {"service": "web", "id": "ghost"},
                {"service": "web", "id": "web-1", "incarnation": \(incarnation + 1)}]}
                """
            let outcomes = try await server.request("POST", "/api/v1/heartbeats", many)
            #expect(outcomes.status == 200)
            #expect(
                outcomes.body
                    == #"{"renewed":1,"refused":[{"index":1,"outcome":"unknown"},"#
                    + #"{"index":2,"outcome":"fenced","currentIncarnation":\#(incarnation)}]}"#)

            // Down by its lease: both forms bring it back, and the answer comes when that can be seen.
            for (method, target, body) in [("PUT", beat, nil), ("POST", "/api/v1/heartbeats", many)] {
                var mirror = WatchMirror(server.registry.watch(.service("web")))
                server.clock.advance(by: .seconds(31))
                try await mirror.read { $0.instances.values.first?.status == .down }
                #expect(try await server.request(method, target, body).status < 300)
                #expect(try await server.request("GET", Self.instance).json["status"] == .string("up"))
            }
        }
    }

    @Test("an operator's word, readiness and checks change the status")
    func states() async throws {
        try await RunningServer.run { (server) async throws in
            _ = try await server.request("PUT", Self.instance, Self.body)
            func status(_ method: String, _ part: String, _ body: String?) async throws -> String? {
                try await server.request(method, "\(Self.instance)/\(part)", body).json["status"]?.stringValue
            }
            let steps: [(String, String, String?, String)] = [
                ("PUT", "state", #"{"desired": "draining", "reason": "moving"}"#, "draining"),
                ("PUT", "state", #"{"desired": "maintenance"}"#, "outOfService"),
                ("PUT", "state", #"{"desired": "enabled"}"#, "up"),
                ("PUT", "readiness", #"{"readiness": "starting"}"#, "starting"),
                ("PUT", "readiness", #"{"readiness": "ready"}"#, "up"),
                ("PUT", "checks/disk", #"{"status": "warning", "output": "90 %"}"#, "warning"),
                ("PUT", "checks/disk", #"{"status": "critical"}"#, "down"),
                ("DELETE", "checks/disk", nil, "up"),
            ]
            for (method, part, body, expected) in steps {
                let found = try await status(method, part, body)
                #expect(found == expected, "\(method) \(part) \(body ?? "")")
            }
            let wrong = try await server.request("PUT", "\(Self.instance)/state", #"{"desired": "gone"}"#)
            #expect(wrong.problem == "malformed")
        }
    }

    @Test("resolve alternates, respects filters, and says why there is nobody")
    func resolve() async throws {
        try await RunningServer.run { (server) async throws in
            let resolve = "\(Self.web)/resolve"
            #expect(try await server.request("GET", resolve).status == 404)
            for id in ["a", "b"] {
                _ = try await server.request("PUT", "\(Self.web)/instances/\(id)", Self.body)
            }
            var seen: [String] = []
            for _ in 0 ..< 4 {
                seen.append(try await server.request("GET", resolve).json["id"]?.stringValue ?? "?")
            }
            #expect(seen == ["a", "b", "a", "b"] || seen == ["b", "a", "b", "a"])
            #expect(try await server.request("GET", "\(resolve)?policy=random").status == 200)
            #expect(try await server.request("GET", "\(resolve)?policy=best").problem == "malformed")
            #expect(try await server.request("GET", "\(resolve)?tag=x").status == 404)
            for id in ["a", "b"] {
                let state = #"{"desired": "maintenance", "reason": "x"}"#
                _ = try await server.request("PUT", "\(Self.web)/instances/\(id)/state", state)
            }
            let none = try await server.request("GET", resolve)
            #expect(none.status == 503)
            #expect(none.json["detail"]?.stringValue?.contains("2 outOfService") == true)
        }
    }

    @Test("resolve chooses the same instance for the same key by the policies that hash", arguments: [
        BalancingPolicy.ringHash, .maglev, .boundedLoad,
    ])
    func resolveByKey(policy: BalancingPolicy) async throws {
        try await RunningServer.run { (server) async throws in
            for id in ["a", "b", "c"] {
                _ = try await server.request("PUT", "\(Self.web)/instances/\(id)", Self.body)
            }
            func chosen(_ key: Int) async throws -> String {
                let target = "\(Self.web)/resolve?policy=\(policy.rawValue)&key=user-\(key)"
                return try await server.request("GET", target).json["id"]?.stringValue ?? "?"
            }
            var owners: [String] = []
            for key in 0 ..< 30 {
                owners.append(try await chosen(key))
                #expect(try await chosen(key) == owners[key])
            }
            #expect(Set(owners) == ["a", "b", "c"])
            let gone = owners[0]
            #expect(try await server.request("DELETE", "\(Self.web)/instances/\(gone)").status == 204)
            #expect(try await chosen(0) != gone)
        }
    }

    @Test("resolve takes every policy, and follows weights and changes", arguments: BalancingPolicy.allCases)
    func resolvePolicies(policy: BalancingPolicy) async throws {
        try await RunningServer.run { (server) async throws in
            let resolve = "\(Self.web)/resolve?policy=\(policy.rawValue)"
            for (id, weight) in [("a", 1), ("b", 3), ("none", 0)] {
                let body = #"{"host": "h", "port": 1, "weight": \#(weight)}"#
                _ = try await server.request("PUT", "\(Self.web)/instances/\(id)", body)
            }
            var counts: [String: Int] = [:]
            for _ in 0 ..< 40 {
                counts[try await server.request("GET", resolve).json["id"]?.stringValue ?? "?", default: 0] += 1
            }
            #expect(Set(counts.keys).isSubset(of: ["a", "b"]))
            if policy == .weightedRoundRobin { #expect(counts == ["a": 10, "b": 30]) }
            if policy == .roundRobin { #expect(counts == ["a": 20, "b": 20]) }
            let state = #"{"desired": "draining", "reason": "x"}"#
            _ = try await server.request("PUT", "\(Self.web)/instances/b/state", state)
            for _ in 0 ..< 5 { #expect(try await server.request("GET", resolve).json["id"]?.stringValue == "a") }
        }
    }

    @Test("the OpenAPI document names every policy of resolve")
    func describedPolicies() throws {
        let document = try JSONValue.parse(Array(OpenAPIDocument.text.utf8))
        let operation = document["paths"]?["/api/v1/services/{service}/resolve"]?["get"]
        let policy = operation?["parameters"]?.arrayValue?.first { $0["name"] == .string("policy") }
        let names = policy?["schema"]?["enum"]?.arrayValue?.compactMap(\.stringValue)
        #expect(names.map(Set.init) == Set(BalancingPolicy.allCases.map(\.rawValue)))
    }

    @Test("a registration that is wrong is refused with what is wrong, and changes nothing")
    func wrongRegistrations() async throws {
        try await RunningServer.run { (server) async throws in
            let cases: [(body: String, status: Int, problem: String, text: String)] = [
                ("", 400, "malformed", "body"),
                ("{", 400, "malformed", "body"),
                ("[]", 400, "malformed", "object"),
                (#"{"host": "h", "port": 1} x"#, 400, "malformed", "body"),
                (#"{"host": "h", "port": 70000}"#, 400, "malformed", "port"),
                (#"{"host": "h", "prot": 1, "port": 1}"#, 422, "invalid", "prot"),
                (#"{"port": 1}"#, 422, "invalid", "host"),
                (#"{"host": "h", "port": 0}"#, 422, "invalid", "port"),
                (#"{"host": "h", "port": 1, "id": "other"}"#, 422, "invalid", "web/other"),
                (#"{"host": "h", "port": 1, "tags": ["x", "x"]}"#, 422, "invalid", "tags"),
                (#"{"host": "h", "port": 1, "lease": {"ttlSeconds": 0.01}}"#, 422, "invalid", "ttlSeconds"),
                (#"{"host": "h", "port": 1, "lease": {"kind": "connection"}}"#, 501, "unsupported", "connection"),
            ]
            for (body, status, problem, text) in cases {
                let reply = try await server.request("PUT", Self.instance, body)
                #expect(reply.status == status, "\(body): \(reply.body)")
                #expect(reply.problem == problem, "\(body)")
                #expect(reply.body.contains(text), "\(body): \(reply.body)")
            }
            let large = #"{"host": "h", "port": 1, "node": ""# + String(repeating: "x", count: 70_000) + #""}"#
            #expect(try await server.request("PUT", Self.instance, large).status == 413)
            #expect(try await server.request("PUT", "\(Self.instance)?lief=new", Self.body).problem == "malformed")
            #expect(try await server.request("PUT", "\(Self.instance)?life=old", Self.body).problem == "malformed")
            #expect(server.registry.catalog.counts.instances == 0)
        }
    }

    @Test("identifiers may hold slashes and other letters")
    func identifiers() async throws {
        try await RunningServer.run { (server) async throws in
            let target = "/api/v1/services/gr%C3%BCn/instances/a%2Fb%3A80"
            #expect(try await server.request("PUT", target, Self.body).json["id"]?.stringValue == "a/b:80")
            #expect(try await server.request("PUT", "\(target)/heartbeat").status == 204)
            #expect(
                try await server.request("GET", "/api/v1/services/gr%C3%BCn").json["instances"]?.arrayValue?.count == 1)
            #expect(try await server.request("DELETE", target).status == 204)
        }
    }

    @Test("late writes of a former life are fenced")
    func fencing() async throws {
        try await RunningServer.run { (server) async throws in
            let former = try await server.request("PUT", "\(Self.instance)?life=new", Self.body).json["incarnation"]?
                .intValue
            let present = try await server.request("PUT", "\(Self.instance)?life=new", Self.body)
            #expect(present.status == 201)
            let late = try await server.request("DELETE", "\(Self.instance)?incarnation=\(former ?? 0)")
            #expect(late.status == 409)
            #expect(late.json["currentIncarnation"] == present.json["incarnation"])
        }
    }

    @Test("unknown paths and methods are told so")
    func unknownRoutes() async throws {
        try await RunningServer.run { (server) async throws in
            #expect(try await server.request("GET", "/").problem == "not-found")
            #expect(try await server.request("GET", "/api/v1/nothing").problem == "not-found")
            let wrong = try await server.request("POST", Self.instance, "{}")
            #expect(wrong.status == 405)
            #expect(wrong.headers["allow"] == "DELETE, GET, HEAD, PUT")
            #expect(try await server.request("DELETE", "/api/v1/heartbeats").headers["allow"] == "POST")
            #expect(try await server.request("POST", "/api/v1/watch").status == 405)
            let head = try await server.request("HEAD", Self.web)
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }

    @Test("health and metrics tell what happens")
    func operation() async throws {
        try await RunningServer.run { (server) async throws in
            #expect(try await server.request("GET", "/health/live").status == 200)
            #expect(try await server.request("GET", "/health/ready").status == 200)
            _ = try await server.request("PUT", Self.instance, Self.body)
            _ = try await server.request("PUT", "\(Self.instance)/heartbeat")
            _ = try await server.request("GET", Self.web)
            let page = try await server.request("GET", "/metrics")
            #expect(page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let lines = Set(page.body.split(separator: "\n"))
            for line in [
                "rollcall_registrations_total 1", "rollcall_instances 1", "rollcall_services 1",
                #"rollcall_heartbeats_total{outcome="renewed"} 1"#, #"rollcall_brake_engaged{scope="fleet"} 0"#,
                #"rollcall_http_requests_total{code="2xx",route="GET /api/v1/services/{service}"} 1"#,
                "# TYPE rollcall_http_request_duration_seconds histogram",
                "# TYPE rollcall_watch_propagation_seconds histogram",
            ] {
                #expect(lines.contains(Substring(line)), "\(line)")
            }
            #expect(try await server.request("GET", "/api/v1/brake").json["fleet"]?["engaged"] == .bool(false))
            #expect(try await server.request("POST", "/api/v1/brake/release").status == 204)
        }
    }

    @Test("the brake is not released for a service that is not there")
    func releaseOfUnknown() async throws {
        try await RunningServer.run { (server) async throws in
            _ = try await server.request("PUT", "/api/v1/services/web/instances/a", #"{"host": "h", "port": 1}"#)
            #expect(try await server.request("POST", "/api/v1/brake/release?service=WEB").status == 204)
            let unknown = try await server.request("POST", "/api/v1/brake/release?service=wbe")
            #expect(unknown.status == 404)
            #expect(unknown.problem == "unknown-instance")
            #expect(unknown.json["detail"]?.stringValue?.contains("\"wbe\"") == true)
        }
    }

    @Test("a registration that names no time of its lease gets the server's, one that names one keeps the proportion")
    func defaultLease() async throws {
        var configuration = ServerConfiguration()
        configuration.defaultLease = LeaseTerms(ttl: .seconds(7), evictAfter: .seconds(50))
        try await RunningServer.run(configuration) { (server) async throws in
            func times(_ lease: String) async throws -> [Int64?] {
                let reply = try await server.request(
                    "PUT", "/api/v1/services/web/instances/a", #"{"host": "h", "port": 1\#(lease)}"#)
                let terms = reply.json["lease"]
                return [terms?["ttlSeconds"]?.intValue, terms?["evictAfterSeconds"]?.intValue]
            }
            #expect(try await times("") == [7, 50])
            #expect(try await times(#", "lease": {}"#) == [7, 50])
            #expect(try await times(#", "lease": {"ttlSeconds": 10}"#) == [10, 30])
            #expect(try await times(#", "lease": {"evictAfterSeconds": 60}"#) == [20, 60])
            #expect(try await times(#", "lease": {"kind": "none"}"#) == [nil, nil])
        }
    }

    @Test("watches are counted with their route when they begin, and when they are refused")
    func watchMetrics() async throws {
        var configuration = ServerConfiguration()
        configuration.watches.streamCountMax = 1
        try await RunningServer.run(configuration) { (server) async throws in
            let reader = try await EventReader.open(server, "?service=web")
            #expect(try await server.request("GET", "/api/v1/watch").status == 503)
            #expect(try await server.request("GET", "/api/v1/watch?from=x").status == 400)
            let page = try await server.request("GET", "/metrics").body
            for (code, count) in [("2xx", 1), ("4xx", 1), ("5xx", 1)] {
                let line = "rollcall_http_requests_total{code=\"\(code)\",route=\"GET /api/v1/watch\"} \(count)\n"
                #expect(page.contains(line), "\(line)")
            }
            withExtendedLifetime(reader) {}
        }
    }

    @Test("the OpenAPI document names every route and parameter, and nothing else")
    func openAPI() throws {
        let document = try JSONValue.parse(Array(OpenAPIDocument.text.utf8))
        let paths = try #require(document["paths"]?.objectValue)
        let methods: Set<String> = ["get", "put", "post", "delete"]
        var described: Set<String> = []
        for path in paths {
            let shared = parameters(path.value["parameters"], in: document)
            for operation in path.value.objectValue ?? [] where methods.contains(operation.key) {
                let name = "\(operation.key.uppercased()) \(path.key)"
                described.insert(name)
                let route = NativeRoute.allCases.first { $0.name == name }
                let named = shared + parameters(operation.value["parameters"], in: document)
                let query = named.filter { $0.place == "query" }.map { $0.name.replacing("KEY", with: "") }
                #expect(Set(query) == Set(route?.queryParameters ?? ["?"]), "\(name)")
                let inPath = Set(named.filter { $0.place == "path" }.map { "{\($0.name)}" })
                let expected = Set(path.key.split(separator: "/").filter { $0.hasPrefix("{") }.map(String.init))
                #expect(inPath == expected, "\(name)")
                #expect(operation.value["responses"]?.objectValue?.isEmpty == false, "\(name)")
            }
        }
        #expect(described == Set(NativeRoute.allCases.map(\.name)))
        try everyReferenceLeadsSomewhere(document, in: document)
    }

    private func parameters(_ list: JSONValue?, in document: JSONValue) -> [(name: String, place: String)] {
        (list?.arrayValue ?? []).map { entry in
            let parameter = entry["$ref"]?.stringValue.flatMap { target($0, in: document) } ?? entry
            return (parameter["name"]?.stringValue ?? "?", parameter["in"]?.stringValue ?? "?")
        }
    }

    private func target(_ reference: String, in document: JSONValue) -> JSONValue? {
        reference.split(separator: "/").dropFirst().reduce(Optional(document)) { $0?[String($1)] }
    }

    private func everyReferenceLeadsSomewhere(_ value: JSONValue, in document: JSONValue) throws {
        for member in value.objectValue ?? [] {
            if member.key == "$ref" {
                let reference = try #require(member.value.stringValue)
                #expect(target(reference, in: document) != nil, "\(reference)")
            }
            try everyReferenceLeadsSomewhere(member.value, in: document)
        }
        for element in value.arrayValue ?? [] { try everyReferenceLeadsSomewhere(element, in: document) }
    }
}
