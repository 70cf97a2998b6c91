// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOHTTP1
internal import Rollcall
internal import RollcallTransport

/// One request of Consul's API, whichever agent it goes to.
struct ConsulRequest: Sendable {
    /// What is being done to what, for errors: `lookup of web`.
    let subject: String
    var method = HTTPMethod.GET
    var path: RequestPath
    /// JSON.
    var body: [UInt8]?
    /// Which answers other than a success the caller makes something of.
    var expects: @Sendable (ConsulReply) -> Bool = { _ in false }
}

/// What an agent answered.
struct ConsulReply: Sendable {
    let status: Int
    /// `X-Consul-Index`; `nil` when the endpoint has none.
    let index: UInt64?
    let body: [UInt8]

    /// The text of an error.
    var text: String {
        var shown = ""
        for scalar in String(decoding: body.prefix(600), as: UTF8.self).unicodeScalars.prefix(300) {
            shown.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
        }
        return shown
    }

    /// Whether the agent does not have the check, or one of this name that cannot be reported.
    var saysUnknownCheck: Bool { status == 404 || status == 500 && isAboutChecks }

    private var isAboutChecks: Bool {
        let text = text
        return text.contains("does not have associated TTL") || text.contains("Unknown check")
            || text.contains("CheckID") && text.contains("does not exist")
    }

    /// Whether the agent does not have the service: 404, or the 500 of versions before 1.11.
    var saysUnknownService: Bool {
        status == 404 || status == 500 && (text.contains("Unknown service") || text.contains("does not exist"))
    }
}

/// What an answer other than a success means.
struct ConsulRefusal: Sendable {
    let error: RegistryError
    /// `nil` when the agent has decided.
    let failure: CallPlan.Failure?

    /// - Parameter server: Where the answer came from.
    init(_ reply: ConsulReply, subject: String, server: ServerAddress) {
        let told = "\(subject): Consul at \(server) answered \(reply.status)"
            + (reply.text.isEmpty ? "" : ": \(reply.text)")
        switch reply.status {
        case 429:
            error = RegistryError(.overloaded, told, retry: .after(ServerCalls.usualRetry))
            failure = .unavailable(retryAfter: nil)
        case 401, 403: (error, failure) = (RegistryError(.unsupported, told), nil)
        case 404, 405: (error, failure) = (RegistryError(.unsupported, told), nil)
        case 400 ..< 500: (error, failure) = (RegistryError(.invalid, told), nil)
        case 500 ..< 600:
            // No leader, or one that could not be reached: another agent may do better.
            error = RegistryError(.unavailable, told, retry: .after(ServerCalls.usualRetry))
            failure = .unavailable(retryAfter: nil)
        default:
            error = RegistryError(.unavailable, told, retry: .after(.seconds(5)))
            failure = .useless
        }
    }
}
