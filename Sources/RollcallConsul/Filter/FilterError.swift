// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Why a filter expression cannot be used. The texts are those of Consul's own evaluator where it has one for the case,
/// because clients show them and some look for them.
public struct FilterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, with the place in the expression or the selector.
    public let problem: String

    init(_ problem: String) {
        self.problem = problem
    }

    /// The text of Consul's answer, which has the status 500.
    public var description: String { "Failed to create boolean expression evaluator: \(problem)" }
}
