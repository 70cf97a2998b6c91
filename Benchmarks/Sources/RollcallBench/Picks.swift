// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall

/// What it costs to pick an instance, to report how the call ended, and to take over a change of the list.
enum Picks {
    private static let picksPerRun = 1_000_000

    static func run(_ policies: [BalancingPolicy]) async {
        for count in [10, 1000] {
            for policy in policies { await picks(policy, count) }
        }
        for policy in policies { update(policy, 1000) }
    }

    private static func instances(_ count: Int, weights: Bool) -> [ServiceInstance] {
        (0 ..< count).map { instance($0, weight: weights ? UInt16($0 % 5 + 1) : 1) }
    }

    private static func instance(_ number: Int, weight: UInt16, revision: UInt64 = 1) -> ServiceInstance {
        let host = "10.1.\(number / 250).\(number % 250)"
        return ServiceInstance(
            registration: Registration(
                service: "web", id: InstanceID("\(host):8080"), host: host, port: 8080, weight: weight),
            incarnation: Incarnation(1), revision: Revision(revision), registeredAt: .current(), changedAt: .current())
    }

    /// Each instance has two calls under way that do not end, so that loads have to be compared. Time passes by 1 µs a
    /// pick, and a call takes 1 ms and a little more.
    private static func picks(_ policy: BalancingPolicy, _ count: Int) async {
        let isWeighted = policy.rawValue.contains("weighted")
        let snapshot = ServiceSnapshot(
            service: "web", revision: Revision(1), instances: instances(count, weights: isWeighted))
        let upstream = Upstream(service: "web", balancer: policy.makeBalancer())
        upstream.update(snapshot, now: .zero)
        for endpoint in upstream.known {
            endpoint.load.begin()
            endpoint.load.begin()
        }
        let name = "\(policy.rawValue), \(count) instances"

        let picker = policy.makeBalancer().picker(for: upstream.list, previous: nil)
        var random = PickRandom(seed: 7)
        measure("picks: bare picker, \(name)", operations: picksPerRun) {
            for number in 0 ..< picksPerRun {
                let request = PickRequest(now: instant(number), hashKey: UInt64(number))
                keep(picker.pick(request, using: &random))
            }
        }
        measure("picks: pick and finish, \(name)", operations: picksPerRun) { pickAndFinish(upstream) }
        await measureConcurrently("picks: pick and finish on 2 threads, \(name)", upstream)
    }

    private static func instant(_ number: Int) -> Instant { Instant(nanoseconds: Int64(number) * 1000) }

    private static func pickAndFinish(_ upstream: Upstream) {
        for number in 0 ..< picksPerRun {
            let now = instant(number)
            guard let pick = upstream.pick(PickRequest(now: now, hashKey: UInt64(number))) else { return }
            pick.finish(.success, now: Instant(nanoseconds: now.nanoseconds + 1_000_000 + Int64(number & 1023)))
        }
    }

    /// Nanoseconds of one thread for a pick, while another one picks as well.
    private static func measureConcurrently(_ name: String, _ upstream: Upstream) async {
        let clock = ContinuousClock()
        var times: [Double] = []
        for run in 0 ... 9 {
            let start = clock.now
            await withTaskGroup { group in
                for _ in 0 ..< 2 { group.addTask { pickAndFinish(upstream) } }
            }
            let time = start.duration(to: clock.now)
            if run > 0 { times.append(Double(time.wholeNanoseconds) / Double(picksPerRun)) }
        }
        print(([name] + times.map(format)).joined(separator: "\t"))
    }

    /// One instance of many changes: its metadata, its weight, or whether it is there.
    private static func update(_ policy: BalancingPolicy, _ count: Int) {
        let members = instances(count, weights: policy.rawValue.contains("weighted"))
        let changes: [(String, ServiceInstance?)] = [
            ("a change that moves no share", instance(500, weight: members[500].weight, revision: 2)),
            ("a change of a weight", instance(500, weight: 9, revision: 2)), ("a removal", nil),
        ]
        for (name, changed) in changes {
            var others = members
            others.remove(at: 500)
            if let changed { others.append(changed) }
            let before = ServiceSnapshot(service: "web", revision: Revision(1), instances: members)
            let after = ServiceSnapshot(service: "web", revision: Revision(2), instances: others)
            keep(before.instances.count + after.instances.count)
            let upstream = Upstream(service: "web", balancer: policy.makeBalancer())
            upstream.update(before, now: .zero)
            measure("picks: update, \(name), \(policy.rawValue), \(count) instances", operations: 20) {
                for _ in 0 ..< 10 {
                    upstream.update(after, now: .zero)
                    upstream.update(before, now: .zero)
                }
            }
        }
    }
}
