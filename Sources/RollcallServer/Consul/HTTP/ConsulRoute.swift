// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// One path of Consul's API, and what answers it.
struct ConsulRoute: Sendable {
    typealias Handler = @Sendable (ConsulAPI, ConsulRequest) async throws(ConsulError) -> ConsulAnswer

    /// Complete, or the beginning of a path when it ends with `/`.
    let path: String
    /// In the order in which `Allow` names them.
    let methods: [String]
    /// Longest body taken.
    let bodyBytesMax: Int
    let handler: Handler

    init(_ methods: String..., path: String, bodyBytesMax: Int = 64 * 1024, _ handler: @escaping Handler) {
        self.path = path
        self.methods = methods
        self.bodyBytesMax = bodyBytesMax
        self.handler = handler
    }

    /// A route that a method of the API answers.
    init(
        _ methods: String..., path: String, bodyBytesMax: Int = 64 * 1024,
        _ method: @escaping @Sendable (ConsulAPI) -> (ConsulRequest) async throws(ConsulError) -> ConsulAnswer
    ) {
        self.path = path
        self.methods = methods
        self.bodyBytesMax = bodyBytesMax
        handler = { api, request throws(ConsulError) in try await method(api)(request) }
    }

    var allow: String { (["OPTIONS"] + methods).joined(separator: ",") }
}

/// All paths, found as Go's multiplexer finds them: the exact one, else the longest beginning.
struct ConsulRoutes: Sendable {
    let all: [ConsulRoute]
    private let exact: [String: Int]

    init(_ routes: [ConsulRoute]) {
        all = routes
        exact = Dictionary(uniqueKeysWithValues: routes.enumerated().map { ($1.path, $0) })
    }

    /// The route of a decoded path, and what follows the route's own.
    func find(_ path: String) -> (index: Int, rest: String)? {
        if let index = exact[path], !path.hasSuffix("/") { return (index, "") }
        var end = path.endIndex
        while let slash = path[..<end].lastIndex(of: "/") {
            let beginning = path[...slash]
            if let index = exact[String(beginning)] { return (index, String(path[beginning.endIndex...])) }
            end = slash
        }
        return nil
    }
}
