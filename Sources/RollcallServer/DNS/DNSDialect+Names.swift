// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall
internal import RollcallDNS

// What is asked for less often than services: built record by record.

extension DNSDialect {
    /// An answer that repeats the question.
    private func message(_ exchange: DNSExchange) -> Message {
        Message(
            id: exchange.head.id, flags: exchange.flags(.noError), questions: [exchange.question], edns: exchange.edns)
    }

    private var nodeTTL: UInt32 { configuration.ttl.nodes.dnsSeconds }

    /// Who serves the zone, asked of any name in it.
    func zoneMessage(_ exchange: DNSExchange) -> Message {
        var message = message(exchange)
        let node = view.ownNode
        var servers: [ResourceRecord] = []
        if let name = names.node(node.name) {
            servers = [ResourceRecord(name: names.domain, ttl: nodeTTL, data: .ns(name))]
            if let address = IPAddress(node.address) {
                message.additionals = [ResourceRecord(name: name, ttl: nodeTTL, data: RecordData(address))]
            }
        }
        if exchange.head.type == .ns {
            message.answers = servers
        } else {
            let soa = startOfAuthority
            message.answers = [ResourceRecord(name: names.domain, ttl: soa.minimum, data: .soa(soa))]
            message.authorities = servers
        }
        return message
    }

    func nodeMessage(_ node: DNSNode, _ exchange: DNSExchange) -> Message {
        var message = message(exchange)
        let type = exchange.head.type
        let owner = exchange.question.name
        if let address = IPAddress(node.address) {
            let data = RecordData(address)
            if type == data.type || type == .any {
                message.answers = [ResourceRecord(name: owner, ttl: nodeTTL, data: data)]
            }
        } else if type != .txt, let alias = DomainName(node.address) {
            message.answers = [ResourceRecord(name: owner, ttl: nodeTTL, data: .cname(alias))]
        }
        let texts = DNSNames.texts(of: node, owner: owner, ttl: nodeTTL)
        if type == .txt || type == .any {
            message.answers += texts
        } else if configuration.addsNodeMetadata {
            message.additionals = texts
        }
        return message
    }

    /// An address that is its own name. Asked for with the type of the other family, Consul sends it along.
    func addressMessage(_ address: IPAddress?, _ exchange: DNSExchange) -> Message {
        var message = message(exchange)
        guard let address else { return message }
        let record = ResourceRecord(name: exchange.question.name, ttl: nodeTTL, data: RecordData(address))
        if exchange.head.type == record.type || exchange.head.type == .any {
            message.answers = [record]
        } else {
            message.additionals = [record]
        }
        return message
    }

    /// The name of an address. The reverse trees belong to others: an address that is not known here is not said to
    /// have no name.
    func reverse(_ address: IPAddress, _ exchange: DNSExchange, into buffer: inout ByteBuffer) -> Outcome {
        var message = message(exchange)
        let name: DomainName? =
            switch view.owner(of: address) {
            case .node(let name): names.node(name)
            case .service(let name): names.service(name)
            case nil: nil
            }
        if let name {
            message.answers = [ResourceRecord(name: exchange.question.name, ttl: 0, data: .ptr(name))]
        } else {
            message.flags = exchange.flags(.refused, isAuthoritative: false)
        }
        return write(message, exchange, into: &buffer)
    }
}
