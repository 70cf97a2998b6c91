// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Synchronization

/// Keeps a ``SnapshotFile`` near to what is known, without writing it at every change.
final class SnapshotKeeper: Sendable {
    private let file: SnapshotFile
    private let time: TimeSource
    private let logger: Logger
    private let lists: Mutex<[ServiceName: ServiceSnapshot]>
    private let pending = Mutex<(task: Task<Void, Never>, current: @Sendable () -> [ServiceSnapshot])?>(nil)

    /// How long changes are gathered before they are written.
    private static let delay = Duration.seconds(1)

    /// Reads the file. One that cannot be read is told of and replaced in time: it is there to help, not to hinder.
    init(file: SnapshotFile, time: TimeSource, _ logger: Logger) {
        self.file = file
        self.time = time
        self.logger = logger
        do throws(SnapshotFile.Failure) {
            let snapshots = try file.read()
            lists = Mutex(Dictionary(snapshots.map { ($0.service, $0) }) { _, last in last })
        } catch {
            logger.warning("\(error)")
            lists = Mutex([:])
        }
    }

    /// The list of an earlier run, or of an earlier use.
    func saved(_ service: ServiceName) -> ServiceSnapshot? { lists.withLock { $0[service] } }

    /// The service is not followed any more: what is known of it stays in the file. An empty list is not kept, as any
    /// number of names may have been asked for that nobody registers.
    func save(_ known: KnownService?) {
        guard let known, known.origin == .registry else { return }
        lists.withLock { $0[known.snapshot.service] = known.snapshot.isEmpty ? nil : known.snapshot }
    }

    /// Something changed: what `current` returns is written soon.
    func keep(_ current: @escaping @Sendable () -> [ServiceSnapshot]) {
        pending.withLock { pending in
            guard pending == nil else { return }
            let task = Task { [weak self, time] in
                guard (try? await time.sleep(until: time.now() + Self.delay)) != nil else { return }
                self?.writePending()
            }
            pending = (task, current)
        }
    }

    /// Writes what is not written yet.
    func close() async {
        pending.withLock { $0?.task }?.cancel()
        writePending()
    }

    private func writePending() {
        guard let current = pending.withLock({ $0.take() })?.current else { return }
        // What was saved of services that are not used in this run yet, or not any more, is kept. Those come second:
        // one that is let go between the two is saved before it is missing from the first.
        let known = current()
        let names = Set(known.map(\.service))
        let rest = lists.withLock { Array($0.values) }.filter { !names.contains($0.service) }
        do throws(SnapshotFile.Failure) {
            try file.write((known + rest).sorted { $0.service < $1.service })
        } catch {
            logger.warning("\(error)")
        }
    }
}
