// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Hummingbird
internal import NIOCore
internal import NIOHTTP1
internal import Rollcall

/// Gives each request to the dialect whose paths begin as its own does; what belongs to none is the native API's.
struct DialectFastPath: FastResponder {
    let native: NativeFastPath
    let consul: ConsulFastPath?

    func plan(for head: HTTPRequestHead, on eventLoop: any EventLoop) -> RequestPlan {
        if let consul, head.target.dropping(ConsulFastPath.prefix) != nil {
            return consul.plan(for: head, on: eventLoop)
        }
        return native.plan(for: head, on: eventLoop)
    }

    func respond(to head: HTTPRequestHead, body: ByteBuffer, on eventLoop: any EventLoop) -> FastAnswer? {
        native.respond(to: head, body: body, on: eventLoop)
    }

    func repeated(_ head: HTTPRequestHead) -> RepeatedAnswer? {
        if let consul, head.target.dropping(ConsulFastPath.prefix) != nil { return consul.repeated(head) }
        return native.repeated(head)
    }
}

/// The same for what is answered in ordinary asynchronous code.
struct DialectRouter: OrdinaryResponder {
    let native: NativeRouter
    let consul: ConsulRouter?

    func respond(to request: Request, channel: any Channel) async throws -> Response {
        if let consul, request.uri.path.hasPrefix("/v1/") {
            return try await consul.respond(to: request, channel: channel)
        }
        return try await native.respond(to: request, channel: channel)
    }
}
