// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Logging
import Rollcall
import RollcallRemote

extension RemoteConfiguration {
    /// Patient with a busy machine, but soon back after a failure.
    static var eager: RemoteConfiguration {
        var configuration = RemoteConfiguration()
        configuration.connectTimeout = .seconds(20)
        configuration.attemptTimeout = .seconds(20)
        configuration.callTimeout = .seconds(25)
        configuration.callBackoff = Backoff(initial: .milliseconds(1), maximum: .milliseconds(20))
        configuration.watchBackoff = Backoff(initial: .milliseconds(1), maximum: .milliseconds(20))
        return configuration
    }
}

/// Opens a remote registry for `body` and shuts it down, also when `body` throws.
func withRemote(
    _ addresses: [ServerAddress], _ configuration: RemoteConfiguration = .eager,
    _ body: (RemoteRegistry) async throws -> Void
) async throws {
    let registry = RemoteRegistry(
        addresses: addresses, configuration: configuration,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    do {
        try await body(registry)
    } catch {
        await registry.shutdown()
        throw error
    }
    await registry.shutdown()
}

/// The error that `body` throws; `nil` when it throws none.
func failure(_ body: () async throws(RegistryError) -> Void) async -> RegistryError? {
    do throws(RegistryError) {
        try await body()
        return nil
    } catch {
        return error
    }
}
