// What all connections of one listener, or to one origin, have in common: certificates, floors, preferences.
//
// Built whole before it is used and never changed after, so every loop shares it. Certificates are replaced by
// building another context for the connections to come; a stream keeps the one that it began with.
//
// The choices are Mozilla's "intermediate" profile: TLS 1.2 with ECDHE and AEAD, TLS 1.3, the client picks the
// cipher (phones without AES instructions prefer ChaCha20), no renegotiation, no compression, no early data
// (a replayed request is the application's problem, which a proxy must not create).

import COpenSSL

final class TLSContext: @unchecked Sendable {
    // Guard: nothing is written after `init`; OpenSSL counts references to an SSL_CTX atomically and takes its own
    // locks for what streams do with it.
    /// One for each identity, the default first. A client has one.
    private let handles: [OpaquePointer]
    private let rowsByName: [String: Int]
    /// One for each handle.
    let staples: [Staple?]
    /// Our protocols as ALPN writes them.
    private let alpn: [UInt8]
    private let tickets: TicketKeys?
    let isServer: Bool
    let requestsStaple: Bool
    /// Of our own certificates, in the order of the settings.
    let certificates: [CertificateFacts]

    var handle: OpaquePointer { handles[0] }

    private static let cipherList =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
        + ":ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
        + ":ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    private static let suites =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    private static let groups = "X25519:P-256:P-384"

    static func server(
        _ settings: TLSServerSettings,
        tickets: TicketKeys
    ) throws(TLSSettingsError) -> TLSContext {
        guard !settings.identities.isEmpty else {
            throw TLSSettingsError(
                kind: .noIdentity,
                file: "",
                problem: "a TLS listener needs at least one certificate with its key"
            )
        }
        let parts = ContextParts()
        for identity in settings.identities {
            let handle = try parts.make(isServer: true, minimum: settings.minimumVersion)
            try parts.use(identity, in: handle)
            if let clients = settings.clientCertificates {
                try parts.demandCertificates(clients, in: handle)
            }
            try parts.separateSessions(by: settings.clientCertificates, in: handle)
        }
        let context = TLSContext(
            parts: parts,
            isServer: true,
            protocols: settings.protocols,
            tickets: tickets
        )
        context.installCallbacks()
        return context
    }

    static func client(_ settings: TLSClientSettings) throws(TLSSettingsError) -> TLSContext {
        let parts = ContextParts()
        let handle = try parts.make(isServer: false, minimum: settings.minimumVersion)
        if settings.maximumVersion == .tls12 {
            SSL_CTX_set_options(handle, edge_option_no_tls13())
        }
        if let identity = settings.identity { try parts.use(identity, in: handle) }
        if settings.verify {
            SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
            if let authorities = settings.authorities {
                try parts.trust(authorities, in: handle)
            } else if SSL_CTX_set_default_verify_paths(handle) != 1 {
                throw ContextParts.libraryError("the system's certificate authorities", "")
            }
        }
        let context = TLSContext(
            parts: parts,
            isServer: false,
            protocols: settings.protocols,
            tickets: nil,
            requestsStaple: settings.requestsStaple
        )
        guard !settings.protocols.isEmpty else { return context }
        // This call answers 0 for success, unlike its neighbours.
        let refused = SSL_CTX_set_alpn_protos(handle, context.alpn, UInt32(context.alpn.count))
        precondition(refused == 0, "our own list of protocols is well formed")
        return context
    }

    private init(
        parts: ContextParts,
        isServer: Bool,
        protocols: [ApplicationProtocol],
        tickets: TicketKeys?,
        requestsStaple: Bool = false
    ) {
        handles = parts.handles
        parts.handles = []
        certificates = parts.facts
        staples = parts.staples
        alpn = ApplicationProtocol.wireFormat(protocols)
        self.tickets = tickets
        self.isServer = isServer
        self.requestsStaple = requestsStaple
        var rows: [String: Int] = [:]
        for (row, facts) in parts.facts.enumerated() {
            for name in facts.names where rows[name] == nil { rows[name] = row }
        }
        rowsByName = rows
    }

    deinit {
        for handle in handles { SSL_CTX_free(handle) }
    }

    /// The identity for a server name: its own certificate, else one with a wildcard over it, else the first.
    func row(for name: String) -> Int {
        if let exact = rowsByName[name] { return exact }
        if let wildcard = CertificateName.wildcard(covering: name), let row = rowsByName[wildcard] {
            return row
        }
        return 0
    }

    // MARK: What OpenSSL asks during a handshake

    /// The context is each callback's argument. It outlives them: a stream holds it for as long as its SSL.
    private func installCallbacks() {
        let me = Unmanaged.passUnretained(self).toOpaque()
        for (row, handle) in handles.enumerated() {
            edge_SSL_CTX_on_server_name(handle, { TLSContext.of($2).choose(for: $0) }, me)
            SSL_CTX_set_alpn_select_cb(
                handle,
                { TLSContext.of($5).agree($1, $2, offered: $3, count: $4) },
                me
            )
            if staples[row] != nil {
                edge_SSL_CTX_on_status(handle, { TLSContext.of($1).staple(to: $0) }, me)
            }
            tickets?.install(in: handle)
        }
    }

    private static func of(_ argument: UnsafeMutableRawPointer?) -> TLSContext {
        guard let argument else { preconditionFailure("the callback was installed with one") }
        return Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
    }

    private func choose(for ssl: OpaquePointer?) -> CInt {
        guard let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else {
            return SSL_TLSEXT_ERR_OK
        }
        let bytes = UnsafeRawBufferPointer(start: name, count: strlen(name))
        let row = bytes.withMemoryRebound(to: UInt8.self) {
            self.row(for: CertificateName.normalized($0))
        }
        if row != 0 { SSL_set_SSL_CTX(ssl, handles[row]) }
        return SSL_TLSEXT_ERR_OK
    }

    private func agree(
        _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
        _ chosenCount: UnsafeMutablePointer<UInt8>?,
        offered: UnsafePointer<UInt8>?,
        count: UInt32
    ) -> CInt {
        // The call wants a mutable pointer to what it only points into: our list, or the client's.
        let found = chosen?.withMemoryRebound(to: UnsafeMutablePointer<UInt8>?.self, capacity: 1) {
            SSL_select_next_proto($0, chosenCount, alpn, UInt32(alpn.count), offered, count)
        }
        return found == OPENSSL_NPN_NEGOTIATED
            ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL
    }

    private func staple(to ssl: OpaquePointer?) -> CInt {
        let fixed = edge_SSL_verify_time(ssl)
        let now = fixed != 0 ? fixed : Clock.wall().seconds
        guard let row = handles.firstIndex(where: { $0 == SSL_get_SSL_CTX(ssl) }),
            let staple = staples[row], staple.isGood(at: now)
        else { return SSL_TLSEXT_ERR_NOACK }
        return edge_SSL_set_status_response(ssl, staple.bytes, staple.bytes.count) == 1
            ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK
    }

    // MARK: Defaults that both ends share

    static func applyDefaults(to handle: OpaquePointer, minimum: TLSVersion) -> Bool {
        let floor = minimum == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
        SSL_CTX_set_options(handle, edge_options())
        _ = edge_SSL_CTX_set_mode(handle, edge_modes())
        return edge_SSL_CTX_set_min_proto_version(handle, floor) == 1
            && SSL_CTX_set_cipher_list(handle, cipherList) == 1
            && SSL_CTX_set_ciphersuites(handle, suites) == 1
            && edge_SSL_CTX_set1_groups_list(handle, groups) == 1
    }
}
