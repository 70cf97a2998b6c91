// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@Suite("Retry policy")
struct RetryPolicyTests {
    @Test("what was never sent is sent again whatever it is, and the rest only if it may be repeated")
    func safety() {
        let policy = RetryPolicy()
        for failure in CallFailure.allCases {
            #expect(policy.retries(failure, isIdempotent: true), "\(failure)")
            #expect(policy.retries(failure, isIdempotent: false) == (failure == .connect), "\(failure)")
        }
    }

    @Test("failures left out of the policy are final")
    func chosen() {
        let policy = RetryPolicy(retriedFailures: [.connectionLost])
        #expect(policy.retries(.connectionLost, isIdempotent: true))
        #expect(!policy.retries(.connect, isIdempotent: true))
        #expect(!policy.retries(.serverError, isIdempotent: true))
    }

    @Test("the methods of RFC 9110 9.2.2 are idempotent, and no others")
    func methods() {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            #expect(RetryPolicy.isIdempotent(method: method), "\(method)")
        }
        for method in ["POST", "PATCH", "CONNECT", "LOCK", "get", ""] {
            #expect(!RetryPolicy.isIdempotent(method: method), "\(method)")
        }
    }
}
