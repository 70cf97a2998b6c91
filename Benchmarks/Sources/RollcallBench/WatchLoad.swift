// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOPosix
import Rollcall

/// Many watches of one service over HTTP, and how long a change takes to reach all of them, from just before the request
/// that makes it is sent. One of the watches never reads.
enum WatchLoad {
    static func run(port: Int, watchers: Int, changes: Int) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let tally = Tally(reading: watchers - 1)
        for start in stride(from: 0, to: watchers, by: 100) {
            try await withThrowingTaskGroup(of: Void.self) { batch in
                for number in start ..< min(start + 100, watchers) {
                    batch.addTask {
                        try await connect(loop, port, tally, isDeaf: number == watchers / 2)
                    }
                }
                try await batch.waitForAll()
            }
        }
        try await tally.reached(synced: watchers - 1, on: loop)
        print("\(watchers) watches are open")
        let writer = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get()
        for change in 0 ..< changes {
            let body = #"{"host": "10.0.0.1", "port": \#(1000 + change), "lease": {"kind": "none"}}"#
            let request =
                "PUT /api/v1/services/watched/instances/1 HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
            try await loop.submit { tally.begin(change) }.get()
            try await writer.writeAndFlush(ByteBuffer(string: request)).get()
            try await tally.reached(change: change, on: loop)
            try await Task.sleep(for: .milliseconds(200))
        }
        let (all, last) = try await loop.submit { (tally.delays.sorted(), tally.lastDelays.sorted()) }.get()
        func milliseconds(_ values: [Int64], _ share: Double) -> String {
            format(Double(values[min(values.count - 1, Int(Double(values.count) * share))]) / 1e6)
        }
        print(
            "\(changes) changes to \(watchers - 1) reading watches: p50 \(milliseconds(all, 0.5)) ms, "
                + "p99 \(milliseconds(all, 0.99)) ms, max \(milliseconds(all, 1)) ms; "
                + "last watch of a change: median \(milliseconds(last, 0.5)) ms, max \(milliseconds(last, 1)) ms")
        try await group.shutdownGracefully()
    }

    private static func connect(_ loop: any EventLoop, _ port: Int, _ tally: Tally, isDeaf: Bool) async throws {
        let channel = try await ClientBootstrap(group: loop)
            .channelOption(.socketOption(.so_rcvbuf), value: 64 * 1024)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(WatchHandler(tally))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        if isDeaf { try await channel.setOption(.autoRead, value: false).get() }
        let request = "GET /api/v1/watch?service=watched HTTP/1.1\r\nhost: x\r\n\r\n"
        try await channel.writeAndFlush(ByteBuffer(string: request)).get()
    }
}

/// What has arrived. Touched on one event loop only, and handed there by it.
private final class Tally: @unchecked Sendable {
    // Every property is read and written on the one event loop that all connections share.
    private let reading: Int
    private var synced = 0
    private var arrived: [Int] = []
    private var begunAt: [NIODeadline] = []
    private(set) var delays: [Int64] = []
    private(set) var lastDelays: [Int64] = []
    private var waiter: (condition: () -> Bool, promise: EventLoopPromise<Void>)?

    init(reading: Int) {
        self.reading = reading
    }

    func begin(_ change: Int) {
        begunAt.append(.now())
        arrived.append(0)
    }

    func didSync() {
        synced += 1
        wakeIfDone()
    }

    func didArrive(_ change: Int) {
        let delay = (NIODeadline.now() - begunAt[change]).nanoseconds
        delays.append(delay)
        arrived[change] += 1
        if arrived[change] == reading { lastDelays.append(delay) }
        wakeIfDone()
    }

    func reached(synced count: Int, on loop: any EventLoop) async throws {
        try await wait(on: loop) { self.synced >= count }
    }

    func reached(change: Int, on loop: any EventLoop) async throws {
        try await wait(on: loop) { self.arrived[change] >= self.reading }
    }

    private func wait(on loop: any EventLoop, _ condition: @escaping @Sendable () -> Bool) async throws {
        try await loop.flatSubmit {
            let promise = loop.makePromise(of: Void.self)
            self.waiter = (condition, promise)
            // A change that did not reach everybody in 30 s is lost.
            loop.scheduleTask(in: .seconds(30)) { promise.fail(ChannelError.connectTimeout(.seconds(30))) }
            self.wakeIfDone()
            return promise.futureResult
        }.get()
    }

    private func wakeIfDone() {
        guard let waiter, waiter.condition() else { return }
        self.waiter = nil
        waiter.promise.succeed()
    }
}

/// Finds the events in the stream: nothing but the names of events is looked at.
private final class WatchHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let tally: Tally
    private var line: [UInt8] = []
    private var changes = 0

    init(_ tally: Tally) {
        self.tally = tally
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for byte in Self.unwrapInboundIn(data).readableBytesView {
            if byte == UInt8(ascii: "\n") {
                endOfLine()
            } else if line.count < 16 {
                line.append(byte)
            }
        }
    }

    private func endOfLine() {
        if line.starts(with: "event: change".utf8) {
            tally.didArrive(changes)
            changes += 1
        } else if line.starts(with: "event: synced".utf8) {
            tally.didSync()
        }
        line.removeAll(keepingCapacity: true)
    }
}
