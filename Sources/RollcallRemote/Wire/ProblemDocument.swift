// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// A problem document (RFC 9457) as the native API writes them.
struct ProblemDocument: Sendable {
    /// The part of `type` after `urn:rollcall:problem:`; empty for a problem of somebody else.
    private(set) var name = ""
    private(set) var faults: [FieldFault] = []
    private(set) var currentIncarnation: Incarnation?
    private var title: String?
    private var detail: String?
    private var hasStatus = false

    static let prefix = "urn:rollcall:problem:"

    /// The text for people.
    var message: String? { detail ?? title }

    /// `nil` when `body` is no problem document.
    init?(_ body: [UInt8]) {
        do throws(JSONError) {
            self = try JSONReader.read(body) { reader throws(JSONError) in try ProblemDocument(from: &reader) }
        } catch {
            return nil
        }
        guard !name.isEmpty || (hasStatus && message != nil) else { return nil }
    }

    private init(from reader: inout JSONReader) throws(JSONError) {
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "type":
                let type = try reader.string()
                if type.hasPrefix(Self.prefix) { name = String(type.dropFirst(Self.prefix.count)) }
            case "title": title = try reader.string()
            case "detail": detail = try reader.string()
            case "status":
                _ = try reader.integer()
                hasStatus = true
            case "currentIncarnation": currentIncarnation = Incarnation(try reader.integer(as: UInt64.self))
            case "faults":
                try reader.array { reader throws(JSONError) in faults.append(try FieldFault(from: &reader)) }
            default: try reader.skip()
            }
        }
    }
}

extension FieldFault {
    fileprivate init(from reader: inout JSONReader) throws(JSONError) {
        var field = ""
        var problem = ""
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "field": field = try reader.string()
            case "problem": problem = try reader.string()
            default: try reader.skip()
            }
        }
        self.init(field, problem)
    }
}
