// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall

/// A registry that tells a test what is asked of it, and does what the test says before it answers.
final class InterposedRegistry: Registry {
    enum Call: Sendable, Hashable {
        case register(InstanceKey, Life)
        case heartbeat([InstanceKey])
        case update(InstanceKey)
        case deregister(InstanceKey)
    }

    private let inner: LocalRegistry
    private let before: @Sendable (Call) async throws(RegistryError) -> Void

    /// - Parameter before: Called before each write: it may wait, or throw in place of the registry.
    init(_ inner: LocalRegistry, before: @escaping @Sendable (Call) async throws(RegistryError) -> Void) {
        self.inner = inner
        self.before = before
    }

    func services() async throws(RegistryError) -> [ServiceSummary] { try await inner.services() }

    func lookup(_ service: ServiceName) async throws(RegistryError) -> ServiceSnapshot {
        try await inner.lookup(service)
    }

    func watch(_ scope: WatchScope, from revision: Revision?) -> Watch { inner.watch(scope, from: revision) }

    func register(_ registration: Registration, life: Life) async throws(RegistryError) -> RegistrationReceipt {
        try await before(.register(registration.key, life))
        return try await inner.register(registration, life: life)
    }

    func deregister(_ key: InstanceKey, incarnation: Incarnation?) async throws(RegistryError) {
        try await before(.deregister(key))
        try await inner.deregister(key, incarnation: incarnation)
    }

    func heartbeat(_ heartbeats: [Heartbeat]) async throws(RegistryError) -> [HeartbeatOutcome] {
        try await before(.heartbeat(heartbeats.map(\.key)))
        return try await inner.heartbeat(heartbeats)
    }

    func update(
        _ key: InstanceKey, incarnation: Incarnation?, _ update: InstanceUpdate
    ) async throws(RegistryError) -> ServiceInstance {
        try await before(.update(key))
        return try await inner.update(key, incarnation: incarnation, update)
    }
}
