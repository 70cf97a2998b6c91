// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Yams

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The configuration file of the server: YAML, keys nested as their names are dotted.
enum ConfigurationFile {
    /// A file of this size is not a configuration.
    private static let sizeLimit = 1024 * 1024

    /// The settings of the file at `path`.
    static func read(_ path: String) throws(ConfigurationError) -> [ServeSetting] {
        guard let file = fopen(path, "re") else {
            throw ConfigurationError(message: "the configuration file \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: sizeLimit + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        if ferror(file) != 0 {
            throw ConfigurationError(message: "the configuration file \(path): it cannot be read")
        }
        if count > sizeLimit {
            throw ConfigurationError(message: "the configuration file \(path): more than \(sizeLimit) bytes")
        }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw ConfigurationError(message: "the configuration file \(path): it is not UTF-8")
        }
        return try parse(text, path: path)
    }

    /// The settings of a file with this text. Values are taken as they are written, whatever YAML would make of them.
    static func parse(_ text: String, path: String) throws(ConfigurationError) -> [ServeSetting] {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            let detail = "\(error)".split(separator: "\n").first.map(String.init) ?? "it cannot be read"
            throw ConfigurationError(message: "the configuration file \(path) is not YAML: \(detail)")
        }
        var settings: [ServeSetting] = []
        // An empty file is a scalar without a value, and so is one of comments.
        guard let root, root.null == nil else { return [] }
        try collect(root, below: "", path: path, into: &settings)
        return settings
    }

    private static func collect(
        _ node: Node, below prefix: String, path: String, into settings: inout [ServeSetting]
    ) throws(ConfigurationError) {
        guard case .mapping(let mapping) = node else {
            let place = "\(path):\(node.mark?.line ?? 1)"
            throw ConfigurationError(
                message: prefix.isEmpty
                    ? "\(place): expected keys with values, such as `port: 8500`"
                    : "\(place): \(prefix) is a list, but one value was expected")
        }
        for (name, value) in mapping {
            guard case .scalar(let scalar) = name else {
                throw ConfigurationError(message: "\(path):\(name.mark?.line ?? 1): a key is a word")
            }
            let key = prefix.isEmpty ? scalar.string : "\(prefix).\(scalar.string)"
            if case .scalar(let text) = value {
                let source = ServeSetting.Source.file(path, line: name.mark?.line ?? 1)
                settings.append(ServeSetting(key: key, value: text.string, source: source))
            } else {
                try collect(value, below: key, path: path, into: &settings)
            }
        }
    }
}
