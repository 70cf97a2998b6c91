// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import AsyncHTTPClient
public import Logging
public import NIOCore
internal import NIOHTTP1
public import Rollcall
internal import Tracing

/// An HTTP client whose hosts are services: `http://orders/path` goes to a good instance of `orders`, and to another
/// one when that fails and the request may be repeated.
///
/// ```swift
/// let registry = try await Registries.open("rollcall://127.0.0.1:8500")
/// let client = ServiceHTTPClient(registry.registry)
/// let response = try await client.execute(HTTPClientRequest(url: "http://orders/orders/42"))
/// ```
///
/// Call ``shutdown()`` before the last reference goes: the connections are owned by this object.
public final class ServiceHTTPClient: Sendable {
    /// Finds the instances; also for calls by other protocols, which then share what is learnt.
    public let services: ServiceClient
    private let http: HTTPClient
    private let tracing: CallTracing
    private let deadlineHeader: String?

    /// - Parameters:
    ///   - discovery: It stays the caller's, to be shut down after the client.
    ///   - http: TLS, proxies, pool, connect time-out. See ``standardHTTP``. Redirects are never followed and refused
    ///     connections never waited for: a redirect names a host, not a service, and another instance is better. Its
    ///     `tracing.tracer` makes a span of each try and says in the headers which; `nil` traces nothing, and
    ///     `NoOpTracer`, as in ``standardHTTP``, stands for the tracer of the process at the time of each try.
    ///   - deadlineHeader: A header that tells the instance how many milliseconds the caller waits; `nil` for none.
    public init(
        _ discovery: any Discovery, configuration: ServiceClientConfiguration = ServiceClientConfiguration(),
        http: HTTPClient.Configuration = ServiceHTTPClient.standardHTTP,
        deadlineHeader: String? = "x-envoy-expected-rq-timeout-ms",
        eventLoopGroup: any EventLoopGroup = HTTPClient.defaultEventLoopGroup, time: TimeSource = .system,
        logger: Logger = Logger(label: "rollcall.client")
    ) {
        services = ServiceClient(discovery, configuration: configuration, time: time, logger: logger)
        var http = http
        http.redirectConfiguration = .disallow
        http.connectionPool.retryConnectionEstablishment = false
        // Here instead: one span a try, and headers that replace those of the request.
        tracing = CallTracing(http.tracing.tracer)
        http.tracing.tracer = nil
        self.http = HTTPClient(eventLoopGroup: eventLoopGroup, configuration: http)
        self.deadlineHeader = deadlineHeader
    }

    /// HTTP/1.1, 1 s to connect, 30 s without a byte, up to 128 connections an instance at once before requests share;
    /// traced by the tracer of the process, whenever that is bootstrapped.
    public static var standardHTTP: HTTPClient.Configuration {
        var http = HTTPClient.Configuration()
        http.timeout = HTTPClient.Configuration.Timeout(
            connect: .seconds(1), read: .seconds(30), write: .seconds(30))
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 128
        http.connectionPool.idleTimeout = .seconds(30)
        http.httpVersion = .http1Only
        http.tracing.tracer = NoOpTracer()
        return http
    }

    /// Stops following services and closes the connections. Requests under way fail.
    public func shutdown() async throws {
        await services.shutdown()
        try await http.shutdown()
    }

    /// Sends a request to an instance of the service that its URL names as host.
    ///
    /// The response streams; what is under way at the instance counts until the body is read to its end or dropped. An
    /// answer of the kind that is tried again (429, 500, 502, 503, 504) is returned when no instance had a better one.
    ///
    /// - Parameters:
    ///   - request: Its URL is `http://SERVICE/PATH` or `https://SERVICE/PATH`; which of the two is spoken is said by
    ///     the instance. The `Host` header is the instance's, unless there is one. All other headers go to the instance
    ///     at each try; those of a trace are replaced when a tracer has newer ones.
    ///   - namedPort: A port of the instances that has this name, in place of the primary one.
    ///   - isIdempotent: Whether the request may be acted upon twice and its body can be sent twice. `nil` says so of
    ///     GET, HEAD, OPTIONS, TRACE, PUT and DELETE without a body, and of requests with an `Idempotency-Key` without
    ///     one. A body that is not a stream can be sent twice: say `true` then.
    ///   - hashKey: What requests share that belong to one instance, for balancers with affinity.
    /// - Throws: ``CallError``: what was tried, and why no more; ``ServiceURLError`` for a URL without a service.
    public func execute(
        _ request: HTTPClientRequest, namedPort: String? = nil, isIdempotent: Bool? = nil,
        timeout: Duration? = nil, retry: RetryPolicy? = nil, hashKey: UInt64? = nil
    ) async throws -> HTTPClientResponse {
        let target = try ServiceURL(request.url)
        let time = services.time
        let options = CallOptions(
            isIdempotent: isIdempotent ?? Self.isRepeatable(request),
            deadline: Deadline(after: timeout, now: time.now()), retry: retry, hashKey: hashKey)
        return try await services.call(target.service, options) { [http, tracing, deadlineHeader] instance in
            var request = request
            request.url = try target.url(at: instance.instance, namedPort: namedPort)
            if let deadlineHeader, let rest = try instance.deadline.milliseconds(now: time.now()) {
                request.headers.replaceOrAdd(name: deadlineHeader, value: rest)
            }
            let port = namedPort.flatMap { instance.instance.registration.namedPorts[$0] } ?? instance.port
            var response = try await tracing.withSpan(request, at: instance, port: port) { request in
                // The client ends the try when its time is over.
                try await http.execute(request, deadline: .distantFuture)
            }
            response.body = .stream(HeldBody(response.body, instance.holdLoad(time)))
            return response
        } judge: {
            CallReport(http: $0)
        }
    }

    private static func isRepeatable(_ request: HTTPClientRequest) -> Bool {
        guard request.body == nil else { return false }
        return RetryPolicy.isIdempotent(method: request.method.rawValue)
            || request.headers.contains(name: "idempotency-key")
    }
}
