// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore

/// Where the HTTP server listens and what it tolerates from a client.
public struct HTTPServerConfiguration: Sendable, Hashable {
    /// The address to listen on: a host name or an address literal.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 takes a free one.
    public var port = 8500
    /// Connections that the kernel may hold before they are accepted.
    public var backlog = 1024
    /// Threads that serve connections. One event loop group is made for the whole process with this many.
    public var eventLoopCount = System.coreCount
    /// What one client, and all clients together, may take up.
    public var limits = HTTPLimits()

    /// This machine alone, unless another host is named. The rest is changed property by property.
    public init(host: String = "127.0.0.1", port: Int = 8500) {
        self.host = host
        self.port = port
    }
}

/// The bounds that the HTTP server keeps. Each has an answer of its own when a client crosses it.
public struct HTTPLimits: Sendable, Hashable {
    /// Open connections of all clients. One more is accepted, told 503 with `Retry-After`, and closed: a client in an
    /// unserved backlog would only time out.
    public var connectionCountMax = 16_384
    /// Bytes of one request's target, header names and values: beyond is 431.
    public var headBytesMax = 32 * 1024
    /// Header fields of one request: beyond is 431.
    public var headerFieldCountMax = 128
    /// From the first byte of a head to its last: beyond is 408.
    public var headTimeMax: Duration = .seconds(10)
    /// From the end of a head to the end of the body: beyond is 408.
    public var bodyTimeMax: Duration = .seconds(30)
    /// Between two requests of a connection: beyond, it is closed without a word.
    public var idleTimeMax: Duration = .seconds(75)
    /// A client that has taken no byte of what waits for it for so long is cut off; at twice that time where only short
    /// answers wait.
    public var stallTimeMax: Duration = .seconds(60)
    /// After an answer that ends a connection, what the client is still sending is read and dropped for so long,
    /// because closing at once would make the kernel discard the answer.
    public var lingerTime: Duration = .seconds(2)
    /// After the server was told to stop: for so long requests in flight may take, then they are cancelled.
    public var drainTime: Duration = .seconds(10)

    /// The defaults, to be changed property by property.
    public init() {}
}
