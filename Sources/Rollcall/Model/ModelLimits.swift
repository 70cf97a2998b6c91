// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The sizes that a registration may have. They bound what one caller can make the registry keep, and what every reader
/// of the service then has to receive.
public struct ModelLimits: Sendable, Hashable {
    /// Bytes of a service name; 63 is what a DNS label holds, more is allowed for names that are never asked over DNS.
    public var serviceNameBytes = 128
    public var instanceIDBytes = 256
    /// Bytes of a host name (RFC 1035, section 2.3.4).
    public var hostBytes = 255
    public var tags = 64
    public var tagBytes = 256
    public var metadataEntries = 64
    public var metadataKeyBytes = 128
    public var metadataValueBytes = 4096
    /// Bytes of all keys and values together.
    public var metadataBytes = 16_384
    public var namedPorts = 32
    /// Bytes of zone, region, node, version and health check, each.
    public var attributeBytes = 512
    public var checks = 32
    public var checkOutputBytes = 4096
    /// Bytes of all texts of the declared checks together.
    public var checkDefinitionBytes = 16_384
    public var checkInterval: ClosedRange<Duration> = .milliseconds(100) ... .seconds(86_400)
    public var checkTimeout: ClosedRange<Duration> = .milliseconds(10) ... .seconds(600)
    /// Bytes of the reason of a desired state.
    public var reasonBytes = 512
    public var ttl: ClosedRange<Duration> = .milliseconds(500) ... .seconds(86_400)
    public var evictAfter: ClosedRange<Duration> = .milliseconds(500) ... .seconds(30 * 86_400)

    public init() {}

    /// What `rollcall serve` enforces unless it is configured otherwise.
    public static let standard = ModelLimits()
}
