// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// Lets those who read, decide and write about the same thing do so one after the other, in their order; others do not
/// wait for them.
final class TurnQueue<Subject: Hashable & Sendable>: Sendable {
    /// Who waits, for each subject that somebody has the turn of.
    private let waiting = Mutex<[Subject: [CheckedContinuation<Void, Never>]]>([:])

    /// Runs `body` when everybody is through who came before with the same subject. It must not ask for a turn of the
    /// same subject itself.
    func withTurn<Value, Failure>(
        of subject: Subject, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        await enter(subject)
        defer { leave(subject) }
        return try await body()
    }

    private func enter(_ subject: Subject) async {
        await withCheckedContinuation { continuation in
            let isFree = waiting.withLock { waiting in
                if waiting[subject]?.append(continuation) != nil { return false }
                waiting[subject] = []
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func leave(_ subject: Subject) {
        let next = waiting.withLock { waiting -> CheckedContinuation<Void, Never>? in
            guard let first = waiting[subject]?.first else {
                waiting[subject] = nil
                return nil
            }
            waiting[subject]?.removeFirst()
            return first
        }
        next?.resume()
    }
}
