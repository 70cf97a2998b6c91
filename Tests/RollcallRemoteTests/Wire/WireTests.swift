// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
@testable import RollcallRemote
import Testing

@Suite("Requests and answers")
struct WireTests {
    @Test("a path encodes everything that could be taken for something else")
    func paths() {
        #expect(RequestPath.service("web").description == "/api/v1/services/web")
        #expect(
            RequestPath.instance(InstanceKey("a b/c", "ü/1?x#y%&=+")).description
                == "/api/v1/services/a%20b%2Fc/instances/%C3%BC%2F1%3Fx%23y%25%26%3D%2B")
        #expect(
            RequestPath.instance(InstanceKey("..", ".")).adding("state").description
                == "/api/v1/services/%2E%2E/instances/%2E/state")
        #expect(
            RequestPath.instance(InstanceKey("a", "10.0.0.1:80")).adding(Incarnation(7)).description
                == "/api/v1/services/a/instances/10.0.0.1%3A80?incarnation=7")
        #expect(RequestPath.watch(["a", "b&c"]).description == "/api/v1/watch?service=a&service=b%26c")
        #expect(RequestPath.watch(nil).description == "/api/v1/watch")
    }

    @Test("more services than a request can name are watched as all")
    func scopes() {
        let few = WatchScope.services(["b", "a", ""])
        #expect(few.path?.description == "/api/v1/watch?service=a&service=b")
        let many = WatchScope.services(Set((0 ..< 129).map { ServiceName("\($0)") }))
        #expect(many.path?.description == "/api/v1/watch")
        let long = WatchScope.services(Set((0 ..< 100).map { ServiceName("\($0)" + String(repeating: "ü", count: 20)) }))
        #expect(long.path?.description == "/api/v1/watch")
        #expect(WatchScope.services([""]).path == nil)
        #expect(WatchScope.service("").path == nil)
    }

    @Test("an address is the start of a URL, with brackets around an IPv6 address")
    func addresses() {
        #expect(ServerAddress(host: "a").description == "http://a:8500")
        #expect(ServerAddress(host: "fd00::1", port: 1, isSecure: true).description == "https://[fd00::1]:1")
    }

    private func outcomes(_ json: String, count: Int) throws(JSONError) -> [HeartbeatOutcome] {
        try JSONReader.read(Array(json.utf8)) { reader throws(JSONError) in
            try HeartbeatBatch.read(from: &reader, count: count)
        }
    }

    @Test("the outcomes of many heartbeats are put in the order of the heartbeats")
    func heartbeats() throws {
        let json = """
            {"renewed": 2, "refused": [{"index": 3, "outcome": "unknown"},
             {"index": 0, "outcome": "fenced", "currentIncarnation": 12}], "later": true}
            """
        #expect(try outcomes(json, count: 4) == [.fenced(Incarnation(12)), .renewed, .renewed, .unknown])
        #expect(try outcomes(#"{"renewed": 0, "refused": []}"#, count: 0) == [])
    }

    @Test(
        "an answer that does not fit the heartbeats is refused",
        arguments: [
            #"{"renewed": 3, "refused": []}"#,
            #"{"refused": []}"#,
            #"{"renewed": 1, "refused": [{"index": 2, "outcome": "unknown"}]}"#,
            #"{"renewed": 1, "refused": [{"index": -1, "outcome": "unknown"}]}"#,
            #"{"renewed": 0, "refused": [{"index": 1, "outcome": "unknown"}, {"index": 1, "outcome": "unknown"}]}"#,
            #"{"renewed": 1, "refused": [{"index": 1, "outcome": "fenced"}]}"#,
            #"{"renewed": 1, "refused": [{"index": 1, "outcome": "lost"}]}"#,
            #"{"renewed": 1, "refused": [{"outcome": "unknown"}]}"#,
            "[]", "",
        ])
    func wrongOutcomes(_ json: String) {
        #expect(throws: JSONError.self) { try outcomes(json, count: 2) }
    }

    @Test("a snapshot with an instance of another service is refused")
    func strangers() throws {
        let instance = String(decoding: Sample.instance("a", service: "other", revision: 3).jsonBytes(), as: UTF8.self)
        let json = #"{"service": "web", "revision": 3, "instances": [\#(instance)]}"#
        #expect(throws: JSONError.self) {
            try JSONReader.read(Array(json.utf8)) { reader throws(JSONError) in
                try ServiceSnapshot.read(from: &reader)
            }
        }
    }
}
