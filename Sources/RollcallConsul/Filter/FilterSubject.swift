// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Something that filters are applied to: it is asked for the fields that an expression names, and for no others.
public protocol FilterSubject {
    /// The value of the field `name`, spelled as in Consul's JSON. Only fields of the ``FilterSchema`` are asked for.
    func filterValue(_ name: String) -> FilterValue
}

/// The value of a field.
public enum FilterValue {
    /// A text.
    case string(String)
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number.
    case integer(Int64)
    /// A list of texts, such as tags.
    case strings([String])
    /// Texts by key, such as metadata.
    case map([String: String])
    /// Objects by key, such as tagged addresses.
    case objectMap([String: any FilterSubject])
    /// A list of objects, such as checks: a condition on it holds when it holds for any of them.
    case objects([any FilterSubject])
    /// An object, such as the weights.
    case object(any FilterSubject)
}
