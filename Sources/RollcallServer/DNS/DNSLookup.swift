// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallDNS

/// What a name in a question means.
enum DNSLookup: Hashable {
    /// `[tag.]name.service[.dc]` and `_name._tag[.service][.dc]`; the tag in lower case.
    case service(ServiceName, tag: String?)
    /// `name.node[.dc]`
    case node(String)
    /// `<hex>.addr[.dc]`; `nil` when the digits are not as many as an address has.
    case address(IPAddress?)
    /// `name.query[.dc]`
    case query(String)
    /// In the domain, but of no form that means anything, or in another datacenter.
    case unknown
}

/// The names that the dialect answers for.
struct DNSZone: Sendable {
    /// In lower case.
    private let domain: [UInt8]
    private let datacenter: [UInt8]

    init(domain: DomainName, datacenter: String) {
        self.domain = domain.wire.map(dnsFolded)
        self.datacenter = datacenter.utf8.map(dnsFolded)
    }

    /// Bytes of the domain in a name, with the root.
    var domainBytes: Int { domain.count }

    /// A name in wire form, and where its labels before the domain begin.
    struct Labels {
        let name: UnsafeRawBufferPointer
        let starts: UnsafeBufferPointer<UInt8>

        var count: Int { starts.count }

        subscript(index: Int) -> UnsafeRawBufferPointer {
            let start = Int(starts[index]) + 1
            return UnsafeRawBufferPointer(rebasing: name[start ..< start + Int(name[start - 1])])
        }

        func text(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }

        /// Labels as they are written, with dots between them.
        func text(_ range: Range<Int>) -> String {
            if range.count == 1 { return text(range.lowerBound) }
            return range.map(text).joined(separator: ".")
        }

        func isEqual(_ index: Int, _ folded: StaticString) -> Bool {
            let label = self[index]
            guard label.count == folded.utf8CodeUnitCount else { return false }
            for offset in 0 ..< label.count where dnsFolded(label[offset]) != folded.utf8Start[offset] { return false }
            return true
        }

        func isUnderscored(_ index: Int) -> Bool { self[index].first == UInt8(ascii: "_") }
    }

    /// - Parameter name: In wire form, well-formed.
    /// - Returns: `nil` when it is outside of the domain.
    func lookup(_ name: UnsafeRawBufferPointer, type: RecordType) -> DNSLookup? {
        guard isInside(name) else { return nil }
        // At most 127 labels, each beginning within the first 254 bytes.
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 128) { starts in
            var count = 0
            var offset = 0
            while offset < name.count - domain.count, count < 128 {
                starts[count] = UInt8(truncatingIfNeeded: offset)
                count += 1
                offset += 1 + Int(name[offset])
            }
            return lookup(
                Labels(name: name, starts: UnsafeBufferPointer(rebasing: UnsafeBufferPointer(starts)[..<count])), type)
        }
    }

    /// Whether the name ends in the domain, at the border of a label.
    private func isInside(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count >= domain.count else { return false }
        let start = name.count - domain.count
        var offset = 0
        while offset < start { offset += 1 + Int(name[offset]) }
        guard offset == start else { return false }
        for index in 0 ..< domain.count where dnsFolded(name[start + index]) != domain[index] { return false }
        return true
    }

    /// The rightmost label that is a keyword decides, as in Consul: what follows it is the datacenter.
    private func lookup(_ labels: Labels, _ type: RecordType) -> DNSLookup {
        var index = labels.count - 1
        while index >= 0 {
            if labels.isEqual(index, "service") {
                guard isHere(labels, after: index) else { return .unknown }
                return service(labels, before: index)
            } else if labels.isEqual(index, "node") {
                guard index > 0, isHere(labels, after: index) else { return .unknown }
                return .node(labels.text(0 ..< index))
            } else if labels.isEqual(index, "addr") {
                return index == 1 ? address(labels[0]) : .unknown
            } else if labels.isEqual(index, "query") {
                guard index > 0, isHere(labels, after: index) else { return .unknown }
                let isStandard = index == 2 && labels.isUnderscored(0) && labels.isUnderscored(1)
                return .query(isStandard ? String(labels.text(0).dropFirst()) : labels.text(0 ..< index))
            } else if type == .srv, labels.isUnderscored(index) {
                // RFC 2782 leaves the word out that Consul needs.
                guard isHere(labels, after: index) else { return .unknown }
                return service(labels, before: index + 1)
            }
            index -= 1
        }
        return .unknown
    }

    private func service(_ labels: Labels, before count: Int) -> DNSLookup {
        guard count > 0 else { return .unknown }
        if count == 2, labels.isUnderscored(0), labels.isUnderscored(1) {
            let tag = labels.text(1).dropFirst().lowercased()
            let name = ServiceName(String(labels.text(0).dropFirst()))
            // In the standard's form this is the protocol's place, which cannot be left out.
            return .service(name, tag: tag == "tcp" || tag.isEmpty ? nil : tag)
        }
        let tag = count > 1 ? labels.text(0 ..< count - 1).lowercased() : nil
        return .service(ServiceName(labels.text(count - 1)), tag: tag)
    }

    /// Whether nothing follows the keyword, or the label of this datacenter.
    private func isHere(_ labels: Labels, after index: Int) -> Bool {
        let rest = labels.count - index - 1
        if rest == 0 { return true }
        return rest == 1 && labels[index + 1].elementsEqual(datacenter) { dnsFolded($0) == $1 }
    }

    private func address(_ digits: UnsafeRawBufferPointer) -> DNSLookup {
        // Consul looks at half their number, so that 9 digits are a bad address and 7 are none.
        guard digits.count / 2 == 4 || digits.count / 2 == 16 else { return .address(nil) }
        return IPAddress(hexDigits: digits).map { .address($0) } ?? .unknown
    }
}
