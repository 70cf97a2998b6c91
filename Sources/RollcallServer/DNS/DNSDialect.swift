// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall
internal import RollcallDNS
internal import Synchronization

/// Answers queries the way Consul's DNS does: bytes in, bytes out. It waits for nothing.
struct DNSDialect: Sendable {
    let configuration: DNSConfiguration
    let names: DNSNames
    let zone: DNSZone
    let view: any DNSView
    private let catalog: Catalog
    private let queries: (any DNSPreparedQueries)?
    private let answers: DerivedBudget
    private let time: TimeSource
    private let ownServicePort: UInt16

    /// - Parameters:
    ///   - queries: Without, there is no name below `query`.
    ///   - consul: The datacenter is a label of names, and the servers of Consul are a service.
    ///   - answers: Bounds what is kept of computed records.
    ///   - time: Its wall clock is the serial number of the zone.
    init(
        catalog: Catalog, view: any DNSView, queries: (any DNSPreparedQueries)? = nil, configuration: DNSConfiguration,
        consul: ConsulConfiguration, answers: DerivedBudget, time: TimeSource
    ) {
        self.catalog = catalog
        self.view = view
        self.queries = queries
        self.configuration = configuration
        self.answers = answers
        self.time = time
        ownServicePort = consul.serverPort
        names = DNSNames(domain: configuration.domain, datacenter: consul.datacenter)
        zone = DNSZone(domain: configuration.domain, datacenter: consul.datacenter)
    }

    /// What became of a query.
    struct Outcome: Hashable {
        var code: ResponseCode
        /// Whether answers were left out.
        var isCut = false
    }

    /// What one socket needs to be answered.
    struct Memory {
        var random = PickRandom(seed: .random(in: 0 ... .max))
        var memo = QuestionMemo()
    }

    /// Appends the answer to a query to `buffer`.
    ///
    /// - Returns: `nil` when there must be no answer.
    func answer(
        _ query: UnsafeRawBufferPointer, over transport: DNSExchange.Transport, memory: inout Memory,
        into buffer: inout ByteBuffer
    ) -> Outcome? {
        let head: QueryHead
        switch QueryHead.read(query) {
        case .ignored: return nil
        case .malformed(let id, let flags):
            var error = Message(id: id, flags: MessageFlags(rawValue: flags.rawValue & 0x7900))
            error.flags.isResponse = true
            error.responseCode = .formatError
            buffer.writeBytes(error.encoded())
            return Outcome(code: .formatError)
        case .query(let known): head = known
        }
        let exchange = DNSExchange(head, query, transport, udpPayloadMax: configuration.udpPayloadMax)
        if let refusal = refusal(of: exchange) { return fail(exchange, refusal, into: &buffer) }
        let state = QuestionMemo.State(catalog: catalog.revision, view: view.revision)
        let question = UnsafeRawBufferPointer(rebasing: query[exchange.questionBytes])
        if let known = memory.memo.records(question, at: state) {
            return write(known, exchange, random: &memory.random, into: &buffer)
        }
        guard let lookup = zone.lookup(exchange.name, type: head.type) else {
            if let address = IPAddress(reverse: exchange.question.name) {
                return reverse(address, exchange, into: &buffer)
            }
            return fail(exchange, .refused, into: &buffer)
        }
        switch head.type {
        case .soa, .ns: return write(zoneMessage(exchange), exchange, into: &buffer)
        // The zone is not handed out as a whole.
        case .axfr, .ixfr: return negative(exchange, .notImplemented, into: &buffer)
        default: break
        }
        switch lookup {
        case .service(let name, let tag):
            guard let found = service(name, tag: tag, ServiceRecords.Kind(head.type)) else {
                return negative(exchange, .nameError, into: &buffer)
            }
            memory.memo.keep(found, for: question, at: state)
            return write(found, exchange, random: &memory.random, into: &buffer)
        case .query(let name):
            guard let result = queries?.execute(name) else { return negative(exchange, .nameError, into: &buffer) }
            let found = records(
                of: result.endpoints, ServiceRecords.Kind(head.type),
                ttl: result.ttl ?? configuration.ttl.of(service: result.service.folded))
            return write(found, exchange, random: &memory.random, into: &buffer)
        case .node(let name):
            guard let node = view.node(named: name) else { return negative(exchange, .nameError, into: &buffer) }
            return write(nodeMessage(node, exchange), exchange, into: &buffer)
        case .address(let address):
            return write(addressMessage(address, exchange), exchange, into: &buffer)
        case .unknown: return negative(exchange, .nameError, into: &buffer)
        }
    }

