// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallHealth

extension CheckRunner {
    /// Writes that are under way at the same time: enough to share the disk's synchronisation.
    private static let concurrentWrites = 256

    /// Hands on what has to be written, until the runner has ended. One batch comes after the other, so that the
    /// results of a check are written in their order.
    func deliver(_ write: @escaping @Sendable (CheckFinding) async -> Void) async {
        for await _ in findings {
            var findings = takeFindings()[...]
            while !findings.isEmpty {
                let slice = findings.prefix(Self.concurrentWrites)
                findings = findings.dropFirst(slice.count)
                await withDiscardingTaskGroup { group in
                    for finding in slice { group.addTask { await write(finding) } }
                }
            }
        }
    }
}

extension CheckFinding {
    /// An output that tells of an expiry, with what was reported last.
    static func explained(_ output: String, after known: String?) -> String {
        guard output == CheckScheduler.expiryOutput, let known, !known.isEmpty else { return output }
        return "\(output) (last output before timeout follows): \(known)"
    }
}
