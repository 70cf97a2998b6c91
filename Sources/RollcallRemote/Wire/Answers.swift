// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

extension ServiceSummary {
    /// Reads the services of `{"revision", "services": […]}`.
    static func readAll(from reader: inout JSONReader) throws(JSONError) -> [ServiceSummary] {
        var services: [ServiceSummary]?
        try reader.object { key, reader throws(JSONError) in
            guard key == "services" else { return try reader.skip() }
            var read: [ServiceSummary] = []
            try reader.array { reader throws(JSONError) in read.append(try ServiceSummary(from: &reader)) }
            services = read
        }
        guard let services else { throw reader.failure("expected \"services\"") }
        return services
    }

    private init(from reader: inout JSONReader) throws(JSONError) {
        var name: String?
        var instances = 0
        var healthy = 0
        var tags: [String] = []
        var revision: UInt64 = 0
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "service": name = try reader.string()
            case "instances": instances = try reader.integer(as: Int.self)
            case "healthy": healthy = try reader.integer(as: Int.self)
            case "tags": try reader.array { reader throws(JSONError) in tags.append(try reader.string()) }
            case "revision": revision = try reader.integer(as: UInt64.self)
            default: try reader.skip()
            }
        }
        guard let name else { throw reader.failure("expected the name of a service") }
        self.init(
            service: ServiceName(name), instances: instances, healthy: healthy, tags: tags,
            revision: Revision(revision))
    }
}
