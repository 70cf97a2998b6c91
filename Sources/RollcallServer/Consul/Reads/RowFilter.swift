// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// The `?filter=` of a request, over the rows of its answer; without one every row is shown.
struct RowFilter<Row: FilterSubject>: Sendable {
    private let filter: Filter?

    /// - Throws: 500 with the words of Consul's evaluator.
    init(_ text: String, _ schema: FilterSchema) throws(ConsulError) {
        do throws(FilterError) {
            filter = text.isEmpty ? nil : try Filter.parse(text, schema: schema)
        } catch {
            throw ConsulError(500, error.description)
        }
    }

    func matches(_ row: Row) -> Bool { filter?.matches(row) ?? true }
}

/// An instance with its node and its checks: a row of `/v1/health/service/…`.
extension ConsulEntry: FilterSubject {
    func filterValue(_ name: String) -> FilterValue {
        switch name {
        case "Node": .object(node)
        case "Service": .object(service)
        default: .objects(checks)
        }
    }

    /// The same as a row of `/v1/catalog/service/…`.
    var flat: FlatEntry { FlatEntry(entry: self) }
}

/// An instance and its node in one: a row of `/v1/catalog/service/…`.
struct FlatEntry: FilterSubject {
    let entry: ConsulEntry

    func filterValue(_ name: String) -> FilterValue {
        switch name {
        case "NodeMeta": entry.node.filterValue("Meta")
        case "ServiceName": entry.service.filterValue("Service")
        case _ where name.hasPrefix("Service"): entry.service.filterValue(String(name.dropFirst("Service".count)))
        default: entry.node.filterValue(name)
        }
    }
}
