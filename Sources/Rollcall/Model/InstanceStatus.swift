// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Whether an instance can be trusted with a request. It is derived from what is known of the instance, never stored.
public enum InstanceStatus: String, Sendable, Hashable, CaseIterable {
    /// Enabled, ready, its lease current and all checks passing, if it has any.
    case up
    /// Serving, with a check that warns.
    case warning
    /// Declared itself not ready yet.
    case starting
    /// A check is critical, or the lease ran out.
    case down
    /// Finishes what it has and takes nothing new.
    case draining
    /// In maintenance.
    case outOfService
    /// The lease ran out, but together with so many others that eviction is held back.
    case suspect

    /// Whether requests should go there.
    public var isHealthy: Bool { self == .up || self == .warning }

    /// Derives the status. Order of precedence: maintenance, draining, suspect, starting, a critical check, a lapsed
    /// lease, a warning check.
    public init(desired: DesiredState, readiness: Readiness, checks: [HealthCheck], lease: LeaseState) {
        switch desired {
        case .maintenance:
            self = .outOfService
            return
        case .draining:
            self = .draining
            return
        case .enabled: break
        }
        if lease == .suspect {
            self = .suspect
        } else if readiness == .starting {
            self = .starting
        } else {
            let worst = checks.lazy.map(\.status).max() ?? .passing
            self = worst == .critical || lease == .lapsed ? .down : worst == .warning ? .warning : .up
        }
    }
}
