// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The selectors that filters may use at one endpoint, with their types.
public struct FilterSchema: Sendable, Hashable {
    /// The type of a field.
    public indirect enum Field: Sendable, Hashable {
        /// A text.
        case string
        /// `true` or `false`.
        case bool
        /// A whole number of 64 bits.
        case integer
        /// A list of texts.
        case strings
        /// Values of one type by key.
        case map(Field)
        /// An object with these fields.
        case object([String: Field])
        /// A list of objects with these fields.
        case objects([String: Field])
    }

    let fields: [String: Field]

    /// - Parameter fields: Of the outermost object, by their names in Consul's JSON.
    public init(_ fields: [String: Field]) {
        self.fields = fields
    }

    /// The type of what `path` selects.
    ///
    /// - Throws: With the part of the path that leads nowhere.
    func field(_ path: [String]) throws(FilterError) -> Field {
        var field = Field.object(fields)
        for (depth, name) in path.enumerated() {
            guard let next = field[name] else {
                throw FilterError("Selector \(goQuoted(path[...depth].joined(separator: "."))) is not valid")
            }
            field = next
        }
        return field
    }
}

extension FilterSchema.Field {
    fileprivate subscript(name: String) -> FilterSchema.Field? {
        switch self {
        case .object(let fields), .objects(let fields): fields[name]
        case .map(let value): value
        case .string, .bool, .integer, .strings: nil
        }
    }

    /// Whether a condition of this kind can be put on the field.
    func supports(_ comparison: FilterComparison) -> Bool {
        switch (self, comparison) {
        case (.string, _): true
        case (.bool, .equal), (.integer, .equal): true
        case (.strings, .contains), (.map, .contains): true
        case (.strings, .isEmpty), (.map, .isEmpty), (.objects, .isEmpty): true
        default: false
        }
    }
}
