// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// An entry with the instance that it stands for.
struct ConsulFound: Sendable {
    let entry: ConsulHealthEntry
    let instance: ServiceInstance
}

/// The entries of one service, which may have several spellings in Consul.
struct ConsulListing: Sendable {
    private(set) var found: [InstanceKey: [ConsulFound]] = [:]
    /// The highest `X-Consul-Index` of the answers.
    private(set) var index: UInt64 = 1

    mutating func add(_ entries: [ConsulHealthEntry], index: UInt64?) {
        self.index = max(self.index, index ?? 1)
        for entry in entries {
            let instance = ServiceInstance(entry)
            found[instance.key, default: []].append(ConsulFound(entry: entry, instance: instance))
        }
    }

    /// The entry that counts for an instance. Two agents have it when one could not be reached while it registered
    /// again: then it is the later life, else the one that is better off, else the one that changed last.
    subscript(key: InstanceKey) -> ConsulFound? {
        found[key]?.max { left, right in left.instance.isOutdone(by: right.instance) }
    }

    var instances: [ServiceInstance] { found.keys.compactMap { self[$0]?.instance } }

    /// - Parameter service: As the caller spells it.
    func snapshot(of service: ServiceName) -> ServiceSnapshot {
        ServiceSnapshot(service: service, revision: Revision(index), instances: instances)
    }
}

extension ServiceInstance {
    fileprivate func isOutdone(by other: ServiceInstance) -> Bool {
        if incarnation != other.incarnation { return incarnation < other.incarnation }
        if status.isHealthy != other.status.isHealthy { return other.status.isHealthy }
        return revision < other.revision
    }
}
