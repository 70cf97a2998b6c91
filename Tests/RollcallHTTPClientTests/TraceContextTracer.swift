// SPDX-License-Identifier: Apache-2.0
// Rollcall

import InMemoryTracing
import Synchronization
import Tracing

/// A tracer that speaks W3C Trace Context and W3C Baggage, and keeps its spans for a test to look at.
struct TraceContextTracer: Tracer {
    let spans: InMemoryTracer

    init() {
        let ids = IDs()
        spans = InMemoryTracer(
            idGenerator: InMemoryTracer.IDGenerator(nextTraceID: { ids.next(digits: 32) }) { ids.next(digits: 16) })
    }

    private final class IDs: Sendable {
        private let last = Mutex<UInt64>(0xABCD_0000)

        func next(digits: Int) -> String {
            let text = last.withLock { last in
                last += 1
                return String(last, radix: 16)
            }
            return String(repeating: "0", count: digits - text.count) + text
        }
    }

    func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> InMemorySpan {
        spans.startSpan(
            operationName, context: context(), ofKind: kind, at: instant(), function: function, file: fileID, line: line)
    }

    func forceFlush() {}

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let span = context.inMemorySpanContext else { return }
        injector.inject("00-\(span.traceID)-\(span.spanID)-01", forKey: "traceparent", into: &carrier)
        if let state = context.traceState { injector.inject(state, forKey: "tracestate", into: &carrier) }
        if let baggage = context.baggage { injector.inject(baggage, forKey: "baggage", into: &carrier) }
    }

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let parent = extractor.extract(key: "traceparent", from: carrier).flatMap(TraceParent.init) else { return }
        context.inMemorySpanContext = InMemorySpanContext(
            traceID: parent.traceID, spanID: parent.spanID, parentSpanID: nil)
        context.traceState = extractor.extract(key: "tracestate", from: carrier)
        context.baggage = extractor.extract(key: "baggage", from: carrier)
    }
}

/// The value of a `traceparent`: version 00, `00-TRACE-PARENT-FLAGS`.
struct TraceParent: Hashable {
    let traceID: String
    let spanID: String

    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, parts[0] == "00", parts[1].count == 32, parts[2].count == 16 else { return nil }
        traceID = parts[1]
        spanID = parts[2]
    }
}

extension ServiceContext {
    private enum TraceStateKey: ServiceContextKey {
        typealias Value = String
    }

    private enum BaggageKey: ServiceContextKey {
        typealias Value = String
    }

    var traceState: String? {
        get { self[TraceStateKey.self] }
        set { self[TraceStateKey.self] = newValue }
    }

    var baggage: String? {
        get { self[BaggageKey.self] }
        set { self[BaggageKey.self] = newValue }
    }
}
