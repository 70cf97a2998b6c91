// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall

/// What a server listens on and tolerates. Everything has a default.
public struct ServerConfiguration: Sendable, Hashable {
    public var http = HTTPServerConfiguration()
    public var watches = WatchConfiguration()
    public var bodies = BodyLimits()
    public var health = HealthConfiguration()
    public var consul = ConsulConfiguration()
    public var dns = DNSConfiguration()
    /// Bytes of encoded answers that are kept for the next one who asks the same. Beyond, those go first that were not
    /// asked for again; what is not kept is encoded anew at each request.
    public var answerBytesMax = 64 * 1024 * 1024

    /// The lease of a registration over HTTP that names neither of its times.
    public var defaultLease = LeaseTerms.standard

    public init() {}
}
