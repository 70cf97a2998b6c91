// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A call to a service that got no good answer: what was tried, and why no more.
public struct CallError: Error, CustomStringConvertible {
    /// Why there was no further try.
    public enum Reason: Sendable, Hashable {
        /// The tries were of no avail.
        case gaveUp(CallGiveUp)
        /// The registry does not know the service, or none of its instances may be called.
        case noInstances
        /// The registry could not be asked, and no list is there from before.
        case noList
        /// Most calls to the service fail at present: this one was not tried.
        case circuitOpen
        /// As many calls to the service as allowed are under way: this one was not tried.
        case concurrencyLimit
        /// The client was shut down.
        case closed
    }

    /// One try.
    public struct Attempt: Sendable {
        /// The life of the instance that was tried.
        public let instance: EndpointIdentity
        /// As in `http://10.0.0.7:8080`.
        public let endpoint: String
        /// How it ended; `cancelled` when the end of the call cut it off.
        public let outcome: CallOutcome
        /// From the beginning of the try to its end.
        public let duration: Duration
        /// What the call threw, if it threw.
        public let cause: (any Error)?
    }

    /// The service that was called.
    public let service: ServiceName
    /// Why there was no further try.
    public let reason: Reason
    /// What was tried, in the order of the beginnings; empty when nothing was.
    public let attempts: [Attempt]
    /// How many instances the service had, and how many of them might have been called.
    public let instances: Int
    /// How many instances might have been called.
    public let callable: Int

    /// An error of a call to `service`, for those who make calls by other means and want the same errors.
    public init(
        service: ServiceName, reason: Reason, attempts: [Attempt] = [], instances: Int = 0, callable: Int = 0
    ) {
        self.service = service
        self.reason = reason
        self.attempts = attempts
        self.instances = instances
        self.callable = callable
    }

    public var description: String {
        var text = "call to \(service): \(reason.explanation)"
        switch reason {
        case .noInstances: text += " (\(instances) registered)"
        case .gaveUp: text += " (\(callable) of \(instances) instances callable)"
        case .noList, .circuitOpen, .concurrencyLimit, .closed: break
        }
        for (number, attempt) in attempts.enumerated() {
            text += "; try \(number + 1) at \(attempt.endpoint) (\(attempt.instance.key.id)): \(attempt.outcome.text)"
            text += " after \(attempt.duration.wholeMilliseconds) ms"
            if let cause = attempt.cause { text += ": \(cause)" }
        }
        return text
    }
}

extension CallError.Reason {
    var explanation: String {
        switch self {
        case .gaveUp(.notRetryable): "it failed, and may have been acted upon, so it is not repeated"
        case .gaveUp(.attemptsExhausted): "all tries that are allowed failed"
        case .gaveUp(.budgetExhausted): "it failed, and calls to this service have used up what may be retried"
        case .gaveUp(.deadline): "there is no time left"
        case .gaveUp(.pushedBack): "the instance asks not to be tried again"
        case .gaveUp(.noEndpoint): "there is no instance left to try"
        case .gaveUp(.cancelled): "the caller gave up"
        case .noInstances: "no instance may be called"
        case .noList: "the registry could not be asked, and no earlier list is kept"
        case .circuitOpen: "its circuit is open, because most of the last calls failed"
        case .concurrencyLimit: "as many calls as allowed are under way"
        case .closed: "the client was shut down"
        }
    }
}

extension CallOutcome {
    var text: String {
        switch self {
        case .success: "answered"
        case .cancelled: "cancelled"
        case .failure(.connect): "no connection"
        case .failure(.connectionLost): "connection lost"
        case .failure(.timeout): "no answer in time"
        case .failure(.serverError): "server error"
        case .failure(.gatewayError): "gateway error"
        case .failure(.overloaded): "overloaded"
        }
    }
}
