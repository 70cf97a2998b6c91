// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallDNS

/// Everything that can be said about a service to one type of question, as bytes that only have to be put in an order.
/// Immutable.
final class ServiceRecords: Sendable {
    /// What is asked for. Each is kept for itself, as most clients of a service ask the same.
    enum Kind: Int, Sendable, CaseIterable {
        case a, aaaa, location
        /// Addresses of both families. Consul answers so to TXT, too.
        case addresses
        /// Types that no service has records of: only an alias can answer.
        case other

        init(_ type: RecordType) {
            switch type {
            case .a: self = .a
            case .aaaa: self = .aaaa
            case .srv: self = .location
            case .any, .txt: self = .addresses
            default: self = .other
            }
        }

        func includes(_ address: IPAddress) -> Bool {
            switch (self, address) {
            case (.a, .v4), (.aaaa, .v6), (.addresses, _): true
            case (.a, .v6), (.aaaa, .v4), (.location, _), (.other, _): false
            }
        }
    }

    /// Byte strings one after the other.
    struct Pieces: Sendable {
        private(set) var bytes: [UInt8] = []
        private var ends: [UInt32] = []

        var count: Int { ends.count }

        mutating func append(_ piece: [UInt8]) {
            bytes += piece
            ends.append(UInt32(truncatingIfNeeded: bytes.count))
        }

        subscript(index: Int) -> Range<Int> { Int(index == 0 ? 0 : ends[index - 1]) ..< Int(ends[index]) }

        var sizeBytes: Int { bytes.count + 4 * ends.count }
    }

    /// Of the view that it was made from.
    let revision: UInt64
    /// Nobody may be called: the name does not exist.
    let isMissing: Bool
    /// Whole records, whose owner is the question's name.
    let answers: Pieces
    let weights: DrawingWeights
    /// By answer, the rest of an address record whose owner is the answer's target; empty when there is none.
    let additions: Pieces
    /// By answer, the first answer with the same target; empty when all targets differ.
    let firstOfTarget: [UInt32]
    /// By node, its whole TXT records.
    let texts: [(count: Int, bytes: [UInt8])]
    /// By answer, the node; empty without texts.
    let nodeOfAnswer: [UInt32]
    /// Whole CNAME records, one of which is the answer when there are no others.
    let aliases: [[UInt8]]

    /// The bytes of the answer section's records before a target (RFC 2782: owner, type, class, TTL, length, priority,
    /// weight, port).
    static let targetOffset = 18

    init(_ draft: ServiceRecordsDraft) {
        revision = draft.revision
        isMissing = draft.isMissing
        answers = draft.answers
        weights = DrawingWeights(draft.weights)
        additions = draft.additions
        let isDistinct = draft.firstOfTarget.indices.allSatisfy { draft.firstOfTarget[$0] == UInt32($0) }
        firstOfTarget = isDistinct ? [] : draft.firstOfTarget
        texts = draft.texts
        nodeOfAnswer = draft.texts.allSatisfy { $0.count == 0 } ? [] : draft.nodeOfAnswer
        aliases = draft.answers.count == 0 && !draft.hasAddress ? draft.aliases : []
    }

    var sizeBytes: Int {
        256 + answers.sizeBytes + weights.sizeBytes + additions.sizeBytes
            + 4 * (firstOfTarget.count + nodeOfAnswer.count)
            + texts.reduce(0) { $0 + $1.bytes.count + 48 } + aliases.reduce(0) { $0 + $1.count + 48 }
    }

    /// At least the bytes of all records, with the owners of the additional ones.
    var recordBytesMax: Int {
        // Beyond the reach of pointers the owner is written out again.
        let owners = answers.bytes.count > 0x3000 ? answers.bytes.count : 2 * additions.count
        return answers.bytes.count + additions.bytes.count + owners + texts.reduce(0) { $0 + $1.bytes.count }
            + (aliases.map(\.count).max() ?? 0)
    }
}

/// Collects the records of a service.
struct ServiceRecordsDraft {
    let revision: UInt64
    private(set) var isMissing = true
    private(set) var answers = ServiceRecords.Pieces()
    private(set) var weights: [UInt32] = []
    private(set) var additions = ServiceRecords.Pieces()
    private(set) var firstOfTarget: [UInt32] = []
    private(set) var texts: [(count: Int, bytes: [UInt8])] = []
    private(set) var nodeOfAnswer: [UInt32] = []
    private(set) var aliases: [[UInt8]] = []
    private(set) var hasAddress = false

    private let kind: ServiceRecords.Kind
    private let names: DNSNames
    private let ttl: UInt32
    private let addsNodeMetadata: Bool
    private var answerOfAddress: [IPAddress: Int] = [:]
    private var answerOfTarget: [DomainName: UInt32] = [:]
    private var nodes: [ServiceName: UInt32] = [:]
    private var locations: Set<Location> = []

