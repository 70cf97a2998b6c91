// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@Suite("The embedded registry")
struct EmbeddedContractTests {
    @Test("keeps the contract", .timeLimit(.minutes(1)), arguments: RegistryContract.cases)
    func contract(_ contract: RegistryContract) async throws {
        try await contract.check { try await EmbeddedFixture() }
    }
}
