// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import NIOHTTP1
internal import Rollcall
internal import Tracing

/// Makes the tries of a call part of the trace that the caller is in: each has a span of its own, and the headers tell
/// the instance which.
///
/// The tracer decides which headers these are; one that speaks W3C Trace Context sends `traceparent`, `tracestate` and
/// `baggage`. Without a tracer the headers that the request brings go along as they are.
struct CallTracing: Sendable {
    /// `nil` is the process's own: what was bootstrapped, or is bound to the task, at the time of the try.
    private let tracer: (any Tracer)?
    private let isEnabled: Bool

    /// - Parameter configured: `nil` traces nothing; one that does nothing stands for the process's own.
    init(_ configured: (any Tracer)?) {
        isEnabled = configured != nil
        tracer = configured is NoOpTracer ? nil : configured
    }

    /// Carries out one try.
    ///
    /// The span ends with the head of the answer, as the latency that balancers go by. Its attributes are those of
    /// OpenTelemetry's semantic conventions for HTTP clients, and the service and the instance by their names.
    func withSpan(
        _ request: HTTPClientRequest, at target: CallTarget, port: UInt16,
        _ send: (HTTPClientRequest) async throws -> HTTPClientResponse
    ) async throws -> HTTPClientResponse {
        guard isEnabled else { return try await send(request) }
        let instrument: any Instrument = self.tracer ?? InstrumentationSystem.instrument
        // Nothing was bootstrapped: a tracer would be part of it.
        if instrument is NoOpInstrument { return try await send(request) }
        let tracer = self.tracer ?? InstrumentationSystem.tracer
        let context = Self.context(of: request, instrument)
        return try await tracer.withSpan(request.method.rawValue, context: context, ofKind: .client) { span in
            var request = request
            Self.inject(span.context, into: &request.headers, instrument)
            Self.describe(request, at: target, port: port, span)
            do {
                let response = try await send(request)
                Self.describe(response, span)
                return response
            } catch {
                span.attributes["error.type"] = "\(type(of: error))"
                span.setStatus(SpanStatus(code: .error))
                throw error
            }
        }
    }

    /// The context that the span begins in: the caller's, or when there is none, what the request itself brings, as one
    /// does that is passed on from another caller.
    private static func context(of request: HTTPClientRequest, _ instrument: any Instrument) -> ServiceContext {
        if let current = ServiceContext.current { return current }
        var context = ServiceContext.topLevel
        instrument.extract(request.headers, into: &context, using: HeaderReader())
        return context
    }

    /// Puts the headers of `context` in the place of those that the request brought: of more than one `traceparent` a
    /// receiver believes none (W3C Trace Context), and the `tracestate` of another parent is not this one's.
    private static func inject(
        _ context: ServiceContext, into headers: inout HTTPHeaders, _ instrument: any Instrument
    ) {
        var injected = HTTPHeaders()
        instrument.inject(context, into: &injected, using: HeaderWriter())
        if injected.contains(name: "traceparent") { headers.remove(name: "tracestate") }
        for (name, _) in injected { headers.remove(name: name) }
        headers.add(contentsOf: injected)
    }

    private static func describe(
        _ request: HTTPClientRequest, at target: CallTarget, port: UInt16, _ span: any Tracing.Span
    ) {
        guard span.isRecording else { return }
        span.attributes["http.request.method"] = request.method.rawValue
        span.attributes["url.full"] = request.url
        span.attributes["server.address"] = target.host
        span.attributes["server.port"] = Int(port)
        span.attributes["rollcall.service"] = target.instance.service.value
        span.attributes["rollcall.instance"] = target.instance.id.value
        if target.attempt > 0 { span.attributes["http.request.resend_count"] = target.attempt }
    }

    private static func describe(_ response: HTTPClientResponse, _ span: any Tracing.Span) {
        guard span.isRecording else { return }
        span.attributes["http.response.status_code"] = Int(response.status.code)
        guard response.status.code >= 400 else { return }
        span.attributes["error.type"] = "\(response.status.code)"
        span.setStatus(SpanStatus(code: .error))
    }
}

private struct HeaderWriter: Injector {
    func inject(_ value: String, forKey key: String, into headers: inout HTTPHeaders) {
        headers.add(name: key, value: value)
    }
}

private struct HeaderReader: Extractor {
    /// Several fields of one name are one list.
    func extract(key: String, from headers: HTTPHeaders) -> String? {
        let values = headers[key]
        return values.isEmpty ? nil : values.joined(separator: ",")
    }
}
