// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall

/// Single operations in this process.
enum Micro {
    static func run() async {
        codec()
        for count in [1000, 1_000_000] { await registry(of: count) }
        watching(instances: 10)
        watching(instances: 1000)
    }

    private static func instance(_ number: Int, revision: UInt64) -> ServiceInstance {
        ServiceInstance(
            registration: sampleRegistration(number), incarnation: Incarnation(1), revision: Revision(revision),
            registeredAt: .current(), changedAt: .current())
    }

    private static func codec() {
        let instances = (0 ..< 10).map { instance($0, revision: 1) }
        measure("codec: encode 10 instances", operations: 1000) {
            for _ in 0 ..< 1000 {
                var writer = JSONWriter(capacity: 8192)
                for instance in instances { instance.write(to: &writer) }
                keep(writer.bytes.count)
            }
        }
        let bytes = instances[0].registration.jsonBytes()
        measure("codec: decode a registration of \(bytes.count) bytes", operations: 10_000) {
            for _ in 0 ..< 10_000 {
                let document = try? JSONReader.read(bytes) { reader throws(JSONError) in
                    try InstanceDocument(from: &reader, unknownFields: .refused)
                }
                keep(document)
            }
        }
    }

    private static func registry(of count: Int) async {
        let recovered = RecoveredState(
            instances: (0 ..< count).map { instance($0, revision: UInt64($0 + 1)) }, revision: Revision(UInt64(count)))
        let registry = LocalRegistry(recovered: recovered)
        let picks = (0 ..< 10_000).map { ($0 &* 7919) % count }
        let names = picks.map { ServiceName("service-\($0 / 10)") }
        measure("catalog: look up a service, \(count) instances", operations: names.count) {
            for name in names { keep(registry.catalog.snapshot(of: name)) }
        }
        let budget = DerivedBudget(catalog: registry.catalog, bytesMax: 64 * 1024 * 1024)
        let snapshots = names.map { registry.catalog.snapshot(of: $0) }
        measure("catalog: find an answer that is kept, \(count) instances", operations: snapshots.count) {
            for snapshot in snapshots {
                keep(snapshot.derivedValue(.init(0), within: budget, size: \.count) { Array("\($0.count)".utf8) })
            }
        }
        let beats = picks.map { [Heartbeat(sampleRegistration($0).key)] }
        measure("leases: renew one, \(count) instances", operations: beats.count) {
            for beat in beats { keep(registry.renewImmediately(beat)) }
        }
        let batch = beats.flatMap { $0 }
        measure("leases: renew one in a batch of \(batch.count), \(count) instances", operations: batch.count) {
            keep(registry.renewImmediately(batch))
        }
        await registry.shutdown()
    }

    /// What one change costs a service of this size, with one that follows.
    private static func watching(instances: Int) {
        let catalog = Catalog()
        catalog.load((0 ..< instances).map { number in
            ServiceInstance(
                registration: Registration(service: "web", id: InstanceID("\(number)"), host: "10.0.0.1", port: 80),
                incarnation: Incarnation(1), revision: Revision(1), registeredAt: .current(), changedAt: .current())
        }, revision: Revision(1))
        var cursor = Catalog.Cursor()
        _ = catalog.next(in: .service("web"), after: &cursor)
        var revision: UInt64 = 1
        measure("watch: publish a change and read it, \(instances) instances", operations: 10_000) {
            for _ in 0 ..< 10_000 {
                revision += 1
                let changed = ServiceInstance(
                    registration: Registration(
                        service: "web", id: InstanceID("\(Int(revision) % instances)"), host: "10.0.0.1", port: 80),
                    incarnation: Incarnation(1), revision: Revision(revision), registeredAt: .current(),
                    changedAt: .current())
                let change = InstanceChange(
                    revision: Revision(revision), kind: .updated, instance: changed, bornAt: .zero)
                catalog.publish([change])
                keep(catalog.next(in: .service("web"), after: &cursor))
            }
        }
    }
}
