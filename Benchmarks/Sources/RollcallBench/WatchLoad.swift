// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOPosix

/// Many watches of one service over HTTP, and how long a change takes to reach each of them, from just before the request
/// that makes it is sent. One of the watches never reads, and its connection is full before anything is measured.
///
/// Prints a line for each round: the median, the 99th of 100 and the maximum of all delays, in milliseconds.
enum WatchLoad {
    /// Changes that fill the connection of the watch that does not read: 12 MB, more than two sockets hold.
    private static let fillingChanges = 3000
    private static let fillingBytes = 3500

    static func run(port: Int, watchers: Int, changes: Int, rounds: Int) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let tally = WatchTally(reading: watchers - 1)
        let writer = try await RegisteringClient.connect(loop, port: port)

        try await open(loop, port, tally, reads: false)
        for number in 0 ..< fillingChanges {
            try await writer.register(port: 1 + number, filler: String(repeating: "x", count: fillingBytes))
        }
        try await writer.register(port: 1, filler: "")
        try await openReading(loop, port, tally, count: watchers - 1)
        try await tally.waitUntilSynced(on: loop)

        for round in 0 ..< rounds {
            for change in 0 ..< changes {
                try await tally.begin(on: loop)
                // Not the same as before in any change, or nothing would be said.
                try await writer.register(port: 2000 + round * changes + change, filler: "")
                try await tally.waitUntilArrived(on: loop)
                try await Task.sleep(for: .milliseconds(100))
            }
            let delays = try await tally.takeDelays(on: loop)
            print(milliseconds(delays, 0.5), milliseconds(delays, 0.99), milliseconds(delays, 1))
        }
        try await group.shutdownGracefully()
    }

    private static func milliseconds(_ sorted: [Int64], _ share: Double) -> String {
        format(Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]) / 1e6)
    }

    private static func openReading(_ loop: any EventLoop, _ port: Int, _ tally: WatchTally, count: Int) async throws {
        for start in stride(from: 0, to: count, by: 100) {
            try await withThrowingTaskGroup(of: Void.self) { batch in
                for _ in start ..< min(start + 100, count) {
                    batch.addTask { try await open(loop, port, tally, reads: true) }
                }
                try await batch.waitForAll()
            }
        }
    }

    private static func open(_ loop: any EventLoop, _ port: Int, _ tally: WatchTally, reads: Bool) async throws {
        let channel = try await ClientBootstrap(group: loop)
            .channelOption(.autoRead, value: reads)
            .channelOption(.socketOption(.so_rcvbuf), value: reads ? 64 * 1024 : 4096)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(WatchStreamHandler(tally))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let request = "GET /api/v1/watch?service=watched HTTP/1.1\r\nhost: localhost\r\n\r\n"
        try await channel.writeAndFlush(ByteBuffer(string: request)).get()
    }
}
