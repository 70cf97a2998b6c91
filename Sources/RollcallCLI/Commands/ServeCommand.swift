// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Logging
internal import Rollcall
internal import RollcallEmbedded

/// Runs the registry's server.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run a registry server.",
        discussion: """
            Needs no configuration. Each key of `rollcall serve --print-configuration` can be given in a YAML file, \
            as an environment variable (brake.window is ROLLCALL_BRAKE_WINDOW), and with --set; flags win over the \
            environment, and that over the file.

            Prints one line when it listens. SIGTERM and SIGINT end it in order: \
            requests in flight are answered, and watches are told. Exit codes: 0 stopped in order; 69 the port cannot \
            be used, or the folder is in use, full or damaged; 78 wrong configuration, or a folder that cannot be used.
            """)

    @Option(help: ArgumentHelp("A YAML file. (default: $ROLLCALL_CONFIG, or none)", valueName: "file"))
    var config: String?

    @Option(help: "The address to listen on. (default: 127.0.0.1)")
    var address: String?

    @Option(help: "The port to listen on; 0 takes a free one. (default: 8500)")
    var port: String?

    @Option(help: "The port to answer DNS on, over UDP and TCP; 0 takes a free one. (default: 8600)")
    var dnsPort: String?

    @Option(
        help: ArgumentHelp(
            "The folder to keep the registry in. (default: $STATE_DIRECTORY, or ~/.local/state/rollcall)",
            valueName: "folder"))
    var data: String?

    @Flag(help: "Keep everything in memory: nothing survives the server.")
    var memory = false

    @Flag(help: "Run command checks: who can register an instance can then run commands here.")
    var enableCommandChecks = false

    @Option(help: "What is logged on standard error: trace, debug, info, notice, warning, error, critical.")
    var logLevel: String?

    @Option(help: ArgumentHelp("Set any key of the configuration; may be repeated.", valueName: "key=value"))
    var set: [KeyValueArgument] = []

    @Flag(help: "Print the configuration that all of this makes, as a commented file, and end.")
    var printConfiguration = false

    func run() async throws {
        let configuration: ServeConfiguration
        do throws(ConfigurationError) {
            configuration = try ServeConfiguration.resolve(settings())
        } catch {
            Terminal.complain(error.description)
            throw ExitCode.configuration
        }
        if printConfiguration { return Terminal.print(configuration.yaml) }
        do {
            try await RegistryServer(configuration: configuration).run { Terminal.print("rollcall: \($0)\n") }
        } catch let error as ServeError {
            Terminal.complain(error.description)
            throw error.exitCode
        }
    }

    /// What was said in the file, the environment and the flags, in growing precedence.
    private func settings() throws(ConfigurationError) -> [ServeSetting] {
        var settings: [ServeSetting] = []
        if let path = config ?? EnvironmentVariable.value("ROLLCALL_CONFIG") {
            settings += try ConfigurationFile.read(path)
        }
        settings += ServeKey.settings(variable: EnvironmentVariable.value)
        let flags = [
            ("address", address), ("port", port), ("dns.port", dnsPort), ("data", data), ("log-level", logLevel),
        ]
        for (key, value) in flags {
            let flag = "--" + key.map { $0 == "." ? "-" : String($0) }.joined()
            if let value { settings.append(ServeSetting(key: key, value: value, source: .flag(flag))) }
        }
        if memory { settings.append(ServeSetting(key: "memory", value: "true", source: .flag("--memory"))) }
        if enableCommandChecks {
            let source = ServeSetting.Source.flag("--enable-command-checks")
            settings.append(ServeSetting(key: "checks.commands", value: "true", source: source))
        }
        settings += set.map { ServeSetting(key: $0.name, value: $0.value, source: .flag("--set")) }
        return settings
    }
}

/// The server cannot run.
struct ServeError: Error, CustomStringConvertible {
    let description: String
    let exitCode: ExitCode
}
