// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Rollcall

/// Makes calls of the native API: asks one server after the other until one answers, as ``CallPlan`` says.
struct RemoteCaller: Sendable {
    let directory: ServerDirectory
    let transport: HTTPTransport
    let configuration: RemoteConfiguration
    let time: TimeSource
    let logger: Logger

    /// What came of a call.
    struct Outcome<Value: Sendable>: Sendable {
        var result: Result<Value, RegistryError>
        /// Whether an attempt before the last may have been done although its answer was lost.
        var wasRepeated: Bool
    }

    /// The answer of the first server that gives one.
    func call<Value: Sendable>(
        _ request: RemoteRequest, _ decode: (ServerAnswer) throws(JSONError) -> Value
    ) async throws(RegistryError) -> Value {
        try await outcome(of: request, decode).result.get()
    }

    /// As ``call(_:_:)``, for those who have to know whether the call was repeated.
    func outcome<Value: Sendable>(
        of request: RemoteRequest, _ decode: (ServerAnswer) throws(JSONError) -> Value
    ) async -> Outcome<Value> {
        var plan = CallPlan(directory.selection, configuration: configuration, start: time.now())
        var generator = SystemRandomNumberGenerator()
        var wasRepeated = false
        var failures: [Int: RegistryError] = [:]
        var step = plan.next(now: time.now())
        while true {
            switch step {
            case .giveUp:
                return Outcome(result: .failure(exhausted(request, failures)), wasRepeated: wasRepeated)
            case .wait(let instant):
                do { try await time.sleep(until: instant) } catch {
                    return Outcome(result: .failure(.cancelled(request.subject)), wasRepeated: wasRepeated)
                }
                step = plan.next(now: time.now())
            case .attempt(let server, let timeout):
                switch await attempt(request, server, timeout, decode) {
                case .done(let result):
                    directory.succeeded(server)
                    return Outcome(result: result, wasRepeated: wasRepeated)
                case .cancelled:
                    return Outcome(result: .failure(.cancelled(request.subject)), wasRepeated: wasRepeated)
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

    private enum Attempt<Value: Sendable> {
        case done(Result<Value, RegistryError>)
        case failed(RegistryError, CallPlan.Failure, mayBeDone: Bool)
        case cancelled
    }

    private func attempt<Value: Sendable>(
        _ request: RemoteRequest, _ server: Int, _ timeout: Duration,
        _ decode: (ServerAnswer) throws(JSONError) -> Value
    ) async -> Attempt<Value> {
        let answer: ServerAnswer
        do throws(AttemptFailure) {
            answer = try await transport.answer(to: request, from: directory.addresses[server], within: timeout)
        } catch {
            if error.isCancelled || Task.isCancelled { return .cancelled }
            let unavailable = RegistryError(
                .unavailable, "\(request.subject): \(error)", retry: .after(Refusal.usualRetry))
            let failure = error.isFinal ? CallPlan.Failure.useless : .unavailable(retryAfter: nil)
            return .failed(unavailable, failure, mayBeDone: error.mayBeDone)
        }
        if request.successes.contains(answer.status) {
            do throws(JSONError) {
                return .done(.success(try decode(answer)))
            } catch {
                return .failed(answer.nonsense(request.subject, "\(error)"), .useless, mayBeDone: true)
            }
        }
        if (200 ..< 400).contains(answer.status) {
            return .failed(answer.nonsense(request.subject, "unexpected status"), .useless, mayBeDone: true)
        }
        let refusal = Refusal(answer, subject: request.subject)
        switch refusal.handling {
        case .final: return .done(.failure(refusal.error))
        case .elsewhere(let retryAfter, let mayBeDone):
            return .failed(refusal.error, .unavailable(retryAfter: retryAfter), mayBeDone: mayBeDone)
        case .useless: return .failed(refusal.error, .useless, mayBeDone: false)
        }
    }

    /// The error of a call that no server answered: what each said last.
    private func exhausted(_ request: RemoteRequest, _ failures: [Int: RegistryError]) -> RegistryError {
        let ordered = failures.sorted { $0.key < $1.key }.map(\.value)
        guard let first = ordered.first else {
            return RegistryError(
                .unavailable, "\(request.subject): no time was left to ask a server", retry: .after(Refusal.usualRetry))
        }
        guard ordered.count > 1 else { return first }
        // A server that says what is the matter says more than one that cannot be reached.
        let told = ordered.first { $0.code != .unavailable } ?? first
        let prefix = "\(request.subject): "
        let reasons = ordered.map { error in
            error.message.hasPrefix(prefix) ? String(error.message.dropFirst(prefix.count)) : error.message
        }
        return RegistryError(
            told.code, "\(request.subject): no server answered: \(reasons.joined(separator: "; "))", retry: told.retry)
    }
}

extension RegistryError {
    static func cancelled(_ subject: String) -> RegistryError {
        RegistryError(.unavailable, "\(subject): cancelled by the caller", cause: CancellationError())
    }
}
