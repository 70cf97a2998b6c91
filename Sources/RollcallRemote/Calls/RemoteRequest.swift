// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOHTTP1
internal import Rollcall
internal import RollcallTransport

/// One request of the native API, whichever server it goes to.
struct RemoteRequest: Sendable {
    /// What is being done to what, for errors: `lookup of web`.
    let subject: String
    let method: HTTPMethod
    let path: RequestPath
    /// JSON.
    var body: [UInt8]?
    /// The statuses that a Rollcall server answers a success with. An answer with another one is not taken for a
    /// success: a proxy may answer 200 to anything.
    var successes: Set<Int> = [200]
}
