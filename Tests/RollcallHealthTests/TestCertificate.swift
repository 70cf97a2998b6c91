// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOSSL

/// A certificate for `localhost` that nobody trusts, with its key: for servers of these tests only.
enum TestCertificate {
    static func serverContext(protocols: [String] = []) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map {
            NIOSSLCertificateSource.certificate($0)
        }
        let key = try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(key))
        configuration.applicationProtocols = protocols
        return try NIOSSLContext(configuration: configuration)
    }

    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBmjCCAUGgAwIBAgIUCrV7bjZq2GEtztk/VJE6bZl8A+EwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDE1MzgwNFoYDzIxMjYxMDMx
        MTUzODA0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAARWZqPC0vIVlqAez98CMjDF3iIQo8CRIgW0bRC7Tqqwg7tSK8GsPglM
        Hjbw8LDvKpHpghRM/iZV3q7pXPZRb2M5o28wbTAdBgNVHQ4EFgQUOCNVH8wI/55Q
        URtSLjec+8MweNswHwYDVR0jBBgwFoAUOCNVH8wI/55QURtSLjec+8MweNswDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDRwAwRAIgWttwi9U5x7LBBFG7AzowFhGOikGpebwD4iNcx0P1pZwCIAkY
        HqdcGnu64wvFc0pAZXbtmxtpUMrUvdyXXmjiCiM7
        -----END CERTIFICATE-----
        """

    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBzno1P62EwLlKC+s
        04GfGGA3LVlLb42wSlnMM5KAD52hRANCAARWZqPC0vIVlqAez98CMjDF3iIQo8CR
        IgW0bRC7Tqqwg7tSK8GsPglMHjbw8LDvKpHpghRM/iZV3q7pXPZRb2M5
        -----END PRIVATE KEY-----
        """
}
