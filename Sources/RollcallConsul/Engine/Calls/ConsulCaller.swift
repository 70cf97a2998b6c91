// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Rollcall
internal import RollcallTransport

/// Makes calls of Consul's API at one of several agents.
struct ConsulCaller: Sendable {
    let directory: ServerDirectory
    let transport: ConsulTransport
    let configuration: ConsulRegistryConfiguration
    let time: TimeSource
    let logger: Logger

    /// A success, and who gave it.
    struct Answer: Sendable {
        let reply: ConsulReply
        let server: Int
        /// Whether an attempt before may have been done although its answer was lost.
        var wasRepeated = false
    }

    /// The answer of the first agent that gives one.
    ///
    /// - Parameter servers: Who is asked, in this order; `nil` is all, beginning with the one that answered last.
    func call(_ request: ConsulRequest, at servers: [Int]? = nil) async throws(RegistryError) -> Answer {
        let plan = CallPlan(
            servers ?? directory.selection.order, attemptTimeout: configuration.attemptTimeout,
            callTimeout: configuration.callTimeout, backoff: configuration.callBackoff, start: time.now())
        let outcome = await ServerCalls.run(
            request.subject, plan: plan, directory: directory, time: time, logger: logger
        ) { server, timeout in await attempt(request, server, timeout) }
        var answer = try outcome.result.get()
        answer.wasRepeated = outcome.wasRepeated
        return answer
    }

    private func attempt(
        _ request: ConsulRequest, _ server: Int, _ timeout: Duration
    ) async -> ServerCalls.Attempt<Answer> {
        let address = directory.addresses[server]
        do throws(AttemptFailure) {
            let reply = try await transport.reply(to: request, from: address, within: timeout)
            if reply.status == 200 || request.expects(reply) {
                return .done(.success(Answer(reply: reply, server: server)))
            }
            let refusal = ConsulRefusal(reply, subject: request.subject, server: address)
            guard let failure = refusal.failure else { return .done(.failure(refusal.error)) }
            return .failed(refusal.error, failure, mayBeDone: reply.status != 429)
        } catch {
            if error.isCancelled || Task.isCancelled { return .cancelled }
            let unavailable = RegistryError(
                .unavailable, "\(request.subject): \(error)", retry: .after(ServerCalls.usualRetry))
            return .failed(
                unavailable, error.isFinal ? .useless : .unavailable(retryAfter: nil), mayBeDone: error.mayBeDone)
        }
    }

    /// The error of an answer that cannot be Consul's.
    func nonsense(_ subject: String, _ server: Int, _ error: JSONError) -> RegistryError {
        RegistryError(
            .unavailable, "\(subject): \(directory.addresses[server]) did not answer as Consul does: \(error)",
            retry: .after(.seconds(5)))
    }
}
