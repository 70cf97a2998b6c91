// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
@testable import RollcallRemote

/// Instances, and what a server says of them.
enum Sample {
    static func instance(
        _ id: InstanceID, service: ServiceName = "web", port: UInt16 = 8080, revision: UInt64
    ) -> ServiceInstance {
        ServiceInstance(
            registration: Registration(service: service, id: id, host: "10.0.0.1", port: port),
            incarnation: Incarnation(1), revision: Revision(revision),
            registeredAt: WallTime(millisecondsSinceEpoch: 0), changedAt: WallTime(millisecondsSinceEpoch: 0))
    }

    static func snapshot(_ ids: [InstanceID], service: ServiceName = "web", revision: UInt64) -> ServiceSnapshot {
        ServiceSnapshot(
            service: service, revision: Revision(revision),
            instances: ids.map { instance($0, service: service, revision: revision) })
    }

    static func change(
        _ id: InstanceID, _ kind: InstanceChange.Kind = .registered, service: ServiceName = "web", revision: UInt64
    ) -> InstanceChange {
        InstanceChange(
            revision: Revision(revision), kind: kind, instance: instance(id, service: service, revision: revision),
            bornAt: .zero)
    }

    // MARK: As text on the wire

    static func json(_ snapshot: ServiceSnapshot) -> String {
        let instances = snapshot.instances.map { String(decoding: $0.jsonBytes(), as: UTF8.self) }
        return """
            {"service": "\(snapshot.service)", "revision": \(snapshot.revision), "instances": [\
            \(instances.joined(separator: ", "))]}
            """
    }

    static func event(_ type: String, id: UInt64? = nil, _ data: String) -> String {
        "event: \(type)\n\(id.map { "id: \($0)\n" } ?? "")data: \(data)\n\n"
    }

    static func snapshotEvents(
        _ ids: [InstanceID], service: ServiceName = "web", revision: UInt64, cause: String = "initial"
    ) -> String {
        event("snapshot", json(snapshot(ids, service: service, revision: revision)))
            + event("synced", id: revision, #"{"revision": \#(revision), "cause": "\#(cause)", "services": 1}"#)
    }

    static func changeEvent(
        _ id: InstanceID, _ kind: InstanceChange.Kind = .registered, service: ServiceName = "web", revision: UInt64
    ) -> String {
        let instance = String(
            decoding: Sample.instance(id, service: service, revision: revision).jsonBytes(), as: UTF8.self)
        return event(
            "change", id: revision,
            """
            {"revision": \(revision), "kind": "\(kind.rawValue)", "service": "\(service)", "id": "\(id)", \
            "instance": \(instance)}
            """)
    }
}
