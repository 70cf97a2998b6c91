// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// Why a route does not do what it was asked to.
struct APIProblem: Error {
    let document: ProblemDocument

    init(_ document: ProblemDocument) {
        self.document = document
    }

    init(malformed detail: String) {
        self.init(
            ProblemDocument(status: 400, kind: "malformed", title: "The request cannot be read", detail: detail))
    }

    /// The one table from errors of registries to answers.
    init(_ error: RegistryError) {
        let (status, kind, title) = Self.row(error.code)
        var document = ProblemDocument(status: status, kind: kind, title: title, detail: error.message)
        if case .after(let delay) = error.retry {
            document.retryAfterSeconds = max(1, Int(delay.inSeconds.rounded(.up)))
        } else if status == 503 {
            document.retryAfterSeconds = 1
        }
        if let current = error.currentIncarnation {
            document.members.append(.init(name: "currentIncarnation", value: .integer(Int(clamping: current.value))))
        }
        if !error.faults.isEmpty { document.members.append(.init(name: "faults", value: .faults(error.faults))) }
        self.init(document)
    }

    static func row(_ code: RegistryError.Code) -> (status: Int, kind: String, title: String) {
        switch code {
        case .invalid: (422, "invalid", "Fields break rules")
        case .unknownInstance: (404, "unknown-instance", "No such instance is registered")
        case .fenced: (409, "fenced", "A former incarnation was named")
        case .unsupported: (501, "unsupported", "This engine cannot do it")
        case .storage: (500, "storage", "The write could not be made durable")
        case .storageFull: (507, "storage-full", "No room to make the write durable")
        case .overloaded: (503, "overloaded", "Too much work is waiting")
        case .closed: (503, "closed", "The registry is shutting down")
        case .unavailable: (503, "unavailable", "The engine cannot be reached")
        default: (500, "internal", "Internal error")
        }
    }

    static func notFound(_ path: String) -> APIProblem {
        APIProblem(
            ProblemDocument(
                status: 404, kind: "not-found", title: "No such route",
                detail: "nothing is served at \(path); /api/openapi.json describes what is"))
    }

    var answer: APIAnswer {
        APIAnswer(status: document.status, headers: document.headers, body: Array(document.encoded().readableBytesView))
    }
}
