// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// Answers of the catalog.
enum ConsulCatalog {
    /// Reads the answer of `/v1/catalog/services`: tags by service, without Consul itself.
    static func services(_ body: [UInt8]) throws(JSONError) -> [String: [String]] {
        var services: [String: [String]] = [:]
        try JSONReader.read(body) { reader throws(JSONError) in
            try reader.object { name, reader throws(JSONError) in
                var tags: [String] = []
                if try !reader.skippedNull() {
                    try reader.array { reader throws(JSONError) in tags.append(try reader.string()) }
                }
                services[name.string] = tags
            }
        }
        services[ConsulNaming.consulItself] = nil
        return services
    }
}
