// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Asks a command whether it serves yet.
enum ReadinessProbe: Hashable, Sendable {
    /// Ready when one of the hosts accepts a TCP connection at the port.
    case tcp(hosts: [String], port: Int)
    /// Ready when a GET of the URL is answered with a 2xx status.
    case http(url: String)

    /// The time between two questions: short enough that nobody waits for it, long enough to cost nothing.
    static let interval: Duration = .milliseconds(100)
    /// How long one question may take.
    static let attemptTimeout: TimeAmount = .seconds(2)

    /// Asks until the answer is yes.
    ///
    /// - Returns: `true`, or `false` when the task was cancelled before.
    func untilReady(client: HTTPClient) async -> Bool {
        while !Task.isCancelled {
            if await isReady(client: client) { return !Task.isCancelled }
            try? await Task.sleep(for: Self.interval)
        }
        return false
    }

    /// Asks once.
    func isReady(client: HTTPClient) async -> Bool {
        switch self {
        case .tcp(let hosts, let port):
            return await Self.isAnswering(hosts: hosts, port: port)
        case .http(let url):
            let request = HTTPClientRequest(url: url)
            guard let response = try? await client.execute(request, timeout: Self.attemptTimeout) else { return false }
            return (200 ..< 300).contains(response.status.code)
        }
    }

    /// Whether one of the hosts accepts a TCP connection at the port.
    static func isAnswering(hosts: [String], port: Int) async -> Bool {
        for host in hosts where await accepts(host: host, port: port) { return true }
        return false
    }

    private static func accepts(host: String, port: Int) async -> Bool {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connectTimeout(attemptTimeout)
        guard let channel = try? await bootstrap.connect(host: host, port: port).get() else { return false }
        try? await channel.close()
        return true
    }
}
