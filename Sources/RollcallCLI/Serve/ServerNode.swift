// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import RollcallServer

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The machine that the server runs on.
enum ServerNode {
    /// - Parameter address: What the server listens on. When that is every address of the machine, or a name, others
    ///   cannot be told by it, and the loopback address is.
    static func own(address: String) -> DNSNode {
        let isAddress = !address.isEmpty && address.utf8.allSatisfy { byte in
            byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":") || (0x30 ... 0x39).contains(byte)
                || (0x61 ... 0x66).contains(byte | 0x20)
        }
        let isEvery = ["0.0.0.0", "::"].contains(address)
        return DNSNode(
            name: hostName, address: isAddress && !isEvery ? address : "127.0.0.1",
            metadata: ["consul-network-segment": ""])
    }

    /// The first label of the machine's name.
    private static var hostName: String {
        var bytes = [CChar](repeating: 0, count: 256)
        let isKnown = gethostname(&bytes, bytes.count - 1) == 0
        let name = bytes.lazy.map { UInt8(bitPattern: $0) }.prefix { $0 != 0 && $0 != UInt8(ascii: ".") }
        return isKnown && !name.isEmpty ? String(decoding: name, as: UTF8.self) : "localhost"
    }
}
