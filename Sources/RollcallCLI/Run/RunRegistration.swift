// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The registration of the instance that a command serves, as `RunSupervisor` needs it.
protocol RunRegistration: Sendable {
    /// Begins to register and returns at once. It goes on until the registry has accepted the instance, then sends
    /// heartbeats, and registers again whenever the registry has forgotten it. A registry that is down is waited for.
    ///
    /// - Parameter onRegistered: Called whenever the registry has accepted the instance.
    func start(onRegistered: @escaping @Sendable () -> Void) async

    /// Asks the registry to send no new requests to the instance. A failure is logged, not thrown: the deregistration
    /// that follows says the same. Returns early when the task is cancelled.
    func drain() async

    /// Ends the heartbeats and takes the instance from the registry. Returns early when the task is cancelled.
    func deregister() async
}
