// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Why a registry could not do what it was asked to. The message names what was being done to what.
public struct RegistryError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is: all that a caller has to tell apart.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case invalid, unknownInstance, fenced, unsupported, storage, storageFull, unavailable, overloaded, closed
        }
        private let kind: Kind

        /// The input breaks a rule; ``RegistryError/faults`` says which. Sending it again cannot help.
        public static let invalid = Code(kind: .invalid)
        /// No such instance: register it (again).
        public static let unknownInstance = Code(kind: .unknownInstance)
        /// The write named a former incarnation and had no effect.
        public static let fenced = Code(kind: .fenced)
        /// This engine cannot do it.
        public static let unsupported = Code(kind: .unsupported)
        /// The engine could not make the write durable; nothing was changed.
        public static let storage = Code(kind: .storage)
        /// No room to make the write durable; nothing was changed.
        public static let storageFull = Code(kind: .storageFull)
        /// The registry could not be reached.
        public static let unavailable = Code(kind: .unavailable)
        /// Too much work is waiting; try again later.
        public static let overloaded = Code(kind: .overloaded)
        /// The registry is shutting down.
        public static let closed = Code(kind: .closed)

        public var description: String { kind.rawValue }
    }

    /// Whether asking again can help.
    public enum Retry: Sendable, Hashable {
        /// The same call fails again: the input, or what is registered, has to change first.
        case never
        /// Not sooner than after this time.
        case after(Duration)
    }

    /// For decisions.
    public let code: Code
    /// For people, without the cause: what was being done to what, and what is wrong.
    public let message: String
    /// All that is wrong with the input, for ``Code/invalid``.
    public let faults: [FieldFault]
    /// The incarnation that is current, for ``Code/fenced``.
    public let currentIncarnation: Incarnation?
    /// What the engine advises. A caller's own back-off may well wait longer.
    public let retry: Retry
    /// The error beneath, if there is one.
    public let cause: (any Error)?

    /// - Parameter message: Names what was being done to what, and stands alone.
    public init(
        _ code: Code, _ message: String, faults: [FieldFault] = [], currentIncarnation: Incarnation? = nil,
        retry: Retry = .never, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.faults = faults
        self.currentIncarnation = currentIncarnation
        self.retry = retry
        self.cause = cause
    }

    public var description: String {
        guard let cause else { return message }
        return "\(message) (\(cause))"
    }

    /// An input that breaks rules. `subject` is what was wrong, such as `registration of web/1`.
    public static func invalid(_ subject: String, _ faults: [FieldFault]) -> RegistryError {
        let list = faults.map(\.description).joined(separator: "; ")
        return RegistryError(.invalid, "\(subject) is not valid: \(list)", faults: faults)
    }

    /// `action` is what was being done, such as `heartbeat`.
    public static func unknownInstance(_ action: String, _ key: InstanceKey) -> RegistryError {
        RegistryError(.unknownInstance, "\(action) of \(key): no such instance is registered")
    }

    /// A write of a former life. `action` is what was being done, such as `update`.
    public static func fenced(_ action: String, _ key: InstanceKey, named: Incarnation, current: Incarnation)
        -> RegistryError
    {
        RegistryError(
            .fenced, "\(action) of \(key) named incarnation \(named), but \(current) is current; nothing was changed",
            currentIncarnation: current)
    }
}
