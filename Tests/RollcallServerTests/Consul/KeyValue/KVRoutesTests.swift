// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("Consul's KV store over HTTP", .timeLimit(.minutes(1)))
struct KVRoutesTests {
    private static let indexHeaders = [
        "x-consul-knownleader": "true", "x-consul-lastcontact": "0", "x-consul-query-backend": "blocking-query",
    ]

    private func index(_ reply: RunningServer.Reply) -> UInt64 { UInt64(reply.headers["x-consul-index"] ?? "") ?? 0 }

    @Test("stores, lists and deletes entries, with headers on every read")
    func entries() async throws {
        try await RunningServer.run { server in
            let missing = try await server.request("GET", "/v1/kv/none")
            #expect(missing.status == 404 && missing.body.isEmpty)
            for (name, value) in Self.indexHeaders { #expect(missing.headers[name] == value) }
            #expect(index(missing) > 0)
            #expect(missing.headers["x-consul-effective-consistency"] == nil)

            for (path, body) in [("app/a?flags=18446744073709551615", "hello"), ("app/b%2Fc", "x"), ("app/empty", "")] {
                let put = try await server.request("PUT", "/v1/kv/\(path)", body)
                #expect(put.line == "true" && put.headers["content-type"] == "application/json")
            }
            let one = try await server.request("GET", "/v1/kv/app/a")
            let entry = one.json[0]
            #expect(index(one) == UInt64(clamping: entry?["ModifyIndex"]?.intValue ?? 0))
            #expect(one.body.contains(#""Flags":18446744073709551615,"Value":"aGVsbG8=""#))
            #expect(entry?["Session"] == nil)
            let raw = try await server.request("GET", "/v1/kv/app/a?raw")
            #expect(raw.line == "hello" && raw.headers["content-type"] == "text/plain")
            #expect(raw.headers["x-content-type-options"] == "nosniff")
            let empty = try await server.request("GET", "/v1/kv/app/empty")
            #expect(empty.json[0]?["Value"] == .null)

            let all = try await server.request("GET", "/v1/kv/app?recurse")
            let keys = all.json.arrayValue?.map { $0["Key"]?.stringValue }
            #expect(keys == ["app/a", "app/b/c", "app/empty"])
            for separator in ["separator", "seperator"] {
                let cut = try await server.request("GET", "/v1/kv/app/?keys&\(separator)=/")
                #expect(cut.line == #"["app/a","app/b/","app/empty"]"#)
            }
            #expect(try await server.request("GET", "/v1/kv/zzz?keys").status == 404)
            #expect(try await server.request("GET", "/v1/kv/zzz?recurse").status == 404)

            let current = entry?["ModifyIndex"]?.intValue ?? 0
            #expect(try await server.request("PUT", "/v1/kv/app/a?cas=\(current)", "new").line == "true")
            #expect(try await server.request("PUT", "/v1/kv/app/a?cas=\(current)", "newer").line == "false")
            #expect(try await server.request("DELETE", "/v1/kv/app/a?cas=\(current)").line == "false")
            #expect(try await server.request("DELETE", "/v1/kv/app/none?cas=1").line == "true")
            #expect(try await server.request("DELETE", "/v1/kv/app?recurse").line == "true")
            let none = try await server.request("GET", "/v1/kv/?keys")
            #expect(none.status == 200 && none.line == "[]")
            #expect(index(none) > index(all))
        }
    }

    @Test("refuses what makes no sense in Consul's words", arguments: [
        ("PUT", "/v1/kv/", "", 400, "Missing key name"), ("GET", "/v1/kv/", "", 400, "Missing key name"),
        ("DELETE", "/v1/kv/", "", 400, "Missing key name"),
        ("PUT", "/v1/kv/a?cas=x", "", 500, #"strconv.ParseUint: parsing "x": invalid syntax"#),
        ("PUT", "/v1/kv/a?flags=18446744073709551616", "", 500,
            #"strconv.ParseUint: parsing "18446744073709551616": value out of range"#),
        ("PUT", "/v1/kv/a?cas=1&acquire=s", "", 400, "Conflicting flags: cas=1&acquire=s\n"),
        ("DELETE", "/v1/kv/a?recurse&cas=1", "", 400, "Conflicting flags: recurse&cas=1\n"),
        ("PUT", "/v1/kv/a?acquire=nope", "", 500, #"invalid session "nope""#),
        ("POST", "/v1/kv/a", "", 405, "method POST not allowed"),
        ("GET", "/v1/kv/a?index=-1", "", 400, "Invalid index"),
        ("PUT", "/v1/session/destroy/", "", 400, "Missing session"),
        ("GET", "/v1/session/node/", "", 400, "Missing node name"),
        ("PUT", "/v1/session/renew/x", "", 404, "Session id 'x' not found"),
        ("PUT", "/v1/session/create", #"{"LockDelay":"x"}"#, 400,
            #"Request decode failed: time: invalid duration "x""#),
        ("PUT", "/v1/session/create", #"{"Node":"ghost"}"#, 500, "Missing node registration"),
        ("PUT", "/v1/session/create", #"{"NodeChecks":["ghost"]}"#, 500, "Missing check 'ghost' registration"),
        ("PUT", "/v1/session/create", #"{"TTL":"1s"}"#, 500,
            "Invalid Session TTL '1000000000', must be between [10s=24h0m0s]"),
        ("PUT", "/v1/txn", "", 400, "Failed to parse body: EOF"),
        ("PUT", "/v1/txn", #"[{"Node":{"Verb":"get"}},{"KV":{"Verb":"get","Key":"a"}}]"#, 501,
            "a transaction over both KV entries and nodes, services or checks is not available here: "
                + "send one for each"),
        ("PUT", "/v1/event/fire/", "", 400, "Missing name"),
        ("POST", "/v1/query", "{}", 500, "Invalid prepared query: Must be bound to a session"),
        ("GET", "/v1/query/none/execute", "", 404, "Query not found"),
        ("PUT", "/v1/query/none/execute", "", 405, "method PUT not allowed"),
        ("DELETE", "/v1/query/none", "", 500, "Cannot modify non-existent prepared query: 'none'"),
    ])
    func refusals(_ method: String, _ path: String, _ body: String, _ status: Int, _ text: String) async throws {
        try await RunningServer.run { server in
            let reply = try await server.request(method, path, body)
            #expect(reply.status == status && reply.body == text)
            #expect(reply.headers["content-type"] == "text/plain; charset=utf-8")
        }
    }

    @Test("refuses a value that is too long, and too many operations")
    func limits() async throws {
        try await RunningServer.run { server in
            let long = String(repeating: "v", count: 512 * 1024)
            #expect(try await server.request("PUT", "/v1/kv/a", long).line == "true")
            let refused = try await server.request("PUT", "/v1/kv/a", long + "v")
            #expect(refused.status == 413)
            #expect(refused.body.hasPrefix("Request body(524289 bytes) too large, max size: 524288 bytes."))
            let operations = Array(repeating: #"{"KV":{"Verb":"get","Key":"a"}}"#, count: 129).joined(separator: ",")
            let many = try await server.request("PUT", "/v1/txn", "[\(operations)]")
            #expect(many.status == 413 && many.line == "Transaction contains too many operations (129 > 128)")
        }
    }

    @Test("answers a blocking read when its key or prefix changes, and not for another one")
    func blocking() async throws {
        try await RunningServer.run { server in
            let missing = index(try await server.request("GET", "/v1/kv/a/one"))
            let under = index(try await server.request("GET", "/v1/kv/b/?recurse"))
            async let one = server.request("GET", "/v1/kv/a/one?index=\(missing)&wait=60s")
            async let prefix = server.request("GET", "/v1/kv/b/?recurse&index=\(under)&wait=60s")
            async let keys = server.request("GET", "/v1/kv/b/?keys&index=\(under)&wait=60s")
            _ = try await server.request("PUT", "/v1/kv/a/other", "1")
            _ = try await server.request("PUT", "/v1/kv/b/x", "2")
            let (changed, listed) = try await (prefix, keys)
            #expect(changed.json.arrayValue?.count == 1 && index(changed) > under)
            #expect(listed.line == #"["b/x"]"#)
            _ = try await server.request("PUT", "/v1/kv/a/one", "3")
            let answer = try await one
            #expect(answer.status == 200 && index(answer) > index(changed))

            // A deletion is a change, too.
            async let gone = server.request("GET", "/v1/kv/a/one?index=\(index(answer))&wait=60s")
            _ = try await server.request("DELETE", "/v1/kv/a/one")
            let deleted = try await gone
            #expect(deleted.status == 404 && index(deleted) > index(answer))

            // The time being up, the answer is what it was.
            let late = try await server.request("GET", "/v1/kv/b/x?index=\(index(changed))&wait=10ms")
            #expect(late.status == 200 && index(late) == index(changed))
        }
    }

    @Test("performs transactions as a whole, and tells what failed")
    func transactions() async throws {
        try await RunningServer.run { server in
            let body =
                #"[{"kv":{"verb":"set","key":"t/1","value":"b25l","Flags":3}},{"KV":{"Verb":"get","Key":"t/1"}}]"#
            let done = try await server.request("PUT", "/v1/txn", body)
            #expect(done.status == 200 && done.json["Errors"] == .null)
            let rows = done.json["Results"]?.arrayValue?.map { $0["KV"] }
            #expect(rows?.map { $0?["Value"] } == [.null, .string("b25l")])
            #expect(done.json["Index"] == nil)
            #expect(done.headers["x-consul-knownleader"] == nil)

            let failing = #"[{"KV":{"Verb":"set","Key":"t/2"}},{"KV":{"Verb":"check-not-exists","Key":"t/1"}}]"#
            let failed = try await server.request("PUT", "/v1/txn", failing)
            #expect(failed.status == 409 && failed.headers["content-type"] == "application/json")
            #expect(failed.line == #"{"Results":null,"Errors":[{"OpIndex":1,"What":"key \"t/1\" exists"}]}"#)
            #expect(try await server.request("GET", "/v1/kv/t/2").status == 404)

            let read = try await server.request("PUT", "/v1/txn", #"[{"KV":{"Verb":"get-tree","Key":"t/"}}]"#)
            #expect(read.json["Results"]?.arrayValue?.count == 1 && read.json["KnownLeader"] == .bool(true))
            #expect(read.headers["x-consul-knownleader"] == "true" && read.headers["x-consul-index"] == nil)
            let unknown = try await server.request("PUT", "/v1/txn", #"[{"KV":{"Verb":"fly","Key":"t/1"}}]"#)
            #expect(unknown.status == 409)
            #expect(unknown.json["Errors"]?[0]?["What"] == .string(#"unknown KV verb "fly""#))
        }
    }
}
