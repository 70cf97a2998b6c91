// SPDX-License-Identifier: Apache-2.0
// Rollcall

@testable import Rollcall

/// What holds for the readers of JSON whatever bytes they are given. The fuzzer and the tests ask the same.
enum JSONCheck {
    /// What does not hold for `bytes`.
    static func fault(in bytes: [UInt8]) -> String? {
        let value = try? JSONValue.parse(bytes)
        let isSkipped = (try? JSONReader.read(bytes) { reader throws(JSONError) in try reader.skip() }) != nil
        // Not the other way round: a number too large for a Double is skipped, but not read.
        guard value == nil || isSkipped else { return "a text that is read is not skipped" }
        if let value {
            var writer = JSONWriter()
            value.write(to: &writer)
            guard (try? JSONValue.parse(writer.bytes)) == value else {
                return "written again it reads differently: \(String(decoding: writer.bytes, as: UTF8.self))"
            }
        }
        return document(bytes) ?? instance(bytes)
    }

    private static func document(_ bytes: [UInt8]) -> String? {
        for unknown in [InstanceDocument.UnknownFields.ignored, .refused] {
            guard let document = read(bytes, unknown) else { continue }
            guard let registration = try? document.registration(service: "s", id: "i") else { continue }
            let written = registration.jsonBytes()
            guard let again = try? read(written, unknown)?.registration(service: "s", id: "i") else {
                return "a registration is not read again: \(String(decoding: written, as: UTF8.self))"
            }
            guard again.jsonBytes() == written else {
                return "a registration reads differently: \(String(decoding: written, as: UTF8.self))"
            }
            // Faults are for the caller; only that they are found without a trap matters here.
            try? registration.validate()
        }
        return nil
    }

    private static func read(_ bytes: [UInt8], _ unknown: InstanceDocument.UnknownFields) -> InstanceDocument? {
        try? JSONReader.read(bytes) { reader throws(JSONError) in
            try InstanceDocument(from: &reader, unknownFields: unknown)
        }
    }

    private static func instance(_ bytes: [UInt8]) -> String? {
        guard let instance = readInstance(bytes) else { return nil }
        let written = instance.jsonBytes(includingShadows: true)
        guard let again = readInstance(written), again.jsonBytes(includingShadows: true) == written else {
            return "an instance reads differently: \(String(decoding: written, as: UTF8.self))"
        }
        return nil
    }

    private static func readInstance(_ bytes: [UInt8]) -> ServiceInstance? {
        try? JSONReader.read(bytes) { reader throws(JSONError) in try ServiceInstance(from: &reader) }
    }
}
