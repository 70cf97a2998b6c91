// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// `/v1/kv/…`.
extension ConsulAPI {
    static let kvRoutes = [
        // More than the longest value, so that one that is too long is answered in Consul's words.
        ConsulRoute("GET", "PUT", "DELETE", path: "/v1/kv/", bodyBytesMax: 1 << 20) {
            api, request throws(ConsulError) in
            let options = try api.options(request)
            let isListing = request.query.keys.contains("keys")
            switch request.method {
            case "PUT": return try await api.kvPut(request)
            case "DELETE": return try await api.kvDelete(request)
            default: return try await isListing ? api.kvKeys(request, options) : api.kvGet(request, options)
            }
        }
    ]

    // MARK: Reading

    private func kvGet(_ request: ConsulRequest, _ options: ConsulQueryOptions) async throws(ConsulError)
        -> ConsulAnswer
    {
        let store = try keyValues()
        let key = KVKey(request.rest)
        if request.query.keys.contains("recurse") {
            return try await block(request, options, on: store, .prefix(key)) { state in
                (state.index(under: key), { Self.list(state.entries.entries(under: key)) })
            }
        }
        if key.isEmpty { throw ConsulError(400, "Missing key name") }
        let isRaw = request.query.keys.contains("raw")
        return try await block(request, options, on: store, .key(key)) { state in
            guard let entry = state.entries[key] else {
                return (state.index(of: key), { ConsulAnswer(status: 404) })
            }
            return (entry.modifyIndex, { isRaw ? Self.raw(entry) : Self.list([(key, entry)]) })
        }
    }

    private func kvKeys(_ request: ConsulRequest, _ options: ConsulQueryOptions) async throws(ConsulError)
        -> ConsulAnswer
    {
        let prefix = KVKey(request.rest)
        // The misspelt name is Consul's own, from its beginnings.
        let separator = request.query.first("separator") ?? request.query.first("seperator") ?? ""
        return try await block(request, options, on: try keyValues(), .prefix(prefix)) { state in
            (
                state.index(under: prefix),
                {
                    let keys = state.entries.keys(under: prefix, separator: separator)
                    if keys.isEmpty, !prefix.isEmpty { return ConsulAnswer(status: 404) }
                    return .json { writer in writer.array(keys) { $1.string($0.text) } }
                }
            )
        }
    }

    /// A blocking read of the KV store: `read` gives the index, and the answer should it be wanted.
    func block(
        _ request: ConsulRequest, _ options: ConsulQueryOptions, on store: KVStore, _ scope: KVScope,
        headers: @Sendable (UInt64) -> [(name: String, value: String)] = ConsulQueryOptions.indexHeaders,
        _ read: (KVState) -> (index: UInt64, answer: @Sendable () -> ConsulAnswer)
    ) async throws(ConsulError) -> ConsulAnswer {
        try await BlockingQuery.run(
            options, on: request.eventLoop, waking: [store.source(scope)], headers: headers
        ) { () throws(ConsulError) in
            let (index, answer) = read(store.state)
            return BlockingQuery.Reading(index: index) { () throws(ConsulError) in answer() }
        }
    }

    private static func list(_ entries: [(key: KVKey, value: KVEntry)]) -> ConsulAnswer {
        guard !entries.isEmpty else { return ConsulAnswer(status: 404) }
        let bytes = entries.reduce(64) { $0 + 160 + $1.key.text.utf8.count + $1.value.value.count / 3 * 4 }
        return .json(capacity: bytes) { writer in writer.array(entries) { $0.value.write($0.key, to: &$1) } }
    }

    private static func raw(_ entry: KVEntry) -> ConsulAnswer {
        ConsulAnswer(
            headers: [("Content-Type", "text/plain"), ("X-Content-Type-Options", "nosniff")], body: entry.value)
    }

    // MARK: Writing

    private func kvPut(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let key = KVKey(try request.rest(orMissing: "Missing key name"))
        try refuseConflict(request, "cas", "acquire", "release")
        var operation = KVOperation(verb: .set, key: key)
        if let flags = request.query.first("flags") { operation.flags = try GoUnsigned.parse(flags) }
        if let index = request.query.first("cas") {
            (operation.verb, operation.index) = (.cas, try GoUnsigned.parse(index))
        } else if let session = request.query.first("acquire") {
            (operation.verb, operation.session) = (.lock, session)
        } else if let session = request.query.first("release") {
            (operation.verb, operation.session) = (.unlock, session)
        }
        guard request.body.count <= configuration.valueBytesMax else {
            throw ConsulError(
                413,
                "Request body(\(request.body.count) bytes) too large, max size: \(configuration.valueBytesMax) bytes. "
                    + "See https://www.consul.io/docs/agent/options.html#kv_max_value_size.")
        }
        operation.value = request.body
        return try await perform(operation)
    }

    private func kvDelete(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        try refuseConflict(request, "recurse", "cas")
        if request.query.keys.contains("recurse") {
            return try await perform(KVOperation(verb: .deleteTree, key: KVKey(request.rest)))
        }
        let key = KVKey(try request.rest(orMissing: "Missing key name"))
        guard let index = request.query.first("cas") else {
            return try await perform(KVOperation(verb: .delete, key: key))
        }
        return try await perform(KVOperation(verb: .deleteCAS, key: key, index: try GoUnsigned.parse(index)))
    }

    private func perform(_ operation: KVOperation) async throws(ConsulError) -> ConsulAnswer {
        let store = try keyValues()
        let reply = try await consulCaught { () throws(RegistryError) in try await store.submit(.operation(operation)) }
        guard case .operation(let outcome) = reply else {
            preconditionFailure("an operation was answered \(reply)")
        }
        switch outcome {
        case .done: return .bool(true)
        case .refused: return .bool(false)
        case .failed(let text): throw ConsulError(500, text)
        }
    }

    /// Flags that say different things about one write.
    private func refuseConflict(_ request: ConsulRequest, _ flags: String...) throws(ConsulError) {
        let names = Set(request.query.keys)
        guard flags.filter(names.contains).count > 1 else { return }
        throw ConsulError(400, "Conflicting flags: \(request.rawQuery)\n")
    }
}

/// Whole numbers as Go reads them, with its words for what is none.
enum GoUnsigned {
    static func parse(_ text: String) throws(ConsulError) -> UInt64 {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
            throw ConsulError(500, "strconv.ParseUint: parsing \"\(text)\": invalid syntax")
        }
        guard let value = UInt64(text) else {
            throw ConsulError(500, "strconv.ParseUint: parsing \"\(text)\": value out of range")
        }
        return value
    }
}
