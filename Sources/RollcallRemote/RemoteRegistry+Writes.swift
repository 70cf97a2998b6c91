// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOHTTP1
public import Rollcall
internal import RollcallTransport

extension RemoteRegistry {
    @discardableResult
    public func register(_ registration: Registration, life: Life) async throws(RegistryError) -> RegistrationReceipt {
        // An empty name has no place in a path. The rules are the server's to check otherwise: it may have other
        // limits.
        if !registration.key.isComplete { try registration.validate() }
        var path = RequestPath.instance(registration.key)
        switch life {
        case .present: break
        case .new: path = path.adding(query: "life", "new")
        case .incarnation(let incarnation): path = path.adding(incarnation)
        }
        let request = RemoteRequest(
            subject: "registration of \(registration.key)", method: .PUT, path: path, body: registration.jsonBytes(),
            successes: [200, 201])
        try checkOpen(request.subject)
        return try await caller.call(request) { answer throws(JSONError) in
            RegistrationReceipt(
                instance: try ServiceInstance(json: answer.body, of: registration.key), isNewLife: answer.status == 201)
        }
    }

    public func deregister(_ key: InstanceKey, incarnation: Incarnation?) async throws(RegistryError) {
        let request = RemoteRequest(
            subject: "deregistration of \(key)", method: .DELETE, path: .instance(key).adding(incarnation),
            successes: [204])
        try checkOpen(request.subject)
        guard key.isComplete else { throw .unknownInstance("deregistration", key) }
        let outcome = await caller.outcome(of: request) { _ in }
        guard case .failure(let error) = outcome.result else { return }
        if error.code == .unknownInstance, outcome.wasRepeated { return }
        throw error
    }

    @discardableResult
    public func update(
        _ key: InstanceKey, incarnation: Incarnation?, _ update: InstanceUpdate
    ) async throws(RegistryError) -> ServiceInstance {
        guard key.isComplete else { throw .unknownInstance("update", key) }
        var path = RequestPath.instance(key)
        var method = HTTPMethod.PUT
        var body: [UInt8]?
        switch update {
        case .desired(let desired):
            path = path.adding("state")
            body = jsonObject { desired.write(to: &$0) }
        case .readiness(let readiness):
            path = path.adding("readiness")
            body = jsonObject { writer in
                writer.beginObject()
                writer.field("readiness", readiness.rawValue)
                writer.endObject()
            }
        case .check(let id, let status, let output):
            guard !id.isEmpty else { throw .invalid("update of \(key)", [FieldFault("check", "must not be empty")]) }
            path = path.adding("checks").adding(id)
            body = jsonObject { writer in
                writer.beginObject()
                writer.field("status", status.rawValue)
                writer.field("output", output)
                writer.endObject()
            }
        case .checkOutput(let id, let output):
            guard !id.isEmpty else { throw .invalid("update of \(key)", [FieldFault("check", "must not be empty")]) }
            path = path.adding("checks").adding(id)
            body = jsonObject { writer in
                writer.beginObject()
                writer.field("output", output)
                writer.endObject()
            }
        case .removeCheck(let id):
            guard !id.isEmpty else { throw .invalid("update of \(key)", [FieldFault("check", "must not be empty")]) }
            path = path.adding("checks").adding(id)
            method = .DELETE
        }
        let request = RemoteRequest(
            subject: "update of \(key)", method: method, path: path.adding(incarnation), body: body)
        try checkOpen(request.subject)
        return try await caller.call(request) { answer throws(JSONError) in
            try ServiceInstance(json: answer.body, of: key)
        }
    }

    /// Renews leases, in requests of at most ``RemoteConfiguration/heartbeatsPerRequest``, one after the other. When
    /// one of them fails, those before it have renewed their leases.
    public func heartbeat(_ heartbeats: [Heartbeat]) async throws(RegistryError) -> [HeartbeatOutcome] {
        if heartbeats.count == 1, let heartbeat = heartbeats.first { return [try await renew(heartbeat)] }
        var outcomes: [HeartbeatOutcome] = []
        outcomes.reserveCapacity(heartbeats.count)
        var rest = heartbeats[...]
        while !rest.isEmpty {
            let slice = rest.prefix(max(1, caller.configuration.heartbeatsPerRequest))
            rest = rest.dropFirst(slice.count)
            let request = RemoteRequest(
                subject: "\(slice.count) heartbeats", method: .POST, path: .heartbeats,
                body: HeartbeatBatch.body(slice))
            outcomes += try await call(request) { reader throws(JSONError) in
                try HeartbeatBatch.read(from: &reader, count: slice.count)
            }
        }
        return outcomes
    }

    private func renew(_ heartbeat: Heartbeat) async throws(RegistryError) -> HeartbeatOutcome {
        let key = heartbeat.key
        guard key.isComplete else { return .unknown }
        let path = RequestPath.instance(key).adding("heartbeat").adding(heartbeat.incarnation)
        let request = RemoteRequest(subject: "heartbeat of \(key)", method: .PUT, path: path, successes: [204])
        try checkOpen(request.subject)
        do throws(RegistryError) {
            try await caller.call(request) { _ in }
            return .renewed
        } catch {
            switch (error.code, error.currentIncarnation) {
            case (.unknownInstance, _): return .unknown
            case (.fenced, let incarnation?): return .fenced(incarnation)
            default: throw error
            }
        }
    }
}

private func jsonObject(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter(capacity: 64)
    write(&writer)
    return writer.bytes
}

extension InstanceKey {
    /// Whether the key can be named in a path. One that cannot is registered nowhere.
    fileprivate var isComplete: Bool { !service.value.isEmpty && !id.value.isEmpty }
}

extension ServiceInstance {
    /// Reads the answer to a write to `key`.
    fileprivate init(json body: [UInt8], of key: InstanceKey) throws(JSONError) {
        let instance = try ServiceInstance(json: body)
        guard instance.key == key else {
            throw JSONError(offset: 0, message: "expected the instance \(key), found \(instance.key)")
        }
        self = instance
    }
}
