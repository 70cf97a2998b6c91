// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// When a check counts as flapping, and when no longer.
public struct FlapConfiguration: Sendable, Hashable {
    /// So many changes of status within ``window`` are flapping; 0 turns damping off.
    public var changes = 6
    /// The time in which changes count together.
    public var window: Duration = .seconds(300)
    /// Flapping ends when at most so many changes are left in the window.
    public var calm = 2

    /// The defaults, to be changed property by property.
    public init() {}
}

/// The recent changes of status of one check: the memory that damping needs. Empty, and without an allocation, for a
/// check that keeps its status.
struct FlapMemory: Sendable {
    private struct Change {
        var at: Instant
        var from: HealthCheck.Status
    }

    private var changes: [Change] = []
    private(set) var isFlapping = false

    /// Changes that are remembered at most: more say nothing new.
    static let memory = 32

    var count: Int { changes.count }

    /// The worst status that was left within the window.
    var worst: HealthCheck.Status { changes.lazy.map(\.from).max() ?? .passing }

    /// Notes that the status `from` was left.
    mutating func note(from: HealthCheck.Status, at now: Instant, _ configuration: FlapConfiguration) {
        guard configuration.changes > 0 else { return }
        if changes.count == Self.memory { changes.removeFirst() }
        changes.append(Change(at: now, from: from))
        settle(at: now, configuration)
    }

    /// Forgets what lies before the window, and decides anew.
    mutating func settle(at now: Instant, _ configuration: FlapConfiguration) {
        guard !changes.isEmpty else { return }
        let begin = now - configuration.window
        changes.removeAll { $0.at <= begin }
        if isFlapping {
            isFlapping = changes.count > configuration.calm
        } else {
            isFlapping = changes.count >= configuration.changes
        }
    }
}
