// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// A request to Consul's API, taken apart.
struct ConsulRequest: Sendable {
    let method: String
    /// What follows the route's path, decoded: the key of `/v1/kv/…`, the name of `/v1/health/service/…`.
    let rest: String
    let query: QueryParameters
    /// The query as it came.
    let rawQuery: String
    let body: [UInt8]
    let accept: String
    let eventLoop: any EventLoop

    /// Reads the body as one JSON value.
    ///
    /// - Throws: 400 with Go's words for what is wrong.
    func decode() throws(ConsulError) -> JSONValue {
        do {
            return try JSONValue.parse(body)
        } catch {
            throw .decoding(GoJSON.text(of: error, in: body))
        }
    }

    /// What follows the route's path.
    ///
    /// - Throws: 400 with `missing` when there is nothing.
    func rest(orMissing missing: String) throws(ConsulError) -> String {
        guard !rest.isEmpty else { throw ConsulError(400, missing) }
        return rest
    }
}

/// The words of Go's JSON decoder, which clients see in `Request decode failed: …`.
enum GoJSON {
    static func text(of error: JSONError, in body: [UInt8]) -> String {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte >= 0x09 && byte <= 0x0D }
        guard !body.allSatisfy(isSpace) else { return "EOF" }
        guard error.offset < body.count else { return "unexpected EOF" }
        let found = "invalid character '\(String(decoding: body[error.offset...].prefix(1), as: UTF8.self))'"
        let before = body[..<error.offset].last { !isSpace($0) }
        switch before {
        case UInt8(ascii: "{"): return "\(found) looking for beginning of object key string"
        case UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: ","), nil:
            return "\(found) looking for beginning of value"
        default: return "\(found): \(error.message)"
        }
    }

    /// Go's word for the kind of a JSON value.
    static func kind(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "bool"
        case .integer, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
