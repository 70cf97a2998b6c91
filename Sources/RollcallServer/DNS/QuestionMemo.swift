// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// What one socket was asked lately, by the bytes of the question: clients ask the same again and again. What is known
/// here holds as long as neither the catalog nor the nodes change.
///
/// It keeps at most 64 answers of at most 16 KiB beyond their time, which no budget counts.
struct QuestionMemo {
    private struct Entry {
        /// Name, type and class as they were asked.
        var question: [UInt8]
        var state: State
        var records: ServiceRecords
    }

    /// When something was known.
    struct State: Hashable {
        var catalog: Revision
        var view: UInt64
    }

    private var entries = [Entry?](repeating: nil, count: Self.count)
    private static let count = 64
    private static let recordsBytesMax = 16 * 1024

    func records(_ question: UnsafeRawBufferPointer, at state: State) -> ServiceRecords? {
        guard let entry = entries[Self.place(of: question)], entry.state == state,
            Self.isEqual(entry.question, question)
        else { return nil }
        return entry.records
    }

    mutating func keep(_ records: ServiceRecords, for question: UnsafeRawBufferPointer, at state: State) {
        guard records.sizeBytes <= Self.recordsBytesMax else { return }
        let place = Self.place(of: question)
        if let known = entries[place], Self.isEqual(known.question, question) {
            entries[place]?.state = state
            entries[place]?.records = records
        } else {
            entries[place] = Entry(question: Array(question), state: state, records: records)
        }
    }

    private static func isEqual(_ known: [UInt8], _ question: UnsafeRawBufferPointer) -> Bool {
        known.count == question.count && known.withUnsafeBytes { $0.elementsEqual(question) }
    }

    /// By FNV-1a (Fowler, Noll and Vo), 64 bits. Who makes questions meet in one place makes them slower, not wrong.
    private static func place(of question: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in question { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return Int(truncatingIfNeeded: (hash ^ hash >> 32) % UInt64(count))
    }
}
