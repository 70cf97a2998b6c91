// SPDX-License-Identifier: Apache-2.0
// Rollcall

package import Logging
package import Rollcall

/// Makes calls of a registry that several servers answer for: asks one after the other until one answers, as
/// ``CallPlan`` says.
package enum ServerCalls {
    /// What came of a call.
    package struct Outcome<Value: Sendable>: Sendable {
        package let result: Result<Value, RegistryError>
        /// Whether an attempt before the last may have been done although its answer was lost.
        package let wasRepeated: Bool
    }

    /// What came of asking one server.
    package enum Attempt<Value: Sendable>: Sendable {
        case done(Result<Value, RegistryError>)
        case failed(RegistryError, CallPlan.Failure, mayBeDone: Bool)
        case cancelled
    }

    /// When a server that is to be asked again did not say when.
    package static let usualRetry: Duration = .seconds(1)

    /// - Parameters:
    ///   - subject: What is being done to what, for errors: `lookup of web`.
    ///   - attempt: Asks a server and waits so long for the answer.
    package static func run<Value: Sendable>(
        _ subject: String, plan: CallPlan, directory: ServerDirectory, time: TimeSource, logger: Logger,
        attempt: (_ server: Int, _ timeout: Duration) async -> Attempt<Value>
    ) async -> Outcome<Value> {
        var plan = plan
        var generator = SystemRandomNumberGenerator()
        var wasRepeated = false
        var failures: [Int: RegistryError] = [:]
        var step = plan.next(now: time.now())
        while true {
            switch step {
            case .giveUp:
                return Outcome(result: .failure(exhausted(subject, failures)), wasRepeated: wasRepeated)
            case .wait(let instant):
                do { try await time.sleep(until: instant) } catch {
                    return Outcome(result: .failure(.cancelled(subject)), wasRepeated: wasRepeated)
                }
                step = plan.next(now: time.now())
            case .attempt(let server, let timeout):
                switch await attempt(server, timeout) {
                case .done(let result):
                    directory.succeeded(server)
                    return Outcome(result: result, wasRepeated: wasRepeated)
                case .cancelled:
                    return Outcome(result: .failure(.cancelled(subject)), wasRepeated: wasRepeated)
                case .failed(let error, let failure, let mayBeDone):
                    logger.debug("a server could not be asked", metadata: ["error": "\(error)"])
                    directory.failed(server)
                    failures[server] = error
                    wasRepeated = wasRepeated || mayBeDone
                    step = plan.failed(failure, now: time.now(), using: &generator)
                }
            }
        }
    }

    /// The error of a call that no server answered: what each said last.
    private static func exhausted(_ subject: String, _ failures: [Int: RegistryError]) -> RegistryError {
        let ordered = failures.sorted { $0.key < $1.key }.map(\.value)
        guard let first = ordered.first else {
            return RegistryError(
                .unavailable, "\(subject): no time was left to ask a server", retry: .after(usualRetry))
        }
        guard ordered.count > 1 else { return first }
        // A server that says what is the matter says more than one that cannot be reached.
        let told = ordered.first { $0.code != .unavailable } ?? first
        let prefix = "\(subject): "
        let reasons = ordered.map { error in
            error.message.hasPrefix(prefix) ? String(error.message.dropFirst(prefix.count)) : error.message
        }
        return RegistryError(
            told.code, "\(subject): no server answered: \(reasons.joined(separator: "; "))", retry: told.retry)
    }
}

extension RegistryError {
    package static func cancelled(_ subject: String) -> RegistryError {
        RegistryError(.unavailable, "\(subject): cancelled by the caller", cause: CancellationError())
    }
}
