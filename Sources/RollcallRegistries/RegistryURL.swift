// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall
public import RollcallTransport

/// What the URL of a registry says.
public enum RegistryURL: Sendable, Hashable {
    /// `memory:`, a registry of this process that is gone with it.
    case memory
    /// `embedded:PATH`, a registry kept in a file.
    case embedded(path: String)
    /// `rollcall://HOST[:PORT][,…]`, or `rollcalls://` over TLS: servers that keep one registry together.
    ///
    /// `authorities` is what `?ca=FILE` names: a PEM file with the certificates that vouch for the servers, in place of
    /// those that the system trusts.
    case remote([ServerAddress], authorities: String? = nil)
    /// `consul://HOST[:PORT][,…]`, or `consuls://` over TLS: agents of one datacenter of Consul.
    ///
    /// `token` and `datacenter` are what `?token=` and `&dc=` say, `authorities` as for ``remote(_:authorities:)``.
    case consul([ServerAddress], token: String? = nil, datacenter: String? = nil, authorities: String? = nil)

    /// The schemes, as they are told to who wrote another.
    public static let forms = [
        "rollcall://HOST[:PORT][,HOST[:PORT]...]", "rollcalls://HOST[:PORT][,HOST[:PORT]...][?ca=FILE]",
        "consul://HOST[:PORT][,HOST[:PORT]...][?token=TOKEN][&dc=NAME]",
        "consuls://HOST[:PORT][,HOST[:PORT]...][?ca=FILE][&token=TOKEN][&dc=NAME]", "embedded:/PATH", "memory:",
    ]

    /// Reads a URL.
    ///
    /// - Throws: `invalid`, with the URL, what is wrong with it and the forms that exist.
    public init(_ url: String) throws(RegistryError) {
        guard let colon = url.firstIndex(of: ":") else { throw .wrongURL(url, "it has no scheme") }
        let rest = url[url.index(after: colon)...]
        switch url[..<colon].lowercased() {
        case "memory":
            guard rest.isEmpty || rest == "//" else { throw .wrongURL(url, "nothing may follow memory:") }
            self = .memory
        case "embedded":
            // As in file URLs, an empty authority may stand before the path.
            let path = rest.hasPrefix("//") ? rest.dropFirst(2) : rest
            guard !path.isEmpty else { throw .wrongURL(url, "the path is missing") }
            guard !rest.hasPrefix("//") || path.hasPrefix("/") else {
                throw .wrongURL(url, "a path after // begins with another /; leave the // out for a relative path")
            }
            self = .embedded(path: String(path))
        case "rollcall": self = .remote(try Self.addresses(rest, of: url, isSecure: false))
        case "rollcalls":
            let (list, options) = try Self.options(of: rest, ["ca"], url)
            self = .remote(try Self.addresses(list, of: url, isSecure: true), authorities: options["ca"])
        case "consul", "consuls":
            let isSecure = url[..<colon].lowercased() == "consuls"
            let (list, options) = try Self.options(of: rest, isSecure ? ["ca", "token", "dc"] : ["token", "dc"], url)
            self = .consul(
                try Self.addresses(list, of: url, isSecure: isSecure), token: options["token"],
                datacenter: options["dc"], authorities: options["ca"])
        case let scheme: throw .wrongURL(url, "the scheme \"\(scheme)\" is not known")
        }
    }

    /// What stands before `?`, and the options after it.
    private static func options(
        of rest: Substring, _ known: [String], _ url: String
    ) throws(RegistryError) -> (list: Substring, options: [String: String]) {
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var options: [String: String] = [:]
        for option in parts.count == 2 ? parts[1].split(separator: "&", omittingEmptySubsequences: false) : [] {
            let name = String(option.prefix { $0 != "=" })
            guard known.contains(name), option.utf8.count > name.utf8.count, options[name] == nil else {
                let names = known.map { "\($0)=" }.joined(separator: ", ")
                throw .wrongURL(url, "\"\(shown(String(option)))\" has no place after ?, only \(names) once each")
            }
            guard let value = percentDecoded(option.dropFirst(name.count + 1)), !value.isEmpty else {
                throw .wrongURL(url, name == "ca" ? "ca= names no file" : "\(name)= has no value")
            }
            options[name] = value
        }
        return (parts[0], options)
    }

    /// `nil` when a % is not followed by two hexadecimal digits, or the bytes are not UTF-8.
    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let digits = String(rest.prefix(2)), digits.allSatisfy(\.isHexDigit), digits.utf8.count == 2,
                let value = UInt8(digits, radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// `url` as it may stand in errors and logs: without the value of a token.
    public static func shown(_ url: String) -> String {
        var shown = url[...]
        var text = ""
        while let range = shown.firstRange(of: "token=") {
            text += shown[..<range.upperBound] + "..."
            shown = shown[range.upperBound...].drop { $0 != "&" }
        }
        return text + shown
    }

    private static func addresses(
        _ rest: Substring, of url: String, isSecure: Bool
    ) throws(RegistryError) -> [ServerAddress] {
        guard rest.hasPrefix("//") else { throw .wrongURL(url, "// is missing after the scheme") }
        var list = rest.dropFirst(2)
        if list.hasSuffix("/") { list.removeLast() }
        if let wrong = list.first(where: { "/?#@".contains($0) || $0.isWhitespace }) {
            throw .wrongURL(url, "\"\(wrong)\" has no place in a list of hosts")
        }
        var addresses: [ServerAddress] = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let address = try address(part, of: url, isSecure: isSecure)
            if addresses.contains(address) { throw .wrongURL(url, "\(part) is named twice") }
            addresses.append(address)
        }
        return addresses
    }

    private static func address(
        _ text: Substring, of url: String, isSecure: Bool
    ) throws(RegistryError) -> ServerAddress {
        let host: Substring
        var rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw .wrongURL(url, "] is missing in \"\(text)\"") }
            host = text[text.index(after: text.startIndex) ..< end]
            rest = text[text.index(after: end)...]
        } else {
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<colon]
            rest = text[colon...]
        }
        guard !host.isEmpty else { throw .wrongURL(url, "a host is missing") }
        guard !rest.isEmpty else { return ServerAddress(host: String(host), isSecure: isSecure) }
        guard rest.removeFirst() == ":", rest.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let port = Int(rest),
            (1 ... 65_535).contains(port)
        else {
            let hint = rest.contains(":") ? "; an IPv6 address is written in brackets" : ""
            throw .wrongURL(url, "\"\(text)\" has no port from 1 to 65535 after the host\(hint)")
        }
        return ServerAddress(host: String(host), port: port, isSecure: isSecure)
    }
}

extension RegistryError {
    static func wrongURL(_ url: String, _ problem: String) -> RegistryError {
        let forms = RegistryURL.forms.joined(separator: ", ")
        return RegistryError(
            .invalid, "the registry URL \"\(RegistryURL.shown(url))\" cannot be used: \(problem); use one of \(forms)",
            faults: [FieldFault("registry", problem)])
    }
}
