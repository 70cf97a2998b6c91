// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import RollcallServer

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

extension ServeKey {
    /// How the server looks to Consul's clients.
    static let consul: [ServeKey] = [
        .flag("consul.enabled", \.consul.isEnabled, "Answer Consul's API below /v1."),
        .word(
            "consul.datacenter", \.consul.datacenter, "a name of letters, digits, - and _",
            "The datacenter that Consul's clients are told; there is only one."
        ) { text in text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") } },
        .word(
            "consul.node-name", \.consul.nodeName, "a name without white space, or auto",
            "The node that services registered through Consul's API are on; auto is the machine's host name. Keep it: "
                + "what was registered stays on the node of then."),
        .word(
            "consul.node-address", \.consul.nodeAddress, "a host name, an address, or auto",
            "The address of services that are registered without one; auto is the address listened on, or 127.0.0.1 "
                + "when that is every one."),
    ]

    private typealias Node = any WritableKeyPath<ServeConfiguration, String> & Sendable

    private static func word(
        _ name: String, _ path: Node, _ expected: String, _ summary: String,
        _ isFit: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> ServeKey {
        ServeKey(
            name: name, expected: expected, summary: summary,
            set: { configuration, text in
                guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }), isFit(text) else {
                    return false
                }
                configuration[keyPath: path] = text
                return true
            },
            get: { $0[keyPath: path] })
    }
}

extension ServeConfiguration {
    /// What `auto` stands for.
    static let automatic = "auto"

    /// The configuration of Consul's dialect with what `auto` stands for.
    var resolvedConsul: ConsulConfiguration {
        var consul = self.consul
        if consul.nodeName == Self.automatic { consul.nodeName = Self.hostName }
        if consul.nodeAddress == Self.automatic {
            consul.nodeAddress = ["0.0.0.0", "::"].contains(address) ? "127.0.0.1" : address
        }
        return consul
    }

    static var standardConsul: ConsulConfiguration {
        var consul = ConsulConfiguration()
        consul.nodeName = automatic
        consul.nodeAddress = automatic
        return consul
    }

    /// The name of this machine.
    private static var hostName: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: bytes.lazy.map(UInt8.init(bitPattern:)).prefix { $0 != 0 }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name
    }
}
