// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallConsul
import Testing

@Suite("Filter expressions")
struct FilterTests {
    static let holding = [
        "Service.Service == web", "Service.Service == \"web\"", "Service.Service == `web`", "Service.Service==web",
        "Service.Port == 8080", "Service.Port == \"8080\"", "Service.Port == \"0x1f90\"", "Service.Port != 80",
        "Service.Weights.Passing == 10", "Service.Port == \"017620\"", "Service.Port == \"0b1_1111_1001_0000\"",
        "Service.EnableTagOverride == false", "Service.EnableTagOverride != T", "Service.Connect.Native == 1",
        "v2 in Service.Tags", "\"v2\" in Service.Tags", "Service.Tags contains blue", "V2 not in Service.Tags",
        "Service.Tags not contains red", "Service.Tags is not empty", "Node.Meta is empty",
        "Service.Meta.env == \"prod\"", "Service.Meta[\"x-y\"] == 1", "Service[\"Meta\"][`x-y`] == 1",
        "env in Service.Meta", "Service.Meta not contains prod", "Service.Meta.env matches \"^pr.d$\"",
        "Service.Meta.env not matches staging", "ro in Service.Meta.env", "Service.Meta.env contains od",
        "Service.Meta.env contains \"\"", "Service.Meta[\"größe\"] == \"\\u00e9\"",
        "Service.Meta[\"größe\"] == \"\\xc3\\xa9\"", "Service.Meta[\"größe\"] != \"e\\u0301\"",
        "Service.TaggedAddresses.lan.Port == 8080", "lan in Service.TaggedAddresses",
        "Checks.Status == critical", "Checks.Status != passing", "Checks.Status != critical",
        "not Checks.Status == warning", "Checks is not empty", "v2 in Checks.ServiceTags",
        "v2 not in Checks.ServiceTags", "Checks.ServiceTags is empty",
        // A key that is missing is nothing, and empty.
        "Service.Meta.none != x", "Service.Meta.none is empty", "x not in Service.Meta.none",
        "Service.Meta.none not matches x", "not Service.Meta.none matches x", "not Service.Meta.none == \"\"",
        "not x in Service.Meta.none", "not Service.Meta.none is not empty", "Service.Meta.empty is empty",
        "Service.TaggedAddresses.wan.Port != 1", "not Service.TaggedAddresses.wan.Address == x",
        // `and` binds closer than `or`, `not` closer than both.
        "Service.Port == 8080 or Service.Port == 1 and Service.Port == 2",
        "not Service.Port == 1 and Service.Port == 8080", "not (Service.Port == 8080 and Service.Port == 1)",
        "not not Service.Port == 8080", "( \t\r\n Service.Port == 8080 \n)", "((Service.Port == 8080))",
    ]

    @Test("hold where they should", arguments: holding)
    func holds(text: String) throws {
        #expect(try Filter.parse(text, schema: .serviceHealth).matches(SampleSubject.health))
        let opposite = try Filter.parse("not (\(text))", schema: .serviceHealth)
        #expect(!opposite.matches(SampleSubject.health))
    }

    @Test("a condition on a list without members holds for none of them")
    func emptyList() throws {
        let subject = SampleSubject(["Checks": .objects([])])
        for text in ["Checks.Status == passing", "Checks.Status != passing", "x not in Checks.ServiceTags"] {
            let holds = try Filter.parse(text, schema: .serviceHealth).matches(subject)
            #expect(!holds, "\(text)")
        }
        #expect(try Filter.parse("Checks is empty", schema: .serviceHealth).matches(subject))
    }

    @Test("a value that is not what the schema says satisfies nothing, and crashes nothing")
    func mismatch() throws {
        let subject = SampleSubject(["Service": .string("x"), "Checks": .integer(1), "Node": .objects([])])
        for text in ["Service.Port == 1", "Checks.Status == passing", "Node.Meta.a == 1", "Checks is empty"] {
            let holds = try Filter.parse(text, schema: .serviceHealth).matches(subject)
            #expect(!holds, "\(text)")
        }
    }

