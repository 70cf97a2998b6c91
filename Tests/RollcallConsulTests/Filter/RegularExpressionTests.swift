// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import RollcallConsul

@Suite("Regular expressions of filters")
struct RegularExpressionTests {
    static let cases: [(pattern: String, matching: [String], failing: [String])] = [
        ("", ["", "x"], []),
        ("abc", ["abc", "xxabcxx"], ["ab", "ABC", ""]),
        ("^abc$", ["abc"], ["abcd", "xabc", "abc\n", "\nabc"]),
        ("(?m)^abc$", ["abc", "x\nabc\ny"], ["xabc"]),
        ("a.c", ["abc", "aéc"], ["ac", "a\nc"]),
        ("(?s)a.c", ["a\nc"], ["ac"]),
        ("^api-", ["api-1"], ["my-api-1"]),
        ("(a|b)+c", ["abac", "c ac"], ["c", "abd"]),
        ("(?:a|)b", ["b", "ab"], ["a"]),
        ("^(a|b|)$", ["a", "b", ""], ["ab"]),
        ("^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]),
        ("^a{2}$", ["aa"], ["a", "aaa"]),
        ("^a{2,}$", ["aa", "aaaaaa"], ["a"]),
        ("^a{0}b$", ["b"], ["ab"]),
        ("^a{,2}$", ["a{,2}"], ["a"]),
        ("^a{x$", ["a{x"], []),
        ("^(ab*?c??)+$", ["abbcac"], ["bc"]),
        ("[a-c]", ["b"], ["d"]),
        ("[^a-c]", ["d", "\n"], ["abc", ""]),
        ("^[]a]+$", ["]a"], ["b"]),
        ("^[^]a]+$", ["b"], ["]"]),
        ("^[a-]+$", ["-a"], ["b"]),
        ("^[\\d\\-x]+$", ["1-x"], ["y"]),
        ("^[[:alpha:][:digit:]_]+$", ["aZ9_"], ["é", "-"]),
        ("^[[:^alpha:]]+$", ["1é"], ["a"]),
        ("^\\d+\\.\\d+$", ["1.25"], ["1x25", "١.٢"]),
        ("^\\w+\\s\\S\\W\\D$", ["a_1 x-y"], ["é xx-"]),
        ("\\bweb\\b", ["my web 1", "web"], ["webs", "web_1"]),
        ("\\Beb", ["web"], ["eb"]),
        ("\\Aweb\\z", ["web"], ["web\n"]),
        ("(?i)größe", ["GRÖSSE GRÖßE", "größe", "GRÖßE"], ["grösse"]),
        ("(?i)k", ["K", "\u{212A}"], ["x"]),
        ("(?i)[a-c]+x", ["ABCX", "abcx"], ["dx"]),
        ("(?i)[^a]", ["b"], ["A", "a"]),
        ("a(?i)b", ["ab", "aB"], ["AB"]),
        ("a(?i:b)c", ["aBc"], ["aBC"]),
        ("(?i)a(?-i)b", ["Ab"], ["AB"]),
        ("(?P<name>x)(?<other>y)", ["xy"], ["x"]),
        ("\\Qa.c*\\E+", ["a.c*", "a.c**"], ["abc"]),
        ("^\\Qab\\E+$", ["abb"], ["abab"]),
        ("\\x41\\x{e9}\\101\\n\\t\\.", ["AéA\n\t."], ["AéA"]),
        ("^\\pL+$", ["aéЖ中"], ["a1"]),
        ("^\\p{Lu}\\P{Lu}$", ["Éé"], ["éÉ"]),
        ("^[\\p{N}\\pP]+$", ["١-½"], ["a"]),
        ("^\\p{^L}$", ["1"], ["a"]),
        ("(^|,)x(,|$)", ["x", "a,x", "x,a", "a,x,b"], ["ax", "xa"]),
        ("(a*)*$", ["", "aaab"], []),
        ("(|a)*b", ["b", "aab"], ["a"]),
        ("^(?:)$", [""], ["a"]),
        ("\u{1F600}", ["x\u{1F600}y"], ["x"]),
    ]

    @Test("match what they should, and nothing else", arguments: cases.indices)
    func matching(index: Int) throws {
        let (pattern, matching, failing) = Self.cases[index]
        let expression = try RegularExpression(pattern)
        for text in matching { #expect(expression.matches(text), "\(pattern) and \(text)") }
        for text in failing { #expect(!expression.matches(text), "\(pattern) and \(text)") }
    }

    static let refused: [(pattern: String, problem: String)] = [
        ("a**", "invalid nested repetition operator: `**`"),
        ("a+?*", "invalid nested repetition operator: `+?*`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("(|+)", "missing argument to repetition operator: `+`"),
        ("{2}", "missing argument to repetition operator: `{2}`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("[a", "missing closing ]: `[a`"),
        ("x[", "missing closing ]: `[`"),
        ("[b-a]", "invalid character class range: `b-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ("\\pX", "invalid character class range: `\\pX`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        ("\\1", "invalid escape sequence: `\\1`"),
        ("\\y", "invalid escape sequence: `\\y`"),
        ("\\x4", "invalid escape sequence: `\\x4`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{3,2}", "invalid repeat count: `{3,2}`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?P<>a)", "invalid named capture: `(?P<>`"),
        ("(?i", "missing closing ): `(?i`"),
        ("(a{1000}){1000}", "expression too large: `(a{1000}){1000}`"),
        ("((){1000}){1000}", "expression too large: `((){1000}){1000}`"),
    ]

    @Test("that are wrong are refused with the words of Go's", arguments: refused.map(\.pattern))
    func refuses(pattern: String) {
        let problem = Self.refused.first { $0.pattern == pattern }?.problem ?? ""
        do throws(RegularExpressionError) {
            _ = try RegularExpression(pattern)
            Issue.record("an error was expected")
        } catch {
            #expect(error.description == "error parsing regexp: \(problem)")
        }
    }

    @Test("nest to a bound")
    func nesting() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "(", count: depth) + "a" + String(repeating: ")", count: depth)
        }
        #expect(try RegularExpression(nested(RegexParser.deepestNesting)).matches("a"))
        #expect(throws: RegularExpressionError.self) { try RegularExpression(nested(100_000)) }
    }

    @Test("that would take a backtracking matcher for ever are done at once")
    func pathological() throws {
        let text = String(repeating: "a", count: 4000)
        for pattern in ["^(a+)+$", "^(a|aa)+$", "^(a*)*$", "^(.*a){20}$"] {
            let expression = try RegularExpression(pattern)
            #expect(!expression.matches(text + "b"), "\(pattern)")
            #expect(expression.matches(text), "\(pattern)")
        }
    }

    @Test("say what a plain matcher says", arguments: [1, 2, 3, 4] as [UInt64])
    func property(seed: UInt64) throws {
        var source = RandomPattern(seed: seed)
        for round in 0 ..< 1500 {
            let node = source.node(depth: 4)
            let expression = try RegularExpression(node.text)
            for _ in 0 ..< 4 {
                let text = source.text()
                let expected = (0 ... text.count).contains { !node.ends(in: text, from: $0).isEmpty }
                let found = expression.matches(String(String.UnicodeScalarView(text)))
                #expect(found == expected, "seed \(seed), round \(round): \(node.text) and \(text)")
            }
        }
    }

    @Test("that are damaged are refused or read, and nothing worse", arguments: [5, 6] as [UInt64])
    func damage(seed: UInt64) {
        var source = RandomPattern(seed: seed)
        let inserts = Array("()[]{}*+?|^$.\\QEpPxdwsbBAz:<>=!-,0129iéK\n".unicodeScalars)
        for _ in 0 ..< 5000 {
            var scalars = Array(source.node(depth: 3).text.unicodeScalars)
            for _ in 0 ... source.below(4) {
                let place = source.below(scalars.count + 1)
                if source.below(2) == 0, place < scalars.count {
                    scalars.remove(at: place)
                } else {
                    scalars.insert(inserts[source.below(inserts.count)], at: place)
                }
            }
            guard let expression = try? RegularExpression(String(String.UnicodeScalarView(scalars))) else { continue }
            _ = expression.matches(String(String.UnicodeScalarView(source.text())))
        }
    }
}
