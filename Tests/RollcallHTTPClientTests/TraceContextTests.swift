// SPDX-License-Identifier: Apache-2.0
// Rollcall

import AsyncHTTPClient
import InMemoryTracing
import NIOCore
import NIOHTTP1
import Rollcall
import RollcallHTTPClient
import Synchronization
import Testing
import Tracing

@Suite("The trace that a call belongs to", .timeLimit(.minutes(1)))
struct TraceContextTests {
    private static let callerTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let callerSpan = "00f067aa0ba902b7"
    private static let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private let tracer = TraceContextTracer()

    /// As one has it within a request that is being served.
    private var callerContext: ServiceContext {
        var context = ServiceContext.topLevel
        context.inMemorySpanContext = InMemorySpanContext(
            traceID: Self.callerTrace, spanID: Self.callerSpan, parentSpanID: nil)
        context.traceState = "vendor=1"
        context.baggage = "user=7"
        return context
    }

    private var traced: HTTPClient.Configuration {
        var http = ServiceHTTPClient.standardHTTP
        http.tracing.tracer = tracer
        return http
    }

    private func withClient(
        _ ports: [Int], http: HTTPClient.Configuration, _ body: (ServiceHTTPClient) async throws -> Void
    ) async throws {
        try await ServiceHTTPClientTests().withClient(ports, http: http, body)
    }

