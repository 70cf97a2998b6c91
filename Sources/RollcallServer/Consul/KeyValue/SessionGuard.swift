// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Logging
internal import Rollcall

/// What sessions ask of the catalog.
protocol SessionChecks: Sendable {
    func hasNode(_ name: String) -> Bool

    /// The status of a check of a node, or of a service on it; `nil` when there is none.
    func status(ofCheck id: String, on node: String) -> HealthCheck.Status?

    /// Wake when an answer of the others may have changed.
    var sessionWakeSources: [any ConsulWakeSource] { get }
}

/// Ends the sessions whose node is gone, or whose checks became critical or vanished. It looks again after each change
/// of the catalog, once for all changes that came meanwhile, and only at what sessions depend on.
struct SessionGuard: Sendable {
    let store: KVStore
    let checks: any SessionChecks
    let time: TimeSource
    let logger: Logger

    private static let retryDelay: Duration = .seconds(1)

    /// Runs until the task is cancelled.
    func run() async {
        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let sources = checks.sessionWakeSources + [store.source(.sessions)]
        let observations = sources.map { source in source.observe { signal.yield() } }
        signal.yield()
        for await _ in changes {
            guard await endBroken() else {
                do { try await time.sleep(until: time.now() + Self.retryDelay) } catch { break }
                signal.yield()
                continue
            }
        }
        withExtendedLifetime(observations) {}
    }

    /// - Returns: Whether all could be ended.
    private func endBroken() async -> Bool {
        for link in store.state.links.keys.filter(isBroken) {
            let command: KVCommand =
                if let check = link.check { .checkFailed(node: link.node, check: check) } else { .nodeGone(link.node) }
            do throws(RegistryError) {
                _ = try await store.submit(command)
            } catch {
                if error.code == .closed { return true }
                logger.warning("sessions whose checks failed are not ended yet", metadata: ["error": "\(error)"])
                return false
            }
        }
        return true
    }

    private func isBroken(_ link: SessionLink) -> Bool {
        guard let check = link.check else { return !checks.hasNode(link.node) }
        let status = checks.status(ofCheck: check, on: link.node)
        return status == nil || status == .critical
    }
}