    /// Consul takes answers for the same by these.
    private struct Location: Hashable {
        let node: ServiceName
        let address: String?
        let port: UInt16
    }

    init(revision: UInt64, kind: ServiceRecords.Kind, names: DNSNames, ttl: UInt32, addsNodeMetadata: Bool) {
        self.revision = revision
        self.kind = kind
        self.names = names
        self.ttl = ttl
        self.addsNodeMetadata = addsNodeMetadata
    }

    mutating func add(_ endpoint: DNSEndpoint) {
        isMissing = false
        if kind == .location { addLocation(endpoint) } else { addAddress(endpoint) }
    }

    private mutating func addAddress(_ endpoint: DNSEndpoint) {
        let host = endpoint.address ?? endpoint.node.address
        guard let address = IPAddress(host) else {
            guard let name = DomainName(host) else { return }
            var writer = RecordBytes(type: .cname, ttl: ttl)
            writer.data(name.wire)
            aliases.append(writer.bytes)
            return
        }
        hasAddress = true
        guard kind.includes(address) else { return }
        if let known = answerOfAddress[address] {
            // One record for several instances: their shares come together.
            weights[known] += UInt32(endpoint.weight)
            return
        }
        answerOfAddress[address] = answers.count
        answers.append(RecordBytes(address, ttl: ttl).bytes)
        weights.append(UInt32(endpoint.weight))
    }

    private mutating func addLocation(_ endpoint: DNSEndpoint) {
        let node = ServiceName(endpoint.node.name)
        let location = Location(node: node, address: endpoint.address, port: endpoint.port)
        guard locations.insert(location).inserted, let (target, address) = target(of: endpoint) else { return }
        var record = RecordBytes(type: .srv, ttl: ttl)
        record.data([0, 1] + bigEndian(endpoint.weight) + bigEndian(endpoint.port) + target.wire)
        let index = UInt32(truncatingIfNeeded: answers.count)
        answers.append(record.bytes)
        weights.append(UInt32(endpoint.weight))
        additions.append(address.map { Array(RecordBytes($0, ttl: ttl).bytes.dropFirst(2)) } ?? [])
        if answerOfTarget[target] == nil { answerOfTarget[target] = index }
        firstOfTarget.append(answerOfTarget[target] ?? index)
        nodeOfAnswer.append(number(of: endpoint.node, node))
    }

    private func target(of endpoint: DNSEndpoint) -> (DomainName, IPAddress?)? {
        guard let host = endpoint.address else {
            let address = IPAddress(endpoint.node.address)
            if let name = names.node(endpoint.node.name) { return (name, address) }
            // A node whose name is none of the DNS.
            return address.flatMap { address in names.address(address).map { ($0, address) } }
        }
        if let address = IPAddress(host) { return names.address(address).map { ($0, address) } }
        return DomainName(host).map { ($0, nil) }
    }

    private mutating func number(of node: DNSNode, _ name: ServiceName) -> UInt32 {
        if let number = nodes[name] { return number }
        let number = UInt32(truncatingIfNeeded: texts.count)
        nodes[name] = number
        var bytes: [UInt8] = []
        var count = 0
        if addsNodeMetadata, let owner = names.node(node.name) {
            for record in DNSNames.texts(of: node, owner: owner, ttl: ttl) {
                guard case .txt(let strings) = record.data else { continue }
                var writer = RecordBytes(type: .txt, ttl: ttl, owner: owner.wire)
                writer.data(strings.flatMap { [UInt8(truncatingIfNeeded: $0.count)] + $0 })
                bytes += writer.bytes
                count += 1
            }
        }
        texts.append((count, bytes))
        return number
    }
}

/// A record as bytes.
struct RecordBytes {
    private(set) var bytes: [UInt8]

    /// A pointer to the question's name, which follows the header (RFC 1035, section 4.1.4).
    static let questionName: [UInt8] = [0xC0, UInt8(QueryHead.nameOffset)]

    init(type: RecordType, ttl: UInt32, owner: [UInt8] = RecordBytes.questionName) {
        bytes = owner + bigEndian(type.rawValue) + bigEndian(RecordClass.internet.rawValue)
        bytes += bigEndian(UInt16(truncatingIfNeeded: ttl >> 16)) + bigEndian(UInt16(truncatingIfNeeded: ttl))
    }

    init(_ address: IPAddress, ttl: UInt32) {
        self.init(type: RecordData(address).type, ttl: ttl)
        data(address.bytes)
    }

    mutating func data(_ data: [UInt8]) {
        bytes += bigEndian(UInt16(truncatingIfNeeded: data.count))
        bytes += data
    }
}

/// In network order.
func bigEndian(_ word: UInt16) -> [UInt8] {
    [UInt8(truncatingIfNeeded: word >> 8), UInt8(truncatingIfNeeded: word)]
}
