// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// The servers of a registry, and which of them all its calls and watches prefer.
package final class ServerDirectory: Sendable {
    package let addresses: [ServerAddress]
    private let state: Mutex<ServerSelection>

    package init(_ addresses: [ServerAddress]) {
        precondition(!addresses.isEmpty, "a registry needs the address of a server")
        self.addresses = addresses
        state = Mutex(ServerSelection(count: addresses.count))
    }

    package var selection: ServerSelection { state.withLock { $0 } }

    package func succeeded(_ server: Int) { state.withLock { $0.succeeded(server) } }

    package func failed(_ server: Int) { state.withLock { $0.failed(server) } }
}
