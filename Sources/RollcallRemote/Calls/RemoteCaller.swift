// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Rollcall
internal import RollcallTransport

/// Makes calls of the native API: asks one server after the other until one answers, as ``CallPlan`` says.
struct RemoteCaller: Sendable {
    let directory: ServerDirectory
    let transport: HTTPTransport
    let configuration: RemoteConfiguration
    let time: TimeSource
    let logger: Logger

    /// The answer of the first server that gives one.
    func call<Value: Sendable>(
        _ request: RemoteRequest, _ decode: (ServerAnswer) throws(JSONError) -> Value
    ) async throws(RegistryError) -> Value {
        try await outcome(of: request, decode).result.get()
    }

    /// As ``call(_:_:)``, for those who have to know whether the call was repeated.
    func outcome<Value: Sendable>(
        of request: RemoteRequest, _ decode: (ServerAnswer) throws(JSONError) -> Value
    ) async -> ServerCalls.Outcome<Value> {
        let plan = CallPlan(directory.selection, configuration: configuration, start: time.now())
        return await ServerCalls.run(
            request.subject, plan: plan, directory: directory, time: time, logger: logger
        ) { server, timeout in await attempt(request, server, timeout, decode) }
    }

    private func attempt<Value: Sendable>(
        _ request: RemoteRequest, _ server: Int, _ timeout: Duration,
        _ decode: (ServerAnswer) throws(JSONError) -> Value
    ) async -> ServerCalls.Attempt<Value> {
        let answer: ServerAnswer
        do throws(AttemptFailure) {
            answer = try await transport.answer(to: request, from: directory.addresses[server], within: timeout)
        } catch {
            if error.isCancelled || Task.isCancelled { return .cancelled }
            let unavailable = RegistryError(
                .unavailable, "\(request.subject): \(error)", retry: .after(ServerCalls.usualRetry))
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
}

extension CallPlan {
    init(_ selection: ServerSelection, configuration: RemoteConfiguration, start: Instant) {
        self.init(
            selection.order, attemptTimeout: configuration.attemptTimeout, callTimeout: configuration.callTimeout,
            backoff: configuration.callBackoff, start: start)
    }
}
