// SPDX-License-Identifier: Apache-2.0
// Rollcall

extension JSONReader {
    /// A number as it stands in the text; its grammar was checked.
    struct NumberToken {
        var start: Int
        var end: Int
        var isNegative = false
        /// Whether there is neither a fraction nor an exponent.
        var isInteger = true
        /// All digits before the exponent as one number; meaningless if `isTooLong`.
        var digits: UInt64 = 0
        /// Whether the digits do not fit.
        var isTooLong = false
        /// The power of ten the digits are to be multiplied with.
        var exponent = 0
    }

    /// Reads a number without a fractional part.
    ///
    /// `30.0` and `3e1` are the integer 30, as in JSON Schema, as long as a `Double` holds them exactly.
    ///
    /// - Throws: If the value is no number, has a fractional part or does not fit.
    public mutating func integer() throws(JSONError) -> Int64 { try integer(as: Int64.self) }

    /// Reads a number without a fractional part that fits `type`.
    @inlinable
    public mutating func integer<Integer: FixedWidthInteger>(as type: Integer.Type) throws(JSONError) -> Integer {
        let (magnitude, isNegative) = try integerParts()
        if !isNegative, let value = Integer(exactly: magnitude) { return value }
        if isNegative, magnitude <= UInt64(Int64.max) + 1,
            let value = Integer(exactly: Int64(truncatingIfNeeded: 0 &- magnitude))
        {
            return value
        }
        throw failure(
            "expected an integer from \(Integer.min) to \(Integer.max), found \(isNegative ? "-" : "")\(magnitude)")
    }

    /// Reads a number.
    ///
    /// - Throws: If the value is no number, or is further from 0 than a `Double` reaches.
    public mutating func double() throws(JSONError) -> Double { try double(scanNumber()) }

    /// Reads an integer of any size up to 64 bits.
    @usableFromInline
    mutating func integerParts() throws(JSONError) -> (magnitude: UInt64, isNegative: Bool) {
        let token = try scanNumber("an integer")
        if token.isInteger {
            guard !token.isTooLong else {
                throw JSONError(offset: token.start, message: "expected an integer of at most 64 bits")
            }
            return (token.digits, token.isNegative)
        }
        let value = try double(token)
        guard value.magnitude <= 0x1p53, value.rounded(.towardZero) == value else {
            throw JSONError(
                offset: token.start, message: "expected an integer, found a number with a fraction or an exponent")
        }
        return (UInt64(value.magnitude), token.isNegative)
    }

    /// Moves behind a number.
    mutating func scanNumber(_ what: StaticString = "a number") throws(JSONError) -> NumberToken {
        var token = NumberToken(start: position, end: position)
        if byte(at: position) == UInt8(ascii: "-") {
            token.isNegative = true
            position += 1
        } else if !isDigit(byte(at: position)) {
            throw expected(what)
        }
        if byte(at: position) == UInt8(ascii: "0"), isDigit(byte(at: position + 1)) {
            throw JSONError(offset: token.start, message: "expected a number without leading zeros")
        }
        _ = try scanDigits(into: &token)
        if byte(at: position) == UInt8(ascii: ".") {
            position += 1
            token.isInteger = false
            token.exponent = -(try scanDigits(into: &token))
        }
        if byte(at: position) | 0x20 == UInt8(ascii: "e") {
            position += 1
            token.isInteger = false
            token.exponent += try scanExponent()
        }
        token.end = position
        return token
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// Moves behind at least one digit and returns how many there were.
    private mutating func scanDigits(into token: inout NumberToken) throws(JSONError) -> Int {
        let start = position
        while true {
            let digit = byte(at: position) &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            let (scaled, overflow) = token.digits.multipliedReportingOverflow(by: 10)
            let (sum, carry) = scaled.addingReportingOverflow(UInt64(digit))
            token.isTooLong = token.isTooLong || overflow || carry
            token.digits = sum
            position += 1
        }
        guard position > start else { throw expected("a digit") }
        return position - start
    }

    /// Moves behind the sign and digits of an exponent. One beyond a million counts as a million.
    private mutating func scanExponent() throws(JSONError) -> Int {
        let sign = byte(at: position)
        if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
        guard isDigit(byte(at: position)) else { throw expected("a digit") }
        var exponent = 0
        while isDigit(byte(at: position)) {
            exponent = min(exponent * 10 + Int(byte(at: position) &- UInt8(ascii: "0")), 1_000_000)
            position += 1
        }
        return sign == UInt8(ascii: "-") ? -exponent : exponent
    }

    /// The number nearest to what is written.
    func double(_ token: NumberToken) throws(JSONError) -> Double {
        // Up to these bounds both factors are exact, so the one operation rounds correctly (Clinger, "How to read
        // floating point numbers accurately", 1990).
        if !token.isTooLong, token.digits <= 1 << 53, token.exponent.magnitude <= 22 {
            let digits = Double(token.digits)
            let power = Self.powersOfTen[Int(token.exponent.magnitude)]
            let value = token.exponent < 0 ? digits / power : digits * power
            return token.isNegative ? -value : value
        }
        let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[token.start ..< token.end]), as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            throw JSONError(
                offset: token.start, message: "expected a number in the range of 64-bit floating point numbers")
        }
        return value
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}
