// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Synchronization

/// Logs to standard error as `rollcall:` lines, the same line not twice in a row: a registry that is away is not news
/// at each attempt.
struct TerminalLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let last: LastLine

    private final class LastLine: Sendable {
        let text = Mutex("")
    }

    init(logLevel: Logger.Level) {
        self.logLevel = logLevel
        last = LastLine()
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let details = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
        let line = details.isEmpty ? "\(event.message)" : "\(event.message) (\(details))"
        let isNews = last.text.withLock { last in
            defer { last = line }
            return last != line
        }
        if isNews { Terminal.complain(line) }
    }
}
