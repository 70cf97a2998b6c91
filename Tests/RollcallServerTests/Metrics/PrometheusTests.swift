// SPDX-License-Identifier: Apache-2.0
// Rollcall

import CoreMetrics
import Testing

@testable import RollcallServer

@Suite("Metrics in the Prometheus text format")
struct PrometheusTests {
    @Test("names, labels and help are escaped as the format wants")
    func escaping() {
        let factory = PrometheusFactory(help: ["a.b-c": "back\\slash\nand \"quotes\""])
        Counter(label: "a.b-c", dimensions: [("z", "1"), ("a:b", "x\\y\n\"q\"")], factory: factory).increment(by: 3)
        #expect(
            factory.exposition() == #"""
                # HELP a_b_c_total back\\slash\nand "quotes"
                # TYPE a_b_c_total counter
                a_b_c_total{a_b="x\\y\n\"q\"",z="1"} 3

                """#)
        #expect(PrometheusText.metricName("9é:x") == "_9_:x")
        #expect(PrometheusText.metricName("") == "_")
    }

    @Test("HELP and TYPE stand once above all series of a name")
    func families() {
        let factory = PrometheusFactory(help: ["requests": "Requests."])
        for route in ["b", "a"] { Counter(label: "requests", dimensions: [("r", route)], factory: factory).increment() }
        Meter(label: "open", factory: factory).set(1.5)
        #expect(
            factory.exposition() == """
                # TYPE open gauge
                open 1.5
                # HELP requests_total Requests.
                # TYPE requests_total counter
                requests_total{r="a"} 1
                requests_total{r="b"} 1

                """)
    }

    @Test("the same label and dimensions are the same series, in any order")
    func identity() {
        let factory = PrometheusFactory()
        Counter(label: "c", dimensions: [("a", "1"), ("b", "2")], factory: factory).increment()
        Counter(label: "c", dimensions: [("b", "2"), ("a", "1")], factory: factory).increment()
        #expect(factory.exposition() == "# TYPE c_total counter\nc_total{a=\"1\",b=\"2\"} 2\n")
    }

    @Test("a name that is taken by another type is not shown twice")
    func kinds() {
        let factory = PrometheusFactory()
        Meter(label: "x_total", factory: factory).set(1)
        Counter(label: "x", factory: factory).increment()
        #expect(factory.exposition() == "# TYPE x_total gauge\nx_total 1\n")
    }

    @Test("durations are seconds; buckets are cumulative, their bounds inclusive, and the last is the count")
    func histogram() throws {
        let factory = PrometheusFactory()
        let timer = Timer(label: "d", dimensions: [("r", "x")], factory: factory)
        let recorded: [Int64] = [1, 10_000, 10_001, 1_000_000, 2_500_000_000, 60_000_000_000]
        for nanoseconds in recorded { timer.recordNanoseconds(nanoseconds) }
        var buckets: [(bound: Double, count: Int)] = []
        let lines = factory.exposition().split(separator: "\n")
        #expect(lines.first == "# TYPE d_seconds histogram")
        for line in lines where line.hasPrefix("d_seconds_bucket{r=\"x\",le=\"") {
            let parts = line.split(separator: "\"")
            let bound = parts[3] == "+Inf" ? Double.infinity : try #require(Double(String(parts[3])))
            buckets.append((bound, try #require(Int(String(parts[4].dropFirst(2))))))
        }
        #expect(buckets.map(\.bound) == PrometheusFactory.durationBounds + [.infinity])
        for (bound, count) in buckets {
            #expect(count == recorded.count { Double($0) / 1e9 <= bound }, "le=\(bound)")
        }
        #expect(lines.contains("d_seconds_count{r=\"x\"} \(recorded.count)"))
        let sum = try #require(lines.first { $0.hasPrefix("d_seconds_sum") }?.split(separator: " ").last)
        #expect(abs(Double(String(sum)).map { $0 - 62.501_020_002 } ?? 1) < 1e-9)
    }

    @Test("numbers are written as the format spells them")
    func numbers() {
        let values: [Double] = [0, 1, -3, 0.25, 1e-5, .infinity, -.infinity, .nan, 1e15]
        let texts = ["0", "1", "-3", "0.25", "1e-05", "+Inf", "-Inf", "NaN", "1000000000000000"]
        #expect(values.map(PrometheusText.number) == texts)
    }

    @Test("a route counts its answers by class and keeps statuses out of range within the classes")
    func routes() {
        let factory = PrometheusFactory()
        let route = ServerMetrics(factory: factory).route("GET /x")
        for status in [200, 204, 404, 503, 0, 999] { route.record(status: status, nanoseconds: 5) }
        let text = factory.exposition()
        for (code, count) in [("1xx", 1), ("2xx", 2), ("3xx", 0), ("4xx", 1), ("5xx", 2)] {
            #expect(text.contains("rollcall_http_requests_total{code=\"\(code)\",route=\"GET /x\"} \(count)\n"))
        }
        #expect(text.contains("rollcall_http_request_duration_seconds_count{route=\"GET /x\"} 6\n"))
    }

    @Test("what many threads add is all counted")
    func concurrency() async {
        let factory = PrometheusFactory()
        let counter = Counter(label: "c", factory: factory)
        let meter = Meter(label: "m", factory: factory)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0 ..< 8 {
                group.addTask {
                    for _ in 0 ..< 1000 {
                        counter.increment()
                        meter.increment()
                    }
                }
            }
        }
        let text = factory.exposition()
        #expect(text.contains("c_total 8000\n") && text.contains("m 8000\n"))
    }
}
