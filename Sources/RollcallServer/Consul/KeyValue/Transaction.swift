// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// The body of a transaction, taken apart.
struct Transaction: Sendable {
    /// The operations on KV entries.
    private(set) var entries: [KVOperation] = []
    private(set) var catalog: [CatalogOperation] = []
    /// An outcome for each KV operation when the verb of one is unknown.
    private(set) var faults: [KVOutcome]?
    /// Whether anything is changed.
    private(set) var writes = false

    static let operationsMost = 128

    init(_ body: [UInt8], valueBytesMax: Int) throws(ConsulError) {
        let value: JSONValue
        do {
            value = try JSONValue.parse(body)
        } catch {
            throw ConsulError(400, "Failed to parse body: \(GoJSON.text(of: error, in: body))")
        }
        guard let operations = value.isNull ? [] : value.arrayValue else {
            let found = "json: cannot unmarshal \(GoJSON.kind(value))"
            throw ConsulError(400, "Failed to parse body: \(found) into Go value of type api.TxnOps")
        }
        guard operations.count <= Self.operationsMost else {
            throw ConsulError(
                413, "Transaction contains too many operations (\(operations.count) > \(Self.operationsMost))")
        }
        for operation in operations {
            do throws(FieldReading.Failure) {
                try read(operation, valueBytesMax)
            } catch {
                if error.isTooLarge { throw ConsulError(413, "\(error)") }
                throw ConsulError(400, "Failed to parse body: \(error)")
            }
        }
    }

    private mutating func read(_ operation: JSONValue, _ valueBytesMax: Int) throws(FieldReading.Failure) {
        let fields = try FieldReading(operation, "TxnOp")
        if let part = try fields.object("KV") {
            try readEntry(part, valueBytesMax)
            return
        }
        for kind in [CatalogOperation.Kind.node, .service, .check] {
            guard let part = try fields.object(kind.rawValue), let body = fields[kind.rawValue] else { continue }
            let verb = try part.string("Verb")
            if verb != "get" { writes = true }
            catalog.append(CatalogOperation(kind: kind, verb: verb, body: body))
            return
        }
    }

    private mutating func readEntry(_ fields: FieldReading, _ valueBytesMax: Int) throws(FieldReading.Failure) {
        let key = KVKey(try fields.string("Key"))
        let verbText = try fields.string("Verb")
        let verb = KVOperation.Verb(rawValue: verbText)
        var operation = KVOperation(verb: verb ?? .get, key: key)
        if let value = fields["Value"] {
            guard let text = value.stringValue, let bytes = Base64.bytes(of: text) else {
                throw FieldReading.Failure(description: "failed to decode value: it is not base64")
            }
            guard bytes.count <= valueBytesMax else {
                throw FieldReading.Failure(
                    description: "Value for key \"\(key)\" is too large (\(bytes.count) > \(valueBytesMax) bytes)",
                    isTooLarge: true)
            }
            operation.value = bytes
        }
        operation.flags = try fields.unsigned("Flags")
        operation.index = try fields.unsigned("Index")
        operation.session = try fields.string("Session")
        if verb?.isWrite ?? false { writes = true }
        if verb == nil || faults != nil {
            var faults = faults ?? entries.map { _ in .done([]) }
            faults.append(verb == nil ? .failed("unknown KV verb \"\(verbText)\"") : .done([]))
            self.faults = faults
        }
        entries.append(operation)
    }
}

/// The answer to a transaction: the rows of all operations, or what failed at which.
struct TransactionAnswer: Sendable {
    private var rows: [[UInt8]] = []
    private var errors: [(operation: Int, text: String)] = []

    init(outcomes: [KVOutcome], operations: [KVOperation]) {
        for (index, outcome) in outcomes.enumerated() {
            switch outcome {
            case .done(let entries):
                for row in entries {
                    var writer = JSONWriter(capacity: 192 + row.entry.value.count / 3 * 4)
                    writer.beginObject()
                    writer.key("KV")
                    row.entry.write(row.key, withValue: operations[index].verb.tellsValue, to: &writer)
                    writer.endObject()
                    rows.append(writer.bytes)
                }
            case .refused(let text), .failed(let text): errors.append((index, text))
            }
        }
    }

    init(_ outcomes: [CatalogOutcome]) {
        for (index, outcome) in outcomes.enumerated() {
            switch outcome {
            case .done(let rows): self.rows += rows
            case .failed(let text): errors.append((index, text))
            }
        }
    }

    /// - Parameter isRead: A transaction that only reads tells what a read tells.
    func answer(isRead: Bool) -> ConsulAnswer {
        let answer = ConsulAnswer.json(status: errors.isEmpty ? 200 : 409) { writer in
            writer.beginObject()
            writer.key("Results")
            if errors.isEmpty { writer.array(rows) { $1.raw($0) } } else { writer.null() }
            writer.key("Errors")
            if errors.isEmpty {
                writer.null()
            } else {
                writer.array(errors) { error, writer in
                    writer.beginObject()
                    writer.field("OpIndex", error.operation)
                    writer.field("What", error.text)
                    writer.endObject()
                }
            }
            if isRead { ReadFacts.write(consistency: "", to: &writer) }
            writer.endObject()
        }
        return isRead ? answer.adding([("X-Consul-Knownleader", "true"), ("X-Consul-Lastcontact", "0")]) : answer
    }
}

/// What Consul says about a read within its answer.
enum ReadFacts {
    static func write(consistency: String, to writer: inout JSONWriter) {
        writer.field("Index", 1)
        writer.field("LastContact", 0)
        writer.field("KnownLeader", true)
        writer.field("ConsistencyLevel", consistency)
        writer.field("NotModified", false)
        writer.field("Backend", 0)
    }
}
