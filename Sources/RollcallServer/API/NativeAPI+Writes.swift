// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

extension NativeAPI {
    func register(_ request: APIRequest) async throws(APIProblem) -> APIAnswer {
        let life = try life(request)
        let document = try request.decode { reader throws(JSONError) in
            try InstanceDocument(from: &reader, unknownFields: .refused)
        }
        let registration = try registration(document, request)
        guard registration.key == request.key else {
            throw APIProblem(
                .invalid(
                    "registration of \(request.key)",
                    [FieldFault("id", "the body names \(registration.key), the path \(request.key)")]))
        }
        try refuseMissingPort(registration)
        let receipt = try await caught { () throws(RegistryError) in
            try await registry.register(registration, life: life)
        }
        return .json(receipt.instance.jsonBytes(), status: receipt.isNewLife ? 201 : 200)
    }

    /// The registry itself takes instances without a port, which other dialects register.
    private func refuseMissingPort(_ registration: Registration) throws(APIProblem) {
        guard registration.port == 0 else { return }
        do throws(RegistryError) {
            // Names what else is wrong as well.
            try registration.validate(needsPort: true)
        } catch {
            throw APIProblem(error)
        }
    }

    private func registration(_ document: InstanceDocument, _ request: APIRequest) throws(APIProblem) -> Registration {
        do throws(RegistryError) {
            return try document.registration(
                service: request.service, id: request.key.id, defaultLease: defaultLease)
        } catch {
            throw APIProblem(error)
        }
    }

    private func life(_ request: APIRequest) throws(APIProblem) -> Life {
        let incarnation = try request.incarnation()
        switch request.query.first("life") {
        case nil: return incarnation.map { .incarnation($0) } ?? .present
        case "new" where incarnation == nil: return .new
        case "new": throw APIProblem(malformed: "life=new and incarnation exclude each other")
        case let text?: throw APIProblem(malformed: "the parameter life can only be new, found \"\(text)\"")
        }
    }

    func deregister(_ request: APIRequest) async throws(APIProblem) -> APIAnswer {
        let incarnation = try request.incarnation()
        try await caught { () throws(RegistryError) in
            try await registry.deregister(request.key, incarnation: incarnation)
        }
        return .noContent
    }

    // MARK: Heartbeats

    func heartbeat(_ request: APIRequest) async throws(APIProblem) -> APIAnswer {
        let heartbeat = Heartbeat(request.key, incarnation: try request.incarnation())
        let outcomes = try await caught { () throws(RegistryError) in try await registry.heartbeat([heartbeat]) }
        return try Self.answer(outcomes.first ?? .unknown, to: heartbeat)
    }

    static func answer(_ outcome: HeartbeatOutcome, to heartbeat: Heartbeat) throws(APIProblem) -> APIAnswer {
        switch outcome {
        case .renewed: return .noContent
        case .unknown: throw APIProblem(.unknownInstance("heartbeat", heartbeat.key))
        case .fenced(let current):
            throw APIProblem(
                .fenced("heartbeat", heartbeat.key, named: heartbeat.incarnation ?? Incarnation(0), current: current))
        }
    }

    func heartbeats(_ request: APIRequest) async throws(APIProblem) -> APIAnswer {
        let heartbeats = try request.decode(Self.readHeartbeats)
        let outcomes = try await caught { () throws(RegistryError) in try await registry.heartbeat(heartbeats) }
        return Self.answer(outcomes)
    }

    /// The number of heartbeats in one request.
    static let heartbeatsMax = 10_000

    static func readHeartbeats(_ reader: inout JSONReader) throws(JSONError) -> [Heartbeat] {
        var found: [Heartbeat]?
        try reader.object { key, reader throws(JSONError) in
            guard key == "heartbeats" else { throw reader.failure("the field \"\(key)\" is not known") }
            var heartbeats: [Heartbeat] = []
            try reader.array { reader throws(JSONError) in
                guard heartbeats.count < heartbeatsMax else {
                    throw reader.failure("more than \(heartbeatsMax) heartbeats in one request")
                }
                heartbeats.append(try readHeartbeat(&reader))
            }
            found = heartbeats
        }
        guard let found else { throw reader.failure("the field heartbeats is missing") }
        return found
    }

