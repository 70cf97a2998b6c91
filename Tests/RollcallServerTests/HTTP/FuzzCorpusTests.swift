// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import RollcallTesting
import Testing

@Suite("Connections from the fuzzer", .timeLimit(.minutes(2)))
struct FuzzCorpusTests {
    @Test("what broke it once, and damaged copies of that, break nothing", arguments: [1, 2, 3] as [UInt64])
    func corpus(seed: UInt64) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzzing/Corpus/http")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path() < $1.path() }
        #expect(!files.isEmpty)
        var random = SeededGenerator(seed: seed)
        for file in files {
            let bytes = Array(try Data(contentsOf: file))
            #expect(HTTPCheck.fault(in: bytes) == nil, "\(file.lastPathComponent)")
            for round in 0 ..< 200 {
                let fault = HTTPCheck.fault(in: random.damaged(bytes))
                #expect(fault == nil, "\(file.lastPathComponent), seed \(seed), round \(round)")
            }
        }
    }
}
