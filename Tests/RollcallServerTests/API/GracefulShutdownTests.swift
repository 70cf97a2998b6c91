// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOPosix
import Rollcall
import RollcallServer
import RollcallTesting
import Testing

@Suite("A server that is told to stop", .timeLimit(.minutes(1)))
struct GracefulShutdownTests {
    @Test("answers the writes in flight, and says that it is not ready to whoever is still asking")
    func writesInFlight() async throws {
        let journal = GatedJournal()
        defer { journal.open() }
        try await RunningServer.run(journal: journal) { (server) async throws in
            // A question that is half said when the server is told to stop.
            let asking = try await connect(to: server.port)
            let reply = try await asking.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "GET /health/ready HTTP/1.1\r\nhost: x\r\n"))
                let body = #"{"host": "h", "port": 1}"#
                // Fewer than the connections that the client opens to one host.
                let writes = (0 ..< 6).map { number in
                    Task { try await server.request("PUT", "/api/v1/services/web/instances/\(number)", body) }
                }
                while server.registry.statistics.waitingWrites < writes.count {
                    try Task.checkCancellation()
                    await Task.yield()
                }

                await server.stop()
                while let late = try? await connect(to: server.port) {
                    try Task.checkCancellation()
                    // Accepted and cut off at once is as good as refused.
                    try? await late.executeThenClose { _, _ in }
                }
                try await outbound.write(ByteBuffer(string: "\r\n"))
                var received = ByteBuffer()
                for try await part in inbound { received.writeImmutableBuffer(part) }
                journal.open()

                for write in writes {
                    let answer = try await write.value
                    #expect(answer.status == 201)
                    #expect(answer.headers["connection"] == "close")
                }
                return String(buffer: received)
            }
            #expect(RawConnection.status(of: reply) == 503)
            #expect(reply.hasSuffix(#"{"status":"stopping"}"#))
            #expect(server.registry.catalog.counts.instances == 6)
        }
    }

    private func connect(to port: Int) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
    }
}
