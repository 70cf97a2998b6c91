// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The current picker, many times: each thread finds it, and random numbers of its own, behind a lock that it hardly
/// ever shares. A thread whose stripe is taken uses the next one, so picks wait only when all are taken.
///
/// One reference that all threads read would have to be counted at each pick, and all would write the same cache line.
///
/// `@unchecked Sendable`: the memory is allocated in `init`, freed in `deinit`, and never reallocated; what lies in it
/// is `Sendable` by itself (a mutex).
final class StripeTable: @unchecked Sendable {
    private let stripes: UnsafeMutablePointer<Stripe>
    private let mask: Int

    private struct Stripe: ~Copyable {
        let state: Mutex<StripeState>
        /// Two stripes never meet in a cache line, nor in a pair of lines that is fetched together.
        private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
            (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

        init(_ state: StripeState) {
            self.state = Mutex(state)
        }
    }

    private struct StripeState: Sendable {
        var picker: any Picker
        var random: PickRandom
    }

    init(picker: any Picker, seed: UInt64?) {
        let count = Self.stripeCount
        mask = count - 1
        stripes = .allocate(capacity: count)
        for index in 0 ..< count {
            let random = PickRandom(seed: seed ?? UInt64.random(in: .min ... .max))
            (stripes + index).initialize(to: Stripe(StripeState(picker: picker, random: random)))
        }
    }

    deinit {
        stripes.deinitialize(count: mask + 1)
        stripes.deallocate()
    }

    /// Runs `body` with the picker and the random numbers of the calling thread.
    @inline(__always)
    func withStripe(_ body: (any Picker, inout PickRandom) -> Endpoint?) -> Endpoint? {
        let home = Self.threadNumber & mask
        for offset in 0 ... min(mask, 3) {
            let result: Endpoint?? = stripes[(home &+ offset) & mask].state.withLockIfAvailable { state in
                body(state.picker, &state.random)
            }
            if let result { return result }
        }
        return stripes[home].state.withLock { state in body(state.picker, &state.random) }
    }

    /// From now on the picks are made by this one. A pick that runs at this moment may still be made by the former.
    func replacePickers(by picker: any Picker) {
        for index in 0 ... mask { stripes[index].state.withLock { $0.picker = picker } }
    }

    /// Four for each processor, a power of two from 4 to 64.
    private static let stripeCount: Int = {
        let wanted = min(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) * 4, 64)
        var count = 4
        while count < wanted { count *= 2 }
        return count
    }()

    /// A number that differs from thread to thread, well spread.
    @inline(__always)
    private static var threadNumber: Int {
        #if canImport(Glibc)
        let thread = UInt64(pthread_self())
        #else
        let thread = UInt64(UInt(bitPattern: pthread_self()))
        #endif
        return Int(truncatingIfNeeded: (thread &* 0x9E37_79B9_7F4A_7C15) >> 40)
    }
}
