// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import CoreMetrics
internal import Synchronization

/// A backend of swift-metrics that is read by a Prometheus server.
///
/// Making a handle takes a lock, recording does not. A handle with a label and dimensions that exist is the same one.
public final class PrometheusFactory: MetricsFactory {
    enum Kind: String, Hashable, Sendable {
        case counter, gauge, histogram
    }

    enum Cell: Sendable {
        case counter(PrometheusCounter)
        case sum(PrometheusGauge)
        case gauge(PrometheusGauge)
        case histogram(PrometheusHistogram)

        var kind: Kind {
            switch self {
            case .counter, .sum: .counter
            case .gauge: .gauge
            case .histogram: .histogram
            }
        }
    }

    /// All metrics of one name.
    struct Family: Sendable {
        var kind: Kind
        var help: String?
        /// By dimensions, rendered as they are shown.
        var cells: [String: Cell] = [:]
    }

    /// Upper bounds for durations, in seconds.
    public static let durationBounds: [Double] = [
        0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]
    /// Upper bounds for sizes and numbers.
    public static let sizeBounds: [Double] = [1, 2, 5, 10, 20, 50, 100, 1000, 10_000, 100_000, 1_000_000]

    private let help: [String: String]
    private let families = Mutex<[String: Family]>([:])

    /// - Parameter help: By label, a sentence that is shown with the metric.
    public init(help: [String: String] = [:]) {
        self.help = help
    }

    /// All metrics in the text format of Prometheus, version 0.0.4.
    public func exposition() -> String {
        PrometheusText.render(families.withLock { $0 })
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let cell = cell(label, dimensions, suffix: "_total") { .counter(PrometheusCounter()) }
        if case .counter(let counter) = cell { return counter }
        return PrometheusCounter()
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        let cell = cell(label, dimensions, suffix: "_total") { .sum(PrometheusGauge()) }
        if case .sum(let gauge) = cell { return gauge }
        return PrometheusGauge()
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return gauge(label, dimensions) }
        let cell = cell(label, dimensions, suffix: "") {
            .histogram(PrometheusHistogram(bounds: Self.sizeBounds, scale: 1))
        }
        if case .histogram(let histogram) = cell { return histogram }
        return PrometheusHistogram(bounds: Self.sizeBounds, scale: 1)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let cell = cell(label, dimensions, suffix: "_seconds") {
            .histogram(PrometheusHistogram(bounds: Self.durationBounds, scale: 1e-9))
        }
        if case .histogram(let histogram) = cell { return histogram }
        return PrometheusHistogram(bounds: Self.durationBounds, scale: 1e-9)
    }

    // A series that was shown once is shown until the process ends: one that disappears looks like a fault to whoever
    // reads it. Handles are few and made at start.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> PrometheusGauge {
        let cell = cell(label, dimensions, suffix: "") { .gauge(PrometheusGauge()) }
        if case .gauge(let gauge) = cell { return gauge }
        return PrometheusGauge()
    }

    /// The cell of a name and dimensions. A name that is taken by another kind gets a cell that is not shown, because a
    /// name can have one type only.
    private func cell(
        _ label: String, _ dimensions: [(String, String)], suffix: String, make: () -> Cell
    ) -> Cell {
        let base = PrometheusText.metricName(label)
        let name = base.hasSuffix(suffix) ? base : base + suffix
        let key = PrometheusText.labels(dimensions)
        return families.withLock { families in
            let existing = families[name]
            if let cell = existing?.cells[key] { return cell }
            let cell = make()
            var family = existing ?? Family(kind: cell.kind, help: help[label])
            guard family.kind == cell.kind else { return cell }
            family.cells[key] = cell
            families[name] = family
            return cell
        }
    }
}
