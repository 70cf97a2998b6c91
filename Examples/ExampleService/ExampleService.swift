// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Hummingbird
import Logging
import NIOCore
import Rollcall
import RollcallRegistries
import ServiceLifecycle
import UnixSignals

/// An HTTP service that registers itself: `ExampleService [SERVICE] [REGISTRY]`.
///
/// It takes a free port, is in the registry for as long as it can serve, and leaves without a failed call at SIGTERM or
/// SIGINT.
@main
enum ExampleService {
    static func main() async throws {
        var arguments = CommandLine.arguments.dropFirst()
        let service = ServiceName(arguments.popFirst() ?? "greeter")
        let opened = try await Registries.open(arguments.popFirst() ?? "rollcall://127.0.0.1:8500")
        let logger = Logger(label: service.value)

        // The port is known when the listener is bound; before that there is nothing to register.
        let (ports, bound) = AsyncStream.makeStream(of: UInt16.self)

        let router = Router()
        router.get("greetings/{name}") { request, context in
            "hello \(try context.parameters.require("name")) from \(request.head.authority ?? "nobody")\n"
        }
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { listener in
                if let port = listener.localAddress?.port { bound.yield(UInt16(port)) }
                bound.finish()
            },
            logger: logger)

        let registrar = Registrar(registry: opened.registry, logger: logger) {
            var registrations: [Registration] = []
            for await port in ports {
                registrations.append(Registration(service: service, host: "127.0.0.1", port: port))
            }
            return registrations
        }

        // Services are stopped in the reverse order: the registrar takes the instance from the registry and waits until
        // its callers have moved away, and only then does the application stop serving.
        let group = ServiceGroup(
            services: [application, registrar], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
        await opened.close()
    }
}
