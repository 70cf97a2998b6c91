// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// A blocking query of one service's health that waits on its connection's event loop, without a task of its own.
///
/// Every call comes on that loop.
final class HeldHealthQuery: HeldRequest {
    private let api: ConsulAPI
    private let lookup: HealthLookup
    private let answers: DerivedBudget
    private let route: RouteMetrics
    private var exchange: HeldExchange?
    private var observations: [any Sendable] = []
    private var timer: Scheduled<Void>?

    init(_ api: ConsulAPI, _ lookup: HealthLookup, answers: DerivedBudget, route: RouteMetrics) {
        self.api = api
        self.lookup = lookup
        self.answers = answers
        self.route = route
    }

    func begin(_ exchange: HeldExchange) {
        self.exchange = exchange
        let eventLoop = exchange.eventLoop
        let query = NIOLoopBound(self, eventLoop: eventLoop)
        let wake: @Sendable () -> Void = { eventLoop.execute { query.value.look() } }
        // Observed before the first look, so that no change falls between.
        observations = api.sources(of: lookup.service).map { $0.observe(wake) }
        let jitter = lookup.wait * Double.random(in: 0 ..< 1.0 / 16)
        timer = eventLoop.scheduleTask(in: TimeAmount(lookup.wait + jitter)) { query.value.answer() }
        look()
    }

    /// Answers when the index is higher than the one that the client has seen.
    private func look() {
        guard exchange != nil, api.index(of: lookup.service) > lookup.index else { return }
        answer()
    }

    private func answer() {
        guard let exchange else { return }
        release()
        exchange.answer(FastAnswer(response: api.prepared(lookup, within: answers), route: route))
    }

    private func release() {
        exchange = nil
        observations = []
        timer?.cancel()
        timer = nil
    }

    func becameWritable() {}

    func ended(_ reason: HeldExchange.End) { release() }

    func serverIsStopping() { answer() }
}
