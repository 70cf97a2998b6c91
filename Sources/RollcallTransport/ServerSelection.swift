// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Which of several servers is asked first: the last one that answered.
package struct ServerSelection: Sendable, Hashable {
    package let count: Int
    package private(set) var preferred = 0

    package init(count: Int) {
        self.count = count
    }

    package mutating func succeeded(_ server: Int) { preferred = server }

    /// A late failure of a server that is no longer preferred says nothing about the present one.
    package mutating func failed(_ server: Int) {
        if server == preferred { preferred = (server + 1) % count }
    }

    /// All servers, beginning with the preferred one.
    package var order: [Int] { (0 ..< count).map { (preferred + $0) % count } }
}
