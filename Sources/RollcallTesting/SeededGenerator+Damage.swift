// SPDX-License-Identifier: Apache-2.0
// Rollcall

extension SeededGenerator {
    /// A copy of `bytes` of which some parts are changed, inserted, removed, repeated or cut off: for tests of what
    /// reads bytes from outside.
    public mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0 ..< Int.random(in: 1 ... 4, using: &self) {
            guard !bytes.isEmpty else { return [UInt8.random(in: 0 ... 255, using: &self)] }
            let index = Int.random(in: 0 ..< bytes.count, using: &self)
            let end = min(bytes.count, index + Int.random(in: 1 ... 20, using: &self))
            switch Int.random(in: 0 ..< 6, using: &self) {
            case 0: bytes[index] = UInt8.random(in: 0 ... 255, using: &self)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0 ..< 8, using: &self)
            case 2: bytes.insert(bytes[Int.random(in: 0 ..< bytes.count, using: &self)], at: index)
            case 3: bytes.removeSubrange(index ..< end)
            case 4: bytes.insert(contentsOf: bytes[index ..< end], at: index)
            default: bytes.removeSubrange(end...)
            }
        }
        return bytes
    }
}
