// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// One thing to be done to the KV store, alone or in a transaction.
struct KVOperation: Sendable, Hashable {
    enum Verb: String, Sendable, CaseIterable {
        case set, cas, lock, unlock, get, delete
        case getOrEmpty = "get-or-empty"
        case getTree = "get-tree"
        case checkIndex = "check-index"
        case checkSession = "check-session"
        case checkNotExists = "check-not-exists"
        case deleteTree = "delete-tree"
        case deleteCAS = "delete-cas"

        var isWrite: Bool {
            switch self {
            case .set, .cas, .lock, .unlock, .delete, .deleteTree, .deleteCAS: true
            case .get, .getOrEmpty, .getTree, .checkIndex, .checkSession, .checkNotExists: false
            }
        }

        /// Whether the answer to a transaction holds the value.
        var tellsValue: Bool { self == .get || self == .getOrEmpty || self == .getTree }
    }

    var verb: Verb
    /// A prefix for the verbs of trees.
    var key: KVKey
    var value: [UInt8] = []
    var flags: UInt64 = 0
    /// What `cas`, `delete-cas` and `check-index` compare with.
    var index: UInt64 = 0
    var session = ""
}

/// What an operation came to.
enum KVOutcome: Sendable, Hashable {
    /// It was done; the entries are what it read or wrote.
    case done([KVRow])
    /// A condition did not hold: nothing was changed.
    case refused(String)
    /// It made no sense: nothing was changed.
    case failed(String)
}

/// An entry with its key.
struct KVRow: Sendable, Hashable {
    var key: KVKey
    var entry: KVEntry
}

/// What the KV store, sessions and prepared queries are told. Each takes one index, however much it changes.
enum KVCommand: Sendable {
    case operation(KVOperation)
    /// All or nothing.
    case transaction([KVOperation])
    case createSession(ConsulSession)
    /// Ends sessions; those that are not there are passed over.
    case endSessions([String])
    /// A check became critical or vanished: what depends on it ends.
    case checkFailed(node: String, check: String)
    /// A node is gone, and with it all its sessions.
    case nodeGone(String)
    case storeQuery(PreparedQuery)
    case deleteQuery(String)
}

/// What a command came to.
enum KVReply: Sendable {
    case operation(KVOutcome)
    /// By operation.
    case transaction([KVOutcome])
    case session(ConsulSession)
    case query(PreparedQuery)
    case done
    /// Why nothing was changed.
    case failed(String)
}
