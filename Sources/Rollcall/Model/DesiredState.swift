// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What an operator (or the instance's own shutdown) wants of an instance.
public enum DesiredState: Sendable, Hashable {
    /// Nothing special: health alone decides whether it is called.
    case enabled
    /// No new traffic; what runs may finish. `until` tells callers when the instance is going to be gone, if known.
    case draining(until: WallTime?, reason: String)
    /// Taken out of service until somebody enables it again.
    case maintenance(reason: String)

    /// The name of the case on the wire.
    public var name: String {
        switch self {
        case .enabled: "enabled"
        case .draining: "draining"
        case .maintenance: "maintenance"
        }
    }

    /// Why; empty when nobody said.
    public var reason: String {
        switch self {
        case .enabled: ""
        case .draining(_, let reason), .maintenance(let reason): reason
        }
    }

    /// What a new life under the same identity begins with. Maintenance is an operator's word and outlives a restart of
    /// the process; draining was about the life that ended.
    public var inherited: DesiredState {
        if case .maintenance = self { self } else { .enabled }
    }
}
