// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// How far two words are apart.
enum EditDistance {
    /// The least number of insertions, deletions and replacements of a character that turn one into the other
    /// (Levenshtein's distance, by the algorithm of Wagner and Fischer).
    static func between(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        var row = Array(0 ... right.count)
        for (i, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let replaced = diagonal + (character == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
