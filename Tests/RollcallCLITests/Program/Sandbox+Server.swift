// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@testable import RollcallCLI

/// A running `rollcall serve`.
struct TestServer: Sendable {
    let process: Sandbox.Process
    let port: Int
    /// The line that it printed when it was ready.
    let line: String

    var url: String { "rollcall://127.0.0.1:\(port)" }
    var environment: [String: String] { ["ROLLCALL_REGISTRY": url] }
}

extension Sandbox {
    /// Starts a server and waits until it is ready.
    ///
    /// - Parameters:
    ///   - port: 0 takes a free one; another is that of a server that has ended.
    ///   - arguments: In the place of the data folder of this sandbox.
    func serve(port: Int = 0, _ arguments: [String]? = nil) async throws -> TestServer {
        let storage = arguments ?? ["--data", folder + "/data"]
        let process = try await start(["serve", "--port", String(port), "--dns-port", "0"] + storage)
        try await eventually("the server is ready: \(process.errors)") { process.output.contains("\n") }
        let line = String(process.output.split(separator: "\n")[0])
        let digits = try #require(line.firstRange(of: "http://127.0.0.1:")).upperBound
        return TestServer(process: process, port: try #require(Int(line[digits...].prefix { $0.isNumber })), line: line)
    }

    /// The status of an instance; `nil` when it is not registered or the server is away.
    func status(_ service: String, _ id: String, at server: TestServer) async throws -> String? {
        let answer = try await run("instances", service, "--output", "json", environment: server.environment)
        guard answer.code == 0 else { return nil }
        let instances = try answer.json["instances"]?.arrayValue ?? []
        return instances.first { $0["id"]?.stringValue == id }?["status"]?.stringValue
    }
}
