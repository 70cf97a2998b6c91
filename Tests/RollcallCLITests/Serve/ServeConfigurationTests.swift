// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallServer
import Testing

@testable import RollcallCLI

@Suite("ServeConfiguration")
struct ServeConfigurationTests {
    private func file(_ text: String) throws -> [ServeSetting] {
        try ConfigurationFile.parse(text, path: "rollcall.yaml")
    }

    private func flag(_ key: String, _ value: String) -> ServeSetting {
        ServeSetting(key: key, value: value, source: .flag("--set"))
    }

    private func failure(_ body: () throws -> ServeConfiguration) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test("without settings everything has its default")
    func defaults() throws {
        let configuration = try ServeConfiguration.resolve([])
        #expect(configuration.address == "127.0.0.1")
        #expect(configuration.port == 8500)
        #expect(configuration.model == .standard)
        #expect(configuration.brake == BrakeConfiguration())
    }

    @Test("each key's present value is one that the key takes, and setting it changes nothing")
    func everyKeyReadsWhatItShows() throws {
        for key in ServeKey.all where key.name != "data" && key.name != "memory" {
            var configuration = ServeConfiguration()
            let shown = key.get(configuration)
            #expect(key.set(&configuration, shown), "\(key.name) = \(shown)")
            for other in ServeKey.all {
                #expect(
                    other.get(configuration) == other.get(ServeConfiguration()), "\(key.name) changed \(other.name)")
            }
        }
    }

    @Test(
        "each key changes what it shows, and refuses nonsense",
        arguments: [
            ("address", "0.0.0.0"), ("port", "0"), ("data", "/var/lib/rollcall"), ("memory", "true"),
            ("log-level", "debug"), ("limits.connections", "7"), ("limits.watchers", "7"),
            ("limits.header-bytes", "2048"),
            ("limits.body-bytes", "2048"), ("limits.header-time", "1s"), ("limits.body-time", "1s"),
            ("limits.idle-time", "1s"), ("limits.stall-time", "1s"), ("limits.drain-time", "1s"),
            ("limits.answer-bytes", "7"), ("limits.waiting-writes", "7"),
            ("limits.history-changes", "7"), ("limits.tags", "7"),
            ("limits.metadata-entries", "7"), ("limits.metadata-bytes", "7"), ("limits.checks", "7"),
            ("lease.ttl", "7s"), ("lease.evict-after", "1m40s"), ("lease.ttl-min", "1s"), ("lease.ttl-max", "1h"),
            ("checks.enabled", "false"),
            ("checks.commands", "true"), ("checks.concurrency", "7"), ("checks.jitter", "0.7"),
            ("checks.flap-changes", "7"), ("checks.flap-window", "7s"), ("checks.output-interval", "7s"),
            ("consul.enabled", "false"), ("consul.datacenter", "south-1"), ("consul.node-name", "host-3"),
            ("consul.node-address", "10.0.0.7"),
            ("dns.enabled", "false"), ("dns.address", "::1"), ("dns.port", "53"), ("dns.domain", "registry.example.org"),
            ("dns.ttl", "7s"), ("dns.service-ttl", "db*=1m,web=7s"), ("dns.node-ttl", "7s"), ("dns.negative-ttl", "7s"),
            ("dns.only-passing", "true"), ("dns.node-metadata", "false"), ("dns.udp-answer-limit", "3"),
            ("dns.address-limit", "7"), ("dns.truncation-flag", "false"), ("dns.udp-payload", "1232"),
            ("dns.connections", "7"), ("dns.idle-time", "7s"),
            ("brake.enabled", "false"), ("brake.window", "7s"),
            ("brake.minimum-losses", "7"), ("brake.fleet-share", "0.7"), ("brake.service-share", "0.7"),
            ("brake.quiet-period", "7s"), ("brake.settle-period", "7s"), ("brake.release-share", "0.7"),
            ("brake.minimum-release", "7.0"),
        ])
    func everyKey(name: String, value: String) throws {
        let key = try #require(ServeKey.named(name))
        let configuration = try ServeConfiguration.resolve([flag(name, value)])
        #expect(key.get(configuration) == value)
        #expect(key.get(ServeConfiguration()) != value)
        // Without rules it is empty.
        #expect((failure { try .resolve([flag(name, "")]) } != nil) == (name != "dns.service-ttl"))
    }

    @Test("the default lease has to be one that an instance may ask for", arguments: [
        (["lease.ttl": "5s", "lease.ttl-min": "10s"], "lease.ttl is 5s"),
        (["lease.ttl": "2h", "lease.ttl-max": "1h"], "lease.ttl is 2h"),
        (["lease.ttl": "60s", "lease.evict-after": "30s"], "lease.evict-after is 30s"),
        (["lease.evict-after": "10s"], "lease.evict-after is 10s"),
    ])
    func defaultLease(_ values: [String: String], _ message: String) {
        let settings = values.map { flag($0.key, $0.value) }
        let error = failure { try .resolve(settings) }
        #expect(error?.contains(message) == true, "\(error ?? "none")")
    }

    @Test("a default lease that nobody chose keeps within the limits that somebody did")
    func fittingLease() throws {
        let short = try ServeConfiguration.resolve([flag("lease.ttl-max", "10s")])
        #expect(short.lease.terms(within: short.model) == LeaseTerms(ttl: .seconds(10), evictAfter: .seconds(30)))
        let long = try ServeConfiguration.resolve([flag("lease.ttl-min", "60s")])
        #expect(long.lease.terms(within: long.model) == LeaseTerms(ttl: .seconds(60), evictAfter: .seconds(180)))
        let chosen = try ServeConfiguration.resolve([flag("lease.ttl", "5s")])
        #expect(chosen.lease.terms(within: chosen.model) == LeaseTerms(ttl: .seconds(5), evictAfter: .seconds(15)))
    }

    @Test("the node of Consul's dialect is this machine, at the address that is listened on, unless it is chosen")
    func consulNode() throws {
        let automatic = try ServeConfiguration.resolve([flag("address", "10.0.0.7")]).resolvedConsul
        #expect(automatic.nodeAddress == "10.0.0.7")
        #expect(!automatic.nodeName.isEmpty && automatic.nodeName != "auto")
        let every = try ServeConfiguration.resolve([flag("address", "0.0.0.0")]).resolvedConsul
        #expect(every.nodeAddress == "127.0.0.1")
        let chosen = try ServeConfiguration.resolve([flag("consul.node-name", "n1"), flag("consul.node-address", "h")])
        #expect(chosen.resolvedConsul.nodeName == "n1")
        #expect(chosen.resolvedConsul.nodeAddress == "h")
    }

    @Test("the list of keys above is complete")
    func count() {
        #expect(ServeKey.all.count == 61)
        #expect(Set(ServeKey.all.map(\.name)).count == ServeKey.all.count)
    }

    @Test("keys of a file are nested as their names are dotted, and values are taken as written")
    func nestedFile() throws {
        let settings = try file(
            """
            # a comment
            address: 10.0.0.1
            port: 0500
            brake:
              enabled: false
              window: 90s
            """)
        #expect(settings.map(\.key) == ["address", "port", "brake.enabled", "brake.window"])
        #expect(settings.map(\.value) == ["10.0.0.1", "0500", "false", "90s"])
        #expect(settings[3].source == .file("rollcall.yaml", line: 6))
        #expect(try ServeConfiguration.resolve(settings).brake.window == .seconds(90))
    }

    @Test("an empty file and one of comments set nothing", arguments: ["", "\n", "# nothing\n", "---\n"])
    func emptyFile(text: String) throws {
        #expect(try file(text) == [])
    }

    @Test("a later setting wins")
    func precedence() throws {
        let environment = ServeSetting(key: "port", value: "2", source: .environment("ROLLCALL_PORT"))
        let settings = try file("port: 1\naddress: localhost") + [environment]
        #expect(try ServeConfiguration.resolve(settings).port == 2)
        #expect(try ServeConfiguration.resolve(settings + [flag("port", "3")]).port == 3)
        #expect(try ServeConfiguration.resolve(settings).address == "localhost")
    }

    @Test("--memory wins over a file's data, but both in one place contradict each other")
    func memoryAndData() throws {
        let data = try file("data: /var/lib/rollcall")
        #expect(try ServeConfiguration.resolve(data + [flag("memory", "true")]).storage == .memory)
        #expect(
            failure { try .resolve([flag("data", "/x"), flag("memory", "true")]) }
                == "--set: memory and data exclude each other; give one of them")
    }

    @Test(
        "an unknown key is refused with its place and the nearest known one",
        arguments: [
            ("prot: 1", "rollcall.yaml:1: there is no key prot; did you mean port?"),
            ("\nbrake:\n  windw: 1s", "rollcall.yaml:3: there is no key brake.windw; did you mean brake.window?"),
            ("window: 1s", "rollcall.yaml:1: there is no key window; did you mean brake.window?"),
            ("x-y-z-1-2-3: 1", "rollcall.yaml:1: there is no key x-y-z-1-2-3"),
        ])
    func unknownKey(text: String, message: String) throws {
        let settings = try file(text)
        #expect(failure { try .resolve(settings) } == message)
    }

    @Test("a wrong value is refused with the key, the value and what was expected")
    func wrongValue() throws {
        let settings = [ServeSetting(key: "port", value: "70000", source: .environment("ROLLCALL_PORT"))]
        #expect(
            failure { try .resolve(settings) }
                == "$ROLLCALL_PORT: port is \"70000\", but a port, 0 to 65535 was expected")
    }

    @Test(
        "what is not a mapping of values is refused with its place",
        arguments: [
            ("- a", "rollcall.yaml:1: expected keys with values, such as `port: 8500`"),
            ("port: [1, 2]", "rollcall.yaml:1: port is a list, but one value was expected"),
            ("hello", "rollcall.yaml:1: expected keys with values, such as `port: 8500`"),
        ])
    func wrongShape(text: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try file(text) }
        #expect(error?.message == message)
    }

    @Test("a file that is not YAML is refused in one line")
    func notYAML() {
        let error = #expect(throws: ConfigurationError.self) { try file("port: \"1\nbrake: {") }
        #expect(error?.message.hasPrefix("the configuration file rollcall.yaml is not YAML: ") == true)
        #expect(error?.message.contains("\n") == false)
    }

    @Test("each variable is the key's name in capitals")
    func environmentNames() {
        #expect(ServeKey.named("brake.quiet-period")?.environmentName == "ROLLCALL_BRAKE_QUIET_PERIOD")
        let variables = ["ROLLCALL_PORT": "1", "ROLLCALL_BRAKE_WINDOW": "2s", "ROLLCALL_REGISTRY": "rollcall://x"]
        let settings = ServeKey.settings(variable: { variables[$0] })
        #expect(settings.map(\.key) == ["port", "brake.window"])
    }

    @Test(
        "the folder is the service manager's, else the user's",
        arguments: [
            (["STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "HOME": "/home/me"], "/var/lib/a"),
            (["XDG_STATE_HOME": "/state", "HOME": "/home/me"], "/state/rollcall"),
            (["HOME": "/home/me"], "/home/me/.local/state/rollcall"),
            ([:], "rollcall-data"),
        ])
    func standardFolder(variables: [String: String], folder: String) {
        #expect(ServeConfiguration.standardFolder { variables[$0] } == folder)
    }

    @Test(
        "the distance of two words is the number of edits",
        arguments: [
            ("", "", 0), ("a", "", 1), ("port", "prot", 2), ("kitten", "sitting", 3), ("same", "same", 0),
        ])
    func editDistance(left: String, right: String, distance: Int) {
        #expect(EditDistance.between(left, right) == distance)
        #expect(EditDistance.between(right, left) == distance)
    }
}
