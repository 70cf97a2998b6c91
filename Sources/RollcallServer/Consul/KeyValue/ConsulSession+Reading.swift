// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

extension ConsulSession {
    static let longestTTL: Duration = .seconds(86_400)

    /// Reads what is stored.
    init(stored body: JSONValue, id: String) throws(FieldReading.Failure) {
        let fields = try FieldReading(body, "Session")
        self.init(id: id, node: try fields.string("Node"))
        name = try fields.string("Name")
        lockDelay = .nanoseconds(try fields.integer("LockDelay"))
        behavior = Behavior(rawValue: try fields.string("Behavior")) ?? .release
        ttlText = try fields.string("TTL")
        if let ttl = try? GoDuration.parse(ttlText), ttl > .zero { self.ttl = ttl }
        nodeChecks = try fields.strings("NodeChecks") ?? []
        serviceChecks = try Self.serviceChecks(fields)
        createIndex = UInt64(clamping: try fields.integer("CreateIndex"))
    }

    /// Reads the body of a creation: what is not given has Consul's defaults.
    ///
    /// - Parameter node: The agent's own.
    init(creating id: String, on node: String, _ body: JSONValue) throws(ConsulError) {
        self.init(id: id, node: node)
        nodeChecks = [ConsulCheckID.serfHealth]
        let behaviorText: String
        do {
            let fields = try FieldReading(body, "Session")
            name = try fields.string("Name")
            let named = try fields.string("Node")
            if !named.isEmpty { self.node = named }
            behaviorText = try fields.string("Behavior")
            if let delay = fields["LockDelay"] { lockDelay = try Self.duration(delay, "LockDelay") }
            if let ttl = fields["TTL"] {
                ttlText = try ttl.stringValue ?? GoDuration.text(Self.duration(ttl, "TTL"))
            }
            let (checks, nodeChecks) = (try fields.strings("Checks"), try fields.strings("NodeChecks"))
            if let nodeChecks { self.nodeChecks = nodeChecks }
            if let checks {
                // The former name of the field. An empty list takes the default away.
                self.nodeChecks = (nodeChecks ?? []) + checks.filter { !(nodeChecks ?? []).contains($0) }
            }
            serviceChecks = try Self.serviceChecks(fields)
        } catch {
            throw .decoding("\(error)")
        }
        guard behaviorText.isEmpty || Behavior(rawValue: behaviorText) != nil else {
            throw ConsulError(500, "Invalid Behavior setting '\(behaviorText)'")
        }
        behavior = Behavior(rawValue: behaviorText) ?? .release
        ttl = try Self.ttl(ttlText)
    }

    private static func ttl(_ text: String) throws(ConsulError) -> Duration? {
        guard !text.isEmpty else { return nil }
        let ttl: Duration
        do {
            ttl = try GoDuration.parse(text)
        } catch {
            throw ConsulError(500, "Session TTL '\(text)' invalid: \(error)")
        }
        guard ttl != .zero else { return nil }
        guard ttl >= KVStore.shortestTTL, ttl <= longestTTL else {
            throw ConsulError(
                500,
                "Invalid Session TTL '\(ttl.wholeNanoseconds)', must be between "
                    + "[\(GoDuration.text(KVStore.shortestTTL))=\(GoDuration.text(longestTTL))]")
        }
        return ttl
    }

    /// A duration as a Go text or a number of nanoseconds. Small numbers are taken for seconds, as users mean them.
    private static func duration(_ value: JSONValue, _ name: String) throws(FieldReading.Failure) -> Duration {
        let duration: Duration
        if let text = value.stringValue {
            do { duration = try GoDuration.parse(text) } catch { throw FieldReading.Failure(description: "\(error)") }
        } else if let number = value.intValue {
            duration = .nanoseconds(number)
        } else {
            throw FieldReading.Failure(description: "\(name) is neither a text nor a whole number")
        }
        let nanoseconds = duration.wholeNanoseconds
        return nanoseconds < 1000 ? .seconds(max(0, nanoseconds)) : duration
    }

    private static func serviceChecks(_ fields: FieldReading) throws(FieldReading.Failure) -> [String]? {
        guard let elements = try fields.array("ServiceChecks") else { return nil }
        var ids: [String] = []
        for element in elements {
            if let id = element.stringValue {
                ids.append(id)
            } else {
                ids.append(try FieldReading(element, "ServiceCheck").string("ID"))
            }
        }
        return ids
    }
}
