// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Rollcall

/// An answer of Consul's API, without its transport.
struct ConsulAnswer: Sendable {
    var status = 200
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// Whether the body is JSON, which `?pretty` writes over several lines.
    var isJSON = false

    /// Without a body: what a handler says that has nothing to say.
    static let empty = ConsulAnswer()

    static func json(_ bytes: [UInt8], status: Int = 200) -> ConsulAnswer {
        ConsulAnswer(status: status, headers: [("Content-Type", "application/json")], body: bytes, isJSON: true)
    }

    static func json(status: Int = 200, capacity: Int = 256, _ write: (inout JSONWriter) -> Void) -> ConsulAnswer {
        var writer = JSONWriter(capacity: capacity)
        write(&writer)
        return .json(writer.bytes, status: status)
    }

    static func bool(_ value: Bool) -> ConsulAnswer { .json(Array("\(value)".utf8)) }

    static func text(_ text: String, status: Int = 200, type: String = "text/plain; charset=utf-8") -> ConsulAnswer {
        ConsulAnswer(status: status, headers: [("Content-Type", type)], body: Array(text.utf8))
    }

    /// On every answer of the API.
    static let commonHeaders: [(name: String, value: String)] = [
        ("Vary", "Accept-Encoding"), ("X-Consul-Default-Acl-Policy", "allow"),
    ]

    /// The same answer with further headers.
    func adding(_ headers: [(name: String, value: String)]) -> ConsulAnswer {
        var answer = self
        answer.headers += headers
        return answer
    }

    /// The answer as Hummingbird's; what is not part of the API has no headers in common.
    var response: Response { Response(status: status, headers: headers, bytes: body) }
}

/// Why a request to Consul's API is refused: a status and a plain text, as Consul's own.
struct ConsulError: Error, Sendable, CustomStringConvertible {
    var status: Int
    var text: String
    var headers: [(name: String, value: String)] = []

    init(_ status: Int, _ text: String, headers: [(name: String, value: String)] = []) {
        self.status = status
        self.text = text
        self.headers = headers
    }

    /// A body that cannot be read.
    static func decoding(_ reason: String) -> ConsulError { ConsulError(400, "Request decode failed: \(reason)") }

    /// What the registry said.
    init(_ error: RegistryError) {
        let status =
            switch error.code {
            case .invalid: 400
            case .unknownInstance: 404
            case .overloaded: 429
            default: 500
            }
        self.init(status, error.description)
    }

    var description: String { "\(status): \(text)" }

    var answer: ConsulAnswer {
        text.isEmpty ? ConsulAnswer(status: status, headers: headers) : .text(text, status: status).adding(headers)
    }
}

/// Runs what may fail in the registry's terms.
func consulCaught<Value>(_ work: () async throws(RegistryError) -> Value) async throws(ConsulError) -> Value {
    do throws(RegistryError) {
        return try await work()
    } catch {
        throw ConsulError(error)
    }
}
