// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// A declared check as it is written on the command line: options between commas, then the kind and its target, such as
/// `id=alive,interval=5s,http:/health`.
struct CheckArgument: ExpressibleByArgument, Sendable {
    var definition: CheckDefinition
    /// Whether the identifier was given; otherwise it is the kind, with a number when there are several.
    private var hasID = false

    static let optionsHelp =
        "Before it, separated by commas: id=, interval=10s, timeout=5s, rise=1, fall=1, deregister-after=1h."

    init?(argument: String) {
        var rest = argument[...]
        var options: [(name: Substring, value: Substring)] = []
        while let comma = rest.firstIndex(of: ","), let equals = rest[..<comma].firstIndex(of: "="),
            !rest[..<equals].contains(":")
        {
            options.append((rest[..<equals], rest[rest.index(after: equals) ..< comma]))
            rest = rest[rest.index(after: comma)...]
        }
        guard let kind = Self.kind(rest) else { return nil }
        definition = CheckDefinition(kind: kind)
        for (name, value) in options where !set(name, String(value)) { return nil }
    }

    private static func kind(_ text: Substring) -> CheckDefinition.Kind? {
        let colon = text.firstIndex(of: ":")
        let target = colon.map { String(text[text.index(after: $0)...]) } ?? ""
        switch text[..<(colon ?? text.endIndex)] {
        case "http": return target.isEmpty ? nil : .http(HTTPCheck(target: target))
        case "https": return .http(HTTPCheck(target: "https:" + target))
        case "tcp": return .tcp(target: target)
        case "grpc": return .grpc(GRPCCheck(service: target))
        case "ttl": return DurationText.parse(target).map { .ttl($0) }
        case "command":
            let arguments = target.split(separator: " ").map(String.init)
            return arguments.isEmpty ? nil : .command(arguments)
        default: return nil
        }
    }

    private mutating func set(_ name: Substring, _ value: String) -> Bool {
        switch name {
        case "id": (definition.id, hasID) = (value, true)
        case "interval": return set(\.interval, DurationText.parse(value))
        case "timeout": return set(\.timeout, DurationText.parse(value))
        case "rise": return set(\.successThreshold, Int(value))
        case "fall": return set(\.failureThreshold, Int(value))
        case "deregister-after": return set(\.deregisterAfter, DurationText.parse(value).map(Optional.some))
        default: return false
        }
        return true
    }

    private mutating func set<Value>(_ path: WritableKeyPath<CheckDefinition, Value>, _ value: Value?) -> Bool {
        guard let value else { return false }
        definition[keyPath: path] = value
        return true
    }

    /// The checks with identifiers of their own: the second one of a kind is `http-2`.
    static func definitions(_ arguments: [CheckArgument]) -> [CheckDefinition] {
        var count: [String: Int] = [:]
        return arguments.map { argument in
            var definition = argument.definition
            guard !argument.hasID else { return definition }
            count[definition.id, default: 0] += 1
            if let number = count[definition.id], number > 1 { definition.id += "-\(number)" }
            return definition
        }
    }
}
