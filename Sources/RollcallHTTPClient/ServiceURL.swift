// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// A URL whose host is a service: its parts, as they are in the text.
struct ServiceURL: Sendable, Hashable {
    let service: ServiceName
    /// Path and query, with their `/`.
    let target: String

    /// - Throws: ``ServiceURLError``.
    init(_ url: String) throws {
        let rest: Substring
        if url.hasPrefix("http://") {
            rest = url.dropFirst(7)
        } else if url.hasPrefix("https://") {
            rest = url.dropFirst(8)
        } else {
            throw ServiceURLError(url: url, problem: "it begins with neither http:// nor https://")
        }
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let name = rest[..<end]
        guard !name.isEmpty else { throw ServiceURLError(url: url, problem: "it names no service") }
        guard !name.contains(where: { "@:[]".contains($0) }) else {
            throw ServiceURLError(
                url: url, problem: "\"\(name)\" is not a service: user, port and address belong to its instances")
        }
        service = ServiceName(String(name))
        let tail = rest[end...].prefix { $0 != "#" }
        target = tail.hasPrefix("/") ? String(tail) : "/" + tail
    }

    /// The URL at an instance.
    func url(at instance: ServiceInstance, namedPort: String?) throws -> String {
        guard let namedPort else { return instance.endpointURL + target }
        guard let url = instance.registration.endpointURL(port: namedPort) else {
            throw ServiceURLError(
                url: instance.endpointURL + target,
                problem: "the instance \(instance.key) has no port named \"\(namedPort)\"")
        }
        return url + target
    }
}

/// A URL that a request cannot be sent to.
public struct ServiceURLError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The URL as it was given.
    public let url: String
    /// What is wrong with it.
    public let problem: String

    public var description: String { "request to \(url): \(problem)" }
}
