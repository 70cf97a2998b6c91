// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting

/// An instance of the service `web`.
func instance(
    _ id: String, weight: UInt16 = 1, metadata: [String: String] = [:], zone: String = "",
    incarnation: UInt64 = 1, readiness: Readiness = .ready, desired: DesiredState = .enabled,
    lease: LeaseState = .current, isCritical: Bool = false, revision: UInt64 = 1
) -> ServiceInstance {
    let checks = isCritical ? [HealthCheck(id: "c", status: .critical, output: "", since: .zero)] : []
    return ServiceInstance(
        registration: Registration(
            service: "web", id: InstanceID(id), host: "10.0.0.1", port: 80, metadata: metadata, weight: weight,
            locality: Locality(zone: zone), readiness: readiness),
        incarnation: Incarnation(incarnation), desired: desired, checks: checks, leaseState: lease,
        revision: Revision(revision), registeredAt: .zero, changedAt: .zero)
}

/// Instances `000`, `001`, … with these weights.
func instances(weights: [UInt16]) -> [ServiceInstance] {
    weights.enumerated().map { instance(padded($0.offset), weight: $0.element) }
}

/// `count` instances `000`, `001`, … of weight 1.
func instances(_ count: Int) -> [ServiceInstance] {
    instances(weights: Array(repeating: 1, count: count))
}

func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 3 - digits.count)) + digits
}

func snapshot(_ instances: [ServiceInstance], revision: UInt64 = 1) -> ServiceSnapshot {
    ServiceSnapshot(service: "web", revision: Revision(revision), instances: instances)
}

extension WallTime {
    static let zero = WallTime(millisecondsSinceEpoch: 0)
}

extension Instant {
    static func seconds(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }
}

extension BalancingPolicy {
    /// A balancer of this policy that is quick to follow a list: Maglev's tables are small.
    func makeSmallBalancer() -> any LoadBalancer {
        switch self {
        case .maglev: ConsistentHashBalancer(.maglev(slots: 1009))
        case .boundedLoad: ConsistentHashBalancer(.maglev(slots: 1009), loadFactor: 1.25)
        default: makeBalancer()
        }
    }
}

extension Upstream {
    /// An upstream of these instances, whose picks repeat for the same seed.
    static func of(
        _ instances: [ServiceInstance], _ balancer: any LoadBalancer, seed: UInt64 = 1,
        configuration: UpstreamConfiguration = UpstreamConfiguration()
    ) -> Upstream {
        var configuration = configuration
        configuration.seed = seed
        let upstream = Upstream(service: "web", balancer: balancer, configuration: configuration)
        upstream.update(snapshot(instances), now: .zero)
        return upstream
    }

    /// How often each instance is chosen in `count` picks that end at once.
    func counts(_ count: Int, now: Instant = .zero) -> [String: Int] {
        var counts: [String: Int] = [:]
        for _ in 0 ..< count {
            guard let endpoint = choose(PickRequest(now: now)) else { continue }
            counts[endpoint.id.value, default: 0] += 1
        }
        return counts
    }

    /// The identifiers of the next picks.
    func next(_ count: Int) -> [String] {
        (0 ..< count).compactMap { _ in choose(PickRequest(now: .zero))?.id.value }
    }
}

/// Five standard deviations of how often something of this probability happens in `count` trials.
func tolerance(_ count: Int, _ probability: Double) -> Double {
    5 * (Double(count) * probability * (1 - probability)).squareRoot() + 1
}
