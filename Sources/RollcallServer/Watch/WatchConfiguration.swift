// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What watches over HTTP may take up.
public struct WatchConfiguration: Sendable, Hashable {
    /// Open watches of all clients: one more is answered with 503 and `Retry-After`.
    public var streamCountMax = 16_384
    /// Services that one watch may name.
    public var serviceCountMax = 256
    /// A comment is sent when nothing else was for so long, so that both ends notice a dead connection.
    public var keepAlive: Duration = .seconds(15)

    /// The defaults, to be changed property by property.
    public init() {}
}
