// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let fault = HTTPCheck.fault(in: bytes) { fatalError(fault) }
    return 0
}
