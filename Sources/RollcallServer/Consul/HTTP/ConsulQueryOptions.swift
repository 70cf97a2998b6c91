// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// The query parameters that all reads of the catalog, of health, of the KV store and of sessions share.
struct ConsulQueryOptions: Sendable {
    enum Consistency: String, Sendable {
        case leader, stale, consistent
    }

    var consistency = Consistency.leader
    /// The index that the caller has seen; 0 does not wait.
    var index: UInt64 = 0
    /// How long to wait for a higher index, before jitter.
    var wait: Duration = Self.defaultWait
    var isCached = false
    var filter = ""
    /// Pairs that the metadata of the node has to have.
    var nodeMeta: [(key: String, value: String)] = []

    static let defaultWait: Duration = .seconds(300)
    static let longestWait: Duration = .seconds(600)

    init() {}

    /// - Parameter datacenter: The only one there is.
    init(_ query: QueryParameters, datacenter: String) throws(ConsulError) {
        try readConsistency(query)
        try readWaiting(query)
        if let named = query.first("dc"), !named.isEmpty, named != datacenter {
            throw ConsulError(500, "No path to datacenter")
        }
        for name in ["ns", "partition"] where !(query.first(name) ?? "").isEmpty {
            let feature = name == "ns" ? "Namespaces are" : "Partitions are"
            throw ConsulError(400, "Invalid query parameter: \"\(name)\" - \(feature) a Consul Enterprise feature")
        }
        filter = query.first("filter") ?? ""
        nodeMeta = query.values(of: "node-meta").map { pair in
            let key = pair.prefix { $0 != ":" }
            return (String(key), String(pair.dropFirst(key.count + 1)))
        }
    }

    private mutating func readConsistency(_ query: QueryParameters) throws(ConsulError) {
        let names = Set(query.keys)
        if let text = query.first("max_stale") {
            guard (try? GoDuration.parse(text)) != nil else {
                throw ConsulError(400, "Invalid max_stale value \"\(text)\"")
            }
        }
        let isStale = names.contains("stale") || names.contains("max_stale")
        let isConsistent = names.contains("consistent")
        isCached = names.contains("cached")
        if isStale && isConsistent {
            throw ConsulError(400, "Cannot specify ?stale with ?consistent, conflicting semantics.")
        }
        if isCached && isConsistent {
            throw ConsulError(400, "Cannot specify ?cached with ?consistent, conflicting semantics.")
        }
        consistency = isStale ? .stale : isConsistent ? .consistent : .leader
    }

    private mutating func readWaiting(_ query: QueryParameters) throws(ConsulError) {
        if let text = query.first("wait"), !text.isEmpty {
            guard let wait = try? GoDuration.parse(text) else { throw ConsulError(400, "Invalid wait time") }
            self.wait = wait <= .zero ? Self.defaultWait : min(wait, Self.longestWait)
        }
        if let text = query.first("index"), !text.isEmpty {
            guard let index = UInt64(text), text.utf8.first != UInt8(ascii: "+") else {
                throw ConsulError(400, "Invalid index")
            }
            self.index = index
        }
    }

    /// The headers of an answer that can be waited for.
    func headers(index: UInt64) -> [(name: String, value: String)] {
        var headers = Self.indexHeaders(index)
        headers.append(("X-Consul-Effective-Consistency", consistency.rawValue))
        if isCached { headers.append(("X-Cache", "MISS")) }
        return headers
    }

    /// Those without the consistency, which the KV store and sessions do not tell.
    static func indexHeaders(_ index: UInt64) -> [(name: String, value: String)] {
        [
            ("X-Consul-Index", String(max(1, index))), ("X-Consul-Knownleader", "true"),
            ("X-Consul-Lastcontact", "0"), ("X-Consul-Query-Backend", "blocking-query"),
        ]
    }
}
