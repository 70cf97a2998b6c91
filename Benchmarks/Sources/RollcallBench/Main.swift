// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Logging
import Rollcall

/// Load generators and in-process measurements. They print bare numbers; `scripts/bench` runs them and says what the
/// numbers mean.
@main
struct Main {
    static func main() async throws {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .warning
            return handler
        }
        var arguments = CommandLine.arguments.dropFirst()
        let command = arguments.popFirst()
        switch (command, arguments.first) {
        case ("micro", nil):
            await Micro.run()
            await ClientCalls.run()
        case ("client", nil):
            await ClientCalls.run()
        case ("picks", let name):
            let named = name.flatMap { BalancingPolicy(rawValue: $0) }
            await Picks.run(named.map { [$0] } ?? BalancingPolicy.allCases)
        case ("registrations", let folder?):
            arguments.removeFirst()
            try await EngineRegistrations.run(
                folder: folder, count: number(&arguments, 100_000), writers: number(&arguments, 256))
        case ("fill", let folder?):
            arguments.removeFirst()
            try await Fill.run(
                folder: folder, count: number(&arguments, 100_000), ttl: .seconds(number(&arguments, 30)))
        case ("watch", .some):
            try await WatchLoad.run(
                port: number(&arguments, 8500), watchers: number(&arguments, 10_000), changes: number(&arguments, 20),
                rounds: number(&arguments, 5))
        case ("health-fill", let folder?):
            arguments.removeFirst()
            try await HealthLoad.fill(
                folder: folder, count: number(&arguments, 10_000), port: number(&arguments, 18_499))
        case ("health-serve", .some):
            try await HealthLoad.serve(
                port: number(&arguments, 18_499), seconds: number(&arguments, 30), warmUp: number(&arguments, 25))
        default:
            print("usage: RollcallBench micro | client | picks [POLICY] | registrations DIR [COUNT] [WRITERS]")
            print("       | fill DIR [COUNT] [TTL-SECONDS] | watch PORT [WATCHERS] [CHANGES] [ROUNDS]")
            print("       | health-fill DIR [COUNT] [PORT] | health-serve PORT [SECONDS] [WARM-UP]")
        }
    }

    private static func number(_ arguments: inout ArraySlice<String>, _ standard: Int) -> Int {
        arguments.popFirst().flatMap { Int($0) } ?? standard
    }
}

/// An instance as they are: three entries of metadata, two tags, a zone; ten to a service.
func sampleRegistration(_ number: Int, lease: LeaseTerms = .standard) -> Registration {
    let host = "10.1.\(number / 250 % 250).\(number % 250)"
    return Registration(
        service: ServiceName("service-\(number / 10)"), id: InstanceID("\(host):8080"), host: host, port: 8080,
        healthCheck: "/health", tags: ["v2", "blue"],
        metadata: ["team": "shop", "commit": "3f2a9c1d", "started-by": "deploy"],
        locality: Locality(region: "north", zone: "north-1"), node: "node-\(number % 100)", version: "1.4.0",
        lease: lease)
}