    /// Why a query is not answered, whatever its name.
    private func refusal(of exchange: DNSExchange) -> ResponseCode? {
        let head = exchange.head
        if head.flags.opcode != 0 { return .notImplemented }
        // RFC 6891, section 6.1.3.
        if let edns = head.edns, edns.version > 0 { return .badVersion }
        if head.questionCount == 0 { return .refused }
        return head.recordClass == .internet || head.recordClass == .any ? nil : .refused
    }

    private func fail(_ exchange: DNSExchange, _ code: ResponseCode, into buffer: inout ByteBuffer) -> Outcome {
        var message = Message(id: exchange.head.id, flags: exchange.flags(code, isAuthoritative: false))
        if exchange.head.questionCount > 0 { message.questions = [exchange.question] }
        message.edns = exchange.edns
        message.responseCode = code
        buffer.writeBytes(message.encoded(limit: exchange.limit))
        return Outcome(code: code)
    }

    // MARK: Services

    /// - Returns: `nil` when there is no such service.
    private func service(_ name: ServiceName, tag: String?, _ kind: ServiceRecords.Kind) -> ServiceRecords? {
        let snapshot = catalog.snapshot(of: name)
        if snapshot.isEmpty {
            // Consul's own servers are a service of this name.
            guard tag == nil, name == Self.ownService else { return nil }
            let own = DNSEndpoint(node: view.ownNode, address: nil, port: ownServicePort, weight: 1)
            return records(of: [own], kind, ttl: configuration.ttl.of(service: name.folded))
        }
        guard let tag else { return keptRecords(of: snapshot, kind) }
        return records(of: snapshot, kind) { instance in instance.tags.contains { $0.lowercased() == tag } }
    }

    static let ownService = ServiceName("consul")

    /// Records that are made anew when nodes changed.
    private final class Kept: Sendable {
        let records: Mutex<ServiceRecords>

        init(_ records: ServiceRecords) {
            self.records = Mutex(records)
        }
    }

    /// The first of the numbers under which values are kept with a snapshot: those of this dialect.
    private static let firstKey = 300

    private func keptRecords(of snapshot: ServiceSnapshot, _ kind: ServiceRecords.Kind) -> ServiceRecords {
        let key = ServiceSnapshot.DerivedKey(Self.firstKey + kind.rawValue)
        let kept = snapshot.derivedValue(
            key, within: answers, size: { (kept: Kept) in kept.records.withLock { $0.sizeBytes } },
            { Kept(self.records(of: $0, kind) { _ in true }) })
        let known = kept.records.withLock { $0 }
        if known.revision == view.revision { return known }
        let renewed = self.records(of: snapshot, kind) { _ in true }
        kept.records.withLock { $0 = renewed }
        return renewed
    }

    /// The healthy instances that are included; without any, the suspect ones, of which nobody knows better.
    private func records(
        of snapshot: ServiceSnapshot, _ kind: ServiceRecords.Kind, _ isIncluded: (ServiceInstance) -> Bool
    ) -> ServiceRecords {
        let worst: HealthCheck.Status = configuration.onlyPassing ? .passing : .warning
        let included = snapshot.instances.filter(isIncluded)
            .map { (status: $0.status, endpoint: view.endpoint(of: $0)) }
            .filter { $0.endpoint.nodeHealth <= worst }
        var usable = included.filter { configuration.onlyPassing ? $0.status == .up : $0.status.isHealthy }
        if usable.isEmpty { usable = included.filter { $0.status == .suspect } }
        return records(
            of: usable.map(\.endpoint), kind, ttl: configuration.ttl.of(service: snapshot.service.folded))
    }

    private func records(of endpoints: [DNSEndpoint], _ kind: ServiceRecords.Kind, ttl: Duration) -> ServiceRecords {
        var draft = ServiceRecordsDraft(
            revision: view.revision, kind: kind, names: names, ttl: ttl.dnsSeconds,
            addsNodeMetadata: configuration.addsNodeMetadata)
        for endpoint in endpoints { draft.add(endpoint) }
        return ServiceRecords(draft)
    }

