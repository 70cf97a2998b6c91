// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@Suite("Names that look the same", .timeLimit(.minutes(1)))
struct UnicodeTests {
    /// é as one character, and as an e with a combining accent: canonically equivalent, but other bytes.
    private static let composed = "caf\u{E9}"
    private static let decomposed = "cafe\u{301}"

    @Test("but have other bytes are two instances, while both run and after a restart")
    func instances() async throws {
        let first = try await EmbeddedFixture()
        try await first.registry.register(web(Self.composed, host: "10.0.0.1"))
        try await first.registry.register(web(Self.decomposed, host: "10.0.0.2"))
        #expect(Self.hosts(first) == ["10.0.0.1", "10.0.0.2"])
        let copy = try first.folder.copy()
        try await first.registry.deregister(InstanceKey("web", InstanceID(Self.decomposed)))
        #expect(Self.hosts(first) == ["10.0.0.1"])
        try await first.close()

        let second = try await EmbeddedFixture(in: first.folder)
        #expect(Self.hosts(second) == ["10.0.0.1"])
        #expect(second.instance(InstanceKey("web", InstanceID(Self.decomposed))) == nil)
        try await second.close()

        let crashed = try await EmbeddedFixture(in: copy)
        #expect(Self.hosts(crashed) == ["10.0.0.1", "10.0.0.2"])
        try await crashed.close()
    }

    @Test("but have other bytes are two services, while both run and after a restart")
    func services() async throws {
        let names = [ServiceName(Self.composed), ServiceName(Self.decomposed)]
        let first = try await EmbeddedFixture()
        for (number, name) in names.enumerated() {
            try await first.registry.register(
                Registration(service: name, id: "a", host: "10.0.0.\(number)", port: 80))
        }
        #expect(first.registry.catalog.counts.services == 2)
        try await first.registry.deregister(InstanceKey(names[0], "a"))
        try await first.close()

        let second = try await EmbeddedFixture(in: first.folder)
        #expect(second.registry.catalog.snapshot(of: names[0]).isEmpty)
        #expect(second.registry.catalog.snapshot(of: names[1]).instances.map(\.host) == ["10.0.0.1"])
        try await second.close()
    }

    private static func hosts(_ fixture: EmbeddedFixture) -> Set<String> {
        Set(fixture.registry.catalog.snapshot(of: "web").instances.map(\.host))
    }
}
