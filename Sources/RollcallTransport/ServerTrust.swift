// SPDX-License-Identifier: Apache-2.0
// Rollcall

package import NIOSSL
public import Rollcall

/// Whose word counts for the identity of a server that is spoken to over TLS.
public struct ServerTrust: Sendable, Hashable {
    /// `nil` for what the HTTP client trusts by itself.
    private let certificates: [NIOSSLCertificate]?

    /// The authorities that the system trusts.
    public static let system = ServerTrust(certificates: nil)

    /// Only the authorities whose certificates are in a PEM file. A self-signed certificate is its own authority.
    ///
    /// - Throws: `invalid`, naming the file, when it cannot be read or holds no certificate.
    public init(file: String) throws(RegistryError) {
        do {
            let certificates = try NIOSSLCertificate.fromPEMFile(file)
            guard !certificates.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
            self.init(certificates: certificates)
        } catch {
            let problem = (error as? NIOSSLError) == .failedToLoadCertificate
                ? "it holds no certificate in PEM form" : "\(error)"
            throw RegistryError(
                .invalid, "the certificates of the authorities, \(file), cannot be used: \(problem)",
                faults: [FieldFault("ca", problem)])
        }
    }

    private init(certificates: [NIOSSLCertificate]?) {
        self.certificates = certificates
    }

    package var roots: NIOSSLTrustRoots? { certificates.map { .certificates($0) } }
}

/// Why TLS with a server did not come about, in words for the person who has to do something about it.
enum TLSFault: CustomStringConvertible {
    case untrusted
    case otherName
    case noTLS
    case other(String)

    /// `nil` for an error that TLS has no part in.
    init?(_ error: any Error) {
        switch error {
        case let error as NIOSSLError:
            guard case .handshakeFailed(let cause) = error else { return nil }
            let text = "\(cause)"
            if text.contains("CERTIFICATE_VERIFY_FAILED") {
                self = .untrusted
            } else if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
                self = .noTLS
            } else {
                self = .other(text)
            }
        case let error as NIOSSLExtraError where error == .failedToValidateHostname: self = .otherName
        default: return nil
        }
    }

    var description: String {
        switch self {
        case .untrusted:
            "its certificate is not trusted: nobody who is trusted here vouches for it; name the PEM file of its "
                + "authority with ?ca=FILE in the URL of the registry"
        case .otherName: "its certificate is for another name than this one"
        case .noTLS: "it does not speak TLS; a server without TLS is named with rollcall://"
        case .other(let text): "TLS did not come about: \(text)"
        }
    }
}
