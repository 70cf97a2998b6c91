// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall

/// Asks a target once whether it is well.
///
/// **Contract**: a probe returns within the check's time-out, or soon after, whatever the target does; it ends early
/// when its task is cancelled, as far as it can. It holds bounded memory. Its output says exactly what was asked and
/// what went wrong; it holds nothing of its own that differs from round to round while nothing has changed, such as a
/// latency.
public protocol HealthProbe: Sendable {
    /// Asks once. A check of a kind that the probe does not know is critical, and the output says so.
    func probe(_ check: CheckDefinition, of instance: ServiceInstance) async -> CheckResult
}

/// The time-out of a probe is over.
struct ProbeTimeout: Error {}

/// What `body` returns, if it does within `timeout`.
///
/// - Throws: ``ProbeTimeout`` otherwise. `body` is cancelled then, and waited for.
func within<Value: Sendable>(
    _ timeout: Duration, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: timeout)
            throw ProbeTimeout()
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}
