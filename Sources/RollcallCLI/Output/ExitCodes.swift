// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser

/// The codes that `rollcall` ends with, besides 0 and 64 (wrong usage), which is ArgumentParser's. `rollcall run` ends
/// with its command's code; see `RunMachine` and `LaunchError` for its own. The numbers are those of BSD's
/// sysexits(3).
extension ExitCode {
    /// The registry said no, or what was asked for does not exist.
    static let refused = ExitCode(1)
    /// The registry could not be reached or is not able to answer.
    static let registryUnavailable = ExitCode(69)
    /// The configuration is wrong.
    static let configuration = ExitCode(78)
}
