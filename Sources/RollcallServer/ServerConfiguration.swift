// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall

/// What a server listens on and tolerates. Everything has a default.
public struct ServerConfiguration: Sendable, Hashable {
    /// Address, port, and what connections may take up.
    public var http = HTTPServerConfiguration()
    /// What watches may take up.
    public var watches = WatchConfiguration()
    /// How long requests may be.
    public var bodies = BodyLimits()
    /// How declared checks are run.
    public var health = HealthConfiguration()
    /// How the server looks to Consul's clients.
    public var consul = ConsulConfiguration()
    /// Whether and how names are answered over DNS.
    public var dns = DNSConfiguration()
    /// Bytes of encoded answers that are kept for the next one who asks the same. Beyond, those go first that were not
    /// asked for again; what is not kept is encoded anew at each request.
    public var answerBytesMax = 64 * 1024 * 1024

    /// The lease of a registration over HTTP that names neither of its times.
    public var defaultLease = LeaseTerms.standard

    /// The defaults, to be changed property by property.
    public init() {}
}
