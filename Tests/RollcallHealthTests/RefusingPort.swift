// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Runs `body` with a port of 127.0.0.1 that refuses connections: it is taken, so nobody else gets it meanwhile, but
/// nothing listens.
func withRefusingPort<Value>(_ body: (Int) async throws -> Value) async rethrows -> Value {
    #if canImport(Glibc)
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
    let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutableBytes(of: &address) { bytes in
        bytes.withMemoryRebound(to: sockaddr.self) { addresses in
            guard let pointer = addresses.baseAddress else { return false }
            return bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
        }
    }
    precondition(isBound, "no port of the loopback can be had")
    return try await body(Int(UInt16(bigEndian: address.sin_port)))
}
