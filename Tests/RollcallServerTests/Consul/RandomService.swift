// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting

/// A service as a client of Consul could register it, and what every read has to show of it then.
struct RandomService {
    struct Check {
        /// `nil` leaves it to Consul.
        var id: String?
        var name: String?
        var notes: String
        var status: String?
    }

    let id: String
    let name: String
    let tags: [String]
    let address: String
    let port: Int
    let meta: [String: String]
    let weights: (passing: Int, warning: Int)?
    let enableTagOverride: Bool
    let taggedAddresses: [String: (address: String, port: Int)]
    let socketPath: String
    let checks: [Check]

    private static let words = ["a", "blue", "v1.2", "ünïcödé", "with space", "x=y", "日本", "\"quoted\"", "back\\slash", ""]

    init(id: String, name: String, random: inout SeededGenerator) {
        func word(_ random: inout SeededGenerator) -> String { Self.words.randomElement(using: &random) ?? "" }
        self.id = id
        self.name = name
        tags = (0 ..< Int.random(in: 0 ... 5, using: &random)).map { _ in word(&random) }
        address = ["", "10.1.2.3", "backend.example.org", "2001:db8::7"].randomElement(using: &random) ?? ""
        port = [0, 80, 65_535, -1, 70_000].randomElement(using: &random) ?? 0
        var meta: [String: String] = [:]
        for key in ["version", "team_1", "x-y"] where Bool.random(using: &random) { meta[key] = word(&random) }
        self.meta = meta
        weights =
            Bool.random(using: &random)
            ? (Int.random(in: 1 ... 65_535, using: &random), Int.random(in: 0 ... 65_535, using: &random)) : nil
        enableTagOverride = Bool.random(using: &random)
        var addresses: [String: (String, Int)] = [:]
        for name in ["lan", "wan", "virtual"] where Int.random(in: 0 ..< 3, using: &random) == 0 {
            addresses[name] = ("198.51.100.\(Int.random(in: 1 ... 9, using: &random))", Int.random(in: 0 ... 9000, using: &random))
        }
        taggedAddresses = addresses
        socketPath = Int.random(in: 0 ..< 4, using: &random) == 0 ? "/run/x.sock" : ""
        checks = (0 ..< Int.random(in: 0 ... 3, using: &random)).map { number in
            Check(
                id: Bool.random(using: &random) ? "\(id) check \(number)" : nil,
                name: Bool.random(using: &random) ? word(&random) : nil, notes: word(&random),
                status: ["passing", "warning", "critical", nil].randomElement(using: &random) ?? nil)
        }
    }

    // MARK: Written

    /// The body of a registration, with the names of its fields in any case and nulls where nothing is said.
    func body(random: inout SeededGenerator) -> String {
        var members: [JSONMember] = []
        func add(_ key: String, _ value: JSONValue?, _ random: inout SeededGenerator) {
            guard value != nil || Bool.random(using: &random) else { return }
            let spelled = [key, key.lowercased(), key.uppercased()].randomElement(using: &random) ?? key
            members.append(JSONMember(key: spelled, value: value ?? .null))
        }
        add("Name", .string(name), &random)
        add("ID", id == name ? nil : .string(id), &random)
        add("Tags", tags.isEmpty ? nil : .array(tags.map { .string($0) }), &random)
        add("Address", address.isEmpty ? nil : .string(address), &random)
        add("Port", port == 0 ? nil : .integer(Int64(port)), &random)
        add("Meta", meta.isEmpty ? nil : .texts(meta), &random)
        add("Weights", weights.map { .object([.init(key: "Passing", value: .integer(Int64($0.passing))),
            .init(key: "Warning", value: .integer(Int64($0.warning)))]) }, &random)
        add(Bool.random(using: &random) ? "enable_tag_override" : "EnableTagOverride", enableTagOverride ? .bool(true) : nil, &random)
        let addresses = taggedAddresses.map { JSONMember(key: $0.key, value: .address($0.value)) }
        add("TaggedAddresses", addresses.isEmpty ? nil : .object(addresses), &random)
        add("SocketPath", socketPath.isEmpty ? nil : .string(socketPath), &random)
        let checks = checks.map { check -> JSONValue in
            var members = [JSONMember(key: "TTL", value: .string("10m"))]
            if let id = check.id { members.append(JSONMember(key: "CheckID", value: .string(id))) }
            if let name = check.name { members.append(JSONMember(key: "name", value: .string(name))) }
            if !check.notes.isEmpty { members.append(JSONMember(key: "Notes", value: .string(check.notes))) }
            if let status = check.status { members.append(JSONMember(key: "status", value: .string(status))) }
            return .object(members)
        }
        if checks.count == 1 {
            add("Check", checks[0], &random)
        } else {
            add("Checks", checks.isEmpty ? nil : .array(checks), &random)
        }
        return JSONValue.object(members.shuffled(using: &random)).text
    }

