// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallTransport

/// What an answer other than a success means.
struct Refusal: Sendable {
    /// What the client does about it.
    enum Handling: Sendable, Hashable {
        /// The server has decided; another would say the same.
        case final
        /// Another server, or the same one later, may do it. `mayBeDone` is whether the write may have been made all
        /// the same, as when a proxy lost the answer.
        case elsewhere(retryAfter: Duration?, mayBeDone: Bool)
        /// No Rollcall server answers so.
        case useless
    }

    let error: RegistryError
    let handling: Handling

    /// How a problem document, or a status without one, becomes an error.
    struct Rule: Sendable {
        let code: RegistryError.Code
        /// Whether asking elsewhere or later can help.
        let isPassing: Bool

        init(_ code: RegistryError.Code, isPassing: Bool = false) {
            self.code = code
            self.isPassing = isPassing
        }
    }

    /// The problems of the native API by their name, `urn:rollcall:problem:NAME`.
    static let rules: [String: Rule] = [
        "malformed": Rule(.invalid),
        "not-found": Rule(.unsupported),
        "unknown-instance": Rule(.unknownInstance),
        "no-instance": Rule(.unknownInstance),
        "method-not-allowed": Rule(.unsupported),
        "fenced": Rule(.fenced),
        "too-large": Rule(.invalid),
        "invalid": Rule(.invalid),
        "headers-too-large": Rule(.invalid),
        "storage": Rule(.storage),
        "unsupported": Rule(.unsupported),
        "overloaded": Rule(.overloaded, isPassing: true),
        "too-many-watchers": Rule(.overloaded, isPassing: true),
        "closed": Rule(.closed, isPassing: true),
        "storage-full": Rule(.storageFull),
    ]

    /// A problem that this version does not know is judged by its status.
    static func rule(forStatus status: Int) -> Rule {
        switch status {
        case 401, 403, 404, 405, 501: Rule(.unsupported)
        case 429: Rule(.overloaded, isPassing: true)
        case 400 ..< 500: Rule(.invalid)
        case 507: Rule(.storageFull)
        case 502, 503, 504: Rule(.unavailable, isPassing: true)
        default: Rule(.unavailable)
        }
    }

    /// Statuses that a proxy in front of a server gives of its own when it cannot reach it.
    private static let proxyStatuses: Set<Int> = [429, 502, 503, 504]

    /// - Parameter subject: What was being done to what, such as `lookup of web`.
    init(_ answer: ServerAnswer, subject: String) {
        guard let problem = ProblemDocument(answer.body) else {
            if Self.proxyStatuses.contains(answer.status) {
                error = RegistryError(
                    Self.rule(forStatus: answer.status).code, "\(subject): \(answer.url) answered \(answer.summary)",
                    retry: .after(answer.retryAdvice ?? ServerCalls.usualRetry))
                handling = .elsewhere(retryAfter: answer.retryAdvice, mayBeDone: true)
            } else {
                error = answer.nonsense(subject, "expected a problem document")
                handling = .useless
            }
            return
        }
        let rule = Self.rules[problem.name] ?? Self.rule(forStatus: answer.status)
        let canPass = rule.isPassing || rule.code == .storage || rule.code == .storageFull || rule.code == .unavailable
        error = RegistryError(
            rule.code, problem.message ?? "\(subject): \(answer.url) answered \(answer.status) \(problem.name)",
            faults: problem.faults, currentIncarnation: problem.currentIncarnation,
            retry: canPass ? .after(answer.retryAdvice ?? ServerCalls.usualRetry) : .never)
        handling = rule.isPassing ? .elsewhere(retryAfter: answer.retryAdvice, mayBeDone: false) : .final
    }
}
