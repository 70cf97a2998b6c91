// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Which of several servers is asked first: the last one that answered.
struct ServerSelection: Sendable, Hashable {
    let count: Int
    private(set) var preferred = 0

    init(count: Int) {
        self.count = count
    }

    mutating func succeeded(_ server: Int) { preferred = server }

    /// A late failure of a server that is no longer preferred says nothing about the present one.
    mutating func failed(_ server: Int) {
        if server == preferred { preferred = (server + 1) % count }
    }
}