    private static func readHeartbeat(_ reader: inout JSONReader) throws(JSONError) -> Heartbeat {
        var service: String?
        var id: String?
        var incarnation: UInt64?
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "service": service = try reader.string()
            case "id": id = try reader.string()
            case "incarnation": incarnation = try reader.integer(as: UInt64.self)
            default: throw reader.failure("the field \"\(key)\" is not known")
            }
        }
        guard let service, let id else { throw reader.failure("a heartbeat needs service and id") }
        return Heartbeat(
            InstanceKey(ServiceName(service), InstanceID(id)), incarnation: incarnation.map { Incarnation($0) })
    }

    static func answer(_ outcomes: [HeartbeatOutcome]) -> APIAnswer {
        .json(capacity: 64) { writer in
            writer.beginObject()
            writer.field("renewed", outcomes.count { $0 == .renewed })
            writer.key("refused")
            writer.beginArray()
            for (index, outcome) in outcomes.enumerated() where outcome != .renewed {
                writer.beginObject()
                writer.field("index", index)
                switch outcome {
                case .fenced(let current):
                    writer.field("outcome", "fenced")
                    writer.field("currentIncarnation", current.value)
                case .unknown, .renewed:
                    writer.field("outcome", "unknown")
                }
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }

    // MARK: What is said of an instance

    func setState(_ request: APIRequest) async throws(APIProblem) -> APIAnswer {
        try await update(
            request, .desired(try request.decode { reader throws(JSONError) in try DesiredState(from: &reader) }))
    }

    func setReadiness(_ request: APIRequest) async throws(APIProblem) -> APIAnswer {
        let readiness = try request.decode { reader throws(JSONError) -> Readiness in
            var readiness: Readiness?
            try reader.object { key, reader throws(JSONError) in
                guard key == "readiness" else { throw reader.failure("the field \"\(key)\" is not known") }
                readiness = try reader.oneOf(Readiness.self)
            }
            guard let readiness else { throw reader.failure("the field readiness is missing") }
            return readiness
        }
        return try await update(request, .readiness(readiness))
    }

    func reportCheck(_ request: APIRequest) async throws(APIProblem) -> APIAnswer {
        let (status, output) = try request.decode { reader throws(JSONError) -> (HealthCheck.Status?, String?) in
            var status: HealthCheck.Status?
            var output: String?
            try reader.object { key, reader throws(JSONError) in
                switch key {
                case "status": status = try reader.oneOf(HealthCheck.Status.self)
                case "output": output = try reader.string()
                default: throw reader.failure("the field \"\(key)\" is not known")
                }
            }
            if status == nil, output == nil { throw reader.failure("the fields status and output are missing") }
            return (status, output)
        }
        let id = request.parameters["check"] ?? ""
        if let refusal = checks?.refusal(of: id, request.key) { throw APIProblem(refusal) }
        guard let status else { return try await update(request, .checkOutput(id: id, output: output ?? "")) }
        let answer = try await update(request, .check(id: id, status: status, output: output ?? ""))
        checks?.reported(request.key, check: id, status, output ?? "")
        return answer
    }

    func update(_ request: APIRequest, _ update: InstanceUpdate) async throws(APIProblem) -> APIAnswer {
        let incarnation = try request.incarnation()
        let instance = try await caught { () throws(RegistryError) in
            try await registry.update(request.key, incarnation: incarnation, update)
        }
        return .json(instance.jsonBytes())
    }

    private func caught<Value>(_ body: () async throws(RegistryError) -> Value) async throws(APIProblem) -> Value {
        do throws(RegistryError) {
            return try await body()
        } catch {
            throw APIProblem(error)
        }
    }
}
