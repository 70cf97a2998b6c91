// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A health check that an instance declares when it registers. Its result is the ``HealthCheck`` with the same
/// identifier in ``ServiceInstance/checks``.
///
/// Who runs it depends on the kind: a `ttl` check is reported by the instance itself, all others are run by the
/// registry's server.
public struct CheckDefinition: Sendable, Hashable {
    /// What is asked, and how.
    public enum Kind: Sendable, Hashable {
        /// Passing when an HTTP request is answered as expected.
        case http(HTTPCheck)
        /// Passing when a TCP connection is accepted. `target` is `host:port`, `:port` on the instance's host, or empty
        /// for its primary port.
        case tcp(target: String)
        /// Passing when the gRPC health protocol answers `SERVING`.
        case grpc(GRPCCheck)
        /// Passing when the command ends with 0, warning with 1, critical with anything else. The first argument is the
        /// program; no shell is involved. Run only where the server's configuration allows it.
        case command([String])
        /// Critical when nothing was reported for this long.
        case ttl(Duration)
        /// As healthy as the worst check of another instance; critical when that one is not registered.
        case alias(InstanceKey)

        /// The name of the case on the wire.
        public var name: String {
            switch self {
            case .http: "http"
            case .tcp: "tcp"
            case .grpc: "grpc"
            case .command: "command"
            case .ttl: "ttl"
            case .alias: "alias"
            }
        }
    }

    /// Unique among the checks of its instance.
    public var id: String
    /// For display; may be empty.
    public var name: String
    /// What is asked. A definition of another kind is another check: its result begins anew.
    public var kind: Kind
    /// From the end of a round to the begin of the next, give or take the jitter of the scheduler. Not used by `ttl`.
    public var interval: Duration
    /// How long one round may take. Not used by `ttl`.
    public var timeout: Duration
    /// So many good results in a row end a bad status. The very first result is believed at once.
    public var successThreshold: Int
    /// So many failures in a row make the check critical.
    public var failureThreshold: Int
    /// The status before there is a result.
    public var initialStatus: HealthCheck.Status
    /// An instance whose check was critical for so long is deregistered; `nil` leaves it.
    public var deregisterAfter: Duration?

    /// - Parameter id: The name of the kind when left out.
    public init(
        id: String? = nil, name: String = "", kind: Kind, interval: Duration = Self.defaultInterval,
        timeout: Duration = Self.defaultTimeout, successThreshold: Int = 1, failureThreshold: Int = 1,
        initialStatus: HealthCheck.Status = .critical, deregisterAfter: Duration? = nil
    ) {
        self.id = id ?? kind.name
        self.name = name
        self.kind = kind
        self.interval = interval
        self.timeout = timeout
        self.successThreshold = successThreshold
        self.failureThreshold = failureThreshold
        self.initialStatus = initialStatus
        self.deregisterAfter = deregisterAfter
    }

    /// 10 s, as in Consul's examples and its clients' defaults.
    public static let defaultInterval: Duration = .seconds(10)
    /// 5 s: half an interval.
    public static let defaultTimeout: Duration = .seconds(5)

    /// Whether the result is reported from outside instead of being asked for.
    public var isReported: Bool {
        if case .ttl = kind { true } else { false }
    }

    /// The result before there was one.
    func initialResult(at time: WallTime) -> HealthCheck {
        HealthCheck(id: id, status: initialStatus, output: "", since: time)
    }
}

/// An HTTP request and what its answer has to be like.
public struct HTTPCheck: Sendable, Hashable {
    /// A path on the instance's primary port, or an absolute URL.
    public var target: String
    /// A token of RFC 9110, such as `GET` or `HEAD`, sent as it is.
    public var method: String
    /// Sent beside the usual ones.
    public var headers: [String: String]
    /// Sent with the request; empty sends none.
    public var body: String
    /// The statuses that pass. 429 warns when it is not among them, as in Consul; any other is critical.
    public var expectedStatus: ClosedRange<Int>
    /// A text that the body of the answer has to contain, if any, within its first 64 KiB.
    public var bodyContains: String?
    /// Whether any certificate is good enough.
    public var skipsVerification: Bool

    /// - Parameter target: A path that begins with `/`, or an absolute URL. Others are refused by
    ///   ``Registration/validate(limits:)``.
    public init(
        target: String, method: String = "GET", headers: [String: String] = [:], body: String = "",
        expectedStatus: ClosedRange<Int> = Self.defaultStatus, bodyContains: String? = nil,
        skipsVerification: Bool = false
    ) {
        self.target = target
        self.method = method
        self.headers = headers
        self.body = body
        self.expectedStatus = expectedStatus
        self.bodyContains = bodyContains
        self.skipsVerification = skipsVerification
    }

    /// Any 2xx, as Consul's HTTP checks.
    public static let defaultStatus = 200 ... 299
}

/// A question to `grpc.health.v1.Health/Check`.
public struct GRPCCheck: Sendable, Hashable {
    /// `host:port`, `:port` on the instance's host, or empty for its primary port.
    public var target: String
    /// The gRPC service that is asked about; empty is the server as a whole.
    public var service: String
    /// Whether TLS is spoken.
    public var isSecure: Bool
    /// Whether any certificate is good enough.
    public var skipsVerification: Bool

    /// What is left out asks the server as a whole, on the primary port, without TLS.
    public init(target: String = "", service: String = "", isSecure: Bool = false, skipsVerification: Bool = false) {
        self.target = target
        self.service = service
        self.isSecure = isSecure
        self.skipsVerification = skipsVerification
    }
}

extension Registration {
    /// The declared check with this identifier.
    public func check(_ id: String) -> CheckDefinition? { checks.first { $0.id == id } }

    /// The URL that an HTTP check of this instance asks.
    public func url(of check: HTTPCheck) -> String {
        check.target.hasPrefix("/") ? endpointURL + check.target : check.target
    }

    /// The results that an instance begins or goes on with: those of `present` stay where the same is still asked, and
    /// so do results that no registration declared.
    ///
    /// - Parameter former: The registration that `present` belongs to; `nil` for a new life.
    func results(keeping present: [HealthCheck], of former: Registration?, at time: WallTime) -> [HealthCheck] {
        guard let former else { return checks.map { $0.initialResult(at: time) } }
        var results = present.filter { former.check($0.id) == nil && check($0.id) == nil }
        for check in checks {
            let known = present.first { $0.id == check.id }
            let isSame = former.check(check.id).map { $0.kind == check.kind } ?? true
            results.append(isSame ? known ?? check.initialResult(at: time) : check.initialResult(at: time))
        }
        return results
    }
}
