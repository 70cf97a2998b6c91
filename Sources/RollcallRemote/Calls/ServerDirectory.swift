// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// The servers of a remote registry, and which of them all its calls and watches prefer.
final class ServerDirectory: Sendable {
    let addresses: [ServerAddress]
    private let state: Mutex<ServerSelection>

    init(_ addresses: [ServerAddress]) {
        precondition(!addresses.isEmpty, "a remote registry needs the address of a server")
        self.addresses = addresses
        state = Mutex(ServerSelection(count: addresses.count))
    }

    var selection: ServerSelection { state.withLock { $0 } }

    func succeeded(_ server: Int) { state.withLock { $0.succeeded(server) } }

    func failed(_ server: Int) { state.withLock { $0.failed(server) } }
}
