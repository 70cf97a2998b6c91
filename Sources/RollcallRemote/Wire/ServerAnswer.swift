// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// What a server answered, before anything was made of it.
struct ServerAnswer: Sendable {
    var url: String
    var status: Int
    var contentType: String?
    var retryAfter: String?
    var body: [UInt8]

    /// The advice of `Retry-After` (RFC 9110, section 10.2.3), when it is a number of seconds. The form with a date is
    /// of no use between machines whose clocks differ.
    var retryAdvice: Duration? {
        guard let retryAfter, let seconds = UInt32(retryAfter) else { return nil }
        return .seconds(Int64(seconds))
    }

    /// What came, in so few words that it can stand in an error: the type and the beginning of the text.
    var summary: String {
        var shown = ""
        for scalar in String(decoding: body.prefix(200), as: UTF8.self).unicodeScalars.prefix(80) {
            shown.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
        }
        let text = body.isEmpty ? "an empty body" : "\"\(shown)\(body.count > shown.utf8.count ? "..." : "")\""
        return "status \(status), \(contentType ?? "no content type"), \(text)"
    }

    /// The error that says that no Rollcall server could have answered so.
    func nonsense(_ subject: String, _ problem: String) -> RegistryError {
        RegistryError(
            .unavailable, "\(subject): \(url) did not answer as a Rollcall server does: \(problem) (\(summary))",
            retry: .after(.seconds(5)))
    }
}
