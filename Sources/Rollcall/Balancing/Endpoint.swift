// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// One life of an instance: what is learnt about it belongs to this and to nothing else.
public struct EndpointIdentity: Sendable, Hashable, CustomStringConvertible {
    /// The instance, over all its lives.
    public let key: InstanceKey
    /// Which of its lives.
    public let incarnation: Incarnation

    /// The life `incarnation` of the instance `key`.
    public init(_ key: InstanceKey, _ incarnation: Incarnation) {
        self.key = key
        self.incarnation = incarnation
    }

    public var description: String { "\(key)#\(incarnation)" }

    public func hash(into hasher: inout Hasher) {
        // The service is the same for nearly all that are ever kept together.
        hasher.combine(key.id)
        hasher.combine(incarnation)
    }
}

/// An instance as a balancer sees it: the instance as it is registered, and what is learnt about it. A new endpoint is
/// made when the registration changes; the load stays the same object.
public final class Endpoint: Sendable {
    /// The instance as it is registered.
    public let instance: ServiceInstance
    /// What calls have taught about this life of the instance. Newer endpoints of the same life share it.
    public let load: EndpointLoad
    /// The share of traffic relative to the other instances; 0 means listed without traffic. The registered weight or,
    /// when that was left at its default, the metadata entry `weight` (0 to 65535), for engines without a native one.
    public let weight: UInt32
    let inverseWeight: Float
    /// The hash of the instance's identifier, for consistent hashing: a new life keeps the keys of the former one.
    let hash: UInt64

    /// An instance with what is learnt about it; the weight is worked out once, here.
    public init(instance: ServiceInstance, load: EndpointLoad) {
        self.instance = instance
        self.load = load
        weight = Self.weight(of: instance)
        inverseWeight = weight == 0 ? .infinity : 1 / Float(weight)
        hash = StableHash.of(instance.id.value)
    }

    /// The identifier of the instance, unique in its service.
    public var id: InstanceID { instance.id }
    /// The life of the instance that this is.
    public var identity: EndpointIdentity { EndpointIdentity(instance.key, instance.incarnation) }

    private static func weight(of instance: ServiceInstance) -> UInt32 {
        guard instance.weight == Registration.defaultWeight, let text = instance.metadata["weight"],
            let weight = UInt16(text)
        else { return UInt32(instance.weight) }
        return UInt32(weight)
    }
}
