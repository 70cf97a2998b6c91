// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// A registration as Consul's agent takes it: the body of `PUT /v1/agent/service/register`.
struct ConsulRegistration: Sendable {
    let registration: Registration
    let incarnation: Incarnation
    /// Consul's identifier of the instance.
    let id: String
    private let meta: [String: String]

    /// The lease's check; `nil` without a lease.
    var leaseCheck: String? {
        registration.lease.kind == .none ? nil : ConsulNaming.leaseCheck(id, incarnation)
    }

    /// The identifiers of all checks.
    var checkIDs: Set<String> {
        var ids = Set(registration.checks.map { ConsulNaming.check($0.id, id) })
        if let leaseCheck { ids.insert(leaseCheck) }
        if registration.readiness == .starting { ids.insert(ConsulNaming.readinessCheck(id)) }
        return ids
    }

    /// - Throws: `invalid` or `unsupported`, with what Consul cannot keep or do.
    init(
        _ registration: Registration, incarnation: Incarnation, registeredAt: WallTime
    ) throws(RegistryError) {
        self.registration = registration
        self.incarnation = incarnation
        id = ConsulNaming.id(registration.key)
        let own = ConsulMeta(
            id: registration.id, service: registration.service, incarnation: incarnation, registeredAt: registeredAt)
        meta = try own.pairs(with: registration)
        try Self.checkSupport(registration)
    }

    private static func checkSupport(_ registration: Registration) throws(RegistryError) {
        let subject = "registration of \(registration.key) in Consul"
        if registration.lease.kind == .connection {
            throw RegistryError(.unsupported, "\(subject): Consul has no leases that end with a connection")
        }
        for check in registration.checks {
            guard case .http(let http) = check.kind else { continue }
            if let text = http.bodyContains {
                throw RegistryError(
                    .unsupported,
                    "\(subject): the check \(check.id) asks for \"\(text)\" in the answer, which Consul cannot check")
            }
            if http.expectedStatus != HTTPCheck.defaultStatus {
                throw RegistryError(
                    .unsupported,
                    "\(subject): the check \(check.id) expects \(http.expectedStatus), Consul passes 200 to 299 only")
            }
        }
    }

    /// The body of the request.
    var json: [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        writer.beginObject()
        writer.field("ID", id)
        writer.field("Name", ConsulNaming.service(registration.service))
        writer.key("Tags")
        writer.texts(registration.tags)
        writer.field("Address", registration.host)
        writer.field("Port", registration.port)
        writer.key("Meta")
        writer.texts(meta)
        writer.key("Weights")
        writer.beginObject()
        writer.field("Passing", max(1, registration.weight))
        writer.field("Warning", max(1, registration.weight))
        writer.endObject()
        writer.key("Checks")
        writer.beginArray()
        writeLease(to: &writer)
        writeReadiness(to: &writer)
        for check in registration.checks { write(check, to: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    private func writeLease(to writer: inout JSONWriter) {
        guard let leaseCheck else { return }
        let lease = registration.lease
        writer.beginObject()
        writer.field("CheckID", leaseCheck)
        writer.field("Name", "Heartbeats")
        writer.field("TTL", GoDuration.text(lease.ttl))
        writer.field("Status", "passing")
        // Consul counts from when the check became critical, and makes less than a minute a minute.
        let silence = max(lease.evictAfter - lease.ttl, .seconds(1))
        writer.field("DeregisterCriticalServiceAfter", GoDuration.text(silence))
        writer.endObject()
    }

    private func writeReadiness(to writer: inout JSONWriter) {
        guard registration.readiness == .starting else { return }
        writer.beginObject()
        writer.field("CheckID", ConsulNaming.readinessCheck(id))
        writer.field("Name", "Readiness")
        writer.field("Notes", "The instance has not finished starting.")
        // It runs out into what it is already.
        writer.field("TTL", Self.day)
        writer.field("Status", "critical")
        writer.endObject()
    }

    /// A TTL check that is not reported becomes critical; ten years is as good as never.
    static let forEver = "87600h0m0s"
    /// The longest TTL that a Rollcall server takes, which stands for Consul.
    static let day = "24h0m0s"

    private func write(_ check: CheckDefinition, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("CheckID", ConsulNaming.check(check.id, id))
        writer.field("Name", check.name.isEmpty ? check.id : check.name)
        writer.field("Status", check.initialStatus.rawValue)
        writeQuestion(check, to: &writer)
        switch check.kind {
        case .ttl, .alias: break
        default:
            writer.field("Interval", GoDuration.text(check.interval))
            writer.field("Timeout", GoDuration.text(check.timeout))
            // Consul counts the results beyond the first that decides.
            if check.successThreshold > 1 { writer.field("SuccessBeforePassing", check.successThreshold - 1) }
            if check.failureThreshold > 1 { writer.field("FailuresBeforeCritical", check.failureThreshold - 1) }
        }
        if let after = check.deregisterAfter {
            writer.field("DeregisterCriticalServiceAfter", GoDuration.text(after))
        }
        writer.endObject()
    }

    private func writeQuestion(_ check: CheckDefinition, to writer: inout JSONWriter) {
        switch check.kind {
        case .http(let http):
            writer.field("HTTP", registration.url(of: http))
            writer.field("Method", http.method)
            if !http.headers.isEmpty {
                writer.key("Header")
                writer.beginObject()
                for (name, value) in http.headers.sorted(by: { $0.key < $1.key }) {
                    writer.key(name)
                    writer.texts([value])
                }
                writer.endObject()
            }
            if !http.body.isEmpty { writer.field("Body", http.body) }
            if http.skipsVerification { writer.field("TLSSkipVerify", true) }
        case .tcp(let target): writer.field("TCP", address(target))
        case .grpc(let grpc):
            let service = grpc.service.isEmpty ? "" : "/\(grpc.service)"
            writer.field("GRPC", address(grpc.target) + service)
            if grpc.isSecure { writer.field("GRPCUseTLS", true) }
            if grpc.skipsVerification { writer.field("TLSSkipVerify", true) }
        case .command(let arguments):
            writer.key("ScriptArgs")
            writer.texts(arguments)
        case .ttl(let ttl): writer.field("TTL", GoDuration.text(ttl))
        case .alias(let key): writer.field("AliasService", ConsulNaming.id(key))
        }
    }

    /// `target` with the host and the port that it leaves to the instance.
    private func address(_ target: String) -> String {
        let host = registration.host.utf8.contains(UInt8(ascii: ":")) ? "[\(registration.host)]" : registration.host
        if target.isEmpty { return "\(host):\(registration.port)" }
        return target.hasPrefix(":") ? host + target : target
    }
}
