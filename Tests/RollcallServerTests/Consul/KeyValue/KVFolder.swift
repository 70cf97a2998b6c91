// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation

/// A folder for a registry's file, removed when the test ends.
final class KVFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-kv-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
