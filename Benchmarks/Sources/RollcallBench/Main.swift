// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall

/// Load generators and in-process measurements. `scripts/bench` runs them and says what they mean.
@main
struct Main {
    static func main() async throws {
        var arguments = CommandLine.arguments.dropFirst()
        switch arguments.popFirst() {
        case "micro": try await Micro.run()
        case "registrations":
            try await EngineRegistrations.run(
                folder: arguments.popFirst() ?? "", count: number(&arguments, 200_000), writers: number(&arguments, 256))
        case "fill":
            try await Fill.run(folder: arguments.popFirst() ?? "", count: number(&arguments, 100_000))
        case "watch":
            try await WatchLoad.run(
                port: number(&arguments, 8500), watchers: number(&arguments, 10_000), changes: number(&arguments, 20))
        default:
            print("usage: RollcallBench micro | registrations DIR [COUNT] [WRITERS] | fill DIR [COUNT]")
            print("       | watch PORT [WATCHERS] [CHANGES]")
        }
    }

    private static func number(_ arguments: inout ArraySlice<String>, _ standard: Int) -> Int {
        arguments.popFirst().flatMap { Int($0) } ?? standard
    }
}

/// An instance as they are: three entries of metadata, two tags, a zone.
func sampleRegistration(_ number: Int, perService: Int = 10) -> Registration {
    Registration(
        service: ServiceName("service-\(number / perService)"), id: InstanceID("10.1.\(number / 250 % 250).\(number % 250):8080"),
        host: "10.1.\(number / 250 % 250).\(number % 250)", port: 8080, healthCheck: "/health", tags: ["v2", "blue"],
        metadata: ["team": "shop", "commit": "3f2a9c1d", "started-by": "deploy"],
        locality: Locality(region: "north", zone: "north-1"), node: "node-\(number % 100)", version: "1.4.0")
}
