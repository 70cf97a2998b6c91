// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Hummingbird
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

/// Serves watches of a catalog and nothing else.
struct WatchResponder: FastResponder, OrdinaryResponder {
    let streams: EventStreams

    init(
        _ catalog: Catalog, _ clock: ManualClock = ManualClock(),
        _ configuration: WatchConfiguration = WatchConfiguration(), factory: PrometheusFactory = PrometheusFactory()
    ) {
        streams = EventStreams(
            catalog: catalog, answers: DerivedBudget(catalog: catalog, bytesMax: 1 << 20), time: .manual(clock),
            configuration: configuration,
            metrics: WatchMetrics(factory: factory))
    }

    func plan(for head: HTTPRequestHead, on eventLoop: any EventLoop) -> RequestPlan {
        let query = head.uri.utf8.drop { $0 != UInt8(ascii: "?") }.dropFirst()
        guard let parameters = QueryParameters(query) else { return .ordinary(bodyBytesMax: 0) }
        return streams.plan(for: head, query: parameters, on: eventLoop)
    }

    func respond(to head: HTTPRequestHead, body: ByteBuffer, on eventLoop: any EventLoop) -> FastAnswer? { nil }

    func respond(to request: Request, channel: any Channel) async throws -> Response { Response(status: .notFound) }
}

/// What a client of a watch makes of the bytes that it is sent. It holds them against the contract on the way.
struct WatchClient {
    private(set) var connection: TestConnection
    /// The revision of each instance, by `service/id`.
    private(set) var instances: [String: Int64] = [:]
    private(set) var revision: Int64 = 0
    private(set) var engine = "connected"
    private(set) var causes: [String] = []
    private(set) var changes = 0
    private(set) var comments: [String] = []
    private(set) var hasEnded = false
    private let responder: WatchResponder
    private let query: String
    private let label: String
    private var bytes: [UInt8] = []
    private var text = ""
    private var hasHead = false
    private var snapshot: [String: Int64] = [:]
    private var isComplete = false

    init(_ responder: WatchResponder, _ query: String, on loop: NIOAsyncTestingEventLoop, label: String) async throws {
        self.responder = responder
        self.query = query
        self.label = label
        connection = try await TestConnection(responder, on: loop)
        try await connection.send("GET /watch\(query) HTTP/1.1\r\nhost: x\r\n\r\n")
    }

    /// The connection is lost; the client comes back and names what it saw last.
    mutating func reconnect() async throws {
        try await read()
        guard isComplete else { return }
        let loop = connection.loop
        await connection.close()
        connection = try await TestConnection(responder, on: loop)
        (bytes, text, hasHead, snapshot) = ([], "", false, [:])
        // The state of the engine is told anew when it is not the ordinary one.
        engine = "connected"
        try await connection.send("GET /watch\(query) HTTP/1.1\r\nhost: x\r\nlast-event-id: \(revision)\r\n\r\n")
    }

    mutating func read() async throws {
        bytes += Array(try await connection.sent().utf8)
        if !hasHead {
            guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
            let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            #expect(head.hasPrefix("HTTP/1.1 200 ") && head.contains("text/event-stream"), "\(label): \(head)")
            bytes.removeSubrange(..<end.upperBound)
            hasHead = true
        }
        while let chunk = takeChunk() { text += chunk }
        while let end = text.utf8.firstRange(of: "\n\n".utf8) {
            apply(text[..<end.lowerBound].split(separator: "\n"))
            text.removeSubrange(..<end.upperBound)
        }
    }

    private mutating func takeChunk() -> String? {
        guard let line = bytes.firstIndex(of: 13), bytes.count > line + 1,
            let size = Int(String(decoding: bytes[..<line], as: UTF8.self), radix: 16), bytes.count >= line + size + 4
        else { return nil }
        defer { bytes.removeSubrange(..<(line + size + 4)) }
        return String(decoding: bytes[(line + 2) ..< (line + 2 + size)], as: UTF8.self)
    }

    private mutating func apply(_ lines: [Substring]) {
        var fields: [String: String] = [:]
        for line in lines {
            if line.hasPrefix(": ") { comments.append(String(line.dropFirst(2))) }
            let parts = line.split(separator: ": ", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, parts[0] != "" { fields[String(parts[0])] = String(parts[1]) }
        }
        guard let event = fields["event"] else { return }
        let data = (try? JSONValue.parse(Array((fields["data"] ?? "").utf8))) ?? .null
        switch event {
        case "snapshot":
            for instance in data["instances"]?.arrayValue ?? [] { remember(instance, in: &snapshot) }
        case "synced":
            let new = data["revision"]?.intValue ?? 0
            #expect(fields["id"] == "\(new)", "\(label)")
            let cause = data["cause"]?.stringValue ?? ""
            if cause == "coalesced" { #expect(new > revision, "\(label): \(new) synced after \(revision)") }
            causes.append(cause)
            (instances, revision, snapshot, isComplete) = (snapshot, new, [:], true)
        case "change":
            let new = data["revision"]?.intValue ?? 0
            #expect(isComplete, "\(label): a change before the state")
            #expect(snapshot.isEmpty, "\(label): a change within a snapshot")
            #expect(new > revision, "\(label): change \(new) after \(revision)")
            #expect(fields["id"] == "\(new)", "\(label)")
            revision = new
            changes += 1
            guard let instance = data["instance"] else { return }
            remember(instance, in: &instances)
            if ["deregistered", "evicted"].contains(data["kind"]?.stringValue ?? "") {
                instances["\(data["service"]?.stringValue ?? "")/\(data["id"]?.stringValue ?? "")"] = nil
            }
        case "engine": engine = data["state"]?.stringValue ?? ""
        case "end": hasEnded = true
        default: Issue.record("\(label): event \(event)")
        }
    }

    private func remember(_ instance: JSONValue, in state: inout [String: Int64]) {
        state["\(instance["service"]?.stringValue ?? "")/\(instance["id"]?.stringValue ?? "")"] =
            instance["revision"]?.intValue
    }
}
