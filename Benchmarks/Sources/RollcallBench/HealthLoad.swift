// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOHTTP1
import NIOPosix
import Rollcall
import RollcallEmbedded
import Synchronization

/// A target for health checks and the fleet of instances that declare checks of it.
enum HealthLoad {
    /// Fills the registry in `folder` with instances that each declare an HTTP check of `127.0.0.1:port`.
    static func fill(folder: String, count: Int, port: Int) async throws {
        let registry = try await EmbeddedRegistry.open(path: folder)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0 ..< 64 {
                group.addTask {
                    for number in stride(from: writer, to: count, by: 64) {
                        var registration = sampleRegistration(number, lease: .permanent)
                        let target = "http://127.0.0.1:\(port)/health/\(number)"
                        registration.checks = [
                            CheckDefinition(kind: .http(HTTPCheck(target: target)), initialStatus: .passing)
                        ]
                        try await registry.register(registration)
                        // A fleet that was checked before: a restart spreads it over the interval.
                        try await registry.update(
                            registration.key, incarnation: nil, .checkOutput(id: "http", output: "before"))
                    }
                }
            }
            try await group.waitForAll()
        }
        await registry.shutdown()
    }

    /// Serves as the target for `seconds`, after `warmUp` seconds that do not count. Prints the requests of the least
    /// and of the busiest second, of the busiest tenth of a second, their mean in a second, and how many different
    /// instances were asked.
    static func serve(port: Int, seconds: Int, warmUp: Int) async throws {
        let tally = HealthTally(slots: seconds * 10)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(HealthTarget(tally))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        try await Task.sleep(for: .seconds(warmUp))
        tally.start()
        try await Task.sleep(for: .seconds(seconds))
        let counts = tally.counts
        let perSecond = stride(from: 0, to: counts.count, by: 10).map { counts[$0 ..< $0 + 10].reduce(0, +) }
        let total = counts.reduce(0, +)
        print(
            perSecond.min() ?? 0, perSecond.max() ?? 0, counts.max() ?? 0, total / max(seconds, 1),
            tally.differentPaths)
        try await channel.close()
        try await group.shutdownGracefully()
    }
}

/// Requests by the tenth of a second in which they came.
final class HealthTally: Sendable {
    private struct State {
        var counts: [Int]
        var start: ContinuousClock.Instant?
        var paths: Set<String> = []
    }
    private let state: Mutex<State>

    init(slots: Int) {
        state = Mutex(State(counts: Array(repeating: 0, count: slots)))
    }

    func start() { state.withLock { $0.start = .now } }

    var counts: [Int] { state.withLock { $0.counts } }
    var differentPaths: Int { state.withLock { $0.paths.count } }

    func note(_ path: String) {
        state.withLock { state in
            guard let start = state.start else { return }
            let slot = Int(start.duration(to: .now) / .milliseconds(100))
            if slot < state.counts.count { state.counts[slot] += 1 }
            state.paths.insert(path)
        }
    }
}

/// Answers each connection's one request with 200: the least that a target can do.
private final class HealthTarget: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    private let tally: HealthTally

    init(_ tally: HealthTally) {
        self.tally = tally
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = String(buffer: unwrapInboundIn(data))
        tally.note(text.split(separator: " ").dropFirst().first.map(String.init) ?? "")
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(Self.answer)).whenComplete { _ in channel.close(promise: nil) }
    }
}
