// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHTTP1
internal import Rollcall

/// Decides on the event loop how a request to Consul's API is served.
struct ConsulFastPath: FastResponder {
    static let prefix: StaticString = "/v1/"

    let routes: ConsulRoutes

    func plan(for head: HTTPRequestHead, on eventLoop: any EventLoop) -> RequestPlan {
        .ordinary(bodyBytesMax: bodyBytesMax(head.target))
    }

    func respond(to head: HTTPRequestHead, body: ByteBuffer, on eventLoop: any EventLoop) -> FastAnswer? { nil }

    private func bodyBytesMax(_ target: Substring.UTF8View) -> Int {
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        guard let decoded = PercentEncoding.decoded(path), let (index, _) = routes.find(decoded) else { return 0 }
        return routes.all[index].bodyBytesMax
    }
}
