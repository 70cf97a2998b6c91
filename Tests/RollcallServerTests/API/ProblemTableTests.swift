// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import NIOCore
import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("Problems of the native API")
struct ProblemTableTests {
    private static let codes: [(code: RegistryError.Code, status: Int, kind: String)] = [
        (.invalid, 422, "invalid"), (.unknownInstance, 404, "unknown-instance"), (.fenced, 409, "fenced"),
        (.unsupported, 501, "unsupported"), (.storage, 500, "storage"), (.storageFull, 507, "storage-full"),
        (.unavailable, 503, "unavailable"), (.overloaded, 503, "overloaded"), (.closed, 503, "closed"),
    ]

    @Test("each error of a registry has its status and its name, and a passing one says when to come back")
    func table() throws {
        for (code, status, kind) in Self.codes {
            let document = APIProblem(RegistryError(code, "write of web/1: no")).document
            #expect(document.status == status, "\(code)")
            #expect(document.kind == kind, "\(code)")
            #expect(document.detail == "write of web/1: no")
            #expect((document.retryAfterSeconds != nil) == (status == 503), "\(code)")
        }
        let slow = APIProblem(RegistryError(.overloaded, "x", retry: .after(.milliseconds(2100)))).document
        #expect(slow.retryAfterSeconds == 3)
        let full = APIProblem(RegistryError(.storageFull, "x", retry: .after(.seconds(5)))).document
        #expect(full.headers.contains { $0.name == "retry-after" && $0.value == "5" })
    }

    @Test("faults and the present incarnation are told")
    func members() throws {
        let fault = RegistryError.invalid("registration", [FieldFault("port", "must be \"1\" to 65535")])
        let invalid = try JSONValue.parse(Array(APIProblem(fault).document.encoded().readableBytesView))
        #expect(invalid["faults"]?[0]?["field"] == .string("port"))
        #expect(invalid["faults"]?[0]?["problem"] == .string("must be \"1\" to 65535"))
        let error = RegistryError.fenced(
            "heartbeat", InstanceKey("web", "1"), named: Incarnation(3), current: Incarnation(7))
        let fenced = try JSONValue.parse(Array(APIProblem(error).document.encoded().readableBytesView))
        #expect(fenced["currentIncarnation"] == .integer(7))
    }

    @Test("the description lists all of them with their statuses, and no others")
    func description() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "Docs/native-api.md"), encoding: .utf8)
        var described: Set<String> = []
        for line in text.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let statuses = cells[1].split(separator: ", ").compactMap { Int($0) }
            guard cells[0].hasSuffix("`"), !statuses.isEmpty else { continue }
            for name in cells[0].split(separator: ", ") {
                for status in statuses { described.insert("\(name.trimmingPrefix("`").dropLast()) \(status)") }
            }
        }
        var actual = Set(Self.codes.map { "\($0.kind) \($0.status)" })
        for rejection in Rejection.allCases { actual.insert("\(rejection.problem.kind) \(rejection.problem.status)") }
        actual.formUnion([
            "malformed 400", "not-found 404", "no-instance 404", "no-instance 503", "method-not-allowed 405",
            "too-many-watchers 503",
        ])
        #expect(described == actual)
    }
}
