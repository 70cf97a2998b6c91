// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall

/// Whether and how a server runs the checks that instances declare.
public struct HealthConfiguration: Sendable, Hashable {
    /// Off, checks keep the status that was last recorded, and `ttl` checks do not run out.
    public var isEnabled = true
    /// Whether `command` checks are run. Whoever can register an instance can then run any command with the rights of
    /// the server.
    public var runsCommands = false
    /// Concurrency, jitter and flap damping.
    public var scheduler = CheckSchedulerConfiguration()

    /// The defaults, to be changed property by property.
    public init() {}
}
