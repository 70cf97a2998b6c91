// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import Rollcall
import RollcallConsul
import RollcallDNS
import RollcallTesting
import Synchronization
import Testing

@testable import RollcallServer

/// The DNS dialect over a registry in memory, asked without sockets.
final class DNSFixture: Sendable {
    let registry: LocalRegistry
    let clock: ManualClock
    let dialect: DNSDialect
    /// What was asked before, as of a socket that everybody asks.
    private let memory = Mutex(DNSDialect.Memory())

    /// The nodes of the dialect, among them the server's own.
    let nodes: ConsulNodes

    init(
        queries: (any DNSPreparedQueries)? = nil, _ change: (inout DNSConfiguration) -> Void = { _ in }
    ) {
        let clock = ManualClock()
        self.clock = clock
        registry = LocalRegistry(time: .manual(clock))
        var configuration = DNSConfiguration()
        var consul = ConsulConfiguration()
        consul.nodeName = "golden-node"
        change(&configuration)
        nodes = ConsulNodes(configuration: consul, revision: registry.catalog.revision)
        dialect = DNSDialect(
            catalog: registry.catalog, view: CatalogDNSView(catalog: registry.catalog, nodes: nodes), queries: queries,
            configuration: configuration, consul: consul,
            answers: DerivedBudget(catalog: registry.catalog, bytesMax: 1 << 24), time: .manual(clock))
    }

    /// Registers an instance without a lease.
    func register(
        _ service: ServiceName, _ host: String, _ port: UInt16 = 80, id: InstanceID? = nil, tags: [String] = [],
        weight: UInt16 = 1, node: String = "", checks: [CheckDefinition] = [], shadow: ConsulShadow? = nil
    ) async throws {
        try await registry.register(
            Registration(
                service: service, id: id, host: host, port: port, tags: tags, weight: weight, node: node, lease: .permanent,
                checks: checks, shadows: shadow.map { [ConsulShadow.name: $0.json] } ?? [:]))
    }

    /// What comes back for these bytes; `nil` when nothing does.
    func exchange(_ query: [UInt8], over transport: DNSExchange.Transport = .udp, seed: UInt64 = 1) -> [UInt8]? {
        var memory = memory.withLock { $0 }
        memory.random = PickRandom(seed: seed)
        var buffer = ByteBuffer()
        let outcome = query.withUnsafeBytes { dialect.answer($0, over: transport, memory: &memory, into: &buffer) }
        self.memory.withLock { $0.memo = memory.memo }
        return outcome.map { _ in Array(buffer.readableBytesView) }
    }

    /// Asks one question, and checks what holds for each answer.
    func ask(
        _ name: String, _ type: RecordType = .a, over transport: DNSExchange.Transport = .udp, payload: UInt16? = nil,
        seed: UInt64 = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Message {
        let question = Question(name: try #require(DomainName(name), sourceLocation: sourceLocation), type: type)
        var query = Message(id: UInt16(truncatingIfNeeded: seed &* 31), questions: [question])
        query.flags.isRecursionDesired = true
        query.edns = payload.map { ExtendedDNS(payloadSize: $0) }
        let bytes = try #require(exchange(query.encoded(), over: transport, seed: seed), sourceLocation: sourceLocation)
        let answer = try Message(parsing: bytes)
        #expect(answer.id == query.id && answer.flags.isResponse, sourceLocation: sourceLocation)
        #expect(answer.questions.map(\.name.wire) == [question.name.wire], sourceLocation: sourceLocation)
        #expect(answer.edns?.payloadSize == payload, sourceLocation: sourceLocation)
        let limit = transport == .tcp ? 65_535 : max(512, Int(payload ?? 0))
        #expect(bytes.count <= limit, sourceLocation: sourceLocation)
        return answer
    }
}

extension ResourceRecord {
    /// In the form of master files, as `dig` shows it.
    var text: String {
        let data =
            switch data {
            case .a(let word): IPAddress.v4(word).description
            case .aaaa(let high, let low): IPAddress.v6(high, low).description
            case .ns(let name), .cname(let name), .ptr(let name): name.description
            case .txt(let strings): strings.map { "\"\(String(decoding: $0, as: UTF8.self))\"" }.joined(separator: " ")
            case .soa(let soa):
                "\(soa.primary) \(soa.mailbox) \(soa.serial) \(soa.refresh) \(soa.retry) \(soa.expire) \(soa.minimum)"
            case .srv(let location): "\(location.priority) \(location.weight) \(location.port) \(location.target)"
            case .other(_, let bytes): "\(bytes)"
            }
        return "\(name) \(ttl) IN \(type) \(data)"
    }
}

extension Message {
    /// The answers' data, sorted.
    var found: [String] { answers.map { $0.text.split(separator: " ").dropFirst(4).joined(separator: " ") }.sorted() }
}
