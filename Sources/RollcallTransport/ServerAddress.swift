// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Where a Rollcall server listens.
public struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name, an IPv4 address or an IPv6 address without brackets.
    public var host: String
    /// 1 to 65535.
    public var port: Int
    /// Whether the server is spoken to over TLS.
    public var isSecure: Bool

    /// The port of the native API.
    public static let defaultPort = 8500

    /// - Parameter host: IPv6 without brackets.
    public init(host: String, port: Int = Self.defaultPort, isSecure: Bool = false) {
        self.host = host
        self.port = port
        self.isSecure = isSecure
    }

    /// The start of every URL of the server, such as `http://10.0.0.1:8500`.
    public var description: String {
        let host = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return "\(isSecure ? "https" : "http")://\(host):\(port)"
    }
}
