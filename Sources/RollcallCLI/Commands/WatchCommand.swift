// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// Follows what happens, until it is interrupted.
struct WatchCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Follow what happens to services: one line for each change.",
        discussion: """
            Begins with what is there, and ends with code 0 at SIGINT or SIGTERM. When the registry is lost it says \
            so and goes on when it is back. With --output json each line is one JSON object.
            """)

    @Argument(help: "The services to follow. (default: all)")
    var services: [String] = []

    @OptionGroup var options: RegistryOptions

    func run(on connection: RegistryConnection) async throws {
        let names = Set(services.map { ServiceName($0) })
        let scope = names.isEmpty ? WatchScope.all : .services(names)
        let stops = await StopSignals.stream()
        let (style, format) = (Style.standardOutput(), options.output)
        let following = Task {
            var narrator = WatchNarrator()
            for await event in connection.registry.watch(scope) {
                for line in narrator.handle(event) {
                    let now = WallTime.current()
                    Terminal.print(format == .json ? line.json(at: now) : line.text(at: now, style: style))
                }
            }
        }
        let stopping = Task {
            for await _ in stops {
                following.cancel()
                return
            }
        }
        await following.value
        stopping.cancel()
    }
}
