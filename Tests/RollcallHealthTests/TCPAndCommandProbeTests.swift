// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@testable import RollcallHealth

@Suite("The TCP probe")
struct TCPProbeTests {
    @Test("a connection that is accepted passes, one that is refused is critical")
    func connect() async throws {
        let check = CheckDefinition(kind: .tcp(target: ""), timeout: .seconds(120))
        try await TestServer.run(.hang) { server in
            let result = await TCPProbe().probe(check, of: server.instance(check))
            #expect(result == CheckResult(.passing, "TCP connect 127.0.0.1:\(server.port): Success"))
            let other = CheckDefinition(kind: .tcp(target: "localhost:\(server.port)"), timeout: .seconds(120))
            let named = await TCPProbe().probe(other, of: server.instance(other))
            #expect(named.status == .passing)
        }
        await withRefusingPort { port in
            let result = await TCPProbe().probe(check, of: sampleInstance(port: UInt16(port), check))
            #expect(result == CheckResult(.critical, "dial tcp 127.0.0.1:\(port): connect: connection refused"))
        }
    }
}

@Suite("The command probe")
struct CommandProbeTests {
    private static func run(_ arguments: String..., timeout: Duration = .seconds(120)) async -> CheckResult {
        let check = CheckDefinition(kind: .command(arguments), timeout: timeout)
        return await CommandProbe().probe(check, of: sampleInstance(port: 80, check))
    }

    @Test("the exit status is the result, and what was printed its output")
    func statuses() async {
        #expect(await Self.run("sh", "-c", "echo fine; echo too >&2") == CheckResult(.passing, "fine\ntoo\n"))
        #expect(await Self.run("sh", "-c", "echo so so; exit 1") == CheckResult(.warning, "so so\n"))
        #expect(await Self.run("/bin/sh", "-c", "exit 3") == CheckResult(.critical, "/bin/sh: exit status 3\n"))
        #expect(await Self.run("sh", "-c", "kill -TERM $$") == CheckResult(.critical, "sh: ended by signal 15\n"))
    }

    @Test("a command that is not there is critical")
    func missing() async {
        #expect(await Self.run("no-such-command-7") == CheckResult(.critical, "no-such-command-7: no such command"))
        #expect(await Self.run("/no/such/command").status == .critical)
    }

    @Test("a command that hangs is killed with its children at the time-out")
    func hanging() async {
        let result = await Self.run("sh", "-c", "echo begun; sleep 600 & sleep 600", timeout: .milliseconds(300))
        #expect(result == CheckResult(.critical, "sh: killed after 300 ms\nbegun\n"))
    }

    @Test("of a long output the beginning is kept, and the command is not held up by it")
    func output() async {
        let result = await Self.run("sh", "-c", "yes | head -c 1000000")
        #expect(result == CheckResult(.passing, String(repeating: "y\n", count: 2048)))
    }

    @Test("the command is told the instance, and gets nothing else of this process's environment")
    func environment() async {
        let result = await Self.run("sh", "-c", "echo $ROLLCALL_SERVICE $ROLLCALL_INSTANCE $ROLLCALL_PORT $HOME")
        #expect(result == CheckResult(.passing, "web web-1 80\n"))
    }

    @Test("commands are not run unless that is enabled")
    func disabled() async {
        let check = CheckDefinition(kind: .command(["true"]))
        let probes = StandardProbes()
        let result = await probes.probe(check, of: sampleInstance(port: 80, check))
        await probes.shutdown()
        #expect(result == CheckResult(.critical, "command checks are not enabled in the server's configuration"))
    }
}
