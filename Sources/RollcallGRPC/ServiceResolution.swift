// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if GRPC

internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import Logging
internal import Rollcall

/// Where to call a service, as it changes. It fails only when the client was shut down.
struct ServiceResolution: AsyncSequence, Sendable {
    typealias Element = NameResolutionResult
    typealias Failure = any Error

    let client: ServiceClient
    let target: ServiceTarget
    let serviceConfig: ServiceConfig
    let logger: Logger
    var lookUp = InstanceAddresses.system

    func makeAsyncIterator() -> Iterator { Iterator(resolution: self) }

    struct Iterator: AsyncIteratorProtocol {
        private let resolution: ServiceResolution
        private var lists: RoutableInstances.Iterator?
        private var addresses: InstanceAddresses
        private var told: [GRPCEndpoint]?
        /// How often in a row a host name could not be looked up.
        private var failures = 0

        init(resolution: ServiceResolution) {
            self.resolution = resolution
            addresses = InstanceAddresses(
                port: resolution.target.port, logger: resolution.logger, lookUp: resolution.lookUp)
        }

        mutating func next() async throws -> NameResolutionResult? {
            var lists: RoutableInstances.Iterator
            if let known = self.lists {
                lists = known
            } else {
                lists = try resolution.client.routable(resolution.target.service).makeAsyncIterator()
                self.lists = lists
                if let result = try await resultWithoutList() { return result }
            }
            defer { self.lists = lists }
            while let instances = await lists.next(until: retry) {
                let endpoints = await addresses.endpoints(of: instances)
                failures = addresses.isIncomplete ? failures + 1 : 0
                if let result = result(endpoints) { return result }
            }
            try Task.checkCancellation()
            throw CallError(service: resolution.target.service, reason: .closed)
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> NameResolutionResult? {
            try await next()
        }

        /// When host names that could not be looked up are tried again.
        private var retry: Instant {
            guard failures > 0 else { return .distantFuture }
            var random = SystemRandomNumberGenerator()
            let backoff = Backoff(initial: .seconds(1), maximum: .seconds(30), minimum: .milliseconds(500))
            return resolution.client.time.now() + backoff.delay(afterFailures: failures, using: &random)
        }

        /// Waits for the first list, as calls of the client do, so that a call that finds the registry away is
        /// told so in time and does not hang.
        private mutating func resultWithoutList() async throws -> NameResolutionResult? {
            do {
                _ = try await resolution.client.lookup(resolution.target.service)
                return nil
            } catch {
                try Task.checkCancellation()
                guard error.reason == .noList else { throw error }
                resolution.logger.warning(
                    "no list of the service yet: calls fail", metadata: ["service": "\(error.service)"])
                return result([])
            }
        }

        /// - Returns: `nil` when there is nothing new to tell.
        private mutating func result(_ found: [GRPCEndpoint]) -> NameResolutionResult? {
            var endpoints = found
            if found.isEmpty {
                // Who was there last may still answer; gRPC, too, holds to the last list that was not empty.
                guard told == nil else { return nil }
                endpoints = [Self.nobody(resolution.target.service)]
            }
            if endpoints == told { return nil }
            told = endpoints
            return NameResolutionResult(endpoints: endpoints, serviceConfig: .success(resolution.serviceConfig))
        }

        /// An endpoint that is never there, and whose name is the reason. After an error gRPC would not listen for
        /// up to two minutes; while there is an endpoint that cannot be reached, calls fail at once (or wait, if
        /// that was asked for), and the first instance that comes is used at once.
        private static func nobody(_ service: ServiceName) -> GRPCEndpoint {
            // The path of a socket holds about 100 bytes.
            let name = String(decoding: service.folded.utf8.prefix(64), as: UTF8.self)
            return GRPCEndpoint(addresses: [.unixDomainSocket(path: "/no-routable-instance-of/\(name)")])
        }
    }
}

#endif
