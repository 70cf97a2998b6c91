// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Rollcall

/// One key of the server's configuration: its name, what it may be, and where it goes.
///
/// `brake.window` in a file is `window` below `brake`, in the environment `ROLLCALL_BRAKE_WINDOW`, and as a flag
/// `--set brake.window=60s`.
struct ServeKey: Sendable {
    let name: String
    /// What a value has to be, as it follows "but" and precedes "was expected".
    let expected: String
    /// What it means, one line.
    let summary: String
    /// Sets the value; `false` when it is not a fit one.
    let set: @Sendable (inout ServeConfiguration, String) -> Bool
    /// The present value, in the form in which it is set.
    let get: @Sendable (ServeConfiguration) -> String

    var environmentName: String {
        "ROLLCALL_" + name.uppercased().map { $0 == "." || $0 == "-" ? "_" : String($0) }.joined()
    }

    static func named(_ name: String) -> ServeKey? { all.first { $0.name == name } }

    /// The settings that the environment makes. Other variables that begin with `ROLLCALL_` are not looked at: programs
    /// that run beside the server have their own.
    static func settings(variable: (String) -> String?) -> [ServeSetting] {
        all.compactMap { key in
            let name = key.environmentName
            return variable(name).map { ServeSetting(key: key.name, value: $0, source: .environment(name)) }
        }
    }

    /// The key whose name takes the fewest edits to come from `name`, when that is few enough to be a slip.
    static func nearest(to name: String) -> String? {
        let best = all.map { ($0.name, EditDistance.between($0.name, name)) }.min { $0.1 < $1.1 }
        if let best, best.1 <= max(2, name.count / 3) { return best.0 }
        // `window` for `brake.window`.
        return all.first { $0.name.hasSuffix("." + name) }?.name
    }
}

extension ServeKey {
    typealias Path<Value> = any WritableKeyPath<ServeConfiguration, Value> & Sendable

    static func duration(
        _ name: String, _ path: Path<Duration>, _ range: ClosedRange<Duration>, _ summary: String
    ) -> ServeKey {
        ServeKey(
            name: name, expected: "a duration between \(range.lowerBound.brief) and \(range.upperBound.brief)",
            summary: summary,
            set: { configuration, text in
                guard let value = DurationText.parse(text), range.contains(value) else { return false }
                configuration[keyPath: path] = value
                return true
            },
            get: { $0[keyPath: path].brief })
    }

    static func count(_ name: String, _ path: Path<Int>, _ range: ClosedRange<Int>, _ summary: String) -> ServeKey {
        ServeKey(
            name: name, expected: "a whole number between \(range.lowerBound) and \(range.upperBound)",
            summary: summary,
            set: { configuration, text in
                guard let value = Int(text), range.contains(value) else { return false }
                configuration[keyPath: path] = value
                return true
            },
            get: { String($0[keyPath: path]) })
    }

    static func share(_ name: String, _ path: Path<Double>, _ summary: String) -> ServeKey {
        ServeKey(
            name: name, expected: "a share between 0 and 1", summary: summary,
            set: { configuration, text in
                guard let value = Double(text), (0 ... 1).contains(value) else { return false }
                configuration[keyPath: path] = value
                return true
            },
            get: { String($0[keyPath: path]) })
    }

    static func flag(_ name: String, _ path: Path<Bool>, _ summary: String) -> ServeKey {
        ServeKey(
            name: name, expected: "true or false", summary: summary,
            set: { configuration, text in
                guard let value = Bool(text) else { return false }
                configuration[keyPath: path] = value
                return true
            },
            get: { String($0[keyPath: path]) })
    }
}
