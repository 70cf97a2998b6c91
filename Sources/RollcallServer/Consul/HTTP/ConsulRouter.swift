// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Hummingbird
internal import NIOCore
internal import Rollcall

/// Answers `/v1/…` in ordinary asynchronous code, as Consul's agent does.
///
/// Consul's paths are those of Go's multiplexer: a key of the KV store may hold slashes, encoded or not, and a path
/// that lacks its last part is still that route. Hummingbird's router knows neither, so the dialect finds its own.
struct ConsulRouter: OrdinaryResponder {
    let api: ConsulAPI
    let routes: ConsulRoutes
    /// By the position of the route.
    let metrics: [RouteMetrics]

    func respond(to request: Request, channel: any Channel) async throws -> Response {
        let path = String(request.uri.path)
        guard let decoded = PercentEncoding.decoded(path.utf8) else {
            return ConsulError(400, "Bad Request: the path is not valid percent-encoded UTF-8").answer.response
        }
        guard decoded.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            return ConsulError(400, "Bad Request: the path holds characters that cannot be printed").answer.response
        }
        guard let (index, rest) = routes.find(decoded) else {
            return ConsulAnswer(status: 404).response
        }
        let clock = ContinuousClock()
        let start = clock.now
        let answer = await answer(request, routes.all[index], rest, channel.eventLoop)
        metrics[index].record(status: answer.status, nanoseconds: start.duration(to: clock.now).wholeNanoseconds)
        return answer.response
    }

    private func answer(_ request: Request, _ route: ConsulRoute, _ rest: String, _ eventLoop: any EventLoop) async
        -> ConsulAnswer
    {
        let method = request.method.rawValue
        if method == "OPTIONS" {
            return ConsulAnswer(headers: [("Allow", route.allow)] + ConsulAnswer.commonHeaders)
        }
        var answer: ConsulAnswer
        do throws(ConsulError) {
            guard route.methods.contains(method) else {
                throw ConsulError(405, "method \(method) not allowed", headers: [("Allow", route.allow)])
            }
            let read = try await read(request, rest, eventLoop)
            answer = try await route.handler(api, read)
            if answer.isJSON { finish(&answer, isPretty: read.query.keys.contains("pretty")) }
        } catch {
            answer = error.answer
        }
        return answer.adding(ConsulAnswer.commonHeaders)
    }

    /// Consul ends every JSON text with a line feed.
    private func finish(_ answer: inout ConsulAnswer, isPretty: Bool) {
        if isPretty {
            answer.body = PrettyJSON.bytes(answer.body)
        } else if answer.body.last != UInt8(ascii: "\n") {
            answer.body.append(UInt8(ascii: "\n"))
        }
    }

    private func read(_ request: Request, _ rest: String, _ eventLoop: any EventLoop) async throws(ConsulError)
        -> ConsulRequest
    {
        let rawQuery = request.uri.query ?? ""
        guard let query = QueryParameters(rawQuery[...].utf8) else { throw ConsulError(500, "") }
        let body: ByteBuffer
        do {
            // The transport has collected it, within the limit of the route.
            body = try await request.body.collect(upTo: .max)
        } catch {
            throw ConsulError(400, "the body did not arrive: \(error)")
        }
        return ConsulRequest(
            method: request.method.rawValue, rest: rest, query: query, rawQuery: rawQuery,
            body: Array(body.readableBytesView), accept: request.headers[.accept] ?? "", eventLoop: eventLoop)
    }
}
