// SPDX-License-Identifier: Apache-2.0
// Rollcall

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Rollcall
import RollcallHTTPClient
import RollcallRegistries

/// Calls a service by its name and prints who answered: `ExampleClient [SERVICE] [CALLS] [REGISTRY]`.
@main
enum ExampleClient {
    static func main() async throws {
        var arguments = CommandLine.arguments.dropFirst()
        let service = arguments.popFirst() ?? "greeter"
        let calls = arguments.popFirst().flatMap { Int($0) } ?? 10
        let opened = try await Registries.open(arguments.popFirst() ?? "rollcall://127.0.0.1:8500")
        let client = ServiceHTTPClient(opened.registry)

        var failures = 0
        for _ in 0 ..< calls {
            do {
                let request = HTTPClientRequest(url: "http://\(service)/greetings/world")
                let response = try await client.execute(request, timeout: .seconds(5))
                let body = try await response.body.collect(upTo: 1024)
                print(response.status.code, String(buffer: body), terminator: "")
            } catch {
                // Says which instances were tried and what each of them did.
                print(error)
                failures += 1
            }
        }
        print("\(calls) calls, \(failures) failed")

        // In this order: the client gives its connections back, then the registry its own.
        try await client.shutdown()
        await opened.close()
    }
}
