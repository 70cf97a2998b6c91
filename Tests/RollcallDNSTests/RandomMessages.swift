// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallDNS
import RollcallTesting

extension SeededGenerator {
    mutating func bytes(_ count: ClosedRange<Int>) -> [UInt8] {
        (0 ..< Int.random(in: count, using: &self)).map { _ in UInt8.random(in: 0 ... 255, using: &self) }
    }

    /// Names of few different labels, so that many have an end in common.
    mutating func name() -> DomainName {
        let labels = (0 ..< Int.random(in: 0 ... 4, using: &self)).map { _ in
            Bool.random(using: &self)
                ? Array(["a", "web", "Web", "consul", "service"].randomElement(using: &self)!.utf8)
                : bytes(1 ... (Int.random(in: 0 ... 9, using: &self) == 0 ? 60 : 6))
        }
        return DomainName(labels: labels) ?? .root
    }

    mutating func record() -> ResourceRecord {
        let data: RecordData =
            switch Int.random(in: 0 ... 8, using: &self) {
            case 0: .a(.random(in: 0 ... .max, using: &self))
            case 1: .aaaa(.random(in: 0 ... .max, using: &self), .random(in: 0 ... .max, using: &self))
            case 2: .ns(name())
            case 3: .cname(name())
            case 4: .ptr(name())
            case 5: .txt((0 ..< Int.random(in: 1 ... 3, using: &self)).map { _ in bytes(0 ... 40) })
            case 6:
                .soa(
                    StartOfAuthority(
                        primary: name(), mailbox: name(), serial: .random(in: 0 ... .max, using: &self), refresh: 1,
                        retry: 2, expire: 3, minimum: 4))
            case 7:
                .srv(
                    ServiceLocation(
                        priority: 1, weight: .random(in: 0 ... .max, using: &self),
                        port: .random(in: 0 ... .max, using: &self), target: name()))
            default: .other(RecordType(rawValue: 65_280), bytes(0 ... 30))
            }
        return ResourceRecord(name: name(), ttl: .random(in: 0 ... .max, using: &self), data: data)
    }

    mutating func message() -> Message {
        var message = Message(
            id: .random(in: 0 ... .max, using: &self),
            flags: MessageFlags(rawValue: .random(in: 0 ... .max, using: &self) & ~0x0200),
            questions: (0 ..< Int.random(in: 0 ... 2, using: &self)).map { _ in Question(name: name(), type: .srv) })
        message.answers = (0 ..< Int.random(in: 0 ... 12, using: &self)).map { _ in record() }
        message.authorities = (0 ..< Int.random(in: 0 ... 2, using: &self)).map { _ in record() }
        message.additionals = (0 ..< Int.random(in: 0 ... 6, using: &self)).map { _ in record() }
        if Bool.random(using: &self) {
            let options = (0 ..< Int.random(in: 0 ... 2, using: &self)).map { _ in
                ExtendedDNS.Option(code: .random(in: 0 ... .max, using: &self), data: bytes(0 ... 12))
            }
            message.edns = ExtendedDNS(
                payloadSize: .random(in: 0 ... .max, using: &self), isSecurityOK: Bool.random(using: &self),
                options: options)
            message.responseCode = ResponseCode(rawValue: .random(in: 0 ... 4095, using: &self))
        }
        return message
    }
}
