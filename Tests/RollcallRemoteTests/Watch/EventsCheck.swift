// SPDX-License-Identifier: Apache-2.0
// Rollcall

@testable import RollcallRemote

/// What holds for the reader of event streams whatever bytes it is given. The fuzzer and the tests ask the same.
enum EventsCheck {
    private static let limit = 4096

    /// What does not hold for `bytes`: the first says how the rest is cut.
    static func fault(in bytes: [UInt8]) -> String? {
        guard let first = bytes.first else { return nil }
        let stream = bytes.dropFirst()
        let whole = read([stream])
        let size = Int(first % 32) + 1
        var pieces: [ArraySlice<UInt8>] = []
        var rest = stream
        while !rest.isEmpty {
            pieces.append(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        let cut = read(pieces)
        guard whole.isTooLarge == cut.isTooLarge else { return "cut in pieces, it is too large, or not" }
        // With an error, what came before it in the same piece is lost.
        guard whole.isTooLarge || whole.outputs == cut.outputs else { return "cut in pieces it reads differently" }
        for case .event(let event) in cut.outputs where event.data.count > limit {
            return "an event of \(event.data.count) bytes"
        }
        for case .comment(let text) in cut.outputs where text.unicodeScalars.count > EventStreamParser.commentBytes {
            return "a comment of \(text.unicodeScalars.count) characters"
        }
        return nil
    }

    private static func read(_ pieces: [ArraySlice<UInt8>]) -> (outputs: [EventStreamParser.Output], isTooLarge: Bool) {
        var parser = EventStreamParser(limit: limit)
        var outputs: [EventStreamParser.Output] = []
        do throws(EventStreamParser.EventTooLarge) {
            for piece in pieces { outputs += try parser.read(piece) }
        } catch {
            return (outputs, true)
        }
        return (outputs, false)
    }
}
