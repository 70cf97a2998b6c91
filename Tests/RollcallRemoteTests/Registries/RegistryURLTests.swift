// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Rollcall
import RollcallRegistries
import RollcallRemote
import Testing

@Suite("The URL of a registry")
struct RegistryURLTests {
    @Test("names a kind and where it is", arguments: [
        ("memory:", RegistryURL.memory),
        ("memory://", .memory),
        ("MEMORY:", .memory),
        ("embedded:/var/lib/rollcall", .embedded(path: "/var/lib/rollcall")),
        ("embedded:///var/lib/rollcall", .embedded(path: "/var/lib/rollcall")),
        ("embedded:data", .embedded(path: "data")),
        ("rollcall://a", .remote([ServerAddress(host: "a")])),
        ("rollcall://a:9000/", .remote([ServerAddress(host: "a", port: 9000)])),
        (
            "rollcall://a,b:1,[fd00::1],[::1]:2",
            .remote([
                ServerAddress(host: "a"), ServerAddress(host: "b", port: 1), ServerAddress(host: "fd00::1"),
                ServerAddress(host: "::1", port: 2),
            ])
        ),
        ("rollcalls://a:443", .remote([ServerAddress(host: "a", port: 443, isSecure: true)])),
        (
            "rollcalls://a/?ca=/etc/a%20b.pem",
            .remote([ServerAddress(host: "a", isSecure: true)], authorities: "/etc/a b.pem")
        ),
        ("consul://a,b:1", .consul([ServerAddress(host: "a"), ServerAddress(host: "b", port: 1)])),
        (
            "consul://a/?token=a%26b&dc=north",
            .consul([ServerAddress(host: "a")], token: "a&b", datacenter: "north")
        ),
        (
            "consuls://a?dc=x&ca=/ca.pem",
            .consul([ServerAddress(host: "a", isSecure: true)], datacenter: "x", authorities: "/ca.pem")
        ),
    ])
    func good(_ text: String, _ expected: RegistryURL) throws {
        #expect(try RegistryURL(text) == expected)
    }

    @Test("is shown without its token", arguments: [
        ("consul://a:1", "consul://a:1"), ("consul://a?token=x", "consul://a?token=..."),
        ("consul://a?token=x&dc=y", "consul://a?token=...&dc=y"),
        ("consul://a?dc=y&token=", "consul://a?dc=y&token=..."),
    ])
    func shown(_ text: String, _ expected: String) {
        #expect(RegistryURL.shown(text) == expected)
    }

    @Test("that cannot be used is told with what is wrong and what there is", arguments: [
        ("", "it has no scheme"),
        ("localhost", "it has no scheme"),
        ("localhost:8500", "the scheme \"localhost\" is not known"),
        ("http://a", "the scheme \"http\" is not known"),
        ("memory:x", "nothing may follow"),
        ("embedded:", "the path is missing"),
        ("embedded://x", "a path after //"),
        ("rollcall:a", "// is missing"),
        ("rollcall://", "a host is missing"),
        ("rollcall://:80", "a host is missing"),
        ("rollcall://a,", "a host is missing"),
        ("rollcall://a,a:8500", "named twice"),
        ("rollcall://a:0", "no port from 1 to 65535"),
        ("rollcall://a:65536", "no port from 1 to 65535"),
        ("rollcall://a:", "no port from 1 to 65535"),
        ("rollcall://a:+80", "no port from 1 to 65535"),
        ("rollcall://fd00::1:80", "brackets"),
        ("rollcall://[fd00::1", "] is missing"),
        ("rollcall://[::1]80", "no port"),
        ("rollcall://user@a", "\"@\" has no place"),
        ("rollcall://a/path", "\"/\" has no place"),
        ("rollcall://a?ca=x", "\"?\" has no place"),
        ("consul://a?ca=x", "\"ca=x\" has no place"),
        ("consul://a?token=", "token= has no value"),
        ("consul://a?token=x&token=y", "once each"),
        ("consul://a?dc", "\"dc\" has no place"),
        ("consul:a", "// is missing"),
        ("rollcalls://a?x=1", "\"x=1\" has no place"),
        ("rollcalls://a?ca=x&ca=y", "has no place"),
        ("rollcalls://a?ca=", "names no file"),
        ("rollcalls://a?ca=%zz", "names no file"),
    ])
    func wrong(_ text: String, _ problem: String) {
        do throws(RegistryError) {
            _ = try RegistryURL(text)
            Issue.record("an error was expected")
        } catch {
            #expect(error.code == .invalid)
            #expect(error.message.contains("\"\(RegistryURL.shown(text))\""))
            #expect(error.message.contains(problem), "\(error.message)")
            for form in RegistryURL.forms { #expect(error.message.contains(form)) }
        }
    }

    @Test("opens a registry in memory, which is gone once it is closed")
    func memory() async throws {
        let opened = try await Registries.open("memory:")
        try await opened.registry.register(Registration(service: "web", host: "10.0.0.1", port: 80))
        let found = try await opened.registry.lookup("web")
        #expect(found.count == 1)
        await opened.close()
        do throws(RegistryError) {
            try await opened.registry.register(Registration(service: "web", host: "10.0.0.1", port: 80))
            Issue.record("an error was expected")
        } catch {
            #expect(error.code == .closed)
        }
    }

    @Test("opens a registry in a file, which is there again the next time")
    func embedded() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "rollcall-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = try await Registries.open("embedded:\(folder.path())")
        try await first.registry.register(Registration(service: "web", host: "10.0.0.1", port: 80))
        await first.close()
        let second = try await Registries.open("embedded:\(folder.path())")
        let found = try await second.registry.lookup("web")
        #expect(found.count == 1)

        let third = await failure { () throws(RegistryError) in
            _ = try await Registries.open("embedded:\(folder.path())")
        }
        #expect(third?.code == .unavailable)
        #expect(third?.message.contains("embedded:\(folder.path())") == true)
        await second.close()
    }

    @Test("opens the registry of servers without asking them, and later calls of a closed one say so")
    func remote() async throws {
        let opened = try await Registries.open("rollcall://127.0.0.1:1,[::1]:1")
        #expect(opened.registry is RemoteRegistry)
        await opened.close()
        do throws(RegistryError) {
            _ = try await opened.registry.lookup("web")
            Issue.record("an error was expected")
        } catch {
            #expect(error.code == .closed)
        }
    }
}
