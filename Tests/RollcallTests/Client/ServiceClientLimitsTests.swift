// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Synchronization
import Testing

@Suite("What a service client may be asked to heed besides", .timeLimit(.minutes(1)))
struct ServiceClientLimitsTests {
    private let clock = ManualClock()

    private func withClient(
        _ ids: [InstanceID], _ change: (inout ServiceClientConfiguration) -> Void,
        _ body: (ServiceClient) async throws -> Void
    ) async throws {
        let registry = LocalRegistry(time: .manual(clock))
        for id in ids {
            try await registry.register(
                Registration(service: "web", id: id, host: "10.0.0.1", port: 80, lease: LeaseTerms(kind: .none)))
        }
        var configuration = ServiceClientConfiguration()
        configuration.retry = RetryPolicy(attemptTimeout: nil, totalTimeout: nil)
        change(&configuration)
        let client = ServiceClient(registry, configuration: configuration, time: .manual(clock))
        _ = try await client.lookup("web")
        try await body(client)
        await client.shutdown()
        await registry.shutdown()
    }

    @Test("an open circuit refuses calls at once, and lets some through again later")
    func circuit() async throws {
        var breaker = CircuitBreaker.Configuration()
        breaker.window = .calls(10)
        breaker.minimumCalls = 10
        breaker.openDuration = .seconds(30)
        breaker.probes = 1
        try await withClient(["a"]) {
            $0.circuitBreaker = breaker
            $0.retry = .never
        } _: { client in
            for _ in 0 ..< 10 {
                await #expect(throws: CallError.self) {
                    try await client.withInstance(of: "web") { _ in throw Fault(callFailure: .connect) }
                }
            }
            let refused = await #expect(throws: CallError.self) { try await client.withInstance(of: "web") { $0.url } }
            #expect(refused?.reason == .circuitOpen)
            #expect(refused?.attempts.isEmpty == true)
            clock.advance(by: .seconds(31))
            for _ in 0 ..< 2 {
                let id = try await client.withInstance(of: "web") { $0.instance.id }
                #expect(id == "a")
            }
        }
    }

    @Test("a limit of calls under way refuses the next one, until one has ended")
    func concurrency() async throws {
        try await withClient(["a"]) {
            $0.concurrency = .fixed(1)
        } _: { client in
            let begun = Gate()
            let end = Gate()
            let first = Task {
                try await client.withInstance(of: "web") { _ in
                    begun.open()
                    await end.opened()
                }
            }
            await begun.opened()
            let refused = await #expect(throws: CallError.self) { try await client.withInstance(of: "web") { $0.url } }
            #expect(refused?.reason == .concurrencyLimit)
            end.open()
            try await first.value
            let id = try await client.withInstance(of: "web") { $0.instance.id }
            #expect(id == "a")
        }
    }

    @Test("a copy of a slow idempotent call goes to another instance, and the first good answer wins")
    func hedging() async throws {
        try await withClient(["a", "b"]) {
            $0.hedging = HedgingPolicy(delay: .fixed(.milliseconds(50)))
        } _: { client in
            let first = Mutex<InstanceID?>(nil)
            let begun = Gate()
            let cancelled = Gate()
            async let answer = client.withInstance(of: "web", CallOptions(isIdempotent: true)) { target in
                let isFirst = first.withLock { first in
                    if first == nil { first = target.instance.id }
                    return first == target.instance.id
                }
                guard isFirst else { return target.instance.id }
                begun.open()
                await withTaskCancellationHandler {
                    await cancelled.opened()
                } onCancel: {
                    cancelled.open()
                }
                return target.instance.id
            }
            await begun.opened()
            let ticking = Task { [clock] in
                while !Task.isCancelled {
                    clock.advance(by: .milliseconds(10))
                    await Task.yield()
                }
            }
            let id = try await answer
            ticking.cancel()
            #expect(id != first.withLock { $0 })
            // The slow one is told that nobody waits any more.
            await cancelled.opened()
        }
    }
}

/// Opens once; those who came before wait.
private final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let sink: AsyncStream<Void>.Continuation

    init() { (stream, sink) = AsyncStream.makeStream() }

    func open() { sink.finish() }
    func opened() async { for await _ in stream {} }
}
