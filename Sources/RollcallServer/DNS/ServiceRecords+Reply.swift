// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallDNS

extension ServiceRecords {
    /// How much of the records an answer may hold, beside what fits into it.
    struct Bounds {
        var answersMax: Int
        /// Whether answers that are left out because of `answersMax` make the message truncated.
        var isTruncatedByCount: Bool
        var flagsTruncation: Bool
    }

    /// Writes the answer to a query: all records, or those that fit, in an order by chance.
    ///
    /// When answers do not fit, the message says so, and there are no additional records; when only these do not fit,
    /// nobody has to ask again for them (RFC 2181, section 9).
    ///
    /// - Parameter reply: With room for `exchange.limit` bytes, or for all records.
    /// - Returns: Whether answers were left out.
    func write(
        _ exchange: DNSExchange, within bounds: Bounds, random: inout PickRandom, to reply: inout ReplyBytes
    ) -> Bool {
        reply.begin(exchange)
        let limit = exchange.limit - exchange.optionBytes
        if answers.count == 0 {
            if let alias = aliases.isEmpty ? nil : aliases[random.below(aliases.count)] {
                alias.withUnsafeBytes { reply.copy($0) }
            }
            reply.end(exchange, exchange.flags(.noError), answers: aliases.isEmpty ? 0 : 1)
            return false
        }
        let most = min(answers.count, bounds.answersMax)
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: weights.room(for: answers.count) + 3 * most) {
            scratch in
            let (room, rest) = (weights.room(for: answers.count), scratch.count)
            var order = RandomOrder(
                count: answers.count, weights: weights, scratch: UnsafeMutableBufferPointer(rebasing: scratch[..<room]))
            // Of each answer that was written: its number, its place, and whether its target was met before.
            let written = UnsafeMutableBufferPointer(rebasing: scratch[room ..< rest])
            var count = 0
            var isCut = most < answers.count && bounds.isTruncatedByCount
            answers.bytes.withUnsafeBytes { bytes in
                while count < most {
                    let index = order.next(&random)
                    let range = answers[index]
                    guard reply.count + range.count <= limit else {
                        isCut = true
                        break
                    }
                    written[2 * count] = UInt32(truncatingIfNeeded: index)
                    written[2 * count + 1] = UInt32(truncatingIfNeeded: reply.count)
                    reply.copy(UnsafeRawBufferPointer(rebasing: bytes[range]))
                    count += 1
                }
            }
            let added = isCut || additions.count == 0
                ? 0 : writeAdditions(UnsafeBufferPointer(written), count, limit: limit, to: &reply)
            var flags = exchange.flags(.noError)
            flags.isTruncated = isCut && bounds.flagsTruncation
            reply.end(exchange, flags, answers: count, additionals: added)
            return isCut
        }
    }

    /// - Returns: How many records were written.
    private func writeAdditions(
        _ written: UnsafeBufferPointer<UInt32>, _ count: Int, limit: Int, to reply: inout ReplyBytes
    ) -> Int {
        var added = 0
        var targets = Seen(count: firstOfTarget.count)
        let isWhole = additions.bytes.withUnsafeBytes { bytes in
            for place in 0 ..< count {
                let index = Int(written[2 * place])
                let range = additions[index]
                if range.isEmpty || !firstOfTarget.isEmpty && !targets.insert(Int(firstOfTarget[index])) { continue }
                let start = Int(written[2 * place + 1]) + Self.targetOffset
                let isReachable = start <= 0x3FFF
                let owner = start ..< start + answers[index].count - Self.targetOffset
                guard reply.count + (isReachable ? 2 : owner.count) + range.count <= limit else { return false }
                // The target in the answer is the owner here: names are not compressed there, but can be pointed to.
                if isReachable {
                    reply.word(0xC000 | UInt16(truncatingIfNeeded: start))
                } else {
                    reply.copyOwn(owner)
                }
                reply.copy(UnsafeRawBufferPointer(rebasing: bytes[range]))
                added += 1
            }
            return true
        }
        guard isWhole, !nodeOfAnswer.isEmpty else { return added }
        var nodes = Seen(count: texts.count)
        for place in 0 ..< count {
            let node = Int(nodeOfAnswer[Int(written[2 * place])])
            guard nodes.insert(node) else { continue }
            let text = texts[node]
            guard reply.count + text.bytes.count <= limit else { break }
            text.bytes.withUnsafeBytes { reply.copy($0) }
            added += text.count
        }
        return added
    }
}

/// A set of small numbers. The first 64 need no memory of their own.
private struct Seen {
    private var low: UInt64 = 0
    private var high: [UInt64]

    /// Numbers are below `count`.
    init(count: Int) {
        high = count > 64 ? [UInt64](repeating: 0, count: (count - 1) / 64) : []
    }

    /// - Returns: Whether it is new.
    mutating func insert(_ number: Int) -> Bool {
        let bit = UInt64(1) << UInt64(number & 63)
        if number < 64 {
            defer { low |= bit }
            return low & bit == 0
        }
        let word = number >> 6 - 1
        defer { high[word] |= bit }
        return high[word] & bit == 0
    }
}
