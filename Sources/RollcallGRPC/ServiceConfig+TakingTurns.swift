// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if GRPC

public import GRPCCore

extension ServiceConfig {
    /// Calls take turns among the instances that are connected.
    ///
    /// - Parameter idempotent: What may be acted upon twice: the names of methods, of services (all their methods), or
    ///   one that is empty (all methods). A call to these that ends with `UNAVAILABLE` is tried again, up to three
    ///   times in all, as long as no more than about a fifth of the calls need it (gRPC's retry throttling, gRFC A6).
    ///   A call to others may fail in the moment when its instance leaves the list.
    public static func takingTurns(idempotent: [MethodConfig.Name] = []) -> ServiceConfig {
        let retry = GRPCCore.RetryPolicy(
            maxAttempts: 3, initialBackoff: .milliseconds(25), maxBackoff: .milliseconds(250), backoffMultiplier: 2,
            retryableStatusCodes: [.unavailable])
        return ServiceConfig(
            methodConfig: idempotent.isEmpty ? [] : [MethodConfig(names: idempotent, executionPolicy: .retry(retry))],
            loadBalancingConfig: [.roundRobin], retryThrottling: try? RetryThrottling(maxTokens: 100, tokenRatio: 0.2))
    }
}

#endif
