// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall

/// Prints the name of an operation and its time in nanoseconds in each run, separated by tabs.
///
/// - Parameters:
///   - operations: How many operations one call of `body` makes.
///   - runs: How often `body` is called after one call that is not counted.
func measure(_ name: String, operations: Int, runs: Int = 9, _ body: () throws -> Void) rethrows {
    let clock = ContinuousClock()
    try body()
    var times: [Double] = []
    for _ in 0 ..< runs {
        let time = try clock.measure { try body() }
        times.append(Double(time.wholeNanoseconds) / Double(operations))
    }
    print(([name] + times.map(format)).joined(separator: "\t"))
}

/// One decimal below 100, none above.
func format(_ value: Double) -> String {
    if value >= 100 { return String(Int(value.rounded())) }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
}

/// Keeps the optimiser from removing what is measured.
@inline(never)
func keep<Value>(_ value: Value) {
    withExtendedLifetime(value) {}
}
