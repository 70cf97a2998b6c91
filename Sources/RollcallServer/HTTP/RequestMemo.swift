// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Makes the answer to a request that came before, as it is now; `nil` when that is no longer possible at once.
typealias RepeatedAnswer = () -> FastAnswer?

/// Remembers requests by their exact bytes, so that one that comes again need not be read again.
///
/// Clients repeat themselves: every look-up of a service by one client has the same bytes. What was once read as one
/// complete request can only be read as the same one again, so nothing is guessed about HTTP here. Belongs to one event
/// loop; its memory is bounded: `slotCount` times `bytesMax`, and no more than that for what the answers hold of them.
final class RequestMemo {
    private struct Entry {
        let bytes: [UInt8]
        let answer: RepeatedAnswer
    }

    /// Longer requests are always read.
    static let bytesMax = 1024
    private static let slotCount = 512
    private static let sightingCount = 4096

    private var entries = [Entry?](repeating: nil, count: slotCount)
    /// Hashes of requests that were seen once. Most requests of some clients, such as the first heartbeat of each
    /// instance, do not come again soon: they are not worth a slot.
    private var sightings = [UInt64](repeating: 0, count: sightingCount)
    private let seed = UInt64.random(in: .min ... .max)

    /// The answer to a request of exactly these bytes, when it is remembered.
    func recall(_ request: ByteBuffer) -> RepeatedAnswer? {
        request.withUnsafeReadableBytes { bytes in
            guard bytes.count <= Self.bytesMax else { return nil }
            guard let start = bytes.baseAddress, let entry = entries[Int(hash(bytes) % UInt64(Self.slotCount))],
                entry.bytes.count == bytes.count,
                entry.bytes.withUnsafeBytes({ $0.baseAddress.map { memcmp($0, start, bytes.count) == 0 } ?? false })
            else { return nil }
            return entry.answer
        }
    }

    /// Takes note of a request that had to be read, and remembers it when it is not the first time.
    ///
    /// - Parameters:
    ///   - request: The bytes of one complete request without a body, and nothing else.
    ///   - answer: Called when the request is to be remembered; `nil` when it cannot be.
    func note(_ request: ByteBuffer, answer: () -> RepeatedAnswer?) {
        request.withUnsafeReadableBytes { bytes in
            guard bytes.count <= Self.bytesMax else { return }
            let hash = hash(bytes)
            let sighting = Int(hash >> 32) & (Self.sightingCount - 1)
            guard sightings[sighting] == hash else {
                sightings[sighting] = hash
                return
            }
            guard let answer = answer() else { return }
            entries[Int(hash % UInt64(Self.slotCount))] = Entry(bytes: Array(bytes), answer: answer)
        }
    }

    /// Mixes eight bytes at a time by multiplication. A collision costs a slot and nothing else: bytes are compared.
    private func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = seed ^ UInt64(bytes.count)
        var offset = 0
        while offset + 8 <= bytes.count {
            hash = Self.mixed(hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < bytes.count {
            rest = rest << 8 | UInt64(bytes[offset])
            offset += 1
        }
        return Self.mixed(hash ^ rest)
    }

    @inline(__always)
    private static func mixed(_ word: UInt64) -> UInt64 {
        let product = word.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