    static let refused: [(text: String, problem: String)] = [
        // As a Consul 1.10 answered.
        ("Nope == 1", #"Selector "Nope" is not valid"#),
        ("==", #"1:1 (0): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#),
        // As its parser says.
        ("foo == \"12x", #"1:12 (11): rule "string": Unterminated string literal"#),
        ("foo == `12x", #"1:12 (11): rule "string": Unterminated string literal"#),
        ("foo == 3x", #"1:9 (8): rule "number": Invalid number literal"#),
        ("foo[3] == abc", #"1:5 (4): rule "index": Invalid index"#),
        ("x in foo[\"abc\"", #"1:15 (14): rule "index": Unclosed index expression"#),
        ("foo[\"abc\" == 3", #"1:11 (10): rule "index": Unclosed index expression"#),
        ("x in 32", #"1:6 (5): rule "match": Invalid selector"#),
        ("32 == 32", #"1:4 (3): no match found, expected: "in", "not" or [ \t\r\n]"#),
        ("32 is empty", #"1:4 (3): no match found, expected: "in", "not" or [ \t\r\n]"#),
        ("x in foo abc", #"1:10 (9): no match found, expected: "and", "or", [ \t\r\n] or EOF"#),
        (
            "x in foo and ",
            #"1:14 (13): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#
        ),
        (
            "x in foo or ",
            #"1:13 (12): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#
        ),
        (
            "x in foo or not ",
            #"1:17 (16): no match found, expected: "!=", "(", "-", "0", "==", "\"", "`", "contains", "in", "is", "#
                + #""matches", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#
        ),
        ("(foo == 4", #"1:10 (9): rule "grouping": Unmatched parentheses"#),
        (
            "", #"1:1 (0): no match found, expected: "(", "-", "0", "\"", "`", "not", [ \t\r\n], [1-9] or [a-zA-Z]"#
        ),
        ("Node.Node == \"\\q\"", #"1:14 (13): rule "string": invalid syntax"#),
        ("é\nNode.Node == \n x y", #"1:1 (0): no match found, expected: "(", "-", "0", "\"", "`", "not", "#
            + #"[ \t\r\n], [1-9] or [a-zA-Z]"#),
        ("Node.Node == \"é\"\n or\n\n é", #"4:2 (24): no match found, expected: "(", "-", "0", "\"", "`", "not", "#
            + #"[ \t\r\n], [1-9] or [a-zA-Z]"#),
        ("Service.Tags == v2", #"Invalid match operator "Equal" for selector "Service.Tags""#),
        ("x not in Service.Port", #"Invalid match operator "Not In" for selector "Service.Port""#),
        ("Service is empty", #"Invalid match operator "Is Empty" for selector "Service""#),
        ("Service.Port is not empty", #"Invalid match operator "Is Not Empty" for selector "Service.Port""#),
        ("Service.Meta matches x", #"Invalid match operator "Matches" for selector "Service.Meta""#),
        ("Service.Nope.x == 1", #"Selector "Service.Nope" is not valid"#),
        ("Service.Tags.x == 1", #"Selector "Service.Tags.x" is not valid"#),
        ("Service.CreateIndex == 1", #"Selector "Service.CreateIndex" is not valid"#),
        ("Service.Meta[\"a\\n\"].b == 1", #"Selector "Service.Meta.a\n.b" is not valid"#),
        (
            "Service.Port == web",
            #"Failed to coerce value "web" for selector "Service.Port": strconv.ParseInt: parsing "web": "#
                + "invalid syntax"
        ),
        (
            "Service.Port == 9223372036854775808",
            #"Failed to coerce value "9223372036854775808" for selector "Service.Port": strconv.ParseInt: "#
                + #"parsing "9223372036854775808": value out of range"#
        ),
        (
            "Service.Connect.Native == yes",
            #"Failed to coerce value "yes" for selector "Service.Connect.Native": strconv.ParseBool: "#
                + #"parsing "yes": invalid syntax"#
        ),
        (
            "Node.Node matches \"[a\"",
            #"Failed to compile regular expression "[a": error parsing regexp: missing closing ]: `[a`"#
        ),
        ("Nope == 1 and Service.Tags == 2", #"Selector "Nope" is not valid"#),
    ]

    @Test("that are wrong are refused with Consul's words", arguments: refused.map(\.text))
    func refuses(text: String) {
        let problem = Self.refused.first { $0.text == text }?.problem
        #expect(throws: FilterError.self) { try Filter.parse(text, schema: .serviceHealth) }
        do {
            _ = try Filter.parse(text, schema: .serviceHealth)
        } catch {
            #expect(error.problem == problem)
            #expect(error.description == "Failed to create boolean expression evaluator: \(problem ?? "")")
        }
    }

    @Test("are bounded in length and depth, and refused at once beyond")
    func bounds() {
        let levels = Filter.deepestNesting
        func problem(_ text: String) -> String? {
            do {
                _ = try Filter.parse(text, schema: .serviceHealth)
                return nil
            } catch {
                return error.problem
            }
        }
        func nested(_ depth: Int) -> String {
            String(repeating: "(", count: depth) + "Node.Node == x" + String(repeating: ")", count: depth)
        }
        #expect(problem(nested(levels - 1)) == nil)
        #expect(problem(nested(levels))?.contains("nests deeper") == true)
        #expect(problem(String(repeating: "not ", count: 4000) + "Node.Node == x")?.contains("nests deeper") == true)
        #expect(problem(String(repeating: "(", count: levels - 1)) != nil)
        #expect(problem(String(repeating: "(", count: 16_000)) != nil)
        #expect(problem(String(repeating: "Node.Node == x or ", count: 900) + "Node.Node == x") == nil)
        #expect(problem(String(repeating: " ", count: Filter.longestText + 1))?.contains("at most") == true)
    }
}
