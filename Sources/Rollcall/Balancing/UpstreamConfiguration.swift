// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// How an ``Upstream`` judges the instances of its service.
public struct UpstreamConfiguration: Sendable, Hashable {
    /// When a smaller part than this of the enabled instances can be used, all of them are. 0.5 as Envoy's; 0 never
    /// uses instances that are down or ejected. From 0 to 1.
    public var panicThreshold: Double
    /// After this long without calls a learnt latency is down to 36.8 %; more than zero. 10 s as Finagle and linkerd.
    public var latencyDecay: Duration
    /// What a failed call counts as, at least, in the latency. 5 s as linkerd; zero takes failures by their time,
    /// which lets an instance that fails fast attract traffic.
    public var failurePenalty: Duration
    /// For how long what was learnt about an instance is kept after it left the list.
    public var departedRetention: Duration
    /// Makes picks repeatable, for simulations: every thread then draws the same numbers. `nil` seeds from the system.
    public var seed: UInt64?

    /// The settings that are named, and the defaults of the others.
    public init(
        panicThreshold: Double = 0.5, latencyDecay: Duration = PeakEWMA.standardDecay,
        failurePenalty: Duration = .seconds(5), departedRetention: Duration = .seconds(60), seed: UInt64? = nil
    ) {
        self.panicThreshold = panicThreshold
        self.latencyDecay = latencyDecay
        self.failurePenalty = failurePenalty
        self.departedRetention = departedRetention
        self.seed = seed
    }
}
