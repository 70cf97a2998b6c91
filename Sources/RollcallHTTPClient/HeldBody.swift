// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import NIOCore
internal import Rollcall

/// The body of a response, which keeps its instance counted as busy until it is read or dropped.
struct HeldBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    private let body: HTTPClientResponse.Body
    private let hold: LoadHold

    init(_ body: HTTPClientResponse.Body, _ hold: LoadHold) {
        self.body = body
        self.hold = hold
    }

    func makeAsyncIterator() -> Iterator { Iterator(body: body.makeAsyncIterator(), hold: hold) }

    struct Iterator: AsyncIteratorProtocol {
        var body: HTTPClientResponse.Body.AsyncIterator
        let hold: LoadHold

        @concurrent
        mutating func next() async throws -> ByteBuffer? {
            do {
                if let part = try await body.next() { return part }
            } catch {
                hold.end()
                throw error
            }
            hold.end()
            return nil
        }
    }
}