    private func write(
        _ records: ServiceRecords, _ exchange: DNSExchange, random: inout PickRandom, into buffer: inout ByteBuffer
    ) -> Outcome {
        if records.isMissing { return negative(exchange, .nameError, into: &buffer) }
        if records.answers.count == 0, records.aliases.isEmpty { return negative(exchange, .noError, into: &buffer) }
        var bounds = ServiceRecords.Bounds(
            answersMax: .max, isTruncatedByCount: false, flagsTruncation: configuration.flagsTruncation)
        if exchange.head.type != .srv, configuration.addressAnswersMax > 0 {
            bounds.answersMax = configuration.addressAnswersMax
        }
        if exchange.transport == .udp, exchange.limit == DNSExchange.plainPayload, configuration.udpAnswersMax > 0,
            configuration.udpAnswersMax < bounds.answersMax
        {
            bounds.answersMax = configuration.udpAnswersMax
            bounds.isTruncatedByCount = true
        }
        let whole = QueryHead.nameOffset + exchange.head.nameBytes + 4 + records.recordBytesMax + exchange.optionBytes
        var outcome = Outcome(code: .noError)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: min(whole, exchange.limit)) { memory in
            var reply = ReplyBytes(memory)
            outcome.isCut = records.write(exchange, within: bounds, random: &random, to: &reply)
            return reply.count
        }
        return outcome
    }

    // MARK: Nothing

    /// There is nothing, with the SOA record that says for how long (RFC 2308, section 2).
    private func negative(
        _ exchange: DNSExchange, _ code: ResponseCode, into buffer: inout ByteBuffer
    ) -> Outcome {
        let whole = QueryHead.nameOffset + exchange.head.nameBytes + 4 + 64 + exchange.optionBytes
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: whole) { memory in
            var reply = ReplyBytes(memory)
            reply.begin(exchange)
            let domain = 0xC000 | UInt16(QueryHead.nameOffset + exchange.head.nameBytes - zone.domainBytes)
            let minimum = configuration.ttl.negative.dnsSeconds
            reply.word(domain)
            reply.word(RecordType.soa.rawValue)
            reply.word(RecordClass.internet.rawValue)
            reply.doubleWord(minimum)
            let start = reply.count
            reply.word(0)
            for label in [Self.primary, Self.mailbox] {
                reply.byte(UInt8(truncatingIfNeeded: label.utf8CodeUnitCount))
                reply.copy(UnsafeRawBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount))
                reply.word(domain)
            }
            reply.doubleWord(serial)
            reply.doubleWord(Self.refresh)
            reply.doubleWord(Self.retry)
            reply.doubleWord(Self.expire)
            reply.doubleWord(minimum)
            reply.setWord(UInt16(truncatingIfNeeded: reply.count - start - 2), at: start)
            reply.end(exchange, exchange.flags(code), authorities: 1)
            return reply.count
        }
        return Outcome(code: code)
    }

    static let primary: StaticString = "ns"
    static let mailbox: StaticString = "hostmaster"

    // Consul's figures.
    private static let refresh: UInt32 = 3600
    private static let retry: UInt32 = 600
    private static let expire: UInt32 = 86_400

    /// The time in seconds, as in Consul: nobody copies the zone.
    private var serial: UInt32 { UInt32(truncatingIfNeeded: time.wallTime().millisecondsSinceEpoch / 1000) }

    /// The zone's start.
    var startOfAuthority: StartOfAuthority {
        StartOfAuthority(
            primary: names.inDomain("\(Self.primary)") ?? .root, mailbox: names.inDomain("\(Self.mailbox)") ?? .root,
            serial: serial, refresh: Self.refresh, retry: Self.retry, expire: Self.expire,
            minimum: configuration.ttl.negative.dnsSeconds)
    }

    func write(_ message: Message, _ exchange: DNSExchange, into buffer: inout ByteBuffer) -> Outcome {
        let bytes = message.encoded(limit: exchange.limit)
        buffer.writeBytes(bytes)
        return Outcome(code: message.responseCode, isCut: MessageFlags(rawValue: UInt16(bytes[2]) << 8).isTruncated)
    }
}