    // MARK: Read

    /// With the addresses that an agent adds.
    private var shownAddresses: JSONValue? {
        var shown = taggedAddresses
        let family = address.contains(":") ? "ipv6" : address.hasPrefix("10.") ? "ipv4" : nil
        if let family {
            for name in ["lan_\(family)", "wan_\(family)"] { shown[name] = (address, port) }
        }
        return shown.isEmpty ? nil : .object(shown.map { JSONMember(key: $0.key, value: .address($0.value)) })
    }

    private var shownWeights: JSONValue {
        .object([
            .init(key: "Passing", value: .integer(Int64(weights?.passing ?? 1))),
            .init(key: "Warning", value: .integer(Int64(weights?.warning ?? 1))),
        ])
    }

    /// The values by which a read shows the service; `nil` for what it has to leave out.
    func shown(prefix: String, isAgent: Bool) -> [String: JSONValue?] {
        var shown: [String: JSONValue?] = [
            "\(prefix)ID": .string(id), "\(prefix)Tags": .array(tags.map { .string($0) }),
            "\(prefix)Address": .string(address), "\(prefix)TaggedAddresses": shownAddresses,
            "\(prefix)Weights": shownWeights, "\(prefix)EnableTagOverride": .bool(enableTagOverride),
        ]
        let isCatalog = !prefix.isEmpty
        shown[isCatalog ? "ServiceName" : "Service"] = .string(name)
        shown["\(prefix)Meta"] = meta.isEmpty && !isAgent && !isCatalog ? .null : .texts(meta)
        shown["\(prefix)Port"] = port == 0 && !isAgent && !isCatalog ? .some(nil) : .integer(Int64(port))
        shown["\(prefix)SocketPath"] = socketPath.isEmpty && !isCatalog ? .some(nil) : .string(socketPath)
        return shown
    }

    /// The identifiers, names, notes and states of its checks.
    var shownChecks: Set<[String]> {
        Set(
            checks.enumerated().map { number, check in
                let id = check.id ?? (checks.count > 1 ? "service:\(id):\(number + 1)" : "service:\(id)")
                let name = check.name.flatMap { $0.isEmpty ? nil : $0 } ?? "Service '\(name)' check"
                return [id, name, check.notes, check.status ?? "critical", id == "" ? "" : self.id, self.name, "ttl"]
            })
    }
}

extension JSONValue {
    fileprivate static func texts(_ texts: [String: String]) -> JSONValue {
        .object(texts.map { JSONMember(key: $0.key, value: .string($0.value)) })
    }

    fileprivate static func address(_ address: (address: String, port: Int)) -> JSONValue {
        .object([
            JSONMember(key: "Address", value: .string(address.address)),
            JSONMember(key: "Port", value: .integer(Int64(address.port))),
        ])
    }

    /// The value with the members of all objects in one order.
    var sorted: JSONValue {
        switch self {
        case .object(let members):
            .object(
                members.map { JSONMember(key: $0.key, value: $0.value.sorted) }.sorted { $0.key < $1.key })
        case .array(let elements): .array(elements.map(\.sorted))
        default: self
        }
    }
}
