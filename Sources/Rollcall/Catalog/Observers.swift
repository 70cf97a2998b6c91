// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Whom to wake by a change of which service.
struct Observers: Sendable {
    private var byService: [ServiceName: [UInt64: @Sendable () -> Void]] = [:]
    private var ofAll: [UInt64: @Sendable () -> Void] = [:]
    private var nextID: UInt64 = 0
    private(set) var count = 0

    mutating func add(_ scope: WatchScope, _ wake: @escaping @Sendable () -> Void) -> UInt64 {
        let id = nextID
        nextID += 1
        count += 1
        switch scope {
        case .all: ofAll[id] = wake
        case .service(let name): byService[name, default: [:]][id] = wake
        case .services(let names):
            for name in names { byService[name, default: [:]][id] = wake }
        }
        return id
    }

    mutating func remove(_ scope: WatchScope, _ id: UInt64) {
        count -= 1
        switch scope {
        case .all: ofAll[id] = nil
        case .service(let name): remove(name, id)
        case .services(let names):
            for name in names { remove(name, id) }
        }
    }

    private mutating func remove(_ name: ServiceName, _ id: UInt64) {
        byService[name]?[id] = nil
        if byService[name]?.isEmpty == true { byService[name] = nil }
    }

    /// Everybody; one that observes several services may be named several times, which is harmless.
    var all: [@Sendable () -> Void] { byService.values.flatMap(\.values) + ofAll.values }

    /// Those that observe one of `services`.
    func concerned(by services: some Sequence<ServiceName>) -> [@Sendable () -> Void] {
        var wake = Array(ofAll.values)
        for name in services {
            if let observers = byService[name] { wake += observers.values }
        }
        return wake
    }
}
