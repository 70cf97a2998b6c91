// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Synchronization
import Testing

/// Registered instances, and calls that a test answers.
@Suite("A service client", .timeLimit(.minutes(1)))
struct ServiceClientTests {
    private let clock = ManualClock()
    private let registry: LocalRegistry

    init() {
        registry = LocalRegistry(time: .manual(clock))
    }

    private func client(_ change: (inout ServiceClientConfiguration) -> Void = { _ in }) -> ServiceClient {
        var configuration = ServiceClientConfiguration()
        // Without pauses, so that no test has to move the clock for them.
        configuration.retry = RetryPolicy(
            attemptTimeout: nil, totalTimeout: nil,
            backoff: Backoff(initial: .zero, maximum: .zero, minimum: .zero))
        change(&configuration)
        return ServiceClient(registry, configuration: configuration, time: .manual(clock))
    }

    private func register(_ ids: String...) async throws {
        for (number, id) in ids.enumerated() {
            try await registry.register(
                Registration(
                    service: "web", id: InstanceID(id), host: "10.0.0.\(number + 1)", port: 80,
                    lease: LeaseTerms(kind: .none)))
        }
    }

    @Test("calls an instance and returns what the call returns")
    func success() async throws {
        try await register("a")
        let client = client()
        let url = try await client.withInstance(of: "web") { $0.url }
        #expect(url == "http://10.0.0.1:80")
        await client.shutdown()
    }

    @Test("tries another instance when there is no connection, also for what must not be repeated")
    func refused() async throws {
        try await register("a", "b")
        let client = client()
        for _ in 0 ..< 20 {
            let id = try await client.withInstance(of: "web") { target in
                if target.instance.id == "a" { throw Fault(callFailure: .connect) }
                return target.instance.id
            }
            #expect(id == "b")
        }
        await client.shutdown()
    }

