// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@Suite("The registry in memory")
struct InMemoryContractTests {
    @Test("keeps the contract", .timeLimit(.minutes(1)), arguments: RegistryContract.cases)
    func contract(_ contract: RegistryContract) async throws {
        try await contract.check { InMemoryFixture() }
    }
}
