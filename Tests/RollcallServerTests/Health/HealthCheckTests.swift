// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOHTTP1
import NIOPosix
import Rollcall
import RollcallServer
import RollcallTesting
import Synchronization
import Testing

/// A target whose health a test chooses.
private final class Target: Sendable {
    let status = Atomic<Int>(200)

    func run<Value: Sendable>(_ body: @Sendable (Target, UInt16) async throws -> Value) async throws -> Value {
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(self))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(self, UInt16(channel.localAddress?.port ?? 0)))
        } catch {
            result = .failure(error)
        }
        try await channel.close()
        return try result.get()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let target: Target

        init(_ target: Target) {
            self.target = target
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            let status = HTTPResponseStatus(statusCode: target.status.load(ordering: .relaxed))
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: ["content-length": "0"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}

@Suite("Checks that a server runs", .timeLimit(.minutes(2)))
struct HealthCheckTests {
    /// Moves the time of the server until an instance is as `condition` says.
    private static func wait(
        _ server: RunningServer, _ key: InstanceKey, until condition: @escaping (ServiceInstance?) -> Bool
    ) async throws -> ServiceInstance? {
        let clock = server.clock
        let mover = Task {
            while !Task.isCancelled {
                clock.advance(by: .milliseconds(50))
                // Time of this server is the test's; the target's answers take real time.
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        defer { mover.cancel() }
        var mirror = WatchMirror(server.registry.watch(.service(key.service)))
        try await mirror.read(until: { condition($0.instances[key]) })
        return mirror.instances[key]
    }

    private static func body(_ port: UInt16, _ checks: String) -> String {
        #"{"host": "127.0.0.1", "port": \#(port), "lease": {"kind": "none"}, "checks": [\#(checks)]}"#
    }

    private static let key = InstanceKey("web", "a")

    @Test("an instance is up once its check passes, down when it fails, and back when it passes again")
    func transitions() async throws {
        try await RunningServer.run { server in
            try await Target().run { target, port in
                let check = #"{"kind": "http", "target": "/health", "failureThreshold": 2}"#
                let registered = try await server.request(
                    "PUT", "/api/v1/services/web/instances/a", Self.body(port, check))
                #expect(registered.status == 201)
                #expect(registered.json["status"]?.stringValue == "down")

                let up = try await Self.wait(server, Self.key) { $0?.status == .up }
                #expect(up?.checks.map(\.output) == ["HTTP GET http://127.0.0.1:\(port)/health: 200 OK Output: "])
                target.status.store(500, ordering: .relaxed)
                let down = try await Self.wait(server, Self.key) { $0?.status == .down }
                #expect(
                    down?.checks.first?.output
                        == "HTTP GET http://127.0.0.1:\(port)/health: 500 Internal Server Error Output: ")
                target.status.store(204, ordering: .relaxed)
                _ = try await Self.wait(server, Self.key) { $0?.status == .up }
                // Three transitions, whatever the number of rounds.
                #expect(server.registry.statistics.changes[.checkChanged] == 3)
                let page = try await server.request("GET", "/metrics").body
                #expect(page.contains("rollcall_checks_declared 1\n"))
            }
        }
    }

    @Test("an alias is as healthy as what it stands for")
    func alias() async throws {
        try await RunningServer.run { server in
            try await server.registry.register(
                Registration(service: "db", id: "1", host: "h", port: 1, lease: .permanent))
            try await server.registry.update(
                InstanceKey("db", "1"), incarnation: nil, .check(id: "disk", status: .warning, output: ""))
            let check = #"{"kind": "alias", "aliasService": "db", "aliasID": "1"}"#
            _ = try await server.request("PUT", "/api/v1/services/web/instances/a", Self.body(1, check))
            let warned = try await Self.wait(server, Self.key) { $0?.status == .warning }
            #expect(warned?.checks.map(\.output) == ["Aliased check \"disk\" failing: "])
            try await server.registry.deregister(InstanceKey("db", "1"))
            let down = try await Self.wait(server, Self.key) { $0?.status == .down }
            #expect(down?.checks.map(\.output) == ["db/1 is not registered"])
        }
    }

    @Test("a ttl check follows its reports, expires, and takes its instance away when that lasts")
    func ttl() async throws {
        try await RunningServer.run { server in
            let check = #"{"id": "alive", "kind": "ttl", "ttlSeconds": 5, "deregisterAfterSeconds": 60}"#
            _ = try await server.request("PUT", "/api/v1/services/web/instances/a", Self.body(1, check))
            let reported = try await server.request(
                "PUT", "/api/v1/services/web/instances/a/checks/alive", #"{"status": "passing", "output": "ok"}"#)
            #expect(reported.json["status"]?.stringValue == "up")
            let expired = try await Self.wait(server, Self.key) { $0?.status == .down }
            #expect(expired?.checks.map(\.output) == ["TTL expired (last output before timeout follows): ok"])
            _ = try await Self.wait(server, Self.key) { $0 == nil }
        }
    }

    @Test("only reports of ttl checks, and of checks that nobody declared, are taken")
    func refusedReports() async throws {
        try await RunningServer.run { server in
            let check = #"{"kind": "tcp", "target": ":1"}"#
            _ = try await server.request("PUT", "/api/v1/services/web/instances/a", Self.body(1, check))
            let passing = #"{"status": "passing"}"#
            let own = try await server.request("PUT", "/api/v1/services/web/instances/a/checks/tcp", passing)
            #expect(own.status == 422)
            let free = try await server.request("PUT", "/api/v1/services/web/instances/a/checks/disk", passing)
            #expect(free.status == 200)
        }
    }

    @Test("a server that runs no checks leaves them as they are, and takes their results")
    func disabled() async throws {
        var configuration = ServerConfiguration()
        configuration.health.isEnabled = false
        try await RunningServer.run(configuration) { server in
            let check = #"{"kind": "tcp", "target": ":1"}"#
            _ = try await server.request("PUT", "/api/v1/services/web/instances/a", Self.body(1, check))
            let reply = try await server.request(
                "PUT", "/api/v1/services/web/instances/a/checks/tcp", #"{"status": "passing"}"#)
            #expect(reply.json["status"]?.stringValue == "up")
        }
    }
}
