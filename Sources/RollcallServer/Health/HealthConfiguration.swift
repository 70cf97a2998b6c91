// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall

/// Whether and how a server runs the checks that instances declare.
public struct HealthConfiguration: Sendable, Hashable {
    public var isEnabled = true
    /// Whether `command` checks are run. Whoever can register an instance can then run any command with the rights of
    /// the server.
    public var runsCommands = false
    public var scheduler = CheckSchedulerConfiguration()

    public init() {}
}
