// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallConsul
import RollcallTesting
import Testing

@Suite("The engine for Consul, in trouble", .timeLimit(.minutes(2)))
struct ConsulRegistryTests {
    private static func registration(_ id: InstanceID = "1") -> Registration {
        Registration(service: "web", id: id, host: "10.0.0.1", port: 80)
    }

    private func withFixture(
        _ change: (inout ConsulRegistryConfiguration) -> Void = { _ in },
        _ body: (FakeConsulFixture) async throws -> Void
    ) async throws {
        let fixture = try await FakeConsulFixture(change)
        do { try await body(fixture) } catch {
            try await fixture.close()
            throw error
        }
        try await fixture.close()
    }

    @Test("an agent that forgot an instance makes it register again")
    func forgotten() async throws {
        try await withFixture { fixture in
            let receipt = try await fixture.registry.register(Self.registration())
            let lease = "lease:web:1:\(receipt.incarnation)"
            _ = await fixture.consul.answer(.put("agent", "check", "deregister", lease), node: "n1")
            #expect(try await fixture.registry.heartbeat(receipt.instance.key) == .renewed)
            _ = await fixture.consul.answer(.put("agent", "service", "deregister", "web:1"), node: "n1")
            #expect(try await fixture.registry.heartbeat(receipt.instance.key) == .unknown)
            #expect(try await fixture.registry.register(Self.registration()).isNewLife)
        }
    }

    @Test("a heartbeat is one request, also when it does not name the life")
    func heartbeatCost() async throws {
        try await withFixture { fixture in
            let receipt = try await fixture.registry.register(Self.registration())
            let before = await fixture.consul.requests.count
            #expect(try await fixture.registry.heartbeat(receipt.instance.key) == .renewed)
            let named = try await fixture.registry.heartbeat(receipt.instance.key, incarnation: receipt.incarnation)
            #expect(named == .renewed)
            let requests = await fixture.consul.requests.dropFirst(before)
            let paths = requests.map { $0.path.joined(separator: "/") }
            #expect(paths == Array(repeating: "agent/check/update/lease:web:1:\(receipt.incarnation)", count: 2))
        }
    }

