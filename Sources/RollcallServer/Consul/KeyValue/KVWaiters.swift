// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What a reader waits for.
enum KVScope: Sendable, Hashable {
    case key(KVKey)
    case prefix(KVKey)
    case sessions
    case queries
}

/// Whom to wake by a change of which key.
struct KVWaiters {
    typealias Wake = @Sendable () -> Void

    private var waiting: [KVScope: [UInt64: Wake]] = [:]
    /// How many different prefixes of each length are waited for: a changed key is looked up once a length.
    private var prefixLengths: [Int: Int] = [:]
    private var nextID: UInt64 = 0
    private(set) var count = 0

    mutating func add(_ scope: KVScope, _ wake: @escaping Wake) -> UInt64 {
        nextID += 1
        count += 1
        if case .prefix(let prefix) = scope, waiting[scope] == nil {
            prefixLengths[prefix.text.utf8.count, default: 0] += 1
        }
        waiting[scope, default: [:]][nextID] = wake
        return nextID
    }

    mutating func remove(_ scope: KVScope, _ id: UInt64) {
        guard waiting[scope]?.removeValue(forKey: id) != nil else { return }
        count -= 1
        guard waiting[scope]?.isEmpty == true else { return }
        waiting[scope] = nil
        guard case .prefix(let prefix) = scope, let others = prefixLengths[prefix.text.utf8.count] else { return }
        prefixLengths[prefix.text.utf8.count] = others > 1 ? others - 1 : nil
    }

    /// Those who wait for something that was changed, each once.
    func concerned(by changes: KVChanges) -> [Wake] {
        guard !waiting.isEmpty else { return [] }
        var wakes: [UInt64: Wake] = [:]
        func add(_ scope: KVScope) {
            if let waiting = waiting[scope] { wakes.merge(waiting) { first, _ in first } }
        }
        if !changes.sessions.isEmpty { add(.sessions) }
        if !changes.queries.isEmpty { add(.queries) }
        for key in changes.keys {
            add(.key(key))
            let bytes = key.text.utf8
            for length in prefixLengths.keys where length <= bytes.count {
                add(.prefix(KVKey(String(decoding: bytes.prefix(length), as: UTF8.self))))
            }
        }
        return Array(wakes.values)
    }
}
