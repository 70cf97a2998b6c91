// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Where one try of a call goes.
public struct CallTarget: Sendable {
    let endpoint: Endpoint
    /// Which try of the call it is, from 0.
    public let attempt: Int
    /// Until when an answer is of use: to be passed on.
    public let deadline: Deadline

    /// The instance as it is registered.
    public var instance: ServiceInstance { endpoint.instance }
    /// The instance's host: a name, an IPv4 address, or an IPv6 address without brackets.
    public var host: String { endpoint.instance.host }
    /// The instance's primary port. Others are in ``Registration/namedPorts``.
    public var port: UInt16 { endpoint.instance.port }
    /// As in `http://10.0.0.7:8080`.
    public var url: String { endpoint.instance.endpointURL }

    /// Counts the instance as busy with this call until what is returned is ended: for answers that are still being
    /// received after the call has returned, such as a streamed body.
    public func holdLoad(_ time: TimeSource) -> LoadHold { LoadHold(endpoint.load, time) }
}

/// Counts an instance as busy until it is ended, or nobody refers to it any more.
public final class LoadHold: Sendable {
    private let load: EndpointLoad
    private let time: TimeSource
    private let ended = Gate()

    init(_ load: EndpointLoad, _ time: TimeSource) {
        self.load = load
        self.time = time
        load.begin()
    }

    /// Further calls do nothing.
    public func end() {
        guard ended.open() else { return }
        // Of the latency it says nothing: that was told when the answer began.
        load.finish(.cancelled, latency: .zero, now: time.now())
    }

    deinit { end() }
}

/// What a try has shown.
public struct CallReport: Sendable, Hashable {
    /// How the try ended.
    public var outcome: CallOutcome
    /// What a server that failed said about trying again.
    public var pushback: Pushback?

    /// A report of an outcome.
    public init(_ outcome: CallOutcome, pushback: Pushback? = nil) {
        self.outcome = outcome
        self.pushback = pushback
    }

    /// The report of an error that a call threw. One that says by itself what it is (``CallFailureConvertible``) is
    /// that; a cancellation says nothing; any other is the application's own, and no fault of the instance.
    public init(of error: any Error) {
        if let known = error as? any CallFailureConvertible {
            self.init(.failure(known.callFailure))
        } else {
            self.init(error is CancellationError ? .cancelled : .success)
        }
    }
}

/// An error that says what was wrong with the instance that was called, or with the way to it.
///
/// Throw one from the body of a call, so that the call is tried elsewhere and the instance is judged by it.
public protocol CallFailureConvertible: Error {
    /// What was wrong. It decides whether the call may be tried again.
    var callFailure: CallFailure { get }
}
