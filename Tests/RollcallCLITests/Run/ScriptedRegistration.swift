// SPDX-License-Identifier: Apache-2.0
// Rollcall

@testable import RollcallCLI

/// A registration that notes what it was asked, in order, and does what the test says.
actor ScriptedRegistration: RunRegistration {
    private(set) var calls: [String] = []
    private let onStart: @Sendable () async -> Void
    private let onDeregister: @Sendable () async -> String?

    /// - Parameters:
    ///   - onStart: Runs after the registration was accepted.
    ///   - onDeregister: Runs during the deregistration; what it returns is noted.
    init(
        onStart: @escaping @Sendable () async -> Void = {},
        onDeregister: @escaping @Sendable () async -> String? = { nil }
    ) {
        self.onStart = onStart
        self.onDeregister = onDeregister
    }

    func start(onRegistered: @escaping @Sendable () -> Void) async {
        calls.append("start")
        onRegistered()
        await onStart()
    }

    func drain() async { calls.append("drain") }

    func deregister() async {
        calls.append("deregister")
        if let note = await onDeregister() { calls.append(note) }
    }
}
