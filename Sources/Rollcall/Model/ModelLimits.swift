// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The sizes that a registration may have. They bound what one caller can make the registry keep, and what every reader
/// of the service then has to receive.
public struct ModelLimits: Sendable, Hashable {
    /// Bytes of a service name; 63 is what a DNS label holds, more is allowed for names that are never asked over DNS.
    public var serviceNameBytes = 128
    /// Bytes of an instance's or a check's identifier.
    public var instanceIDBytes = 256
    /// Bytes of a host name (RFC 1035, section 2.3.4).
    public var hostBytes = 255
    /// The number of tags of an instance.
    public var tags = 64
    /// Bytes of one tag.
    public var tagBytes = 256
    /// The number of keys in the metadata of an instance.
    public var metadataEntries = 64
    /// Bytes of one key of the metadata.
    public var metadataKeyBytes = 128
    /// Bytes of one value of the metadata; also of the target and of each header of an HTTP check.
    public var metadataValueBytes = 4096
    /// Bytes of all keys and values together.
    public var metadataBytes = 16_384
    /// The number of ports beside the primary one.
    public var namedPorts = 32
    /// Bytes of zone, region, node, version and health check, each.
    public var attributeBytes = 512
    /// The number of checks of an instance: of declared ones, and of results that are kept.
    public var checks = 32
    /// Bytes of a check's output that are kept; what is longer is cut between characters, not refused.
    public var checkOutputBytes = 4096
    /// Bytes of all texts of the declared checks together.
    public var checkDefinitionBytes = 16_384
    /// How often a declared check may ask: 100 ms to a day.
    public var checkInterval: ClosedRange<Duration> = .milliseconds(100) ... .seconds(86_400)
    /// How long a round of a declared check may take: 10 ms to 10 min.
    public var checkTimeout: ClosedRange<Duration> = .milliseconds(10) ... .seconds(600)
    /// Bytes of the reason of a desired state.
    public var reasonBytes = 512
    /// The time that a lease may run, and that of a `ttl` check: 500 ms to a day.
    public var ttl: ClosedRange<Duration> = .milliseconds(500) ... .seconds(86_400)
    /// The time from a last heartbeat to eviction, and that of a check's `deregisterAfter`: 500 ms to 30 days.
    public var evictAfter: ClosedRange<Duration> = .milliseconds(500) ... .seconds(30 * 86_400)

    /// The defaults, to be changed property by property.
    public init() {}

    /// What `rollcall serve` enforces unless it is configured otherwise.
    public static let standard = ModelLimits()
}
