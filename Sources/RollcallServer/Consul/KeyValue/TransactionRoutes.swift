// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// `/v1/txn`.
extension ConsulAPI {
    static let transactionRoutes = [
        ConsulRoute("PUT", path: "/v1/txn", bodyBytesMax: 1 << 20, ConsulAPI.transact)
    ]

    private func transact(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        _ = try options(request)
        let bytesMax = configuration.valueBytesMax
        guard request.body.count <= bytesMax else {
            throw ConsulError(413, "Request body too large, max size: \(bytesMax) bytes")
        }
        let transaction = try Transaction(request.body, valueBytesMax: bytesMax)
        let answer: TransactionAnswer
        if !transaction.catalog.isEmpty {
            answer = try await transactCatalog(transaction)
        } else if let faults = transaction.faults {
            // Verbs that are none: nothing is done, and what is wrong is told by operation.
            answer = TransactionAnswer(outcomes: faults, operations: transaction.entries)
        } else if transaction.writes {
            guard case .transaction(let outcomes) = try await submit(.transaction(transaction.entries)) else {
                preconditionFailure("a transaction was answered otherwise")
            }
            answer = TransactionAnswer(outcomes: outcomes, operations: transaction.entries)
        } else {
            let outcomes = try keyValues().state.read(transaction.entries, now: time.now())
            answer = TransactionAnswer(outcomes: outcomes, operations: transaction.entries)
        }
        return answer.answer(isRead: !transaction.writes)
    }

    private func transactCatalog(_ transaction: Transaction) async throws(ConsulError) -> TransactionAnswer {
        guard transaction.entries.isEmpty, transaction.faults == nil else {
            throw ConsulError(
                501, "a transaction over both KV entries and nodes, services or checks is not available here: "
                    + "send one for each")
        }
        guard let catalog = catalogTransactions else {
            throw ConsulError(501, "Node, Service and Check operations of transactions are not available here")
        }
        return TransactionAnswer(try await catalog.perform(transaction.catalog))
    }
}

/// One `Node`, `Service` or `Check` operation of a transaction.
struct CatalogOperation: Sendable {
    enum Kind: String, Sendable {
        case node = "Node"
        case service = "Service"
        case check = "Check"
    }

    let kind: Kind
    /// `get`, `set`, `cas`, `delete`, `delete-cas`, or what the caller made up.
    let verb: String
    /// The operation as it came, such as `{"Verb":"set","Node":"n1","Service":{…}}`.
    let body: JSONValue
}

/// What one operation on the catalog came to.
enum CatalogOutcome: Sendable {
    /// Done; the rows are JSON objects such as `{"Service":{…}}`, none for a deletion.
    case done([[UInt8]])
    case failed(String)
}

/// What performs the operations of a transaction on nodes, services and checks: all of them or none.
protocol CatalogTransactions: Sendable {
    /// - Returns: An outcome for each operation. When one failed, nothing was changed.
    func perform(_ operations: [CatalogOperation]) async throws(ConsulError) -> [CatalogOutcome]
}
