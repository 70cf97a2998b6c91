// SPDX-License-Identifier: Apache-2.0
// Rollcall

import AsyncHTTPClient
import NIOCore
import Rollcall
import RollcallHTTPClient
import Synchronization

/// Calls `web` at a steady rate, whatever becomes of the calls before.
final class CallLoad: Sendable {
    struct Tally: Sendable {
        var calls = 0
        var retries = 0
        /// How often each instance was tried.
        var tries: [String: Int] = [:]
        var failures: [String] = []
        var milliseconds: [Double] = []

        /// As in `p50 1.2 ms, p99 20.1 ms, longest 1003.0 ms`.
        var latency: String {
            let sorted = milliseconds.sorted()
            guard let longest = sorted.last else { return "no answer" }
            func at(_ share: Double) -> Double { sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))] }
            func text(_ value: Double) -> String { "\((value * 10).rounded() / 10) ms" }
            return "p50 \(text(at(0.5))), p99 \(text(at(0.99))), longest \(text(longest))"
        }
    }

    private let state = Mutex(Tally())
    private let client: ServiceClient
    private let http: HTTPClient

    init(_ client: ServiceClient, _ http: HTTPClient) {
        self.client = client
        self.http = http
    }

    var tally: Tally { state.withLock { $0 } }

    /// Makes `perSecond` calls a second until `body` returns, and waits for the last of them.
    func during(perSecond: Int, _ body: () async throws -> Void) async throws {
        let calls = Task {
            await withDiscardingTaskGroup { group in
                var next = ContinuousClock.now
                while !Task.isCancelled {
                    group.addTask { await Task { await self.call() }.value }
                    next += .seconds(1) / perSecond
                    // The rate is what is asked for; nothing waits for its effect.
                    try? await Task.sleep(until: next)
                }
            }
        }
        defer { calls.cancel() }
        try await body()
        calls.cancel()
        await calls.value
    }

    private func call() async {
        let start = ContinuousClock.now
        do {
            let options = CallOptions(isIdempotent: true)
            try await client.call("web", options) { [self] target in
                state.withLock { tally in
                    tally.tries[target.instance.id.value, default: 0] += 1
                    if target.attempt > 0 { tally.retries += 1 }
                }
                let response = try await http.execute(HTTPClientRequest(url: target.url), deadline: .distantFuture)
                _ = try await response.body.collect(upTo: 4096)
                return response
            } judge: { result in
                CallReport(http: result)
            }
            let taken = (ContinuousClock.now - start).inSeconds * 1000
            state.withLock { tally in
                tally.calls += 1
                tally.milliseconds.append(taken)
            }
        } catch {
            state.withLock { tally in
                tally.calls += 1
                tally.failures.append("\(error)")
            }
        }
    }
}
