// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
@testable import RollcallRemote
import Testing

@Suite("Calls over several servers", .timeLimit(.minutes(1)))
struct FailoverTests {
    private static let good = #"{"service": "web", "revision": 7, "instances": []}"#

    private static func problem(_ name: String, _ status: Int, _ more: String = "") -> String {
        #"{"type": "urn:rollcall:problem:\#(name)", "title": "T", "status": \#(status), "detail": "D"\#(more)}"#
    }

    @Test("pass over a server that is dead and one that is busy, and prefer the good one from then on")
    func passOver() async throws {
        let dead = try await deadAddress()
        let busy = try await ScriptedServer { _ in
            .reply(503, Self.problem("overloaded", 503), type: "application/problem+json")
        }
        let good = try await ScriptedServer { _ in .reply(200, Self.good) }
        try await withRemote([dead, busy.address, good.address]) { registry in
            for _ in 0 ..< 3 {
                let snapshot = try await registry.lookup("web")
                #expect(snapshot.revision == Revision(7))
            }
        }
        #expect(busy.requests.count == 1)
        #expect(good.requests.count == 3)
        for server in [busy, good] { try await server.stop() }
    }

    @Test("do not wait for a server that is silent or slow when there is another")
    func slow() async throws {
        let silent = try await ScriptedServer { _ in .silence }
        let stuck = try await ScriptedServer { _ in .stuck(after: #"{"service": "web", "#) }
        let good = try await ScriptedServer { _ in .reply(200, Self.good) }
        var configuration = RemoteConfiguration.eager
        configuration.attemptTimeout = .seconds(2)
        try await withRemote([silent.address, stuck.address, good.address], configuration) { registry in
            let snapshot = try await registry.lookup("web")
            #expect(snapshot.revision == Revision(7))
        }
        #expect(!silent.requests.isEmpty)
        #expect(!stuck.requests.isEmpty)
        for server in [silent, stuck, good] { try await server.stop() }
    }

    @Test("come back to a server that was away for a moment")
    func comeBack() async throws {
        let server = try await ScriptedServer { request in
            request.number < 3 ? .cut() : .reply(200, Self.good)
        }
        try await withRemote([server.address]) { registry in
            _ = try await registry.lookup("web")
        }
        #expect(server.requests.count == 4)
        try await server.stop()
    }

    @Test("that no server answers tell what was wrong with each")
    func exhausted() async throws {
        let dead = try await deadAddress()
        let busy = try await ScriptedServer { _ in
            .reply(503, Self.problem("closed", 503), type: "application/problem+json", headers: ["retry-after": "30"])
        }
        try await withRemote([dead, busy.address]) { registry in
            let error = await failure { () throws(RegistryError) in _ = try await registry.lookup("web") }
            #expect(error?.code == .closed)
            #expect(error?.retry == .after(.seconds(30)))
            let message = error?.message ?? ""
            #expect(
                message.hasPrefix(
                    "lookup of web: no server answered: \(dead)/api/v1/services/web: connection refused; "),
                "\(message)")
            #expect(message.hasSuffix("; D"))
        }
        // The advice was beyond the time of the call: it was not asked twice.
        #expect(busy.requests.count == 1)
        try await busy.stop()
    }

    @Test("to a single dead server end with its address")
    func dead() async throws {
        let dead = try await deadAddress()
        var configuration = RemoteConfiguration.eager
        configuration.callTimeout = .seconds(2)
        try await withRemote([dead], configuration) { registry in
            let error = await failure { () throws(RegistryError) in _ = try await registry.services() }
            #expect(error?.code == .unavailable)
            #expect(error?.retry == .after(.seconds(1)))
            let message = error?.message ?? ""
            #expect(message.hasPrefix("list of services: \(dead)/api/v1/services: "))
            #expect(message.contains("connection refused"), "\(message)")
        }
    }

    @Test("name the URL and what came when the answer is nonsense", arguments: [
        ScriptedServer.Answer.reply(200, "<html>Welcome</html>", type: "text/html"),
        .reply(200, #"{"service": "web", "rev"#),
        .reply(200, #"{"service": "other", "revision": 1, "instances": []}"#),
        .reply(200, ""),
        .reply(302, "", headers: ["location": "http://127.0.0.1:1/"]),
        .reply(201, good),
        .reply(404, "<html>Not here</html>", type: "text/html"),
        .reply(500, "oops", type: "text/plain"),
    ])
    func nonsense(_ answer: ScriptedServer.Answer) async throws {
        let server = try await ScriptedServer { _ in answer }
        try await withRemote([server.address]) { registry in
            let error = await failure { () throws(RegistryError) in _ = try await registry.lookup("web") }
            #expect(error?.code == .unavailable)
            let start = "lookup of web: \(server.address)/api/v1/services/web did not answer as a Rollcall server does"
            #expect(error?.message.hasPrefix(start) == true, "\(error?.message ?? "no error")")
        }
        #expect(server.requests.count == 1)
        try await server.stop()
    }

    @Test("go to the next server after nonsense and after an answer that was cut off")
    func afterNonsense() async throws {
        let proxy = try await ScriptedServer { _ in .reply(200, "<html>", type: "text/html") }
        let cutter = try await ScriptedServer { _ in .cut(after: #"{"service": "we"#) }
        let good = try await ScriptedServer { _ in .reply(200, Self.good) }
        try await withRemote([proxy.address, cutter.address, good.address]) { registry in
            _ = try await registry.lookup("web")
        }
        #expect([proxy, cutter, good].map(\.requests.count) == [1, 1, 1])
        for server in [proxy, cutter, good] { try await server.stop() }
    }

    @Test("are not repeated when the server decided")
    func decided() async throws {
        let first = try await ScriptedServer { _ in
            .reply(500, Self.problem("storage", 500), type: "application/problem+json")
        }
        let second = try await ScriptedServer { _ in .reply(200, Self.good) }
        try await withRemote([first.address, second.address]) { registry in
            let error = await failure { () throws(RegistryError) in _ = try await registry.lookup("web") }
            #expect(error?.code == .storage)
            #expect(error?.message == "D")
        }
        #expect(second.requests.isEmpty)
        for server in [first, second] { try await server.stop() }
    }

    @Test("end when their task is cancelled")
    func cancelled() async throws {
        let server = try await ScriptedServer { _ in .silence }
        var configuration = RemoteConfiguration()
        configuration.attemptTimeout = .seconds(600)
        configuration.callTimeout = .seconds(600)
        try await withRemote([server.address], configuration) { registry in
            let task = Task { await failure { () throws(RegistryError) in _ = try await registry.lookup("web") } }
            task.cancel()
            let error = await task.value
            #expect(error?.code == .unavailable)
            #expect(error?.cause is CancellationError)
        }
        try await server.stop()
    }

    @Test("that remove what a lost attempt has removed succeed; without a lost attempt there was nothing to remove")
    func lostDeregistration() async throws {
        let gone = ScriptedServer.Answer.reply(
            404, Self.problem("unknown-instance", 404), type: "application/problem+json")
        let loser = try await ScriptedServer { request in request.number == 0 ? .cut() : gone }
        try await withRemote([loser.address]) { registry in
            try await registry.deregister(InstanceKey("web", "a"), incarnation: Incarnation(3))
            let uri = "/api/v1/services/web/instances/a?incarnation=3"
            #expect(loser.requests.map(\.uri) == [uri, uri])
            let error = await failure { () throws(RegistryError) in
                try await registry.deregister(InstanceKey("web", "a"))
            }
            #expect(error?.code == .unknownInstance)
        }
        try await loser.stop()
    }

    @Test("that remove what no attempt can have reached say that it is not there")
    func unreachedDeregistration() async throws {
        let dead = try await deadAddress()
        let gone = try await ScriptedServer { _ in
            .reply(404, Self.problem("unknown-instance", 404), type: "application/problem+json")
        }
        try await withRemote([dead, gone.address]) { registry in
            let error = await failure { () throws(RegistryError) in
                try await registry.deregister(InstanceKey("web", "a"))
            }
            #expect(error?.code == .unknownInstance)
        }
        try await gone.stop()
    }

    @Test("that begin a new life begin another one when the answer was lost")
    func lostRegistration() async throws {
        let body = String(decoding: Sample.instance("a", revision: 3).jsonBytes(), as: UTF8.self)
        let server = try await ScriptedServer { request in request.number == 0 ? .cut() : .reply(201, body) }
        try await withRemote([server.address]) { registry in
            let receipt = try await registry.register(
                Registration(service: "web", id: "a", host: "10.0.0.1", port: 8080), life: .new)
            #expect(receipt.isNewLife)
            #expect(receipt.incarnation == Incarnation(1))
        }
        #expect(server.requests.map(\.uri) == Array(repeating: "/api/v1/services/web/instances/a?life=new", count: 2))
        try await server.stop()
    }
}
