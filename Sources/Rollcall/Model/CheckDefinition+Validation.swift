// SPDX-License-Identifier: Apache-2.0
// Rollcall

extension Registration {
    func checkDefinitions(_ limits: ModelLimits, _ faults: inout [FieldFault]) {
        if checks.count > limits.checks {
            faults.append(FieldFault("checks", "\(checks.count) entries, at most \(limits.checks) are allowed"))
        }
        var ids: Set<String> = []
        var bytes = 0
        for (position, check) in checks.enumerated() {
            check.validate("checks[\(position)]", limits, &faults)
            bytes += check.textBytes
            if !ids.insert(check.id).inserted {
                faults.append(FieldFault("checks[\(position)].id", "\"\(check.id)\" is the id of another check"))
            }
        }
        if bytes > limits.checkDefinitionBytes {
            faults.append(FieldFault("checks", "\(bytes) bytes, at most \(limits.checkDefinitionBytes) are allowed"))
        }
    }
}

extension CheckDefinition {
    fileprivate func validate(_ field: String, _ limits: ModelLimits, _ faults: inout [FieldFault]) {
        checkCheckID(id, "\(field).id", limits, &faults)
        checkText(name, "\(field).name", limits.attributeBytes, &faults)
        switch kind {
        case .http(let check): check.validate(field, limits, &faults)
        case .tcp(let target): checkTarget(target, field, limits, &faults)
        case .grpc(let check):
            checkTarget(check.target, field, limits, &faults)
            checkText(check.service, "\(field).grpcService", limits.attributeBytes, &faults)
        case .command(let arguments):
            if arguments.first?.isEmpty ?? true {
                faults.append(FieldFault("\(field).command", "must name a program"))
            }
            for argument in arguments where argument.utf8.contains(0) {
                faults.append(FieldFault("\(field).command", "must not contain a zero byte"))
            }
        case .ttl(let ttl):
            checkRange(ttl, "\(field).ttlSeconds", limits.ttl, &faults)
        case .alias(let key):
            checkName(key.service.value, "\(field).aliasService", limits.serviceNameBytes, &faults)
            checkName(key.id.value, "\(field).aliasID", limits.instanceIDBytes, &faults)
        }
        if !isReported {
            checkRange(interval, "\(field).intervalSeconds", limits.checkInterval, &faults)
            checkRange(timeout, "\(field).timeoutSeconds", limits.checkTimeout, &faults)
        }
        checkThreshold(successThreshold, "\(field).successThreshold", &faults)
        checkThreshold(failureThreshold, "\(field).failureThreshold", &faults)
        if let deregisterAfter {
            checkRange(deregisterAfter, "\(field).deregisterAfterSeconds", limits.evictAfter, &faults)
        }
    }

    /// The size of all texts together.
    fileprivate var textBytes: Int {
        let own = id.utf8.count + name.utf8.count
        switch kind {
        case .http(let check):
            let headers = check.headers.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
            return own + headers + check.target.utf8.count + check.body.utf8.count
                + (check.bodyContains?.utf8.count ?? 0)
        case .tcp(let target): return own + target.utf8.count
        case .grpc(let check): return own + check.target.utf8.count + check.service.utf8.count
        case .command(let arguments): return arguments.reduce(own) { $0 + $1.utf8.count }
        case .ttl: return own
        case .alias(let key): return own + key.service.value.utf8.count + key.id.value.utf8.count
        }
    }
}

extension HTTPCheck {
    fileprivate func validate(_ field: String, _ limits: ModelLimits, _ faults: inout [FieldFault]) {
        let target = "\(field).target"
        if self.target.hasPrefix("/") || self.target.hasPrefix("http://") || self.target.hasPrefix("https://") {
            checkName(self.target, target, limits.metadataValueBytes, &faults)
        } else {
            faults.append(FieldFault(target, "must be a path that begins with / or a URL with http:// or https://"))
        }
        if !method.isToken { faults.append(FieldFault("\(field).method", "must be a method such as GET")) }
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            if !name.isToken { faults.append(FieldFault("\(field).headers", "\"\(name)\" is not a header's name")) }
            checkText(value, "\(field).headers.\(name)", limits.metadataValueBytes, &faults)
        }
        if !(100 ... 599).contains(expectedStatus.lowerBound) || expectedStatus.upperBound > 599 {
            faults.append(FieldFault("\(field).expectedStatus", "must be within 100-599"))
        }
        if bodyContains?.isEmpty ?? false {
            faults.append(FieldFault("\(field).bodyContains", "must not be empty"))
        }
    }
}

/// `host:port` or `:port`, an IPv6 address in brackets.
public struct CheckTarget: Sendable, Hashable, CustomStringConvertible {
    /// A host name or an address; IPv6 without brackets.
    public let host: String
    /// 1 to 65535.
    public let port: UInt16

    /// Reads a target.
    ///
    /// - Parameters:
    ///   - text: `host:port`, `:port` on the instance's host, or empty for its primary port.
    ///   - instance: Whose host and port complete it; one without a port cannot stand for an empty text.
    public init?(_ text: String, of instance: Registration) {
        guard !text.isEmpty else {
            guard instance.port > 0 else { return nil }
            host = instance.host
            port = instance.port
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self.host = host.isEmpty ? instance.host : String(host)
        self.port = port
    }

    public var description: String { "\(urlHost(host)):\(port)" }
}

/// Faults of a check's identifier. It may hold spaces: Consul's clients name checks in words.
func checkCheckID(_ id: String, _ field: String, _ limits: ModelLimits, _ faults: inout [FieldFault]) {
    if id.isEmpty { faults.append(FieldFault(field, "must not be empty")) }
    checkText(id, field, limits.instanceIDBytes, &faults)
}

private let anyInstance = Registration(service: "any", host: "any", port: 1)

private func checkTarget(_ text: String, _ field: String, _ limits: ModelLimits, _ faults: inout [FieldFault]) {
    if CheckTarget(text, of: anyInstance) == nil {
        faults.append(FieldFault("\(field).target", "must be host:port, :port or empty"))
    } else if !text.isEmpty {
        checkName(text, "\(field).target", limits.attributeBytes, &faults)
    }
}

private func checkThreshold(_ count: Int, _ field: String, _ faults: inout [FieldFault]) {
    if !(1 ... 100).contains(count) { faults.append(FieldFault(field, "must be 1 to 100")) }
}

private func checkRange(
    _ value: Duration, _ field: String, _ range: ClosedRange<Duration>, _ faults: inout [FieldFault]
) {
    guard !range.contains(value) else { return }
    faults.append(FieldFault(field, "\(value.inSeconds) is not \(rangeText(range))"))
}

extension String {
    /// Whether it is a token of HTTP (RFC 9110, section 5.6.2).
    fileprivate var isToken: Bool {
        let marks = Array("!#$%&'*+-.^_`|~".utf8)
        return !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a") ... UInt8(ascii: "z"), UInt8(ascii: "A") ... UInt8(ascii: "Z"),
                    UInt8(ascii: "0") ... UInt8(ascii: "9"):
                    true
                default: marks.contains(byte)
                }
            }
    }
}
