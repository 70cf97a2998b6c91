// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Rows of text in aligned columns, two blanks apart, without trailing blanks.
struct TextTable: Sendable {
    /// How the cells of a column are aligned.
    enum Alignment: Sendable {
        case left
        case right
    }

    /// A heading and how its column looks.
    struct Column: Sendable {
        let heading: String
        let alignment: Alignment

        init(_ heading: String, _ alignment: Alignment = .left) {
            self.heading = heading
            self.alignment = alignment
        }
    }

    /// A text and its colour.
    struct Cell: Sendable, ExpressibleByStringInterpolation {
        let text: String
        let attribute: Style.Attribute?

        init(_ text: String, _ attribute: Style.Attribute? = nil) {
            self.text = text.printable
            self.attribute = attribute
        }

        init(stringLiteral value: String) {
            self.init(value)
        }
    }

    private let columns: [Column]
    private var rows: [[Cell]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row with a cell for each column. An empty cell is shown as `-`, so that columns can be cut by programs.
    mutating func append(_ row: [Cell]) {
        precondition(row.count == columns.count, "a row of \(row.count) cells in a table of \(columns.count) columns")
        rows.append(row.map { $0.text.isEmpty ? Cell("-", .dim) : $0 })
    }

    /// The lines of the table, the headings first, each ended by a newline.
    func render(_ style: Style) -> String {
        let headings = columns.map { Cell($0.heading, .bold) }
        let widths = columns.indices.map { column in
            rows.reduce(headings[column].text.displayWidth) { max($0, $1[column].text.displayWidth) }
        }
        var text = ""
        for row in [headings] + rows {
            text += line(row, widths: widths, style: style) + "\n"
        }
        return text
    }

    private func line(_ row: [Cell], widths: [Int], style: Style) -> String {
        var text = ""
        for (index, cell) in row.enumerated() {
            let padding = String(repeating: " ", count: widths[index] - cell.text.displayWidth)
            let isLast = index == row.count - 1
            let shown = style.apply(cell.attribute, to: cell.text)
            switch columns[index].alignment {
            case .left: text += isLast ? shown : shown + padding
            case .right: text += padding + shown
            }
            if !isLast { text += "  " }
        }
        return text
    }
}