    @Test("repeats a call that may have been acted upon only when it is idempotent")
    func idempotence() async throws {
        try await register("a", "b", "c")
        let client = client()
        let calls = Mutex(0)
        let error = await #expect(throws: CallError.self) {
            try await client.withInstance(of: "web") { _ in
                calls.withLock { $0 += 1 }
                throw Fault(callFailure: .connectionLost)
            }
        }
        #expect(error?.reason == .gaveUp(.notRetryable))
        #expect(calls.withLock { $0 } == 1)
        let tried = Mutex<Set<InstanceID>>([])
        let second = await #expect(throws: CallError.self) {
            try await client.withInstance(of: "web", CallOptions(isIdempotent: true)) { target in
                tried.withLock { _ = $0.insert(target.instance.id) }
                throw Fault(callFailure: .connectionLost)
            }
        }
        #expect(second?.reason == .gaveUp(.attemptsExhausted))
        #expect(tried.withLock { $0 } == ["a", "b", "c"])
        #expect(second?.attempts.count == 3)
        #expect(second?.instances == 3)
        let text = try #require(second?.description)
        #expect(text.hasPrefix("call to web: all tries that are allowed failed (3 of 3 instances callable); try 1 at"))
        #expect(text.contains("connection lost"))
        await client.shutdown()
    }

    @Test("passes an error of the application on as it is, and does not hold it against the instance")
    func applicationError() async throws {
        struct NotFound: Error {}
        try await register("a", "b")
        let client = client()
        for _ in 0 ..< 50 {
            await #expect(throws: NotFound.self) {
                try await client.withInstance(of: "web", CallOptions(isIdempotent: true)) { _ in throw NotFound() }
            }
        }
        let answer = try await client.withInstance(of: "web") { $0.attempt }
        #expect(answer == 0)
        await client.shutdown()
    }

    @Test("gives a try up when its time is over, and goes on with another")
    func timeouts() async throws {
        try await register("a", "b")
        let client = client { $0.retry.attemptTimeout = .seconds(1) }
        // Until the list is there nothing is timed.
        _ = try await client.lookup("web")
        let hangs = Mutex<InstanceID?>(nil)
        async let answer = client.withInstance(of: "web", CallOptions(isIdempotent: true)) { target in
            let isFirst = hangs.withLock { hangs in
                if hangs == nil { hangs = target.instance.id }
                return hangs == target.instance.id
            }
            // Hangs until it is cancelled.
            if isFirst { try await Task.sleep(for: .seconds(600)) }
            return target.instance.id
        }
        while hangs.withLock({ $0 }) == nil { await Task.yield() }
        let ticking = Task { [clock] in
            while !Task.isCancelled {
                clock.advance(by: .milliseconds(100))
                await Task.yield()
            }
        }
        let id = try await answer
        ticking.cancel()
        #expect(id != hangs.withLock { $0 })
        await client.shutdown()
    }

    @Test("says that a service has no instances, and how many cannot be called")
    func nobody() async throws {
        let client = client()
        let none = await #expect(throws: CallError.self) { try await client.withInstance(of: "web") { $0.url } }
        #expect(none?.description == "call to web: no instance may be called (0 registered)")
        try await register("a")
        try await registry.update(
            InstanceKey("web", "a"), incarnation: nil, .desired(.maintenance(reason: "disk")))
        while try await client.lookup("web").snapshot["a"]?.status != .outOfService { await Task.yield() }
        let maintained = await #expect(throws: CallError.self) { try await client.withInstance(of: "web") { $0.url } }
        #expect(maintained?.description == "call to web: no instance may be called (1 registered)")
        await client.shutdown()
    }

    @Test("leaves out an instance that fails again and again, and tries it again later")
    func ejection() async throws {
        try await register("a", "b", "c")
        let client = client()
        let reached = Mutex<[InstanceID: Int]>([:])
        func call() async throws {
            try await client.withInstance(of: "web", CallOptions(isIdempotent: true)) { target in
                reached.withLock { $0[target.instance.id, default: 0] += 1 }
                if target.instance.id == "a" { throw Fault(callFailure: .serverError) }
            }
        }
        // The penalty for failures keeps calls away long before five have failed; time makes it fade.
        while reached.withLock({ $0["a"] ?? 0 }) < 5 {
            try await call()
            clock.advance(by: .seconds(1))
        }
        for _ in 0 ..< 300 { try await call() }
        #expect(reached.withLock { $0["a"] } == 5)
        clock.advance(by: .seconds(31))
        // Back in the list, and on probation.
        while reached.withLock({ $0["a"] ?? 0 }) < 6 {
            try await call()
            clock.advance(by: .seconds(1))
        }
        await client.shutdown()
    }

    @Test("does not let an instance that is down use up the share of those that may be left out")
    func ejectionOfAnother() async throws {
        try await register("a", "b", "c", "d")
        // Without the penalty calls go on to those that fail, and no time has to pass.
        let client = client { $0.upstream.failurePenalty = .zero }
        let reached = Mutex<[InstanceID: Int]>([:])
        func call(failing: InstanceID) async throws {
            try await client.withInstance(of: "web", CallOptions(isIdempotent: true)) { target in
                reached.withLock { $0[target.instance.id, default: 0] += 1 }
                if target.instance.id == failing { throw Fault(callFailure: .connect) }
            }
        }
        func calls(_ id: InstanceID) -> Int { reached.withLock { $0[id] ?? 0 } }
        for _ in 0 ..< 300 { try await call(failing: "a") }
        // One of four may be left out, and that is "a" until the registry takes it for dead.
        #expect(calls("a") == 5)
        try await registry.update(
            InstanceKey("web", "a"), incarnation: nil, .check(id: "ping", status: .critical, output: "dead"))
        while try await client.lookup("web").snapshot["a"]?.status != .down { await Task.yield() }
        let before = calls("b")
        for _ in 0 ..< 300 { try await call(failing: "b") }
        #expect(calls("b") == before + 5)
        await client.shutdown()
    }

    @Test("goes on with the last list when the registry has ended, and tells its age")
    func registryGone() async throws {
        try await register("a")
        let source = ScriptedDiscovery(list: try await registry.lookup("web"))
        let client = ServiceClient(source, time: .manual(clock))
        #expect(try await client.lookup("web").age == .zero)
        source.say(.engine(.stale(since: WallTime(millisecondsSinceEpoch: 0))))
        while client.services.first?.age == .zero {
            clock.advance(by: .seconds(1))
            await Task.yield()
        }
        #expect(try await client.withInstance(of: "web") { $0.instance.id } == "a")
        let before = try #require(try await client.lookup("web").age)
        clock.advance(by: .seconds(10))
        #expect(try await client.lookup("web").age == before + .seconds(10))
        source.say(.engine(.connected))
        while client.services.first?.age != .zero { await Task.yield() }
        await client.shutdown()
    }

    @Test("refuses calls after its shutdown")
    func closed() async throws {
        let client = client()
        await client.shutdown()
        let error = await #expect(throws: CallError.self) { try await client.withInstance(of: "web") { $0.url } }
        #expect(error?.reason == .closed)
    }

    @Test("ends a call when its caller is cancelled")
    func cancelled() async throws {
        try await register("a")
        let client = client()
        let begun = Mutex(false)
        let call = Task {
            try await client.withInstance(of: "web") { _ in
                begun.withLock { $0 = true }
                // Hangs until it is cancelled.
                try await Task.sleep(for: .seconds(600))
            }
        }
        while !begun.withLock({ $0 }) { await Task.yield() }
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
        await client.shutdown()
    }
}

struct Fault: CallFailureConvertible {
    let callFailure: CallFailure
}