    @Test("another process finds what it needs to send heartbeats, change and remove an instance")
    func otherProcess() async throws {
        try await withFixture { fixture in
            let receipt = try await fixture.registry.register(Self.registration())
            let other = try await FakeConsulFixture.second(to: fixture)
            let key = receipt.instance.key
            #expect(try await other.registry.heartbeat(key, incarnation: receipt.incarnation) == .renewed)
            let drained = try await other.registry.update(
                key, incarnation: receipt.incarnation, .desired(.draining(until: nil, reason: "")))
            #expect(drained.status == .draining)
            let again = try await other.registry.register(Self.registration(), life: .new)
            #expect(again.instance.status == .up)
            #expect(
                try await fixture.registry.heartbeat(key, incarnation: receipt.incarnation)
                    == .fenced(again.incarnation))
            try await other.registry.deregister(key)
            #expect(try await fixture.registry.lookup("web").isEmpty)
            try await other.close()
        }
    }

    @Test("an instance that others registered is seen, drained and removed")
    func foreign() async throws {
        try await withFixture { fixture in
            let body = #"{"ID":"web-1","Name":"web","Port":8080,"Checks":[{"CheckID":"service:web-1","TTL":"30s"}]}"#
            _ = await fixture.consul.answer(.put("agent", "service", "register", body: body), node: "n1")
            let key = InstanceKey("web", "web-1@n1")
            let found = try #require(try await fixture.registry.lookup("web")[key.id])
            #expect(found.host == "10.9.9.9")
            #expect(found.status == .down)
            #expect(try await fixture.registry.heartbeat(key) == .renewed)
            let passing = try await fixture.registry.update(
                key, incarnation: nil, .check(id: "service:web-1", status: .passing, output: "ok"))
            #expect(passing.status == .up)
            let maintained = try await fixture.registry.update(
                key, incarnation: nil, .desired(.maintenance(reason: "disk")))
            #expect(maintained.status == .outOfService)
            await #expect(throws: RegistryError.self) {
                try await fixture.registry.update(key, incarnation: nil, .readiness(.starting))
            }
            try await fixture.registry.deregister(key)
            #expect(try await fixture.registry.lookup("web").isEmpty)
        }
    }

    @Test("a result of a check that the agent runs is refused in words")
    func agentCheck() async throws {
        try await withFixture { fixture in
            var registration = Self.registration()
            registration.checks = [CheckDefinition(kind: .tcp(target: "")), CheckDefinition(kind: .ttl(.seconds(60)))]
            let key = registration.key
            let receipt = try await fixture.registry.register(registration)
            #expect(receipt.instance.registration == registration)
            #expect(receipt.instance.checks.map(\.id) == ["tcp", "ttl"])
            let reported = try await fixture.registry.update(
                key, incarnation: nil, .check(id: "ttl", status: .warning, output: "busy"))
            #expect(reported.checks.last?.output == "busy")
            do throws(RegistryError) {
                let update = InstanceUpdate.check(id: "tcp", status: .passing, output: "")
                try await fixture.registry.update(key, incarnation: nil, update)
                Issue.record("an error was expected")
            } catch {
                #expect(error.code == .unsupported)
            }
            registration.checks = []
            #expect(try await fixture.registry.register(registration).instance.checks.isEmpty)
        }
    }

    @Test("the token is sent, and one that is missing is told")
    func token() async throws {
        let consul = FakeConsul(token: "secret")
        let agent = try await FakeAgent(consul)
        for token in ["secret", nil] {
            var configuration = ConsulRegistryConfiguration.eager
            configuration.token = token
            let registry = ConsulRegistry(addresses: [agent.address], configuration: configuration, logger: .quiet)
            do throws(RegistryError) {
                #expect(try await registry.lookup("web").isEmpty)
                #expect(token != nil)
            } catch {
                #expect(token == nil)
                #expect(error.code == .unsupported)
                #expect(error.message.contains("Permission denied"))
            }
            await registry.shutdown()
        }
        await agent.stop()
    }

    @Test("look-ups in another datacenter name it")
    func datacenter() async throws {
        try await withFixture({ $0.datacenter = "north" }) { fixture in
            _ = try await fixture.registry.lookup("web")
            _ = try await fixture.registry.services()
            let queries = await fixture.consul.requests.map { $0.query["dc"] }
            #expect(queries == ["north", "north"])
        }
    }

    @Test("a watch tells when Consul is lost and when it is back, and goes on")
    func lost() async throws {
        try await withFixture { fixture in
            try await fixture.registry.register(Self.registration())
            var mirror = WatchMirror(fixture.registry.watch(.service("web")))
            try await mirror.read { $0.instances.count == 1 }
            await fixture.consul.fail(with: FakeConsul.Answer(status: 500, body: "No cluster leader"))
            try await mirror.read { $0.engine != .connected }
            #expect(mirror.instances.count == 1)
            await fixture.consul.fail(with: nil)
            try await mirror.read { $0.engine == .connected }
            try await fixture.registry.register(Self.registration("2"))
            try await mirror.read { $0.instances.count == 2 }
            #expect(mirror.snapshots == [.initial])
        }
    }

    @Test("a watch survives an index that goes back")
    func history() async throws {
        try await withFixture { fixture in
            await fixture.consul.touch("web")
            try await fixture.registry.register(Self.registration())
            var mirror = WatchMirror(fixture.registry.watch(.service("web")))
            try await mirror.read { $0.instances.count == 1 }
            await fixture.consul.loseHistory(index: 2)
            try await mirror.read { $0.snapshots.count == 2 }
            #expect(mirror.snapshots == [.initial, .gap])
            #expect(mirror.revision == Revision(2))
            try await fixture.registry.register(Self.registration("2"))
            try await mirror.read { $0.instances.count == 2 }
        }
    }

    @Test("an index that moves without a change is no event")
    func touched() async throws {
        try await withFixture { fixture in
            try await fixture.registry.register(Self.registration())
            var mirror = WatchMirror(fixture.registry.watch(.service("web")))
            try await mirror.read { $0.instances.count == 1 }
            for _ in 0 ..< 20 { await fixture.consul.touch("web") }
            try await fixture.registry.register(Self.registration("2"))
            try await mirror.read { $0.instances.count == 2 }
            #expect(mirror.events == 2)
        }
    }

    @Test("more services than blocking queries are followed all the same")
    func polling() async throws {
        try await withFixture({
            $0.blockingQueries = 2
            $0.pollInterval = .milliseconds(5)
        }) { fixture in
            var mirror = WatchMirror(fixture.registry.watch(.all))
            try await mirror.read { $0.events == 1 }
            for number in 0 ..< 6 {
                try await fixture.registry.register(
                    Registration(service: ServiceName("s\(number)"), id: "1", host: "a", port: 1))
            }
            try await mirror.read { $0.instances.count == 6 }
            for number in 0 ..< 6 {
                try await fixture.registry.deregister(InstanceKey(ServiceName("s\(number)"), "1"))
            }
            try await mirror.read { $0.instances.isEmpty }
        }
    }

    @Test("when its agent is lost an instance moves to another, and what is left of it does not count")
    func failover() async throws {
        let consul = FakeConsul()
        let first = try await FakeAgent(consul, node: "n1")
        let second = try await FakeAgent(consul, node: "n2")
        var configuration = ConsulRegistryConfiguration.eager
        // What waits for an agent that is gone waits this long.
        configuration.callTimeout = .seconds(4)
        let registry = ConsulRegistry(
            addresses: [first.address, second.address], configuration: configuration, logger: .quiet)
        let receipt = try await registry.register(Self.registration())
        let key = receipt.instance.key
        #expect(try await registry.heartbeat(key, incarnation: receipt.incarnation) == .renewed)

        await first.stop()
        #expect(try await registry.heartbeat(key, incarnation: receipt.incarnation) == .unknown)
        var moved = Self.registration()
        moved.metadata = ["moved": "yes"]
        let again = try await registry.register(moved, life: .incarnation(receipt.incarnation))

        #expect(again.instance.metadata == ["moved": "yes"])
        #expect(try await registry.lookup("web").count == 1)
        #expect(try await registry.heartbeat(key, incarnation: receipt.incarnation) == .renewed)
        await consul.advance(by: .seconds(31))
        #expect(try await registry.heartbeat(key, incarnation: receipt.incarnation) == .renewed)
        #expect(try await registry.lookup("web")[key.id]?.status == .up)
        try await registry.deregister(key)
        await registry.shutdown()
        await second.stop()
    }

    @Test("an instance of an agent that is not known cannot be changed, and the error says whose it is")
    func unknownAgent() async throws {
        let consul = FakeConsul()
        let agents = [try await FakeAgent(consul, node: "n1"), try await FakeAgent(consul, node: "n2")]
        _ = await consul.answer(
            .put("agent", "service", "register", body: #"{"ID":"x","Name":"web","Port":1}"#), node: "n3")
        let registry = ConsulRegistry(
            addresses: agents.map(\.address), configuration: .eager, logger: .quiet)
        do throws(RegistryError) {
            try await registry.deregister(InstanceKey("web", "x@n3"))
            Issue.record("an error was expected")
        } catch {
            #expect(error.code == .unsupported)
            #expect(error.message.contains("n3"))
        }
        await registry.shutdown()
        for agent in agents { await agent.stop() }
    }

    @Test("something that is not Consul is told")
    func nonsense() async throws {
        try await withFixture { fixture in
            await fixture.consul.fail(with: FakeConsul.Answer(body: "<html>"))
            await #expect(throws: RegistryError.self) { try await fixture.registry.lookup("web") }
            await #expect(throws: RegistryError.self) { try await fixture.registry.services() }
        }
    }

    @Test("after the shutdown calls fail and watches end")
    func closed() async throws {
        try await withFixture { fixture in
            var mirror = WatchMirror(fixture.registry.watch(.service("web")))
            try await mirror.read { $0.events == 1 }
            await fixture.registry.shutdown()
            #expect(await mirror.next() == nil)
            do throws(RegistryError) {
                _ = try await fixture.registry.lookup("web")
                Issue.record("an error was expected")
            } catch {
                #expect(error.code == .closed)
            }
        }
    }
}

extension FakeConsul.Request {
    static func put(_ path: String..., body: String = "") -> FakeConsul.Request {
        FakeConsul.Request(method: "PUT", path: path, query: [:], body: body)
    }
}
