// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallConsul
import RollcallTesting
import Testing

@Suite("Filter expressions of random content")
struct FilterPropertyTests {
    @Test("say what a plain evaluation says", arguments: [1, 2, 3, 4] as [UInt64])
    func evaluation(seed: UInt64) throws {
        var source = RandomFilter(seed: seed)
        for round in 0 ..< 2000 {
            let (text, expected) = source.expression(depth: 4)
            let filter = try Filter.parse(text, schema: .serviceHealth)
            #expect(filter.matches(SampleSubject.health) == expected, "seed \(seed), round \(round): \(text)")
        }
    }

    @Test("that are damaged are refused or read, and nothing worse", arguments: [5, 6] as [UInt64])
    func damage(seed: UInt64) throws {
        var source = RandomFilter(seed: seed)
        let inserts = Array("()[]\"`.\\ notandorinis==!=*+?{}|^$\n\t\0é-0123456789".unicodeScalars)
        var read = 0
        for _ in 0 ..< 5000 {
            var scalars = Array(source.expression(depth: 3).text.unicodeScalars)
            for _ in 0 ... source.below(4) {
                let place = source.below(scalars.count)
                switch source.below(3) {
                case 0: scalars.remove(at: place)
                case 1: scalars.insert(inserts[source.below(inserts.count)], at: place)
                default: scalars[place] = inserts[source.below(inserts.count)]
                }
                if scalars.isEmpty { scalars = [" "] }
            }
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars)
            do throws(FilterError) {
                let filter = try Filter.parse(text, schema: .serviceHealth)
                _ = filter.matches(SampleSubject.health)
                read += 1
            } catch {
                #expect(!error.problem.isEmpty, "seed \(seed): \(text)")
            }
        }
        #expect(read > 0)
    }
}

/// Random expressions over the fields of ``SampleSubject/health``, with what they say of it.
struct RandomFilter {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0 ..< bound, using: &generator) }

    private mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }

    mutating func expression(depth: Int) -> (text: String, holds: Bool) {
        guard depth > 0 else { return condition() }
        switch below(6) {
        case 0:
            let inner = operand(depth)
            return ("not\(space())\(inner.text)", !inner.holds)
        case 1, 2:
            var (text, holds) = operand(depth)
            for _ in 0 ... below(2) {
                let next = operand(depth)
                text += "\(space())and\(space())\(next.text)"
                holds = holds && next.holds
            }
            return (text, holds)
        case 3, 4:
            var (text, holds) = conjunction(depth)
            for _ in 0 ... below(2) {
                let next = conjunction(depth)
                text += "\(space())or\(space())\(next.text)"
                holds = holds || next.holds
            }
            return (text, holds)
        default: return condition()
        }
    }

    /// Something that needs no parentheses around it in an `or`.
    private mutating func conjunction(_ depth: Int) -> (text: String, holds: Bool) {
        let (one, other) = (operand(depth), operand(depth))
        if below(2) == 0 { return one }
        return ("\(one.text)\(space())and\(space())\(other.text)", one.holds && other.holds)
    }

    /// Something that needs no parentheses around it anywhere.
    private mutating func operand(_ depth: Int) -> (text: String, holds: Bool) {
        if below(3) == 0 { return condition() }
        let inner = expression(depth: depth - 1)
        return ("(\(padding())\(inner.text)\(padding()))", inner.holds)
    }

    private mutating func space() -> String { pick([" ", "\t", " \n ", "  "]) }
    private mutating func padding() -> String { pick(["", "", " ", "\r\n"]) }

    private mutating func condition() -> (text: String, holds: Bool) {
        let isNegated = below(2) == 0
        let not = isNegated ? "not\(space())" : ""
        switch below(5) {
        case 0:
            let (path, value) = pick([
                ("Service.Port", "8080"), ("Service.Weights.Passing", "10"), ("Service.Service", "web"),
                ("Service.Meta.env", "prod"), ("Service.Meta[\"x-y\"]", "1"), ("Node.Datacenter", "dc1"),
                ("Service[`Connect`].Native", "true"), ("Service.EnableTagOverride", "false"),
            ])
            let isInteger = path.hasSuffix("Port") || path.hasSuffix("Passing")
            let isBool = value == "true" || value == "false"
            let wanted = isInteger
                ? pick(["8080", "10", "-7"]) : isBool ? pick(["true", "false"]) : pick(["web", "1", value])
            let symbol = isNegated ? "!=" : "=="
            return ("\(path)\(padding())\(symbol)\(padding())\(quoted(wanted))", (wanted == value) != isNegated)
        case 1:
            let (path, members) = pick([
                ("Service.Tags", ["v2", "blue"]), ("Service.Meta", ["env", "x-y", "empty", "größe"]),
                ("Service.TaggedAddresses", ["lan"]), ("Node.Meta", []),
            ])
            let wanted = pick(["v2", "blue", "env", "lan", "x"])
            let holds = members.contains(wanted) != isNegated
            return below(2) == 0
                ? ("\(quoted(wanted))\(space())\(not)in\(space())\(path)", holds)
                : ("\(path)\(space())\(not)contains\(space())\(quoted(wanted))", holds)
        case 2:
            let (path, isEmpty) = pick([
                ("Service.Tags", false), ("Node.Meta", true), ("Checks", false), ("Service.Meta.none", true),
                ("Service.Meta.empty", true),
            ])
            return ("\(path)\(space())is\(space())\(not)empty", isEmpty != isNegated)
        case 3:
            let wanted = pick(["passing", "critical", "warning"])
            let holds = ["passing", "critical"].contains { ($0 == wanted) != isNegated }
            return ("Checks.Status \(isNegated ? "!=" : "==") \(quoted(wanted))", holds)
        default:
            let wanted = pick(["we", "b", "^web$", "^b", "w.b", ""])
            return ("Service.Service\(space())\(not)matches \"\(wanted)\"", (wanted != "^b") != isNegated)
        }
    }

    /// A value in one of the forms that it can be written in.
    private mutating func quoted(_ value: String) -> String { pick(["\"\(value)\"", "`\(value)`", value]) }
}
