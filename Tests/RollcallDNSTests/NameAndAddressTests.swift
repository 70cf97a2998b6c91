// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallDNS
import Testing

@Suite("Names and addresses of the DNS")
struct NameAndAddressTests {
    @Test("names are read and written as in master files",
        arguments: [
            ("web.service.consul", "web.service.consul."), ("consul.", "consul."), (".", "."), ("", "."),
            (#"a\.b.consul"#, #"a\.b.consul."#), (#"a\032b\255.consul"#, #"a\032b\255.consul."#),
            (#"\097.x"#, "a.x."), ("DnsMixed.x", "DnsMixed.x."), (#"a\\b.x"#, #"a\\b.x."#),
        ])
    func names(text: String, expected: String) {
        #expect(DomainName(text)?.description == expected)
        #expect(DomainName(expected)?.description == expected)
    }

    @Test("what is no name is refused",
        arguments: ["a..b", ".a", #"a\"#, #"a\25"#, #"a\256"#, String(repeating: "x", count: 64)])
    func noNames(text: String) {
        #expect(DomainName(text) == nil)
    }

    @Test("names that differ in the case of ASCII letters are equal")
    func equality() throws {
        let lower = try #require(DomainName("web.service.consul"))
        let upper = try #require(DomainName("WEB.Service.CONSUL"))
        #expect(lower == upper && lower.hashValue == upper.hashValue && lower.wire != upper.wire)
        #expect(lower != DomainName("web.servicf.consul") && DomainName("[.x") != DomainName("{.x"))
    }

    @Test("addresses are read in every form and written in one",
        arguments: [
            ("192.0.2.1", "192.0.2.1", "c0000201"), ("0.0.0.0", "0.0.0.0", "00000000"),
            ("2001:db8::6", "2001:db8::6", "20010db8000000000000000000000006"),
            ("2001:DB8:0:0:0:0:0:6", "2001:db8::6", "20010db8000000000000000000000006"),
            ("::1", "::1", "00000000000000000000000000000001"), ("::", "::", String(repeating: "0", count: 32)),
            ("1::", "1::", "00010000000000000000000000000000"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1", "20010000000000010000000000000001"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221", "0064ff9b0000000000000000c0000221"),
            ("::ffff:10.0.0.7", "10.0.0.7", "0a000007"),
        ])
    func addresses(text: String, expected: String, digits: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == expected)
        #expect(address.hexDigits == digits)
        #expect(IPAddress(hexDigits: Array(digits.utf8)) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test("what is no address is refused",
        arguments: [
            "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1..2.3", "a.b.c.d", ":", ":::", "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9", "1::2::3", "1:2:3:4:5:6:7::8", "12345::", "g::", "::1.2.3", "[::1]", "fe80::1%eth0",
        ])
    func noAddresses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("names of the reverse trees are addresses",
        arguments: [
            ("1.0.9.10.in-addr.arpa", "10.9.0.1"), ("1.0.9.10.IN-ADDR.Arpa.", "10.9.0.1"),
            (
                "6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.d.0.1.0.0.2.ip6.arpa", "2001:db8::6"
            ),
        ])
    func reverse(name: String, expected: String) throws {
        #expect(IPAddress(reverse: try #require(DomainName(name)))?.description == expected)
    }

    @Test("other names are none",
        arguments: [
            "arpa", "in-addr.arpa", "9.10.in-addr.arpa", "256.0.9.10.in-addr.arpa", "1.0.9.10.ip6.arpa",
            "1.0.9.10.in-addr.consul", "1.2.0.9.10.in-addr.arpa",
        ])
    func noReverse(name: String) throws {
        #expect(IPAddress(reverse: try #require(DomainName(name))) == nil)
    }
}
