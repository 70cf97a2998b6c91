// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall

/// What a `ServiceClient` adds to a call: the list, the pick, the tries, and what is learnt, around a body that does
/// nothing.
enum ClientCalls {
    static func run() async {
        for count in [10, 1000] {
            await calls(count, "as configured by default", RetryPolicy())
            await calls(count, "without time-outs", RetryPolicy(attemptTimeout: nil, totalTimeout: nil))
            updates(count)
        }
    }

    private static func calls(_ count: Int, _ name: String, _ retry: RetryPolicy) async {
        let registry = LocalRegistry()
        for number in 0 ..< count {
            _ = try? await registry.register(
                Registration(
                    service: "web", id: InstanceID("\(number)"), host: "10.0.0.1", port: 80,
                    lease: LeaseTerms(kind: .none)))
        }
        var configuration = ServiceClientConfiguration()
        configuration.retry = retry
        let client = ServiceClient(registry, configuration: configuration)
        let operations = 20_000
        let clock = ContinuousClock()
        var times: [Double] = []
        for run in 0 ... 9 {
            let time = await clock.measure {
                for _ in 0 ..< operations { keep(try? await client.withInstance(of: "web") { $0.port }) }
            }
            if run > 0 { times.append(Double(time.wholeNanoseconds) / Double(operations)) }
        }
        print((["client: a call, \(name), \(count) instances"] + times.map(format)).joined(separator: "\t"))
        await client.shutdown()
        await registry.shutdown()
    }

    /// What a change of one instance costs a client that follows the service: snapshot, roster, picker.
    private static func updates(_ count: Int) {
        func instance(_ number: Int, _ revision: UInt64) -> ServiceInstance {
            ServiceInstance(
                registration: Registration(service: "web", id: InstanceID("\(number)"), host: "10.0.0.1", port: 80),
                incarnation: Incarnation(1), revision: Revision(revision), registeredAt: .current(),
                changedAt: .current())
        }
        let catalog = Catalog()
        catalog.load((0 ..< count).map { instance($0, 1) }, revision: Revision(1))
        let upstream = Upstream(service: "web")
        var revision: UInt64 = 1
        measure("client: an update of the list, \(count) instances", operations: 100) {
            for _ in 0 ..< 100 {
                revision += 1
                let change = InstanceChange(
                    revision: Revision(revision), kind: .updated, instance: instance(Int(revision) % count, revision),
                    bornAt: .zero)
                catalog.publish([change])
                upstream.update(catalog.snapshot(of: "web"), now: .zero)
            }
        }
    }
}
