// SPDX-License-Identifier: Apache-2.0
// Rollcall

// Identifiers are compared by their bytes, as storage and URLs compare them. The `==` of strings takes é for e with a
// combining accent (Unicode canonical equivalence), so that one identifier could stand for two rows.

/// Whether both strings have the same bytes.
func haveEqualBytes(_ left: String, _ right: String) -> Bool {
    let isEqual = left.utf8.withContiguousStorageIfAvailable { left in
        right.utf8.withContiguousStorageIfAvailable { right in
            areEqual(UnsafeRawBufferPointer(left), UnsafeRawBufferPointer(right))
        }
    }
    // Every string of this platform is contiguous; one that is bridged from elsewhere may not be.
    return (isEqual ?? nil) ?? left.utf8.elementsEqual(right.utf8)
}

/// Eight bytes at a time: keys are compared at each look-up.
private func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    var offset = 0
    while offset + 8 <= left.count {
        let (one, other) = (
            left.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
            right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        )
        if one != other { return false }
        offset += 8
    }
    while offset < left.count {
        if left[offset] != right[offset] { return false }
        offset += 1
    }
    return true
}

extension Hasher {
    /// Takes in the bytes of `text`: equal for strings with the same bytes only.
    mutating func combine(bytesOf text: String) {
        let isDone: Void? = text.utf8.withContiguousStorageIfAvailable { combine(bytes: UnsafeRawBufferPointer($0)) }
        if isDone == nil { for byte in text.utf8 { combine(byte) } }
        // No string holds it: it keeps what follows apart.
        combine(0xFF as UInt8)
    }
}
