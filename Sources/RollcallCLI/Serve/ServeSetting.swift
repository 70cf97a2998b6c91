// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A value that somebody gave for a key of the server's configuration.
struct ServeSetting: Hashable, Sendable {
    /// Where it was given.
    enum Source: Hashable, Sendable {
        case file(String, line: Int)
        case environment(String)
        case flag(String)

        /// Whether both were given in the file, both in the environment, or both as flags.
        func isSamePlace(as other: Source) -> Bool {
            switch (self, other) {
            case (.file, .file), (.environment, .environment), (.flag, .flag): true
            case (.file, _), (.environment, _), (.flag, _): false
            }
        }
    }

    let key: String
    let value: String
    let source: Source
}

extension ServeSetting.Source: CustomStringConvertible {
    var description: String {
        switch self {
        case .file(let path, let line): "\(path):\(line)"
        case .environment(let name): "$\(name)"
        case .flag(let name): name
        }
    }
}

/// The configuration of the server is wrong: which key, which value, and what was expected.
struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    let message: String

    var description: String { message }

    static func unknownKey(_ setting: ServeSetting) -> ConfigurationError {
        let nearest = ServeKey.nearest(to: setting.key).map { "; did you mean \($0)?" } ?? ""
        return ConfigurationError(message: "\(setting.source): there is no key \(setting.key)\(nearest)")
    }

    static func wrongValue(_ setting: ServeSetting, expected: String) -> ConfigurationError {
        ConfigurationError(
            message: "\(setting.source): \(setting.key) is \"\(setting.value)\", but \(expected) was expected")
    }

    static func contradiction(_ one: ServeSetting, _ other: ServeSetting) -> ConfigurationError {
        ConfigurationError(message: "\(one.source): \(one.key) and \(other.key) exclude each other; give one of them")
    }
}
