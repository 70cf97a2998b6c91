// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Testing

@testable import RollcallCLI

@Suite("TextTable")
struct TextTableTests {
    @Test("aligns its columns without trailing blanks")
    func alignment() {
        var table = TextTable([.init("SERVICE"), .init("PORT", .right), .init("STATUS")])
        table.append(["web", "8080", "up"])
        table.append(["a-long-name", "80", ""])
        #expect(
            table.render(.plain) == """
                SERVICE      PORT  STATUS
                web          8080  up
                a-long-name    80  -

                """)
    }

    @Test("shows its headings when it has no rows")
    func empty() {
        #expect(TextTable([.init("A"), .init("B", .right)]).render(.plain) == "A  B\n")
    }

    @Test("counts columns of the terminal, not characters")
    func width() {
        var table = TextTable([.init("NAME"), .init("X")])
        table.append(["名前", "1"])
        table.append(["e\u{301}te\u{301}", "2"])
        table.append(["🚀", "3"])
        table.append(["ünï", "4"])
        #expect(
            table.render(.plain) == """
                NAME  X
                名前  1
                e\u{301}te\u{301}   2
                🚀    3
                ünï   4

                """)
    }

    @Test("does not let colours change the alignment")
    func colours() {
        var table = TextTable([.init("S"), .init("N", .right)])
        table.append([.init("up", .green), "1"])
        #expect(
            table.render(.coloured)
                == "\u{1B}[1mS\u{1B}[0m   \u{1B}[1mN\u{1B}[0m\n\u{1B}[32mup\u{1B}[0m  1\n")
    }

    @Test("makes control characters visible, so that a value cannot steer the terminal")
    func controls() {
        var table = TextTable([.init("A")])
        table.append(["x\u{1B}[31m\ny\u{9B}"])
        #expect(table.render(.plain) == "A\nx?[31m?y?\n")
    }
}

@Suite("Style")
struct StyleTests {
    @Test("colours need a terminal that can show them and nobody who objects")
    func colours() {
        #expect(Style(isTerminal: true, noColor: nil, terminal: "xterm").isColoured)
        #expect(Style(isTerminal: true, noColor: "", terminal: nil).isColoured)
        #expect(!Style(isTerminal: true, noColor: "1", terminal: "xterm").isColoured)
        #expect(!Style(isTerminal: false, noColor: nil, terminal: "xterm").isColoured)
        #expect(!Style(isTerminal: true, noColor: nil, terminal: "dumb").isColoured)
    }
}
