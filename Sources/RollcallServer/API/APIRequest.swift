// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// A request to a route, taken apart and decoded, without its transport.
struct APIRequest: Sendable {
    let route: NativeRoute
    /// Path parameters, decoded.
    var parameters: [String: String]
    var query: QueryParameters
    var body: ByteBuffer
    var ifNoneMatch: String?

    var service: ServiceName { ServiceName(parameters["service"] ?? "") }

    var key: InstanceKey { InstanceKey(service, InstanceID(parameters["id"] ?? "")) }

    /// The parameter `incarnation`, if there is one.
    func incarnation() throws(APIProblem) -> Incarnation? {
        guard let text = query.first("incarnation") else { return nil }
        guard let incarnation = Incarnation(decimal: text.utf8) else {
            throw APIProblem(malformed: "the parameter incarnation must be a number, found \"\(text)\"")
        }
        return incarnation
    }

    /// Refuses parameters that the route does not take: a misspelt filter must not widen an answer silently.
    func checkQuery() throws(APIProblem) {
        for name in query.keys where !route.takes(name) {
            let known = route.queryParameters.map { $0.hasSuffix(".") ? $0 + "KEY" : $0 }
            let hint = known.isEmpty ? "this route takes none" : "it takes \(known.joined(separator: ", "))"
            throw APIProblem(malformed: "the parameter \"\(name)\" is not known: \(hint)")
        }
        if let name = query.firstRepeated(except: NativeRoute.repeatableParameters) {
            throw APIProblem(malformed: "the parameter \"\(name)\" is given more than once")
        }
    }

    /// Reads the body as one JSON value.
    func decode<Value>(_ read: (inout JSONReader) throws(JSONError) -> Value) throws(APIProblem) -> Value {
        do {
            return try JSONReader.read(Array(body.readableBytesView), read)
        } catch {
            throw APIProblem(malformed: "the body cannot be read: \(error)")
        }
    }
}

extension NativeRoute {
    func takes(_ parameter: String) -> Bool {
        queryParameters.contains { known in
            known.hasSuffix(".") ? parameter.hasPrefix(known) && parameter.count > known.count : parameter == known
        }
    }
}

extension Incarnation {
    /// Reads decimal digits, nothing else; `nil` when they are none, or too many.
    init?(decimal text: some Collection<UInt8>) {
        guard !text.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in text {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, isTooLarge) = tens.addingReportingOverflow(UInt64(byte &- UInt8(ascii: "0")))
            guard byte &- UInt8(ascii: "0") < 10, !overflow, !isTooLarge else { return nil }
            value = next
        }
        self.init(value)
    }
}

/// An answer of a route, without its transport.
struct APIAnswer: Sendable {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    static let noContent = APIAnswer(status: 204)

    static func json(_ bytes: [UInt8], status: Int = 200) -> APIAnswer {
        APIAnswer(status: status, headers: [("content-type", "application/json")], body: bytes)
    }

    static func json(status: Int = 200, capacity: Int = 256, _ write: (inout JSONWriter) -> Void) -> APIAnswer {
        var writer = JSONWriter(capacity: capacity)
        write(&writer)
        return .json(writer.bytes, status: status)
    }

    var prepared: PreparedResponse {
        PreparedResponse(status: status, headers: headers, body: ByteBuffer(bytes: body))
    }
}
