// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore

/// What has arrived at the watches that read.
///
/// `@unchecked Sendable`: every property is read and written on the one event loop that all connections share; each method
/// either is called by their handlers, or goes to that loop first.
final class WatchTally: @unchecked Sendable {
    struct Lost: Error, CustomStringConvertible {
        let description: String
    }

    private let reading: Int
    private var synced = 0
    private var arrived = 0
    private var begunAt = NIODeadline.distantFuture
    private var delays: [Int64] = []
    private var failure: Lost?
    private var waiter: (isDone: () -> Bool, promise: EventLoopPromise<Void>)?

    /// A change that has not reached all by then is lost.
    private static let patience = TimeAmount.seconds(30)

    init(reading: Int) {
        self.reading = reading
    }

    // MARK: On the event loop

    func didSync() {
        synced += 1
        wake()
    }

    func didArrive() {
        arrived += 1
        delays.append((NIODeadline.now() - begunAt).nanoseconds)
        wake()
    }

    func didFail(_ what: String) {
        failure = failure ?? Lost(description: what)
        wake()
    }

    // MARK: From outside

    func begin(on loop: any EventLoop) async throws {
        try await loop.submit {
            self.arrived = 0
            self.begunAt = .now()
        }.get()
    }

    func waitUntilSynced(on loop: any EventLoop) async throws {
        try await wait(on: loop) { self.synced >= self.reading }
    }

    func waitUntilArrived(on loop: any EventLoop) async throws {
        try await wait(on: loop) { self.arrived >= self.reading }
    }

    /// All delays since the last call, in nanoseconds, sorted.
    func takeDelays(on loop: any EventLoop) async throws -> [Int64] {
        try await loop.submit {
            defer { self.delays = [] }
            return self.delays.sorted()
        }.get()
    }

    private func wait(on loop: any EventLoop, _ isDone: @escaping @Sendable () -> Bool) async throws {
        try await loop.flatSubmit {
            let promise = loop.makePromise(of: Void.self)
            self.waiter = (isDone, promise)
            let timeout = loop.scheduleTask(in: Self.patience) {
                self.didFail("of \(self.reading) watches \(self.synced) began, and a change reached \(self.arrived)")
            }
            self.wake()
            promise.futureResult.whenComplete { _ in timeout.cancel() }
            return promise.futureResult
        }.get()
    }

    private func wake() {
        guard let waiter, failure != nil || waiter.isDone() else { return }
        self.waiter = nil
        if let failure { waiter.promise.fail(failure) } else { waiter.promise.succeed() }
    }
}
