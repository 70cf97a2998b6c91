// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallServer
import RollcallTesting
import Testing

@Suite("Encoded answers", .timeLimit(.minutes(1)))
struct KeptAnswersTests {
    @Test("looking many services up once keeps no more than the bound, and each answer is right, kept or not")
    func bounded() async throws {
        let bound = 16 * 1024
        var configuration = ServerConfiguration()
        configuration.answerBytesMax = bound
        let kept = try await RunningServer.run(configuration) { (server) async throws -> Int in
            for number in 0 ..< 100 {
                let registration = Registration(
                    service: ServiceName("service-\(number)"), id: InstanceID("i-\(number)"), host: "10.0.0.1", port: 80)
                _ = try await server.registry.register(registration)
            }
            for target in ["", "?healthy=true"] {
                for number in 0 ..< 100 {
                    let reply = try await server.request("GET", "/api/v1/services/service-\(number)\(target)")
                    #expect(reply.json["instances"]?.arrayValue?.first?["id"]?.stringValue == "i-\(number)")
                }
            }
            let page = try await server.request("GET", "/metrics").body
            let line = page.split(separator: "\n").first { $0.hasPrefix("rollcall_kept_answer_bytes ") }
            return try #require(line?.split(separator: " ").last.flatMap { Int($0) })
        }
        #expect((bound / 2 ... bound).contains(kept), "\(kept) bytes are kept")
    }
}
