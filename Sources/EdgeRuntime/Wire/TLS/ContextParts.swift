// The pieces of a TLS context while they are put together: frees what it made if a later piece is wrong.

import COpenSSL

final class ContextParts {
    var handles: [OpaquePointer] = []
    private(set) var facts: [CertificateFacts] = []
    /// One for each identity.
    private(set) var staples: [Staple?] = []

    deinit {
        for handle in handles { SSL_CTX_free(handle) }
    }

    func make(isServer: Bool, minimum: TLSVersion) throws(TLSSettingsError) -> OpaquePointer {
        guard let handle = SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
            throw Self.libraryError("TLS cannot be set up", "")
        }
        handles.append(handle)
        guard TLSContext.applyDefaults(to: handle, minimum: minimum) else {
            throw Self.libraryError("the secure defaults cannot be set", "")
        }
        // A server keeps no sessions: tickets carry them. A client's are kept by whoever connects.
        _ = edge_SSL_CTX_set_session_cache_mode(handle, Int(SSL_SESS_CACHE_OFF))
        SSL_CTX_set_timeout(handle, Limits.ticketLifetimeSeconds)
        return handle
    }

    func use(_ identity: TLSIdentity, in handle: OpaquePointer) throws(TLSSettingsError) {
        let chain = try CertificateChain(file: identity.certificate)
        let key = try PrivateKey(file: identity.key)
        guard X509_check_private_key(chain.leaf, key.handle) == 1 else {
            ERR_clear_error()
            throw TLSSettingsError(
                kind: .keyMismatch,
                file: identity.key,
                problem: "this key does not belong to the certificate in \(identity.certificate);"
                    + " give the key that this certificate was made for"
            )
        }
        var isAccepted =
            SSL_CTX_use_certificate(handle, chain.leaf) == 1
            && SSL_CTX_use_PrivateKey(handle, key.handle) == 1
        for other in chain.others where isAccepted {
            isAccepted = edge_SSL_CTX_add1_chain_cert(handle, other) == 1
        }
        guard isAccepted else {
            throw Self.libraryError(
                "this certificate is not strong enough to be used; make one with an RSA key of"
                    + " 2048 bits or an elliptic curve",
                identity.certificate,
                kind: .refusedCertificate
            )
        }
        facts.append(chain.facts)
        guard let file = identity.ocsp else {
            staples.append(nil)
            return
        }
        staples.append(try Staple(file: file, for: chain.leaf, in: identity.certificate))
    }

    func demandCertificates(
        _ clients: TLSServerSettings.ClientCertificates,
        in handle: OpaquePointer
    ) throws(TLSSettingsError) {
        let mode =
            clients.required
            ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER
        SSL_CTX_set_verify(handle, mode, nil)
        try trust(clients.authorities, in: handle)
    }

    /// Every certificate of the file is an anchor, also one that is not a root: operators pin intermediates.
    func trust(_ file: String, in handle: OpaquePointer) throws(TLSSettingsError) {
        let chain = try CertificateChain(file: file)
        let store = SSL_CTX_get_cert_store(handle)
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        for authority in [chain.leaf] + chain.others {
            guard X509_STORE_add_cert(store, authority) == 1,
                SSL_CTX_add_client_CA(handle, authority) == 1
            else { throw Self.libraryError("this authority cannot be used", file) }
        }
    }

    /// A ticket is good only where the same clients are let in: the keys are shared by all listeners, and a
    /// session made where no certificate is asked for must not open the door where one is.
    func separateSessions(
        by clients: TLSServerSettings.ClientCertificates?,
        in handle: OpaquePointer
    ) throws(TLSSettingsError) {
        var bytes: [UInt8] = [0]
        if let clients {
            bytes = try PEMFile.read(clients.authorities)
            bytes.append(clients.required ? 2 : 1)
        }
        let isSet = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digest in
            EVP_Digest(bytes, bytes.count, digest.baseAddress, nil, EVP_sha256(), nil) == 1
                && SSL_CTX_set_session_id_context(handle, digest.baseAddress, 32) == 1
        }
        guard isSet else { throw Self.libraryError("sessions cannot be told apart", "") }
    }

    /// For what does not fail unless the library does: its own words follow ours.
    static func libraryError(
        _ problem: String,
        _ file: String,
        kind: TLSSettingsError.Kind = .library
    ) -> TLSSettingsError {
        let code = ERR_peek_error()
        let reason = ERR_reason_error_string(code).map { String(cString: $0) }
        ERR_clear_error()
        return TLSSettingsError(
            kind: kind,
            file: file,
            problem: reason.map { "\(problem) [\($0)]" } ?? problem
        )
    }
}
