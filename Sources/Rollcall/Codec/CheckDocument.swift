// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// An entry of `checks`: what an instance declared, what came of it, or both.
///
/// One object carries both, so that an instance that was read can be edited and sent back: a registration takes the
/// definitions and leaves the results.
struct CheckDocument: Sendable {
    /// `nil` for a result that no registration declared.
    private(set) var definition: CheckDefinition?
    private(set) var result: HealthCheck?
    /// What is wrong with it as a part of a registration, without the place.
    private(set) var faults: [FieldFault] = []

    private var id: String?
    private var name = ""
    private var kind: String?
    private var http = HTTPCheck(target: "")
    private var target: String?
    private var grpcService = ""
    private var isSecure = false
    private var skipsVerification = false
    private var command: [String] = []
    private var ttl: Duration?
    private var aliasService = ""
    private var aliasID = ""
    private var interval = CheckDefinition.defaultInterval
    private var timeout = CheckDefinition.defaultTimeout
    private var successThreshold = 1
    private var failureThreshold = 1
    private var initialStatus = HealthCheck.Status.critical
    private var deregisterAfter: Duration?
    private var status: HealthCheck.Status?
    private var output = ""
    private var since = WallTime(millisecondsSinceEpoch: 0)

    init(from reader: inout JSONReader) throws(JSONError) {
        try reader.object { key, reader throws(JSONError) in
            if try readTerms(key, &reader) { return }
            if try readQuestion(key, &reader) { return }
            switch key {
            case "status": status = try reader.oneOf(HealthCheck.Status.self)
            case "output": output = try reader.string()
            case "since": since = try reader.wallTime()
            default:
                faults.append(FieldFault(String(key.string.unicodeScalars.prefix(64)), "is not a field of a check"))
                try reader.skip()
            }
        }
        conclude()
    }

    private mutating func readTerms(_ key: JSONKey, _ reader: inout JSONReader) throws(JSONError) -> Bool {
        switch key {
        case "id": id = try reader.string()
        case "name": name = try reader.string()
        case "kind": kind = try reader.string()
        case "intervalSeconds": interval = try reader.durationInSeconds()
        case "timeoutSeconds": timeout = try reader.durationInSeconds()
        case "successThreshold": successThreshold = try reader.integer(as: Int.self)
        case "failureThreshold": failureThreshold = try reader.integer(as: Int.self)
        case "initialStatus": initialStatus = try reader.oneOf(HealthCheck.Status.self)
        case "deregisterAfterSeconds": deregisterAfter = try reader.durationInSeconds()
        default: return false
        }
        return true
    }

    private mutating func readQuestion(_ key: JSONKey, _ reader: inout JSONReader) throws(JSONError) -> Bool {
        switch key {
        case "target": target = try reader.string()
        case "method": http.method = try reader.string()
        case "headers":
            var headers: [String: String] = [:]
            try reader.object { name, reader throws(JSONError) in headers[name.string] = try reader.string() }
            http.headers = headers
        case "body": http.body = try reader.string()
        case "expectedStatus": http.expectedStatus = try reader.statusRange()
        case "bodyContains": http.bodyContains = try reader.string()
        case "skipsVerification": skipsVerification = try reader.bool()
        case "grpcService": grpcService = try reader.string()
        case "secure": isSecure = try reader.bool()
        case "command":
            var arguments: [String] = []
            try reader.array { reader throws(JSONError) in arguments.append(try reader.string()) }
            command = arguments
        case "ttlSeconds": ttl = try reader.durationInSeconds()
        case "aliasService": aliasService = try reader.string()
        case "aliasID": aliasID = try reader.string()
        default: return false
        }
        return true
    }

    private mutating func conclude() {
        if let kind = definedKind {
            definition = CheckDefinition(
                id: id, name: name, kind: kind, interval: interval, timeout: timeout,
                successThreshold: successThreshold, failureThreshold: failureThreshold, initialStatus: initialStatus,
                deregisterAfter: deregisterAfter)
        }
        if let status {
            result = HealthCheck(id: id ?? definition?.id ?? "", status: status, output: output, since: since)
        }
        if definition == nil, result == nil, kind == nil { faults.append(FieldFault("kind", "is missing")) }
    }

