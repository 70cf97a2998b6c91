// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Rollcall
import Testing

/// One request to a real Consul, and what it answered where that was recorded.
struct GoldenExchange: Sendable {
    struct Answer: Sendable {
        let status: Int
        let headers: [String: String]
        /// `nil` when the body was no JSON, or `null`.
        let json: JSONValue?
        let text: String?
    }

    let line: Int
    let name: String
    let method: String
    /// With the query.
    let target: String
    let headers: [String: String]
    let body: String?
    /// `nil` for a request that only changed something.
    let answer: Answer?

    /// The target without its query.
    var path: String { String(target.prefix { $0 != "?" }) }

    static func all() throws -> [GoldenExchange] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = folder.appending(path: "Fixtures/consul/http-1.10.11.jsonl")
        let text = try String(contentsOf: file, encoding: .utf8)
        return try text.split(separator: "\n").enumerated().map { number, line in
            try GoldenExchange(line: number + 1, JSONValue.parse(Array(line.utf8)))
        }
    }

    private init(line: Int, _ json: JSONValue) throws {
        let request = try #require(json["request"])
        self.line = line
        name = try #require(json["name"]?.stringValue)
        method = try #require(request["method"]?.stringValue)
        target = try #require(request["path"]?.stringValue)
        headers = request["headers"]?.texts ?? [:]
        body = request["body"].map { $0.stringValue ?? $0.text }
        answer = try json["response"].map { response in
            Answer(
                status: Int(try #require(response["status"]?.intValue)), headers: response["headers"]?.texts ?? [:],
                json: response["json"], text: response["text"]?.stringValue)
        }
    }
}

extension JSONValue {
    /// The value as JSON.
    var text: String {
        var writer = JSONWriter()
        write(to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    fileprivate var texts: [String: String] {
        Dictionary(
            (objectValue ?? []).compactMap { member in member.value.stringValue.map { (member.key, $0) } }
        ) { $1 }
    }
}
