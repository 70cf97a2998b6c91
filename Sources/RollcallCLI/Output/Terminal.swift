// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The standard streams, written without a buffer: what a command has printed is there, also when it is killed next.
enum Terminal {
    /// Writes to standard output. A reader that has gone (`rollcall services | head -1`) ends the program quietly.
    static func print(_ text: String) {
        if !write(text, to: STDOUT_FILENO) { exit(0) }
    }

    /// Writes one line `rollcall: MESSAGE` to standard error.
    static func complain(_ message: String) {
        _ = write("rollcall: \(message.printable)\n", to: STDERR_FILENO)
    }

    private static func write(_ text: String, to descriptor: CInt) -> Bool {
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Self.write(descriptor, UnsafeRawBufferPointer(rebasing: buffer[start...]))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            start += count
        }
        return true
    }

    private static func write(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
        Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
        Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Darwin)
        Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}
