// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting

/// Up to four declared checks of any kind.
func randomChecks(using random: inout SeededGenerator) -> [CheckDefinition] {
    (0 ..< Int.random(in: 0 ... 4, using: &random)).map { number in
        func seconds() -> Duration { .milliseconds(Int.random(in: 100 ... 90_000, using: &random)) }
        var http = HTTPCheck(target: "/health?ü=\"1\"")
        if Bool.random(using: &random) {
            http.method = "POST"
            http.headers = ["X-Team": "ü", "Host": "a.example"]
            http.body = "{}"
            http.expectedStatus = Bool.random(using: &random) ? 204 ... 204 : 200 ... 399
            http.bodyContains = "ok \"\\"
            http.skipsVerification = true
        }
        let kinds: [CheckDefinition.Kind] = [
            .http(http), .tcp(target: ""), .tcp(target: ":9000"), .grpc(GRPCCheck()),
            .grpc(GRPCCheck(target: "[::1]:9000", service: "a.B", isSecure: true, skipsVerification: true)),
            .command(["/bin/true", "a b", ""]), .ttl(seconds()), .alias(InstanceKey("db", "db-1")),
        ]
        let kind = kinds.randomElement(using: &random) ?? .tcp(target: "")
        var check = CheckDefinition(id: "c\(number)", kind: kind)
        if !check.isReported, Bool.random(using: &random) { (check.interval, check.timeout) = (seconds(), seconds()) }
        if Bool.random(using: &random) {
            check.name = "Größe"
            check.successThreshold = Int.random(in: 1 ... 9, using: &random)
            check.failureThreshold = Int.random(in: 1 ... 9, using: &random)
            check.initialStatus = HealthCheck.Status.allCases.randomElement(using: &random) ?? .passing
            check.deregisterAfter = seconds()
        }
        return check
    }
}
