// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall

/// Compares answers with recorded ones. What a server chooses for itself (indexes, identifiers, hashes, ports) is
/// translated: what was the same in the recording has to be the same here.
struct GoldenComparison {
    /// What Consul has in its recording, and what stands for it here.
    private(set) var translations: [String: String] = [:]
    /// Indexes of headers, by the path of the request and the recorded index.
    private var indexes: [String: String] = [:]
    /// Of headers, by the recorded index alone: the last that was seen.
    private var headerIndexes: [String: String] = [:]
    /// Likewise of bodies. What one write of Consul's gave one index may have several here.
    private var bodyIndexes: [String: String] = [:]

    /// One thing that differs.
    struct Finding: Sendable, CustomStringConvertible {
        /// Where: `status`, `header X`, `text`, or the path in the JSON.
        let place: String
        let recorded: String
        let found: String

        var description: String { "\(place): recorded \(recorded), found \(found)" }
    }

    init(port: Int) {
        translations = ["19500": String(port)]
    }

    // MARK: Requests

    /// Lets `found` stand for `recorded`.
    mutating func translate(_ recorded: String, to found: String) { translations[recorded] = found }

    func translated(_ text: String) -> String {
        translations.reduce(text) { $0.replacing($1.key, with: $1.value) }
    }

    /// The target with the indexes that this server gave, and with shorter waits.
    func translatedTarget(_ target: String) -> String {
        let parts = target.split(separator: "?", maxSplits: 1)
        guard parts.count == 2 else { return translated(target) }
        let query = parts[1].split(separator: "&").map { part -> String in
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { return String(part) }
            let value = String(pair[1])
            switch pair[0] {
            case "index": return "index=\(indexes["\(parts[0]) \(value)"] ?? headerIndexes[value] ?? value)"
            case "cas": return "cas=\(bodyIndexes[value] ?? value)"
            case "wait" where ["1s", "2s"].contains(value): return "wait=150ms"
            default: return String(part)
            }
        }
        return translated("\(parts[0])?\(query.joined(separator: "&"))")
    }

    // MARK: Answers

    /// Headers that matter to clients: all that any recorded answer has.
    private static let headers = [
        "Allow", "Content-Type", "Location", "Vary", "X-Cache", "X-Consul-Contenthash", "X-Consul-Default-Acl-Policy",
        "X-Consul-Effective-Consistency", "X-Consul-Index", "X-Consul-Knownleader", "X-Consul-Lastcontact",
        "X-Consul-Query-Backend", "X-Consul-Reason", "X-Content-Type-Options",
    ]

    mutating func findings(_ exchange: GoldenExchange, _ reply: RunningServer.Reply) -> [Finding] {
        guard let answer = exchange.answer else { return [] }
        var findings: [Finding] = []
        if answer.status != reply.status {
            findings.append(Finding(place: "status", recorded: "\(answer.status)", found: "\(reply.status)"))
        }
        for name in Self.headers {
            let recorded = answer.headers[name]
            let found = reply.headers[name.lowercased()]
            if !isSameHeader(name, recorded, found, exchange.path) {
                findings.append(Finding(place: "header \(name)", recorded: "\(recorded ?? "nothing")", found: found ?? "nothing"))
            }
        }
        if let text = answer.text, translated(text) != reply.body {
            findings.append(Finding(place: "text", recorded: text.debugDescription, found: reply.body.debugDescription))
        }
        if let json = answer.json {
            let isUnordered = exchange.path == "/v1/catalog/services"
            compare(json, reply.json, at: "", isUnordered: isUnordered, &findings)
        }
        return findings
    }

    private mutating func isSameHeader(_ name: String, _ recorded: String?, _ found: String?, _ path: String) -> Bool {
        guard let recorded, let found else { return recorded == found }
        switch name {
        case "X-Consul-Index":
            guard let index = UInt64(found), index > 0 else { return false }
            headerIndexes[recorded] = found
            let known = indexes.updateValue(found, forKey: "\(path) \(recorded)")
            return known == nil || known == found
        case "X-Consul-Contenthash": return Self.isHash(found) && isSameText(recorded, found)
        default: return translated(recorded) == found
        }
    }

    private mutating func compare(
        _ recorded: JSONValue, _ found: JSONValue, at path: String, isUnordered: Bool, _ findings: inout [Finding]
    ) {
        switch (recorded, found) {
        case (.object(let left), .object(let right)):
            for member in left {
                guard let other = found[member.key] else {
                    findings.append(Finding(place: "\(path).\(member.key)", recorded: member.value.text, found: "nothing"))
                    continue
                }
                compare(member.value, other, at: "\(path).\(member.key)", isUnordered: isUnordered, &findings)
            }
            for member in right where recorded[member.key] == nil {
                findings.append(Finding(place: "\(path).\(member.key)", recorded: "nothing", found: member.value.text))
            }
        case (.array(let left), .array(let right)):
            guard left.count == right.count else { break }
            let isSorted = isUnordered || left.contains { $0.objectValue != nil }
            let pairs = isSorted ? zip(left.sorted(by: Self.precedes), right.sorted(by: Self.precedes)) : zip(left, right)
            for (position, (element, other)) in pairs.enumerated() {
                compare(element, other, at: "\(path)[\(position)]", isUnordered: isUnordered, &findings)
            }
            return
        case (.string(let left), .string(let right)) where isSameText(left, right): return
        case (.integer(let left), .integer(let right)) where path.hasSuffix("CreateIndex") || path.hasSuffix("ModifyIndex"):
            if left > 0 { bodyIndexes[String(left)] = String(right) }
            if (left == 0) == (right == 0) { return }
        default:
            if recorded == found { return }
        }
        if case .object = recorded, case .object = found { return }
        findings.append(Finding(place: path, recorded: recorded.text, found: found.text))
    }

    /// Identifiers and hashes stand for each other, each for one.
    private mutating func isSameText(_ recorded: String, _ found: String) -> Bool {
        let isIdentifier = Self.isUUID(recorded) && Self.isUUID(found)
        guard isIdentifier || Self.isHash(recorded) && Self.isHash(found) && recorded.utf8.count > 12 else {
            return translated(recorded) == found
        }
        guard let known = translations[recorded] else {
            translations[recorded] = found
            return true
        }
        return known == found
    }

    private static func isUUID(_ text: String) -> Bool {
        text.split(separator: "-").map(\.utf8.count) == [8, 4, 4, 4, 12] && text.allSatisfy { $0.isHexDigit || $0 == "-" }
    }

    private static func isHash(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 16 && text.first != "0" && text.allSatisfy(\.isHexDigit)
    }

    /// An order that both sides have in common: that of Consul's lists is chance, or of no meaning.
    private static func precedes(_ left: JSONValue, _ right: JSONValue) -> Bool { name(left) < name(right) }

    private static func name(_ value: JSONValue) -> String {
        if let text = value.stringValue { return text }
        if let service = value["Service"]?["ID"]?.stringValue { return service }
        return ["Key", "CheckID", "ServiceID", "Node", "Name", "Service"].map { value[$0]?.stringValue ?? "" }
            .joined(separator: "\u{0}")
    }
}
