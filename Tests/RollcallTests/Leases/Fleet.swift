// SPDX-License-Identifier: Apache-2.0
// Rollcall

@testable import Rollcall

/// Instances that send a heartbeat every 10 s, each at its own phase, and the owner of their leases, in virtual time.
struct Fleet {
    let keys: Range<Int>
    private(set) var keeper: LeaseKeeper<Int, Int>
    private(set) var now = Instant.zero
    private(set) var lastHeartbeat: [Int: Instant] = [:]
    private(set) var lapsed: [Int: Instant] = [:]
    private(set) var suspected: [Int: Instant] = [:]
    private(set) var released: [Int: Instant] = [:]
    private(set) var evicted: [Int: Instant] = [:]
    private(set) var lapseOrder: [Int] = []
    private(set) var releaseOrder: [Int] = []
    private var silent: Set<Int> = []
    private var nextBeat = Instant.zero + .milliseconds(10)
    private var effects: [LeaseEffect<Int>] = []

    init(count: Int, perService: Int, terms: LeaseTerms = .standard, brake: BrakeConfiguration = BrakeConfiguration()) {
        keys = 0 ..< count
        keeper = LeaseKeeper(brake: brake, now: .zero)
        for key in keys {
            keeper.insert(key, group: key / perService, terms: terms, now: .zero)
        }
    }

    mutating func silence(_ keys: some Sequence<Int>) { silent.formUnion(keys) }
    mutating func speak(_ keys: some Sequence<Int>) {
        silent.subtract(keys)
        nextBeat = now + .milliseconds(10)
    }

    /// Lets time pass: each heartbeat at its phase, and the owner awake whenever the keeper asks for it.
    mutating func run(for duration: Duration) {
        let end = now + duration
        while now < end {
            let wake = max(keeper.nextWake ?? end, now + .milliseconds(1))
            now = min(end, wake, nextBeat)
            if now == nextBeat { beat() }
            effects.removeAll(keepingCapacity: true)
            keeper.advance(now: now, into: &effects)
            apply()
        }
    }

    mutating func releaseByOperator(_ scope: LeaseScope<Int>) -> Int { keeper.release(scope, now: now) }

    /// Those whose phase it is: 1,000 phases of 10 ms.
    private mutating func beat() {
        nextBeat = silent.count == keys.count ? now + .seconds(10) : now + .milliseconds(10)
        let phase = Int(now.nanoseconds / 10_000_000) % 1000
        for key in stride(from: phase, to: keys.count, by: 1000) where !silent.contains(key) {
            if keeper.renew(key, now: now) != .unknown { lastHeartbeat[key] = now }
        }
    }

    private mutating func apply() {
        for effect in effects {
            switch effect {
            case .lapse(let key):
                lapsed[key] = now
                lapseOrder.append(key)
            case .suspect(let key):
                suspected[key] = now
                if lapsed[key] == nil { lapseOrder.append(key) }
            case .release(let key):
                released[key] = now
                releaseOrder.append(key)
            case .evict(let key):
                evicted[key] = now
                keeper.remove(key, now: now)
            case .restore:
                break
            }
        }
    }
}
