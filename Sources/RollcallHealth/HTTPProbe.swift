// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
public import NIOCore
internal import NIOHTTP1
internal import NIOSSL
public import Rollcall

/// Sends an HTTP request on a connection of its own, as a caller who comes anew would. Redirects are not followed: an
/// answer that leads elsewhere says nothing about this instance. Its outputs are in Consul's words, whose clients and
/// dashboards show them.
public final class HTTPProbe: HealthProbe {
    private let client: HTTPClient

    /// What of a body is read to look for a text.
    static let searchedBytes = 64 * 1024
    /// What of a body is shown.
    static let shownBytes = 4096

    /// - Parameter group: Where connections are served; by default the one of the process.
    public init(group: (any EventLoopGroup)? = nil) {
        let group = group ?? HTTPClient.defaultEventLoopGroup
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.httpVersion = .http1Only
        // The time-out of each check bounds all of it.
        configuration.timeout.connect = .seconds(600)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1024
        client = HTTPClient(eventLoopGroup: group, configuration: configuration)
    }

    /// Closes what is open. Rounds that run fail.
    public func shutdown() async { try? await client.shutdown() }

    public func probe(_ check: CheckDefinition, of instance: ServiceInstance) async -> CheckResult {
        guard case .http(let http) = check.kind else { return .wrongKind(check) }
        let url = instance.registration.url(of: http)
        do {
            return try await within(check.timeout) { [client] in
                try await Self.ask(client, http, url: url, timeout: check.timeout)
            }
        } catch {
            let method = http.method.prefix(1) + http.method.dropFirst().lowercased()
            return CheckResult(.critical, "\(method) \"\(url)\": \(explanation(of: error, timeout: check.timeout))")
        }
    }

    private static func ask(_ client: HTTPClient, _ http: HTTPCheck, url: String, timeout: Duration) async throws
        -> CheckResult
    {
        let response = try await client.execute(request(http, url: url), timeout: TimeAmount(timeout))
        var answer = "HTTP \(http.method) \(url): \(response.status.code) \(response.status.reasonPhrase)"
        let code = Int(response.status.code)
        let isExpected = http.expectedStatus.contains(code)
        if isExpected, let text = http.bodyContains {
            let body = try await read(response.body, most: searchedBytes)
            guard !contains(body, Array(text.utf8)) else { return CheckResult(.passing, shown(answer, body)) }
            let place = body.count == searchedBytes ? "the first 64 KiB of the body do" : "the body does"
            return CheckResult(.critical, "\(answer), but \(place) not contain \"\(text)\"")
        }
        let body = try await read(response.body, most: shownBytes)
        if isExpected { return CheckResult(.passing, shown(answer, body)) }
        let expected = http.expectedStatus
        if expected != HTTPCheck.defaultStatus {
            let isOne = expected.lowerBound == expected.upperBound
            answer += ", expected \(expected.lowerBound)\(isOne ? "" : "-\(expected.upperBound)")"
        }
        return CheckResult(code == 429 ? .warning : .critical, shown(answer, body))
    }

    private static func shown(_ answer: String, _ body: [UInt8]) -> String {
        "\(answer) Output: \(String(decoding: body.prefix(shownBytes), as: UTF8.self))"
    }

    private static func request(_ http: HTTPCheck, url: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: http.method)
        request.headers.add(name: "user-agent", value: "rollcall-health-check")
        request.headers.add(name: "connection", value: "close")
        for (name, value) in http.headers { request.headers.replaceOrAdd(name: name, value: value) }
        if !http.body.isEmpty { request.body = .bytes(ByteBuffer(string: http.body)) }
        if http.skipsVerification {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.certificateVerification = .none
            request.tlsConfiguration = tls
        }
        return request
    }

    /// At most `most` bytes; the rest is never read: the connection is closed.
    private static func read(_ body: HTTPClientResponse.Body, most: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await part in body {
            bytes.append(contentsOf: part.readableBytesView.prefix(most - bytes.count))
            if bytes.count == most { break }
        }
        return bytes
    }

    private static func contains(_ bytes: [UInt8], _ text: [UInt8]) -> Bool {
        guard let first = text.first, bytes.count >= text.count else { return false }
        var start = bytes.startIndex
        while let index = bytes[start...].firstIndex(of: first), index + text.count <= bytes.count {
            if bytes[index ..< index + text.count].elementsEqual(text) { return true }
            start = index + 1
        }
        return false
    }
}

extension CheckResult {
    /// A probe was given a check that is not its own.
    static func wrongKind(_ check: CheckDefinition) -> CheckResult {
        CheckResult(.critical, "a check of the kind \(check.kind.name) cannot be run here")
    }

    static func wrongTarget(_ text: String) -> CheckResult {
        CheckResult(.critical, "the target \"\(text)\" is not host:port")
    }
}
