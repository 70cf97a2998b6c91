// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Rollcall
import RollcallServer
import RollcallTesting
import Testing

@Suite("The metrics page", .timeLimit(.minutes(1)))
struct MetricsPageTests {
    @Test("shows the metrics that are described, each with its type, its labels and a sentence, and no others")
    func description() async throws {
        var configuration = ServerConfiguration()
        configuration.dns.isEnabled = true
        let page = try await RunningServer.run(configuration) { (server) async throws in
            try await server.request("GET", "/metrics").body
        }
        var types: [String: String] = [:]
        var helped: Set<String> = []
        var labels: [String: Set<String>] = [:]
        for line in page.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3)
            if line.hasPrefix("# TYPE ") {
                #expect(types.updateValue(String(words[3]), forKey: String(words[2])) == nil, "\(words[2]) is there twice")
            } else if line.hasPrefix("# HELP ") {
                #expect(words.count == 4, "\(line)")
                helped.insert(String(words[2]))
            } else {
                let name = String(line.prefix { $0 != "{" && $0 != " " })
                let family = types[name] == nil ? Self.withoutSuffix(name) : name
                #expect(types[family] != nil, "\(line) belongs to no metric")
                labels[family, default: []].formUnion(Self.labels(line))
            }
        }
        #expect(helped == Set(types.keys))
        let actual = types.map { Row(name: $0.key, type: $0.value, labels: (labels[$0.key] ?? []).sorted()) }
        let described = try Self.described()
        #expect(Set(actual) == described, "differing: \(described.symmetricDifference(actual))")
    }

    struct Row: Hashable {
        let name: String
        let type: String
        let labels: [String]
    }

    private static func described() throws -> Set<Row> {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "Docs/metrics.md"), encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().map {
                $0.replacing("`", with: "").trimmingCharacters(in: .whitespaces)
            }
            return Row(
                name: cells[0], type: cells[1],
                labels: cells[2].split(separator: ", ").map(String.init).sorted())
        }
        return Set(rows)
    }

    private static func withoutSuffix(_ name: String) -> String {
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            return String(name.dropLast(suffix.count))
        }
        return name
    }

    /// The names of a sample's labels; values hold neither quotes nor commas here. The bounds of histograms are not told.
    private static func labels(_ line: Substring) -> Set<String> {
        guard let start = line.firstIndex(of: "{"), let end = line.lastIndex(of: "}") else { return [] }
        let names = line[line.index(after: start) ..< end].split(separator: ",").map { String($0.prefix { $0 != "=" }) }
        return Set(names).subtracting(["le"])
    }
}
