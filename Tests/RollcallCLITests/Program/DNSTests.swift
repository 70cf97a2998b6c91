// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@testable import RollcallCLI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// `dig` and `dnsmasq`, as their users use them, against the built program.
@Suite("DNS, real processes", .serialized, .timeLimit(.minutes(3)))
struct DNSTests {
    /// Asks with `dig`, which is told to be brief.
    private func dig(_ sandbox: Sandbox, port: Int, _ arguments: String...) async throws -> [String] {
        let process = try await sandbox.start(
            ["@127.0.0.1", "-p", String(port), "+time=5", "+tries=2"] + arguments, program: "/usr/bin/dig")
        #expect(await process.code() == 0, "\(process.output)\(process.errors)")
        return process.output.split(separator: "\n").map(String.init)
    }

    /// Where the server answers DNS, which it logs when it listens.
    private func dnsPort(of server: TestServer) async throws -> Int {
        let said = "answering DNS on 127.0.0.1:"
        try await eventually("it answers DNS: \(server.process.errors)") { server.process.errors.contains(said) }
        let errors = server.process.errors
        let end = try #require(errors.firstRange(of: said)).upperBound
        return try #require(Int(errors[end...].prefix { $0.isNumber }))
    }

    private func register(_ sandbox: Sandbox, _ server: TestServer, count: Int) async throws {
        let script = """
            for n in $(seq 0 \(count - 1)); do
                tag=other; [ $n != 0 ] || tag=first
                curl -s -f -X PUT http://127.0.0.1:\(server.port)/api/v1/services/web/instances/w$n -d "{
                    \\"host\\": \\"10.0.0.$n\\", \\"port\\": $((9000 + n)), \\"tags\\": [\\"$tag\\"],
                    \\"lease\\": {\\"kind\\": \\"none\\"}}" || exit 1
            done
            """
        let registering = try await sandbox.start(["-c", script], program: "/bin/sh")
        #expect(await registering.code() == 0, "\(registering.errors)")
    }

    @Test("dig finds addresses and places of service, and its forwarder dnsmasq does too")
    func forwarding() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            let own = try await dnsPort(of: server)
            try await register(sandbox, server, count: 3)
            let forwarder = try freePort()
            let dnsmasq = try await sandbox.start(
                [
                    "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
                    "--listen-address=127.0.0.1", "--port=\(forwarder)", "--pid-file", "--cache-size=0",
                    "--server=/consul/127.0.0.1#\(own)",
                ], program: "/usr/sbin/dnsmasq")
            for port in [own, forwarder] {
                try await eventually("it answers: \(dnsmasq.errors)") {
                    try await sandbox.run(
                        "@127.0.0.1", "-p", String(port), "+time=1", "+tries=1", "consul", "SOA",
                        program: "/usr/bin/dig"
                    ).output.contains("NOERROR")
                }
                let addresses = try await dig(sandbox, port: port, "+short", "web.service.consul", "A")
                #expect(addresses.sorted() == ["10.0.0.0", "10.0.0.1", "10.0.0.2"])
                let places = try await dig(sandbox, port: port, "+short", "_web._first.service.dc1.consul", "SRV")
                #expect(places == ["1 1 9000 0a000000.addr.dc1.consul."])
                #expect(try await dig(sandbox, port: port, "+short", "0a000000.addr.dc1.consul") == ["10.0.0.0"])
                let none = try await dig(sandbox, port: port, "none.service.consul")
                #expect(none.contains { $0.contains("status: NXDOMAIN") })
            }
            let foreign = try await dig(sandbox, port: own, "example.org")
            #expect(foreign.contains { $0.contains("status: REFUSED") })
            #expect(try await dig(sandbox, port: own, "+short", "-x", "10.0.0.1") == ["web.service.dc1.consul."])
        }
    }

    @Test("an answer that is too large for a datagram is marked, and dig gets it whole over TCP")
    func truncation() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            let port = try await dnsPort(of: server)
            try await register(sandbox, server, count: 30)
            let cut = try await dig(sandbox, port: port, "+noedns", "+ignore", "web.service.consul", "SRV")
            #expect(cut.contains { $0.hasPrefix(";; flags: qr aa tc rd;") })
            let whole = try await dig(sandbox, port: port, "+noedns", "web.service.consul", "SRV")
            #expect(whole.contains { $0.hasPrefix(";; Truncated, retrying in TCP mode") })
            #expect(whole.contains { $0.hasPrefix(";; flags: qr aa rd; QUERY: 1, ANSWER: 30,") })
        }
    }

    @Test("a port that is taken is one clear line, and without DNS nothing is listened on")
    func taken() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            let port = try await dnsPort(of: server)
            let second = try await sandbox.run("serve", "--memory", "--port", "0", "--dns-port", String(port))
            #expect(second.code == 69)
            #expect(second.errors.hasPrefix("rollcall: cannot listen for DNS on 127.0.0.1:\(port): "))
            #expect(second.errors.split(separator: "\n").count == 1)
            let without = try await sandbox.serve(["--memory", "--set", "dns.enabled=false"])
            without.process.child.send(SIGTERM)
            #expect(await without.process.code() == 0)
            #expect(without.process.errors.isEmpty)
        }
    }
}
