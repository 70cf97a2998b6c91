// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// Many heartbeats in one request, and the answer to them.
enum HeartbeatBatch {
    /// `{"heartbeats": [{"service", "id", "incarnation"}]}`
    static func body(_ heartbeats: some Collection<Heartbeat>) -> [UInt8] {
        var writer = JSONWriter(capacity: 32 + heartbeats.count * 64)
        writer.beginObject()
        writer.key("heartbeats")
        writer.beginArray()
        for heartbeat in heartbeats {
            writer.beginObject()
            writer.field("service", heartbeat.key.service.value)
            writer.field("id", heartbeat.key.id.value)
            if let incarnation = heartbeat.incarnation { writer.field("incarnation", incarnation.value) }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// Reads the outcomes of `count` heartbeats: those that are not among the refused ones were renewed.
    static func read(from reader: inout JSONReader, count: Int) throws(JSONError) -> [HeartbeatOutcome] {
        var outcomes = [HeartbeatOutcome](repeating: .renewed, count: count)
        var renewed: Int?
        var refused = 0
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "renewed": renewed = try reader.integer(as: Int.self)
            case "refused":
                try reader.array { reader throws(JSONError) in
                    let (index, outcome) = try readRefused(from: &reader)
                    guard outcomes.indices.contains(index), outcomes[index] == .renewed else {
                        throw reader.failure("no heartbeat with index \(index) is open")
                    }
                    outcomes[index] = outcome
                    refused += 1
                }
            default: try reader.skip()
            }
        }
        // An answer to another number of heartbeats must not be taken for one to these.
        guard let renewed, renewed == count - refused else {
            throw reader.failure("expected \(count) outcomes, found \(renewed ?? 0) renewed and \(refused) refused")
        }
        return outcomes
    }

    private static func readRefused(from reader: inout JSONReader) throws(JSONError) -> (Int, HeartbeatOutcome) {
        var index: Int?
        var outcome = ""
        var incarnation: UInt64?
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "index": index = try reader.integer(as: Int.self)
            case "outcome": outcome = try reader.string()
            case "currentIncarnation": incarnation = try reader.integer(as: UInt64.self)
            default: try reader.skip()
            }
        }
        switch (index, outcome, incarnation) {
        case (let index?, "unknown", _): return (index, .unknown)
        case (let index?, "fenced", let incarnation?): return (index, .fenced(Incarnation(incarnation)))
        default: throw reader.failure("expected an index and one of unknown, fenced, found \"\(outcome)\"")
        }
    }
}
