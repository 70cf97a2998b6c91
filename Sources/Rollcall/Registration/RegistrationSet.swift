// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The registrations of one process: what is due, with the heartbeats of many instances together.
///
/// A value without clock or network, as ``RegistrationMachine`` is.
struct RegistrationSet: Sendable {
    /// What is to be done at one moment.
    struct Due: Sendable {
        var registrations: [(registration: Registration, life: Life)] = []
        /// For one request.
        var heartbeats: [Heartbeat] = []

        var isEmpty: Bool { registrations.isEmpty && heartbeats.isEmpty }
    }

    private(set) var machines: [InstanceKey: RegistrationMachine] = [:]
    private var isDraining = false
    private let backoff: Backoff

    init(backoff: Backoff) {
        self.backoff = backoff
    }

    /// When ``due(now:)`` has something to do; `nil` while only answers are waited for.
    var wake: Instant? { machines.values.compactMap(\.wake).min() }

    /// The instances that the registry knows, or may know, of this process.
    var known: [(key: InstanceKey, incarnation: Incarnation)] {
        machines.values.compactMap { machine in
            if case .superseded = machine.phase { return nil }
            return machine.incarnation.map { (machine.registration.key, $0) }
        }
    }

    /// Keeps a registration, or replaces the one of this identity. Nothing is taken on while draining.
    mutating func keep(_ registration: Registration, now: Instant) {
        guard !isDraining else { return }
        let machine = RegistrationMachine(registration, now: now, backoff: backoff)
        guard machines[registration.key] != nil else { return machines[registration.key] = machine }
        machines[registration.key]?.replace(registration, now: now)
    }

    /// What is to be done now. When a heartbeat is due, those go along that have at most two thirds of their interval
    /// left: the intervals differ by chance, and each would have a request of its own. With less than half, two groups
    /// of instances could stay apart for ever.
    mutating func due(now: Instant) -> Due {
        let isBeating = machines.values.contains { $0.isHeartbeatDue(now: now) }
        var due = Due()
        for key in machines.keys {
            switch machines[key]?.next(now: now, joining: isBeating) {
            case .register(let registration, let life): due.registrations.append((registration, life))
            case .heartbeat(let heartbeat): due.heartbeats.append(heartbeat)
            case nil: break
            }
        }
        return due
    }

    /// Tells an outcome to the machine of an instance.
    mutating func told(_ key: InstanceKey, _ outcome: (inout RegistrationMachine) -> Void) {
        guard var machine = machines[key] else { return }
        outcome(&machine)
        machines[key] = machine
    }

    /// From now on the registry gets heartbeats only.
    mutating func drain() {
        isDraining = true
        for key in machines.keys { machines[key]?.drain() }
    }

    mutating func removeAll() { machines.removeAll() }
}
