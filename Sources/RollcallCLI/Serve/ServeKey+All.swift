// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Rollcall
internal import RollcallServer

extension ServeKey {
    /// All keys, in the order in which they are documented.
    static let all: [ServeKey] = place + limits + leases + checks + consul + dns + brake

    private static let place: [ServeKey] = [
        ServeKey(
            name: "address", expected: "a host name or an address",
            summary: "The address to listen on. Anyone who can reach it can register instances.",
            set: { configuration, text in
                guard !text.isEmpty, !text.contains(where: \.isWhitespace) else { return false }
                configuration.address = text
                return true
            },
            get: { $0.address }),
        ServeKey(
            name: "port", expected: "a port, 0 to 65535", summary: "The port to listen on; 0 takes a free one.",
            set: { configuration, text in
                guard let port = UInt16(text) else { return false }
                configuration.port = port
                return true
            },
            get: { String($0.port) }),
        ServeKey(
            name: "data", expected: "the path of a folder",
            summary: "The folder that the registry is kept in; made when it is missing.",
            set: { configuration, text in
                guard !text.isEmpty else { return false }
                configuration.storage = .folder(text)
                return true
            },
            get: { if case .folder(let path) = $0.storage { path } else { "" } }),
        ServeKey(
            name: "memory", expected: "true or false",
            summary: "Keep everything in memory: nothing survives the server.",
            set: { configuration, text in
                guard let value = Bool(text) else { return false }
                if value {
                    configuration.storage = .memory
                } else if configuration.storage == .memory {
                    configuration.storage = ServeConfiguration().storage
                }
                return true
            },
            get: { String($0.storage == .memory) }),
        ServeKey(
            name: "log-level", expected: Logger.Level.allCases.map(\.rawValue).joined(separator: ", "),
            summary: "What is logged, on standard error.",
            set: { configuration, text in
                guard let level = Logger.Level(rawValue: text) else { return false }
                configuration.logLevel = level
                return true
            },
            get: { $0.logLevel.rawValue }),
    ]

    private static let limits: [ServeKey] = [
        .count("limits.connections", \.http.connections, 1 ... 1_000_000, "Open connections of all clients."),
        .count("limits.watchers", \.http.watchers, 1 ... 1_000_000, "Watches of all clients."),
        .count("limits.header-bytes", \.http.headerBytes, 1024 ... 1_048_576, "Bytes of a request's line and headers."),
        .count("limits.body-bytes", \.http.bodyBytes, 1024 ... 67_108_864, "Bytes of a request's body."),
        .duration(
            "limits.header-time", \.http.headerTime, .milliseconds(10) ... .seconds(3600),
            "From the first byte of a request to the end of its headers."),
        .duration(
            "limits.body-time", \.http.bodyTime, .milliseconds(10) ... .seconds(3600),
            "From the end of the headers to the end of the body."),
        .duration(
            "limits.idle-time", \.http.idleTime, .milliseconds(10) ... .seconds(86_400),
            "Between two requests of a connection."),
        .duration(
            "limits.stall-time", \.http.stallTime, .milliseconds(10) ... .seconds(3600),
            "A reader that takes nothing for so long is cut off."),
        .duration(
            "limits.drain-time", \.http.drainTime, .zero ... .seconds(3600),
            "At the end of the server, how long requests in flight may take."),
        .count(
            "limits.answer-bytes", \.answerBytes, 0 ... 1 << 40,
            "Bytes of encoded answers that are kept for the next one who asks the same."),
        .count(
            "limits.waiting-writes", \.waitingWrites, 1 ... 1_000_000,
            "Writes that may wait for the disk; further ones are refused with 503."),
        .count(
            "limits.history-changes", \.historyChanges, 1 ... 10_000_000,
            "Changes that are kept for watches that resume."),
        .count("limits.tags", \.model.tags, 0 ... 10_000, "Tags of an instance."),
        .count("limits.metadata-entries", \.model.metadataEntries, 0 ... 10_000, "Entries of an instance's metadata."),
        .count("limits.metadata-bytes", \.model.metadataBytes, 0 ... 1_048_576, "Bytes of an instance's metadata."),
        .count("limits.checks", \.model.checks, 0 ... 10_000, "Health checks of an instance."),
    ]

