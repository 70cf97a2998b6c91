// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What a server listens on and tolerates. Everything has a default.
public struct ServerConfiguration: Sendable, Hashable {
    public var http = HTTPServerConfiguration()
    public var watches = WatchConfiguration()
    public var bodies = BodyLimits()
    public var health = HealthConfiguration()

    public init() {}
}
