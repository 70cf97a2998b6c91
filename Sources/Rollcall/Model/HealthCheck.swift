// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The last result of one health check of an instance: of one that its registration declares, or of one that somebody
/// reports.
public struct HealthCheck: Sendable, Hashable {
    /// How a check went; the worse is the greater.
    public enum Status: String, Sendable, Hashable, Comparable, CaseIterable {
        /// All is well.
        case passing
        /// Something is wrong, and the instance may still be called.
        case warning
        /// The instance is `down`.
        case critical

        private var severity: Int {
            switch self {
            case .passing: 0
            case .warning: 1
            case .critical: 2
            }
        }

        public static func < (left: Status, right: Status) -> Bool { left.severity < right.severity }
    }

    /// Unique among the checks of its instance.
    public var id: String
    /// After thresholds: not each single round, where the check has any.
    public var status: Status
    /// What the check printed or answered, cut at ``ModelLimits/checkOutputBytes``.
    public var output: String
    /// When the check came to its present status.
    public var since: WallTime

    /// - Parameter output: Kept as it is; the registry cuts what is reported to it.
    public init(id: String, status: Status, output: String = "", since: WallTime) {
        self.id = id
        self.status = status
        self.output = output
        self.since = since
    }
}
