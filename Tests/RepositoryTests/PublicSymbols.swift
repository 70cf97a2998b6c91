// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The symbols that users of the libraries see, out of the declarations of all files together.
struct PublicSymbols {
    private var files: [(path: String, declarations: [Declaration])] = []
    /// Names of types with their paths, and what they conform to by themselves or by an extension.
    private var conformances: [String: Set<String>] = [:]
    private var requirements: [String: Set<String>] = PublicSymbols.wellKnown
    private var own: [String: Declaration] = [:]

    /// Requirements of protocols from elsewhere: what they mean is said there.
    private static let wellKnown: [String: Set<String>] = [
        "AsyncIteratorProtocol": ["next()", "next(isolation:)", "Element", "Failure"],
        "AsyncSequence": ["makeAsyncIterator()", "Element", "Failure", "AsyncIterator", "Iterator"],
        "Clock": ["now", "minimumResolution", "sleep(until:tolerance:)", "Duration", "Instant"],
        "Comparable": ["<", "=="],
        "CustomStringConvertible": ["description"],
        "CustomTestStringConvertible": ["testDescription"],
        "Equatable": ["=="],
        "ExpressibleByStringLiteral": ["init(stringLiteral:)"],
        "Hashable": ["==", "hash(into:)"],
        "InstantProtocol": ["<", "==", "advanced(by:)", "duration(to:)", "Duration"],
        "MetricsFactory": [
            "makeCounter(label:dimensions:)", "makeFloatingPointCounter(label:dimensions:)",
            "makeMeter(label:dimensions:)", "makeRecorder(label:dimensions:aggregate:)",
            "makeTimer(label:dimensions:)", "destroyCounter(_:)", "destroyFloatingPointCounter(_:)", "destroyMeter(_:)",
            "destroyRecorder(_:)", "destroyTimer(_:)",
        ],
        "NameResolverFactory": ["resolver(for:)", "Target"],
        "RandomNumberGenerator": ["next()"],
        "RawRepresentable": ["rawValue", "init(rawValue:)"],
    ]

    mutating func add(_ text: String, of file: String) {
        let declarations = DeclarationReader(text).declarations
        files.append((file, declarations))
        for declaration in declarations {
            if declaration.kind.isType {
                conformances[declaration.path, default: []].formUnion(declaration.inherited)
                if declaration.kind != .extension { own[declaration.path] = declaration }
            }
        }
        for declaration in declarations where declaration.isRequirement {
            requirements[path(declaration.owner), default: []].insert(declaration.name)
        }
    }

    /// All of them.
    var all: [(path: String, symbol: Declaration)] {
        files.flatMap { file in file.declarations.filter(isVisible).map { (file.path, $0) } }
    }

    /// Those of which nothing is said, neither here nor by the protocol that asks for them.
    var undocumented: [(path: String, symbol: Declaration)] {
        all.filter { !$0.symbol.hasComment && !isDocumentedByProtocol($0.symbol) }
    }

    private func isVisible(_ declaration: Declaration) -> Bool {
        guard declaration.isPublic, declaration.kind != .extension else { return false }
        // A type that is not found here is one of another module.
        return declaration.owner.indices.allSatisfy { own[path(Array(declaration.owner[...$0]))]?.isPublic ?? true }
    }

    private func isDocumentedByProtocol(_ declaration: Declaration) -> Bool {
        let owner = path(declaration.owner)
        // A requirement speaks for its implementations, not for itself.
        var next = Array(conformances[owner] ?? []) + (declaration.isRequirement ? [] : [owner])
        var seen: Set<String> = []
        while let name = next.popLast() {
            guard seen.insert(name).inserted else { continue }
            if requirements[name]?.contains(declaration.name) ?? false { return true }
            next += conformances[name] ?? []
        }
        return false
    }

    private func path(_ owner: [String]) -> String { owner.joined(separator: ".") }
}
