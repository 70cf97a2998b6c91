// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The text exposition format of Prometheus, version 0.0.4.
enum PrometheusText {
    static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    static func render(_ families: [String: PrometheusFactory.Family]) -> String {
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            if let help = family.help { text += "# HELP \(name) \(escapedHelp(help))\n" }
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, cell) in family.cells.sorted(by: { $0.key < $1.key }) {
                switch cell {
                case .counter(let counter): text += line(name, labels, String(counter.value))
                case .sum(let gauge), .gauge(let gauge): text += line(name, labels, number(gauge.value))
                case .histogram(let histogram): write(histogram, name, labels, to: &text)
                }
            }
        }
        return text
    }

    private static func write(
        _ histogram: PrometheusHistogram, _ name: String, _ labels: String, to text: inout String
    ) {
        let (cumulative, sum) = histogram.read()
        let prefix = labels.isEmpty ? "" : labels + ","
        for (index, count) in cumulative.enumerated() {
            let bound = index < histogram.bounds.count ? number(histogram.bounds[index]) : "+Inf"
            text += line(name + "_bucket", prefix + "le=\"\(bound)\"", String(count))
        }
        text += line(name + "_sum", labels, number(sum))
        text += line(name + "_count", labels, String(cumulative.last ?? 0))
    }

    private static func line(_ name: String, _ labels: String, _ value: String) -> String {
        labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    /// Whole numbers without a fraction; infinities and not-a-number as the format spells them.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(describing: value)
    }

    /// `a="x",b="y"`: the inside of the braces, sorted by name.
    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.map { (labelName($0.0), escapedValue($0.1)) }
            .sorted { $0.0 < $1.0 }
            .map { "\($0.0)=\"\($0.1)\"" }
            .joined(separator: ",")
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`; every other character becomes an underscore.
    static func metricName(_ label: String) -> String { name(label, allowingColon: true) }

    private static func labelName(_ label: String) -> String { name(label, allowingColon: false) }

    private static func name(_ label: String, allowingColon: Bool) -> String {
        var name = ""
        for scalar in label.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": name.unicodeScalars.append(scalar)
            case "0"..."9":
                if name.isEmpty { name = "_" }
                name.unicodeScalars.append(scalar)
            case ":" where allowingColon: name.unicodeScalars.append(scalar)
            default: name += "_"
            }
        }
        return name.isEmpty ? "_" : name
    }

    private static func escapedValue(_ text: String) -> String {
        escaped(text, quote: true)
    }

    private static func escapedHelp(_ text: String) -> String {
        escaped(text, quote: false)
    }

    private static func escaped(_ text: String, quote: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
