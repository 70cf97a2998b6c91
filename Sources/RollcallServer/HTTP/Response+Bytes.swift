// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

extension Response {
    /// A complete response from what a dialect's answer consists of. A field whose name is none is left out, and of
    /// several with one name the last counts.
    init(status: Int, headers: [(name: String, value: String)], bytes: [UInt8]) {
        var fields = HTTPFields()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        let body = bytes.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        self.init(status: HTTPResponse.Status(code: status), headers: fields, body: body)
    }
}
