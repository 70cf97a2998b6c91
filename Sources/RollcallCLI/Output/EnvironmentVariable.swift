// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The environment of this process.
enum EnvironmentVariable {
    /// The value of `name`; an empty one counts as not set.
    static func value(_ name: String) -> String? {
        guard let pointer = getenv(name) else { return nil }
        let value = String(cString: pointer)
        return value.isEmpty ? nil : value
    }
}