    private static let leases: [ServeKey] = [
        ServeKey(
            name: "lease.ttl", expected: "a duration between lease.ttl-min and lease.ttl-max",
            summary: "The ttl of an instance that asks for none.",
            set: { configuration, text in
                guard let value = DurationText.parse(text), value >= .milliseconds(1) else { return false }
                configuration.lease.ttl = value
                return true
            },
            get: { $0.lease.terms(within: $0.model).ttl.brief }),
        ServeKey(
            name: "lease.evict-after", expected: "a duration, not less than lease.ttl",
            summary: "An instance that asked for no ttl is removed when it was silent for so long.",
            set: { configuration, text in
                guard let value = DurationText.parse(text), value >= .milliseconds(1) else { return false }
                configuration.lease.evictAfter = value
                return true
            },
            get: { $0.lease.terms(within: $0.model).evictAfter.brief }),
        ServeKey(
            name: "lease.ttl-min", expected: "a duration between 1ms and lease.ttl-max",
            summary: "The shortest ttl that an instance may ask for.",
            set: { configuration, text in
                let most = configuration.model.ttl.upperBound
                guard let value = DurationText.parse(text), value >= .milliseconds(1), value <= most else {
                    return false
                }
                configuration.model.ttl = value ... most
                configuration.model.evictAfter = value ... max(value, configuration.model.evictAfter.upperBound)
                return true
            },
            get: { $0.model.ttl.lowerBound.brief }),
        ServeKey(
            name: "lease.ttl-max", expected: "a duration between lease.ttl-min and 30 days (720h)",
            summary: "The longest ttl that an instance may ask for.",
            set: { configuration, text in
                let least = configuration.model.ttl.lowerBound
                guard let value = DurationText.parse(text), value >= least, value <= .seconds(30 * 86_400)
                else { return false }
                configuration.model.ttl = least ... value
                return true
            },
            get: { $0.model.ttl.upperBound.brief }),
    ]

    private static let checks: [ServeKey] = [
        .flag("checks.enabled", \.health.isEnabled, "Run the health checks that instances declare."),
        .flag(
            "checks.commands", \.health.runsCommands,
            "Run command checks: whoever can register an instance can then run commands with the server's rights."),
        .count(
            "checks.concurrency", \.health.scheduler.concurrency, 1 ... 100_000,
            "Checks that run at the same time; further ones wait for their turn."),
        .share("checks.jitter", \.health.scheduler.jitter, "The share by which intervals differ by chance."),
        .count(
            "checks.flap-changes", \.health.scheduler.flaps.changes, 0 ... 32,
            "So many changes of status within the window are flapping; 0 turns damping off."),
        .duration(
            "checks.flap-window", \.health.scheduler.flaps.window, .seconds(1) ... .seconds(86_400),
            "The time in which changes of a check's status count together."),
        .duration(
            "checks.output-interval", \.health.scheduler.outputInterval, .seconds(1) ... .seconds(86_400),
            "The output of a check whose status stays is written at most so often."),
    ]

    private static let brake: [ServeKey] = [
        .flag("brake.enabled", \.brake.isEnabled, "Hold evictions back when too many leases run out together."),
        .duration(
            "brake.window", \.brake.window, .milliseconds(1) ... .seconds(86_400),
            "Leases that run out within this time count together."),
        .count(
            "brake.minimum-losses", \.brake.minimumLosses, 1 ... 1_000_000,
            "Fewer losses than this never engage the brake."),
        .share("brake.fleet-share", \.brake.fleetShare, "The share of all instances that may be lost in the window."),
        .share("brake.service-share", \.brake.serviceShare, "The share of one service that may be lost in the window."),
        .duration(
            "brake.quiet-period", \.brake.quietPeriod, .milliseconds(1) ... .seconds(86_400),
            "With no further loss for this long while others renew, what is silent is believed to be gone."),
        .duration(
            "brake.settle-period", \.brake.settlePeriod, .zero ... .seconds(86_400),
            "Once most have returned, the rest is released after this time."),
        .share("brake.release-share", \.brake.releaseShare, "The share of the instances that is evicted per second."),
        ServeKey(
            name: "brake.minimum-release", expected: "a number between 0.001 and 1000000",
            summary: "The least number of instances that is evicted per second.",
            set: { configuration, text in
                guard let value = Double(text), (0.001 ... 1_000_000).contains(value) else { return false }
                configuration.brake.minimumReleasePerSecond = value
                return true
            },
            get: { String($0.brake.minimumReleasePerSecond) }),
    ]
}
