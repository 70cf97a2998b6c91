// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Rollcall
internal import RollcallServer

/// Everything that can be chosen about `rollcall serve`. The keys by which a file, the environment and the flags name
/// these values, what each may be and what it means are in ``ServeKey/all``.
struct ServeConfiguration: Sendable {
    /// Where the registry is kept.
    enum Storage: Hashable, Sendable {
        /// In memory: it is lost at the end.
        case memory
        /// In this folder, which is made when it is missing.
        case folder(String)
    }

    var address = "127.0.0.1"
    var port: UInt16 = 8500
    var storage = Storage.folder(ServeConfiguration.standardFolder(variable: EnvironmentVariable.value))
    var logLevel = Logger.Level.notice
    var http = HTTPBounds()
    var model = ModelLimits.standard
    var lease = DefaultLease()
    var brake = BrakeConfiguration()
    var health = HealthConfiguration()
    var consul = ServeConfiguration.standardConsul
    var dns = ServeConfiguration.standardDNS
    /// Whether somebody named a port for DNS.
    private(set) var isDNSPortChosen = false
    /// Changes that are kept for watches that resume.
    var historyChanges = 16_384
    /// Bytes of encoded answers that are kept.
    var answerBytes = 64 * 1024 * 1024
    /// Writes that may wait for the disk.
    var waitingWrites = 65_536

    /// The lease of a registration that names neither of its times.
    struct DefaultLease: Hashable, Sendable {
        /// `nil` for 30 seconds, or the nearest that is allowed.
        var ttl: Duration?
        /// `nil` for three times the ttl, or the nearest that is allowed.
        var evictAfter: Duration?

        func terms(within limits: ModelLimits) -> LeaseTerms {
            let ttl = ttl ?? LeaseTerms.defaultTTL.clamped(to: limits.ttl)
            let evictAfter = evictAfter ?? max(ttl, (ttl * 3).clamped(to: limits.evictAfter))
            return LeaseTerms(ttl: ttl, evictAfter: evictAfter)
        }

        /// What is wrong with it.
        func fault(within limits: ModelLimits) -> String? {
            let terms = terms(within: limits)
            let (ttls, evictions) = (limits.ttl, limits.evictAfter)
            if !ttls.contains(terms.ttl) {
                return "lease.ttl is \(terms.ttl.brief), but instances may only ask for \(ttls.lowerBound.brief) to "
                    + "\(ttls.upperBound.brief) (lease.ttl-min, lease.ttl-max)"
            }
            if terms.evictAfter < terms.ttl || !evictions.contains(terms.evictAfter) {
                return "lease.evict-after is \(terms.evictAfter.brief), but it has to be from lease.ttl, which is "
                    + "\(terms.ttl.brief), to \(evictions.upperBound.brief)"
            }
            return nil
        }
    }

    /// What one client, and all together, may take up.
    struct HTTPBounds: Hashable, Sendable {
        var connections = 16_384
        var watchers = 20_000
        var headerBytes = 32 * 1024
        var bodyBytes = 1024 * 1024
        var headerTime: Duration = .seconds(10)
        var bodyTime: Duration = .seconds(30)
        var idleTime: Duration = .seconds(75)
        var stallTime: Duration = .seconds(60)
        var drainTime: Duration = .seconds(10)
    }

    private static var standardDNS: DNSConfiguration {
        var dns = DNSConfiguration()
        dns.isEnabled = true
        return dns
    }

    /// The folder when none was chosen: what a service manager made for the service (systemd.exec(5), StateDirectory),
    /// else the user's folder for state (XDG Base Directory Specification), else one below the current folder.
    static func standardFolder(variable: (String) -> String?) -> String {
        if let folder = variable("STATE_DIRECTORY")?.split(separator: ":").first { return String(folder) }
        if let state = variable("XDG_STATE_HOME") { return state + "/rollcall" }
        if let home = variable("HOME") { return home + "/.local/state/rollcall" }
        return "rollcall-data"
    }

    /// The configuration that `settings` make of the defaults. Later settings win over earlier ones.
    static func resolve(_ settings: [ServeSetting]) throws(ConfigurationError) -> ServeConfiguration {
        var configuration = ServeConfiguration()
        for setting in settings {
            guard let key = ServeKey.named(setting.key) else { throw .unknownKey(setting) }
            guard key.set(&configuration, setting.value) else {
                throw .wrongValue(setting, expected: key.expected)
            }
        }
        configuration.isDNSPortChosen = settings.contains { $0.key == "dns.port" }
        try refuseContradictions(in: settings)
        if let fault = configuration.lease.fault(within: configuration.model) {
            throw ConfigurationError(message: fault)
        }
        if let fault = configuration.brake.faults().first { throw ConfigurationError(message: "brake: \(fault)") }
        return configuration
    }

    /// Within one source nobody can say which of `memory` and `data` was meant.
    private static func refuseContradictions(in settings: [ServeSetting]) throws(ConfigurationError) {
        for memory in settings where memory.key == "memory" && memory.value == "true" {
            let data = settings.first { $0.key == "data" && $0.source.isSamePlace(as: memory.source) }
            if let data { throw .contradiction(memory, data) }
        }
    }
}

extension Duration {
    fileprivate func clamped(to range: ClosedRange<Duration>) -> Duration {
        min(max(self, range.lowerBound), range.upperBound)
    }
}
