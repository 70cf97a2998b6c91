// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHPACK
internal import Rollcall

/// One call of `grpc.health.v1.Health/Check` as it is sent: `message HealthCheckRequest { string service = 1; }`.
struct GRPCQuestion: Sendable {
    let service: String
    let authority: String
    let scheme: String
    let timeout: Duration

    var headers: HPACKHeaders {
        [
            ":method": "POST", ":scheme": scheme, ":path": "/grpc.health.v1.Health/Check", ":authority": authority,
            "te": "trailers", "content-type": "application/grpc", "user-agent": "rollcall-health-check",
            "grpc-timeout": "\(max(1, min(timeout.wholeMilliseconds, 99_999_999)))m",
        ]
    }

    /// A frame of gRPC: not compressed, the length, and the message in the encoding of protocol buffers.
    var message: ByteBuffer {
        var message = ByteBuffer()
        if !service.isEmpty {
            message.writeInteger(UInt8(1 << 3 | 2))
            message.writeVarint(UInt64(service.utf8.count))
            message.writeString(service)
        }
        var frame = ByteBuffer()
        frame.writeInteger(UInt8(0))
        frame.writeInteger(UInt32(message.readableBytes))
        frame.writeBuffer(&message)
        return frame
    }
}

/// The answer, piece by piece: `message HealthCheckResponse { ServingStatus status = 1; }` and the trailers.
struct GRPCAnswer: Sendable {
    private var body = ByteBuffer()
    private var httpStatus: String?
    private var grpcStatus: String?
    private var grpcMessage: String?

    /// An answer is some seven bytes; no more than this is kept.
    private static let bytesMax = 4096

    mutating func take(_ headers: HPACKHeaders) {
        if let status = headers.first(name: ":status") { httpStatus = status }
        if let status = headers.first(name: "grpc-status") { grpcStatus = status }
        if let message = headers.first(name: "grpc-message") { grpcMessage = message }
    }

    mutating func take(_ data: ByteBuffer) {
        var data = data
        let room = Self.bytesMax - body.readableBytes
        if var part = data.readSlice(length: min(room, data.readableBytes)) { body.writeBuffer(&part) }
    }

    /// What it comes to when the stream has ended.
    var result: CheckResult {
        if let httpStatus, httpStatus != "200" {
            return CheckResult(.critical, "HTTP status \(httpStatus), this is not a gRPC server")
        }
        guard grpcStatus == "0" else { return refusal }
        switch servingStatus {
        case 1: return CheckResult(.passing, "SERVING")
        case 0: return CheckResult(.critical, "UNKNOWN")
        case 2: return CheckResult(.critical, "NOT_SERVING")
        case 3: return CheckResult(.critical, "SERVICE_UNKNOWN")
        case let other?: return CheckResult(.critical, "the status \(other) is not known")
        case nil: return CheckResult(.critical, "the answer is not a HealthCheckResponse")
        }
    }

    private var refusal: CheckResult {
        guard let grpcStatus else { return CheckResult(.critical, "the answer has no grpc-status") }
        let names = ["5": "NOT_FOUND", "12": "UNIMPLEMENTED", "14": "UNAVAILABLE", "4": "DEADLINE_EXCEEDED"]
        let name = names[grpcStatus].map { " \($0)" } ?? ""
        let message = grpcMessage.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
        return CheckResult(.critical, "gRPC status \(grpcStatus)\(name)\(message)")
    }

    /// `nil` when the message cannot be read. Field 1 missing is 0, as is usual in this encoding.
    private var servingStatus: UInt64? {
        var body = body
        guard body.readInteger(as: UInt8.self) == 0, let length = body.readInteger(as: UInt32.self),
            var message = body.readSlice(length: Int(length))
        else { return nil }
        var status: UInt64 = 0
        while message.readableBytes > 0 {
            guard let tag = message.readVarint() else { return nil }
            switch tag & 7 {
            case 0:
                guard let value = message.readVarint() else { return nil }
                if tag >> 3 == 1 { status = value }
            case 2:
                guard let length = message.readVarint(), length <= UInt64(message.readableBytes),
                    message.readSlice(length: Int(length)) != nil
                else { return nil }
            default: return nil
            }
        }
        return status
    }
}

extension ByteBuffer {
    /// A number in groups of seven bits, the least first (the varint of protocol buffers).
    mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(rest))
    }

    mutating func readVarint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let byte = readInteger(as: UInt8.self) else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
