// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
@testable import RollcallRemote
import Testing

@Suite("Refusals of a server")
struct RefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var status: Int
        var code: RegistryError.Code
        var goesOn: Bool
        var canRetry: Bool

        var testDescription: String { "\(status) \(name)" }
    }

    static let cases: [Case] = [
        Case(name: "malformed", status: 400, code: .invalid, goesOn: false, canRetry: false),
        Case(name: "not-found", status: 404, code: .unsupported, goesOn: false, canRetry: false),
        Case(name: "unknown-instance", status: 404, code: .unknownInstance, goesOn: false, canRetry: false),
        Case(name: "no-instance", status: 404, code: .unknownInstance, goesOn: false, canRetry: false),
        Case(name: "no-instance", status: 503, code: .unknownInstance, goesOn: false, canRetry: false),
        Case(name: "method-not-allowed", status: 405, code: .unsupported, goesOn: false, canRetry: false),
        Case(name: "fenced", status: 409, code: .fenced, goesOn: false, canRetry: false),
        Case(name: "too-large", status: 413, code: .invalid, goesOn: false, canRetry: false),
        Case(name: "invalid", status: 422, code: .invalid, goesOn: false, canRetry: false),
        Case(name: "headers-too-large", status: 431, code: .invalid, goesOn: false, canRetry: false),
        Case(name: "storage", status: 500, code: .storage, goesOn: false, canRetry: true),
        Case(name: "unsupported", status: 501, code: .unsupported, goesOn: false, canRetry: false),
        Case(name: "overloaded", status: 503, code: .overloaded, goesOn: true, canRetry: true),
        Case(name: "too-many-watchers", status: 503, code: .overloaded, goesOn: true, canRetry: true),
        Case(name: "closed", status: 503, code: .closed, goesOn: true, canRetry: true),
        Case(name: "storage-full", status: 507, code: .storageFull, goesOn: false, canRetry: true),
        // A problem of a later version.
        Case(name: "teapot", status: 418, code: .invalid, goesOn: false, canRetry: false),
        Case(name: "resting", status: 503, code: .unavailable, goesOn: true, canRetry: true),
        Case(name: "burning", status: 500, code: .unavailable, goesOn: false, canRetry: true),
    ]

    private static func answer(
        _ status: Int, _ body: String, type: String = "application/problem+json", retryAfter: String? = nil
    ) -> ServerAnswer {
        ServerAnswer(
            url: "http://a:1/x", status: status, contentType: type, retryAfter: retryAfter, body: Array(body.utf8))
    }

    @Test("become errors by one table", arguments: cases)
    func table(_ row: Case) {
        let body = #"{"type": "urn:rollcall:problem:\#(row.name)", "status": \#(row.status), "detail": "D"}"#
        let refusal = Refusal(Self.answer(row.status, body), subject: "lookup of web")
        #expect(refusal.error.code == row.code)
        #expect(refusal.error.message == "D")
        #expect(refusal.error.retry == (row.canRetry ? .after(.seconds(1)) : .never))
        #expect(refusal.handling == (row.goesOn ? .elsewhere(retryAfter: nil, mayBeDone: false) : .final))
    }

    @Test("are all in the table that the document of the API has")
    func complete() {
        #expect(Set(Refusal.rules.keys).isSubset(of: Set(Self.cases.map(\.name))))
        #expect(Refusal.rules.count == 15)
    }

    @Test("carry faults, the present incarnation and the advice when to ask again")
    func details() {
        let faults = #"[{"field": "port", "problem": "is 0"}, {"field": "host", "problem": "is missing"}]"#
        let invalid = Refusal(
            Self.answer(422, #"{"type": "urn:rollcall:problem:invalid", "faults": \#(faults)}"#), subject: "x")
        #expect(invalid.error.faults.map(\.field) == ["port", "host"])
        let fenced = Refusal(
            Self.answer(409, #"{"type": "urn:rollcall:problem:fenced", "currentIncarnation": 12}"#), subject: "x")
        #expect(fenced.error.currentIncarnation == Incarnation(12))
        let busy = Refusal(
            Self.answer(503, #"{"type": "urn:rollcall:problem:overloaded"}"#, retryAfter: "7"), subject: "x")
        #expect(busy.error.retry == .after(.seconds(7)))
        #expect(busy.handling == .elsewhere(retryAfter: .seconds(7), mayBeDone: false))
        let dated = Self.answer(503, "", retryAfter: "Wed, 21 Oct 2015 07:28:00 GMT")
        #expect(dated.retryAdvice == nil)
    }

    @Test("that are no problem documents name the URL and what came", arguments: [404, 500, 301, 200])
    func nonsense(_ status: Int) {
        let refusal = Refusal(
            Self.answer(status, "<html>\n<title>Not here</title></html>", type: "text/html"), subject: "lookup of web")
        #expect(refusal.handling == .useless)
        #expect(refusal.error.code == .unavailable)
        #expect(refusal.error.message.contains("lookup of web: http://a:1/x"))
        #expect(refusal.error.message.contains("status \(status), text/html, \"<html> <title>Not here"))
    }

    @Test("of a proxy that cannot reach the server lead to the next one", arguments: [429, 502, 503, 504])
    func proxy(_ status: Int) {
        let refusal = Refusal(Self.answer(status, "<html>", type: "text/html", retryAfter: "3"), subject: "x")
        #expect(refusal.handling == .elsewhere(retryAfter: .seconds(3), mayBeDone: true))
        #expect(refusal.error.retry == .after(.seconds(3)))
    }

    @Test("with JSON that is no problem document are none")
    func otherJSON() {
        for body in ["{}", "[]", "null", #"{"type": 3}"#, #"{"error": "x"}"#, #"{"title": "x"}"#, ""] {
            #expect(ProblemDocument(Array(body.utf8)) == nil, "\(body)")
        }
        let foreign = ProblemDocument(Array(#"{"type": "about:blank", "title": "Gone", "status": 410}"#.utf8))
        #expect(foreign?.message == "Gone")
    }

    @Test("show little of what came, on one line")
    func summary() {
        let long = Self.answer(200, String(repeating: "a\n", count: 5000), type: "text/plain")
        #expect(long.summary.utf8.count < 200)
        #expect(!long.summary.contains("\n"))
        #expect(Self.answer(200, "").summary.contains("an empty body"))
    }
}
