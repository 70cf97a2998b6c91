// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Reads a stream of server-sent events (WHATWG HTML, section 9.2.6) from bytes as they come, however they are cut.
///
/// A value without I/O. It keeps the line and the event that have begun, never more than the limit given.
struct EventStreamParser: Sendable {
    enum Output: Sendable, Hashable {
        case event(StreamEvent)
        /// The text after the colon, cut at ``commentBytes``. It shows that the other side is there.
        case comment(String)
        /// The other side asks to be left alone for so many milliseconds after a connection was lost.
        case retry(milliseconds: Int)
    }

    /// An event that is larger than allowed. Nothing more can be read from the stream.
    struct EventTooLarge: Error, Hashable, CustomStringConvertible {
        let limit: Int
        var description: String { "an event of the stream is larger than \(limit) bytes" }
    }

    static let commentBytes = 256

    private let limit: Int
    private var line: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false
    private var type = ""
    private var lastEventID = ""
    /// A line feed that follows belongs to the carriage return before it.
    private var isAfterCarriageReturn = false
    /// Bytes of a byte order mark seen at the start; `nil` when it is past.
    private var markBytes: Int? = 0

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// - Parameter limit: Bytes that one event may have, with the line that is being read.
    init(limit: Int) {
        self.limit = limit
    }

    /// Reads the next bytes.
    ///
    /// - Returns: What became complete with them.
    mutating func read(_ bytes: some Sequence<UInt8>) throws(EventTooLarge) -> [Output] {
        var outputs: [Output] = []
        for byte in bytes {
            if markBytes != nil, isMark(byte) { continue }
            switch byte {
            case 0x0A where isAfterCarriageReturn: isAfterCarriageReturn = false
            case 0x0A, 0x0D:
                isAfterCarriageReturn = byte == 0x0D
                endLine(&outputs)
            default:
                isAfterCarriageReturn = false
                try append(byte)
            }
        }
        return outputs
    }

    private mutating func append(_ byte: UInt8) throws(EventTooLarge) {
        // A comment does not count: it is of no use beyond its beginning.
        if line.first == UInt8(ascii: ":"), line.count > Self.commentBytes { return }
        guard line.count + data.count < limit else { throw EventTooLarge(limit: limit) }
        line.append(byte)
    }

    /// Whether `byte` belongs to a byte order mark at the start of the stream, which is skipped.
    private mutating func isMark(_ byte: UInt8) -> Bool {
        guard let count = markBytes else { return false }
        if byte == Self.mark[count] {
            markBytes = count + 1 == Self.mark.count ? nil : count + 1
            return true
        }
        // It only began like one.
        line += Self.mark.prefix(count)
        markBytes = nil
        return false
    }

    private mutating func endLine(_ outputs: inout [Output]) {
        defer { line.removeAll(keepingCapacity: line.count < 65_536) }
        guard let first = line.first else { return dispatch(&outputs) }
        if first == UInt8(ascii: ":") {
            let text = line.dropFirst().drop { $0 == 0x20 }
            outputs.append(.comment(String(decoding: text.prefix(Self.commentBytes), as: UTF8.self)))
            return
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":"))
        var value = colon.map { line[($0 + 1)...] } ?? []
        if value.first == 0x20 { value.removeFirst() }
        switch String(decoding: line[..<(colon ?? line.endIndex)], as: UTF8.self) {
        case "data":
            if hasData { data.append(0x0A) }
            data += value
            hasData = true
        case "event": type = String(decoding: value, as: UTF8.self)
        case "id": if !value.contains(0) { lastEventID = String(decoding: value, as: UTF8.self) }
        case "retry":
            guard value.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int(String(decoding: value, as: UTF8.self)) else {
                return
            }
            outputs.append(.retry(milliseconds: number))
        default: break
        }
    }

    private mutating func dispatch(_ outputs: inout [Output]) {
        if hasData {
            outputs.append(.event(StreamEvent(type: type.isEmpty ? "message" : type, data: data, id: lastEventID)))
        }
        data = []
        hasData = false
        type = ""
    }
}

/// One server-sent event.
struct StreamEvent: Sendable, Hashable {
    var type: String
    /// The lines of data, joined by line feeds; not checked to be UTF-8.
    var data: [UInt8]
    /// The last identifier that the stream gave out.
    var id: String
}