    /// The values of a header in a request as the server received it.
    private func values(_ name: String, in received: String) -> [String] {
        received.split(separator: "\n").filter { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
    }

    private func parent(in received: String) throws -> TraceParent {
        let values = values("traceparent", in: received)
        #expect(values.count == 1)
        return try #require(values.first.flatMap(TraceParent.init))
    }

    private func get(_ client: ServiceHTTPClient, _ headers: [(String, String)] = []) async throws {
        var request = HTTPClientRequest(url: "http://web/a?b=c")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await client.execute(request)
        _ = try await response.body.collect(upTo: 4096)
    }

    @Test("goes on at the instance, in a span of its own")
    func passedOn() async throws {
        let server = try await EchoServer.start(status: .ok)
        try await withClient([server.port], http: traced) { client in
            try await ServiceContext.withValue(callerContext) { try await get(client) }
        }
        let received = try #require(server.received.first)
        let parent = try parent(in: received)
        #expect(parent.traceID == Self.callerTrace)
        #expect(values("tracestate", in: received) == ["vendor=1"])
        #expect(values("baggage", in: received) == ["user=7"])
        let span = try #require(tracer.spans.finishedSpans.first)
        #expect(tracer.spans.finishedSpans.count == 1)
        #expect(span.spanContext.spanID == parent.spanID)
        #expect(span.spanContext.parentSpanID == Self.callerSpan)
        #expect(span.operationName == "GET")
        #expect(span.kind == .client)
        #expect(span.attributes["url.full"]?.toSpanAttribute() == "http://127.0.0.1:\(server.port)/a?b=c")
        #expect(span.attributes["rollcall.service"]?.toSpanAttribute() == "web")
        #expect(span.attributes["server.port"]?.toSpanAttribute() == .int64(Int64(server.port)))
        #expect(span.attributes["http.response.status_code"]?.toSpanAttribute() == 200)
        #expect(span.status == nil)
        try await server.stop()
    }

    @Test("has a span for each try, and each instance is told of its own")
    func retries() async throws {
        let bad = try await EchoServer.start(status: .badGateway)
        try await withClient([bad.port], http: traced) { client in
            try await ServiceContext.withValue(callerContext) { try await get(client) }
        }
        let parents = try bad.received.map { try parent(in: $0) }
        #expect(parents.count == 3)
        #expect(Set(parents).count == 3)
        #expect(Set(parents.map(\.traceID)) == [Self.callerTrace])
        let spans = tracer.spans.finishedSpans
        #expect(spans.map(\.spanContext.spanID) == parents.map(\.spanID))
        #expect(spans.allSatisfy { $0.spanContext.parentSpanID == Self.callerSpan })
        let counts = spans.map { $0.attributes["http.request.resend_count"]?.toSpanAttribute() }
        #expect(counts == [nil, 1, 2])
        #expect(spans.allSatisfy { $0.status == SpanStatus(code: .error) })
        try await bad.stop()
    }

    @Test("shows the tries that found nobody")
    func refused() async throws {
        let dead = try await EchoServer.start(status: .ok)
        try await dead.stop()
        try await withClient([dead.port], http: traced) { client in
            await #expect(throws: CallError.self) { try await get(client) }
        }
        let spans = tracer.spans.finishedSpans
        #expect(spans.count == 3)
        #expect(spans.allSatisfy { $0.status == SpanStatus(code: .error) && $0.errors.count == 1 })
    }

    @Test("is passed on by the headers of the request alone when there is no tracer, at each try")
    func givenWithoutTracer() async throws {
        let bad = try await EchoServer.start(status: .badGateway)
        try await withClient([bad.port], http: ServiceHTTPClient.standardHTTP) { client in
            try await get(
                client, [("traceparent", Self.given), ("tracestate", "vendor=2"), ("baggage", "user=8")])
        }
        #expect(bad.received.count == 3)
        for received in bad.received {
            #expect(values("traceparent", in: received) == [Self.given])
            #expect(values("tracestate", in: received) == ["vendor=2"])
            #expect(values("baggage", in: received) == ["user=8"])
        }
        try await bad.stop()
    }

    @Test("is that of the request's headers when the caller is in none")
    func givenWithoutContext() async throws {
        let server = try await EchoServer.start(status: .ok)
        try await withClient([server.port], http: traced) { client in
            try await get(
                client, [("traceparent", Self.given), ("tracestate", "a=1"), ("tracestate", "b=2"), ("x-kind", "test")])
        }
        let received = try #require(server.received.first)
        let (parent, given) = (try parent(in: received), try #require(TraceParent(Self.given)))
        #expect(parent.traceID == given.traceID)
        #expect(parent.spanID != given.spanID)
        #expect(values("tracestate", in: received) == ["a=1,b=2"])
        #expect(values("x-kind", in: received) == ["test"])
        #expect(tracer.spans.finishedSpans.map(\.spanContext.parentSpanID) == [given.spanID])
        try await server.stop()
    }

    @Test("is the caller's rather than that of the request's headers, whose state is dropped with them")
    func givenWithContext() async throws {
        let server = try await EchoServer.start(status: .ok)
        var context = callerContext
        context.traceState = nil
        context.baggage = nil
        try await withClient([server.port], http: traced) { client in
            try await ServiceContext.withValue(context) {
                try await get(
                    client, [("Traceparent", Self.given), ("tracestate", "vendor=2"), ("baggage", "user=8")])
            }
        }
        let received = try #require(server.received.first)
        #expect(try parent(in: received).traceID == Self.callerTrace)
        #expect(values("tracestate", in: received) == [])
        #expect(values("baggage", in: received) == ["user=8"])
        try await server.stop()
    }

    @Test("is told by the tracer that is there at the time of the call, not at that of the client")
    func lateTracer() async throws {
        let server = try await EchoServer.start(status: .ok)
        try await withClient([server.port], http: ServiceHTTPClient.standardHTTP) { client in
            try await get(client)
            try await withTracer(tracer) {
                try await ServiceContext.withValue(callerContext) { try await get(client) }
            }
        }
        #expect(server.received.count == 2)
        #expect(values("traceparent", in: server.received[0]) == [])
        #expect(try parent(in: server.received[1]).traceID == Self.callerTrace)
        try await server.stop()
    }

    @Test("ends here when tracing is off")
    func off() async throws {
        let server = try await EchoServer.start(status: .ok)
        var http = ServiceHTTPClient.standardHTTP
        http.tracing.tracer = nil
        try await withClient([server.port], http: http) { client in
            try await withTracer(tracer) {
                try await ServiceContext.withValue(callerContext) { try await get(client) }
            }
        }
        let received = try #require(server.received.first)
        #expect(values("traceparent", in: received) == [])
        #expect(tracer.spans.finishedSpans.isEmpty)
        try await server.stop()
    }

    @Test("is there for calls by other protocols too, at each try")
    func otherProtocols() async throws {
        struct Lost: CallFailureConvertible {
            var callFailure: CallFailure { .connectionLost }
        }
        let seen = Mutex<[String?]>([])
        try await withClient([1, 2], http: ServiceHTTPClient.standardHTTP) { client in
            _ = try? await ServiceContext.withValue(callerContext) {
                try await client.services.withInstance(of: "web", CallOptions(isIdempotent: true)) { _ in
                    seen.withLock { $0.append(ServiceContext.current?.inMemorySpanContext?.traceID) }
                    throw Lost()
                }
            }
        }
        #expect(seen.withLock { $0 } == Array(repeating: Self.callerTrace, count: 3))
    }

    @Test("does not hold what the client does for all callers")
    func background() async throws {
        let discovery = NotingDiscovery()
        let client = ServiceClient(discovery)
        try await ServiceContext.withValue(callerContext) { _ = try await client.lookup("web") }
        #expect(discovery.wasTraced.withLock { $0 } == [false])
        await client.shutdown()
        await discovery.registry.shutdown()
    }
}

/// A registry that notes for each watch whether it was begun within a trace.
private final class NotingDiscovery: Discovery {
    let registry = LocalRegistry()
    let wasTraced = Mutex<[Bool]>([])

    func services() async throws(RegistryError) -> [ServiceSummary] { try await registry.services() }

    func lookup(_ service: ServiceName) async throws(RegistryError) -> ServiceSnapshot {
        try await registry.lookup(service)
    }

    func watch(_ scope: WatchScope, from revision: Revision?) -> Watch {
        wasTraced.withLock { $0.append(ServiceContext.current != nil) }
        return registry.watch(scope, from: revision)
    }
}
