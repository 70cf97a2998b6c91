// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import RollcallDNS

/// The names and records that the dialect makes up.
struct DNSNames: Sendable {
    let domain: DomainName
    // The labels behind the one that a name begins with.
    private let nodeSuffix: [ArraySlice<UInt8>]
    private let addressSuffix: [ArraySlice<UInt8>]
    private let serviceSuffix: [ArraySlice<UInt8>]

    init(domain: DomainName, datacenter: String) {
        self.domain = domain
        let suffix = { (kind: String) in
            [kind, datacenter].filter { !$0.isEmpty }.map { ArraySlice($0.utf8) } + domain.labels
        }
        (nodeSuffix, addressSuffix, serviceSuffix) = (suffix("node"), suffix("addr"), suffix("service"))
    }

    /// `name` in the domain; `nil` when that makes no name.
    func inDomain(_ name: String) -> DomainName? {
        DomainName(labels: [ArraySlice(name.utf8)] + domain.labels)
    }

    /// `<name>.node.<dc>.<domain>`; dots in the name are between labels, as in Consul.
    func node(_ name: String) -> DomainName? {
        DomainName(labels: name.utf8.split(separator: UInt8(ascii: ".")) + nodeSuffix)
    }

    /// `<hex>.addr.<dc>.<domain>`
    func address(_ address: IPAddress) -> DomainName? {
        DomainName(labels: [ArraySlice(address.hexDigits.utf8)] + addressSuffix)
    }

    /// `<name>.service.<dc>.<domain>`
    func service(_ name: String) -> DomainName? {
        DomainName(labels: [ArraySlice(name.utf8)] + serviceSuffix)
    }

    /// TXT records with the metadata of a node (RFC 1464: `=` in a key is quoted). The value of a key that begins with
    /// `rfc1035-` stands alone.
    static func texts(of node: DNSNode, owner: DomainName, ttl: UInt32) -> [ResourceRecord] {
        node.metadata.sorted { $0.key < $1.key }.map { key, value in
            let text = key.lowercased().hasPrefix("rfc1035-") ? value : "\(escaped(key))=\(value)"
            let bytes = Array(text.utf8)
            let strings = stride(from: 0, to: max(bytes.count, 1), by: 255).map {
                Array(bytes[$0 ..< min($0 + 255, bytes.count)])
            }
            return ResourceRecord(name: owner, ttl: ttl, data: .txt(strings))
        }
    }

    /// A key as RFC 1464, section 2, writes it: grave accents before `=`, white space at the ends, and themselves.
    private static func escaped(_ key: String) -> String {
        var text = ""
        for character in key {
            if character == "=" || character == "`" || character == " " || character == "\t" { text.append("`") }
            text.append(character)
        }
        return text
    }
}
