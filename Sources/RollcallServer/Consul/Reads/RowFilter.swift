// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// The `?filter=` of a request, over the rows of its answer.
struct RowFilter: Sendable {
    enum Rows: Sendable { case healthService, checks, nodes, catalogService, nodeServices, agentServices }

    init(_ text: String, _ rows: Rows) throws(ConsulError) {
        guard text.isEmpty else {
            throw ConsulError(500, "Failed to create boolean expression evaluator: not available")
        }
    }

    func matches<Row>(_ row: Row) -> Bool { true }
}
