// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// How a command ended.
enum ChildExit: Hashable, Sendable {
    /// It ended by itself with this code.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)

    /// Reads a status word of `waitpid`.
    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .exited((waitStatus >> 8) & 0xff) : .signalled(signal)
    }

    /// The code that a shell gives such an end: 128 plus the signal's number when a signal ended it.
    var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        }
    }
}