    private var definedKind: CheckDefinition.Kind? {
        mutating get {
            switch kind {
            case nil: return nil
            case "http":
                http.target = target ?? ""
                http.skipsVerification = skipsVerification
                return .http(http)
            case "tcp": return .tcp(target: target ?? "")
            case "grpc":
                let check = GRPCCheck(
                    target: target ?? "", service: grpcService, isSecure: isSecure,
                    skipsVerification: skipsVerification)
                return .grpc(check)
            case "command": return .command(command)
            case "ttl":
                if ttl == nil { faults.append(FieldFault("ttlSeconds", "is missing")) }
                return .ttl(ttl ?? .zero)
            case "alias": return .alias(InstanceKey(ServiceName(aliasService), InstanceID(aliasID)))
            case let other?:
                let kinds = "http, tcp, grpc, command, ttl, alias"
                faults.append(FieldFault("kind", "must be one of \(kinds), found \"\(other.prefix(64))\""))
                return nil
            }
        }
    }
}

extension JSONReader {
    /// `"200"` or `"200-299"`.
    fileprivate mutating func statusRange() throws(JSONError) -> ClosedRange<Int> {
        let text = try string()
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard let first = parts.first.flatMap({ $0 }), let last = parts.last.flatMap({ $0 }), parts.count <= 2,
            (0 ... 999).contains(first), (first ... 999).contains(last)
        else { throw failure("expected a status such as \"200\" or statuses such as \"200-299\", found \"\(text)\"") }
        return first ... last
    }
}

extension CheckDefinition {
    /// Appends the fields of what was declared, all but the identifier; those that are as usual are left out.
    func writeFields(to writer: inout JSONWriter) {
        if !name.isEmpty { writer.field("name", name) }
        writer.field("kind", kind.name)
        kind.writeFields(to: &writer)
        if !isReported {
            writer.field("intervalSeconds", interval)
            writer.field("timeoutSeconds", timeout)
        }
        if successThreshold != 1 { writer.field("successThreshold", successThreshold) }
        if failureThreshold != 1 { writer.field("failureThreshold", failureThreshold) }
        if initialStatus != .critical { writer.field("initialStatus", initialStatus.rawValue) }
        if let deregisterAfter { writer.field("deregisterAfterSeconds", deregisterAfter) }
    }
}

extension CheckDefinition.Kind {
    fileprivate func writeFields(to writer: inout JSONWriter) {
        switch self {
        case .http(let check): check.writeFields(to: &writer)
        case .tcp(let target):
            if !target.isEmpty { writer.field("target", target) }
        case .grpc(let check):
            if !check.target.isEmpty { writer.field("target", check.target) }
            if !check.service.isEmpty { writer.field("grpcService", check.service) }
            if check.isSecure { writer.field("secure", true) }
            if check.skipsVerification { writer.field("skipsVerification", true) }
        case .command(let arguments):
            writer.key("command")
            writer.beginArray()
            for argument in arguments { writer.string(argument) }
            writer.endArray()
        case .ttl(let ttl): writer.field("ttlSeconds", ttl)
        case .alias(let key):
            writer.field("aliasService", key.service.value)
            writer.field("aliasID", key.id.value)
        }
    }
}

extension HTTPCheck {
    fileprivate func writeFields(to writer: inout JSONWriter) {
        writer.field("target", target)
        if method != "GET" { writer.field("method", method) }
        if !headers.isEmpty {
            writer.key("headers")
            writer.beginObject()
            for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
                writer.key(name)
                writer.string(value)
            }
            writer.endObject()
        }
        if !body.isEmpty { writer.field("body", body) }
        if expectedStatus != Self.defaultStatus {
            let (first, last) = (expectedStatus.lowerBound, expectedStatus.upperBound)
            writer.field("expectedStatus", first == last ? "\(first)" : "\(first)-\(last)")
        }
        if let bodyContains { writer.field("bodyContains", bodyContains) }
        if skipsVerification { writer.field("skipsVerification", true) }
    }
}

extension JSONWriter {
    /// Appends the entries of `checks`, each definition with its result where there is one.
    mutating func checks(_ definitions: [CheckDefinition], _ results: [HealthCheck]) {
        guard !definitions.isEmpty || !results.isEmpty else { return }
        key("checks")
        beginArray()
        for definition in definitions {
            beginObject()
            field("id", definition.id)
            definition.writeFields(to: &self)
            if let result = results.first(where: { $0.id == definition.id }) { fields(of: result) }
            endObject()
        }
        for result in results where !definitions.contains(where: { $0.id == result.id }) {
            beginObject()
            field("id", result.id)
            fields(of: result)
            endObject()
        }
        endArray()
    }

    private mutating func fields(of result: HealthCheck) {
        field("status", result.status.rawValue)
        field("output", result.output)
        field("since", result.since)
    }
}
