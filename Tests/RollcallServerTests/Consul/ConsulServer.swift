// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

/// Short hand for tests of Consul's API.
extension RunningServer {
    /// Sends a `PUT`, which has to be accepted.
    @discardableResult
    func put(_ target: String, _ body: String? = nil) async throws -> Reply {
        let reply = try await request("PUT", "/v1/\(target)", body)
        #expect(reply.status == 200, "PUT \(target) \(body ?? ""): \(reply.body)")
        return reply
    }

    func get(_ target: String) async throws -> JSONValue { try await request("GET", "/v1/\(target)").json }

    /// A check as the agent shows it.
    func agentCheck(_ id: String) async throws -> JSONValue? { try await get("agent/checks")[id] }

    /// The status and the output of a check.
    func result(_ id: String) async throws -> [String?] {
        let check = try await agentCheck(id)
        return [check?["Status"]?.stringValue, check?["Output"]?.stringValue]
    }

    /// Waits until something has come about that the server does by itself. Its time stands still.
    func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        for _ in 0 ..< 5000 {
            if try await condition() { return }
            // Asked over HTTP, as a client would: it is told of nothing.
            try await Task.sleep(for: .milliseconds(2))
        }
        Issue.record("never: \(what)")
    }
}

extension RunningServer.Reply {
    /// The body without the line feed that ends Consul's JSON.
    var line: String { body.hasSuffix("\n") ? String(body.dropLast()) : body }
}
