// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import RollcallTesting
import Testing

/// The inputs in `Fuzzing/Corpus`: what broke something once, and samples of what is read.
package enum FuzzCorpus {
    /// Expects that every input of a folder, and damaged copies of it, are read without a fault.
    ///
    /// - Parameters:
    ///   - folder: Its name in the corpus.
    ///   - fault: What is wrong with how the bytes were read; `nil` when nothing is.
    package static func expectNoFault(in folder: String, seed: UInt64, _ fault: ([UInt8]) -> String?) throws {
        let corpus = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fuzzing/Corpus/\(folder)")
        let files = try FileManager.default.contentsOfDirectory(at: corpus, includingPropertiesForKeys: nil)
            .sorted { $0.path() < $1.path() }
        #expect(!files.isEmpty)
        var random = SeededGenerator(seed: seed)
        for file in files {
            let bytes = Array(try Data(contentsOf: file))
            #expect(fault(bytes) == nil, "\(file.lastPathComponent)")
            for round in 0 ..< 200 {
                let fault = fault(random.damaged(bytes))
                #expect(fault == nil, "\(file.lastPathComponent), seed \(seed), round \(round)")
            }
        }
    }
}
