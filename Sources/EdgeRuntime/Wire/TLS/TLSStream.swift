// One connection's TLS, driven by bytes: ciphertext goes in, plaintext comes out, and the other way round. It knows
// no socket, so it runs over epoll and in the simulator alike.
//
//            receive ──► ┌────────────┐ ──► read(into:)
//   transport            │ SSL + pipe │            HTTP
//        drainOutput ◄── └────────────┘ ◄── write
//
//   handshaking ──establish──► open ──closeNotify──► write side closed
//        │                      ├──close_notify read──► read side closed
//        └───────fail───────────┴──► failed (sticky; what OpenSSL wanted to say is still drained)
//
// A handshake goes on by itself inside `read` and `write`. Each call into OpenSSL finds its input and its room for
// output in the pipe (tls.h) and never calls back; what it produced stands in pooled chunks that `drainOutput` hands
// over without copying. Ciphertext is copied only when the reader of the plaintext is too slow to use it at once.

import COpenSSL

enum TLSProgress: Equatable {
    /// So many bytes of plaintext went through. A read that fills less than it was given needs input next.
    case bytes(Int)
    /// Nothing more until ciphertext of the peer comes in.
    case wantsInput
    /// Nothing more is taken until `drainOutput` has made room.
    case outputFull
    /// A clean end: the peer said close_notify (or we did, for a write).
    case closed
    case failed(TLSFailure)
}

final class TLSStream {
    enum Role {
        case server
        /// `serverName` goes into the handshake; `verifyName` (a DNS name or an address) must be in the
        /// certificate, nil when the context verifies nothing.
        case client(serverName: String?, verifyName: String?)
    }

    private let context: TLSContext
    private let ssl: OpaquePointer
    private let pipe: UnsafeMutablePointer<edge_pipe>
    private let pool: ChunkPool

    /// Ciphertext that OpenSSL has not asked for yet.
    private var unread: ChunkRange?
    /// The chunk that output goes to, from `outputStart` on not yet drained.
    private var output: Chunk?
    private var outputStart = 0
    /// Chunks that output has filled, in order; empty for all but large writes.
    private var filled: [ChunkRange] = []
    /// Ciphertext that waits for `drainOutput`.
    private(set) var outputBytes = 0

    private var failure: TLSFailure?
    private var isReadClosed = false
    private var isWriteClosed = false
    /// The end came with bytes that were handed out first; no event of the transport will ask for it.
    private var isEndUnread = false
    private var hasSeenInput = false
    /// Nothing more will be read: what the peer still sends is dropped.
    private var isReadOver: Bool { isReadClosed || failure != nil }
    private(set) var isEstablished = false

    /// `now` (seconds since 1970) is when certificates must be valid; nil asks the machine's clock.
    /// `resuming` offers a session of an earlier connection to the same server.
    init(
        _ context: TLSContext,
        role: Role,
        pool: ChunkPool,
        now: Int64? = nil,
        resuming: TLSSession? = nil
    ) {
        guard let ssl = SSL_new(context.handle), let bio = BIO_new(Self.pipeMethod) else {
            preconditionFailure("out of memory")
        }
        self.context = context
        self.ssl = ssl
        self.pool = pool
        pipe = .allocate(capacity: 1)
        pipe.initialize(to: edge_pipe())
        BIO_set_data(bio, pipe)
        SSL_set_bio(ssl, bio, bio)
        if let now { X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), time_t(now)) }
        switch role {
        case .server: SSL_set_accept_state(ssl)
        case .client(let serverName, let verifyName):
            SSL_set_connect_state(ssl)
            prepareClient(serverName: serverName, verifyName: verifyName)
            if let resuming { SSL_set_session(ssl, resuming.handle) }
        }
        ERR_clear_error()
    }

    deinit {
        // Else OpenSSL makes the session of a connection that was cut unfit to resume, although TLS allows it.
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        SSL_free(ssl)
        pipe.deallocate()
        dropUnread()
        for index in filled.indices { pool.stockIfLast(&filled[index].chunk) }
        pool.recycle(&output)
    }

    nonisolated(unsafe) private static let pipeMethod: OpaquePointer? = edge_pipe_method()

    private func prepareClient(serverName: String?, verifyName: String?) {
        if let serverName { _ = edge_SSL_set_tlsext_host_name(ssl, serverName) }
        if let verifyName {
            let parameters = SSL_get0_param(ssl)
            X509_VERIFY_PARAM_set_hostflags(
                parameters,
                UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
            )
            // An address is not a name: it is looked up among the certificate's addresses.
            if X509_VERIFY_PARAM_set1_ip_asc(parameters, verifyName) != 1,
                X509_VERIFY_PARAM_set1_host(parameters, verifyName, 0) != 1
            {
                // Without the name, any certificate of a known authority would do: refuse instead.
                failure = .nameMismatch
            }
        }
        if context.requestsStaple { edge_SSL_request_status(ssl) }
    }

    // MARK: Ciphertext in

    /// True while ciphertext, plaintext or the end is waiting here for `read`. Do not read from the transport meanwhile.
    var hasUnreadInput: Bool { unread != nil || isEndUnread || SSL_pending(ssl) > 0 }

    /// Takes ciphertext of the peer, by copy. `receive(_:into:capacity:)` does without one.
    func receive(_ ciphertext: Span<UInt8>) {
        guard !isReadOver, admit(ciphertext) else { return }
        keep(ciphertext)
    }

    /// Takes ciphertext of the peer and reads at once, which copies only what there was no room to decrypt.
    func receive(
        _ ciphertext: Span<UInt8>,
        into target: UnsafeMutablePointer<UInt8>,
        capacity: Int
    ) -> TLSProgress {
        guard unread == nil, !isReadOver, admit(ciphertext) else {
            receive(ciphertext)
            return read(into: target, capacity: capacity)
        }
        return ciphertext.withUnsafeBufferPointer { bytes in
            pipe.pointee.input = bytes.baseAddress
            pipe.pointee.input_count = bytes.count
            let progress = pull(into: target, capacity: capacity)
            let rest = takeInput()
            if rest > 0, !isReadOver { keep(ciphertext.extracting(last: rest)) }
            return progress
        }
    }

    /// The transport has ended: what is still here can be read, then comes `.closed` or `.failed(.truncated)`.
    func receiveEnd() { pipe.pointee.input_ended = 1 }

    /// A TLS record begins with a byte below 32, HTTP with the letters of a method. Told apart here and not by
    /// OpenSSL, which knows only some methods and would answer with an alert where the client can read a 400.
    private func admit(_ ciphertext: Span<UInt8>) -> Bool {
        guard !hasSeenInput, ciphertext.count > 0 else { return true }
        hasSeenInput = true
        guard context.isServer, ciphertext[0] &- 0x41 < 26 else { return true }
        failure = .plainHTTP
        return false
    }

    private func keep(_ ciphertext: Span<UInt8>) {
        guard ciphertext.count > 0 else { return }
        let waiting = unread?.count ?? 0
        precondition(
            waiting + ciphertext.count <= Limits.tlsInputBytesMax,
            "the transport was read although hasUnreadInput"
        )
        if let range = unread, range.chunk.room >= ciphertext.count {
            range.chunk.append(ciphertext)
            unread = ChunkRange(
                chunk: range.chunk,
                start: Int(range.start),
                end: range.chunk.filled
            )
            return
        }
        let total = waiting + ciphertext.count
        let chunk = total > Limits.chunkSmallBytes ? pool.leaseLarge() : pool.leaseSmall()
        if let range = unread { chunk.append(range.bytes) }
        chunk.append(ciphertext)
        dropUnread()
        unread = ChunkRange(chunk: chunk, start: 0, end: total)
    }

    private func dropUnread() {
        guard var range = unread.take() else { return }
        pool.stockIfLast(&range.chunk)
    }

    /// Disconnects the pipe's input and tells how much of it is left.
    private func takeInput() -> Int {
        let rest = pipe.pointee.input_count
        pipe.pointee.input = nil
        pipe.pointee.input_count = 0
        return rest
    }

    // MARK: Plaintext out

    func read(into target: UnsafeMutablePointer<UInt8>, capacity: Int) -> TLSProgress {
        guard let range = unread else { return pull(into: target, capacity: capacity) }
        pipe.pointee.input = UnsafePointer(range.chunk.base + Int(range.start))
        pipe.pointee.input_count = range.count
        let progress = pull(into: target, capacity: capacity)
        let rest = takeInput()
        if rest == 0 || isReadOver {
            dropUnread()
        } else {
            unread?.dropFirst(range.count - rest)
        }
        return progress
    }

    /// Decrypts until the target is full or the input is used up.
    private func pull(into target: UnsafeMutablePointer<UInt8>, capacity: Int) -> TLSProgress {
        precondition(capacity > 0, "a read needs room")
        var total = 0
        while total < capacity, !isReadOver {
            var count = 0
            let step = run { SSL_read_ex($0, target + total, capacity - total, &count) }
            switch step {
            case .done: total += count
            case .wantsInput: return total > 0 ? .bytes(total) : .wantsInput
            case .closed: isReadClosed = true
            case .failed: break
            }
            // OpenSSL does not read ahead: with no input left and nothing decrypted, another call would only
            // find that out.
            if total > 0, pipe.pointee.input_count == 0, SSL_pending(ssl) == 0 { break }
        }
        isEndUnread = total > 0 && isReadOver
        if total > 0 { return .bytes(total) }
        if let failure { return .failed(failure) }
        return .closed
    }

    // MARK: Plaintext in

    /// Encrypts as much as there is room for: less than all means `drainOutput`, then write the rest.
    func write(_ plaintext: Span<UInt8>) -> TLSProgress {
        if let failure { return .failed(failure) }
        guard !isWriteClosed else { return .closed }
        var total = 0
        while total < plaintext.count {
            guard outputBytes < Limits.tlsOutputBytesMax else {
                return total > 0 ? .bytes(total) : .outputFull
            }
            var count = 0
            let step = connectingInput {
                plaintext.withUnsafeBufferPointer { bytes in
                    run(room: bytes.count - total) {
                        SSL_write_ex(
                            $0,
                            bytes.baseAddress.map { $0 + total },
                            bytes.count - total,
                            &count
                        )
                    }
                }
            }
            switch step {
            case .done: total += count
            case .wantsInput: return total > 0 ? .bytes(total) : .wantsInput
            case .closed: return total > 0 ? .bytes(total) : .closed
            case .failed(let failure): return .failed(failure)
            }
        }
        return .bytes(total)
    }

    /// One step of the handshake; `.bytes(0)` when it is over. A client calls it to begin.
    func handshake() -> TLSProgress {
        if let failure { return .failed(failure) }
        switch connectingInput({ run { SSL_do_handshake($0) } }) {
        case .done: return .bytes(0)
        case .wantsInput: return .wantsInput
        case .closed: return .closed
        case .failed(let failure): return .failed(failure)
        }
    }

    /// Says that we will write no more. Reading goes on until the peer says the same.
    func closeNotify() {
        guard !isWriteClosed, failure == nil else { return }
        isWriteClosed = true
        guard isEstablished else { return }
        _ = run {
            // 0 and 1 both mean that the alert was written.
            let result = SSL_shutdown($0)
            return result >= 0 ? 1 : result
        }
    }

    /// A write may have to finish the handshake first, for which the peer's bytes may already be here.
    private func connectingInput(_ body: () -> Step) -> Step {
        guard !isEstablished, let range = unread else { return body() }
        pipe.pointee.input = UnsafePointer(range.chunk.base + Int(range.start))
        pipe.pointee.input_count = range.count
        let step = body()
        let rest = takeInput()
        if rest == 0 {
            dropUnread()
        } else {
            unread?.dropFirst(range.count - rest)
        }
        return step
    }

    // MARK: Ciphertext out

    var hasOutput: Bool { outputBytes > 0 }

    /// Hands what was produced over to the connection's queue, without copying.
    func drainOutput(into queue: inout WriteQueue) {
        guard outputBytes > 0 else { return }
        for range in filled { queue.append(range) }
        filled.removeAll(keepingCapacity: true)
        // The queue holds the last reference and gives the chunk back when it is sent: an idle stream holds none.
        if let chunk = output.take() {
            queue.append(ChunkRange(chunk: chunk, start: outputStart, end: chunk.filled))
        }
        outputBytes = 0
    }

    private enum Step {
        case done
        case wantsInput
        case closed
        case failed(TLSFailure)
    }

    /// Makes one call, again with a fresh chunk for as long as it lacks room, and reads its result. `room` is how
    /// much plaintext goes in, to choose the size of a chunk.
    @inline(__always)
    private func run(room: Int = 0, _ call: (OpaquePointer) -> CInt) -> Step {
        while true {
            offerOutput(room: room)
            // SSL_get_error reads the thread's queue, so nobody else's error may be in it. Clearing costs more than
            // looking, and there is hardly ever one.
            if ERR_peek_error() != 0 { ERR_clear_error() }
            let result = call(ssl)
            collectOutput()
            if !isEstablished, SSL_is_init_finished(ssl) == 1 { isEstablished = true }
            if result > 0 { return .done }
            switch SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_WRITE: continue
            case SSL_ERROR_WANT_READ: return .wantsInput
            case SSL_ERROR_ZERO_RETURN: return .closed
            default: return fail()
            }
        }
    }

    /// Most calls produce nothing or an alert, so a chunk is leased only once OpenSSL has asked for room.
    private func offerOutput(room: Int) {
        if output?.room == 0 { setOutputAside() }
        if output == nil, pipe.pointee.output_wanted != 0 || room > 0 { leaseOutput(room: room) }
        pipe.pointee.output_wanted = 0
        guard let output else { return }
        pipe.pointee.output = output.base + output.filled
        pipe.pointee.output_room = output.room
    }

    private func leaseOutput(room: Int) {
        // What a record adds to its plaintext is far below 256 bytes: a small chunk holds all of it.
        let isSmall = room <= Limits.chunkSmallBytes - 256
        output = isSmall ? pool.leaseSmall() : pool.leaseLarge()
        outputStart = 0
    }

    /// The chunk is full, or nothing more is to go to it.
    private func setOutputAside() {
        guard let chunk = output.take(), chunk.filled > outputStart else { return }
        filled.append(ChunkRange(chunk: chunk, start: outputStart, end: chunk.filled))
    }

    private func collectOutput() {
        pipe.pointee.output_room = 0
        if pipe.pointee.output_count > 0 {
            output?.didFill(pipe.pointee.output_count)
            outputBytes += pipe.pointee.output_count
            pipe.pointee.output_count = 0
        }
        let kept = pipe.pointee.reserve_count
        guard kept > 0 else { return }
        pipe.pointee.reserve_count = 0
        if (output?.room ?? 0) < kept {
            setOutputAside()
            leaseOutput(room: 0)
        }
        withUnsafeBytes(of: &pipe.pointee.reserve) { bytes in
            bytes.withMemoryRebound(to: UInt8.self) {
                output?.append(Span(_unsafeElements: $0).extracting(first: kept))
            }
        }
        outputBytes += kept
    }

    @inline(never)
    private func fail() -> Step {
        let reason = TLSFailure.take(
            verifyResult: SSL_get_verify_result(ssl),
            isEstablished: isEstablished
        )
        failure = reason
        return .failed(reason)
    }
}

// MARK: Facts after the handshake

extension TLSStream {
    var negotiatedProtocol: ApplicationProtocol? {
        var base: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &base, &count)
        guard let base else { return nil }
        return ApplicationProtocol(Span(_unsafeStart: base, count: Int(count)))
    }

    var version: TLSVersion { SSL_version(ssl) == TLS1_3_VERSION ? .tls13 : .tls12 }

    var cipher: TLSCipher {
        guard let current = SSL_get_current_cipher(ssl) else { return .other }
        return TLSCipher(rawValue: SSL_CIPHER_get_protocol_id(current)) ?? .other
    }

    var wasResumed: Bool { SSL_session_reused(ssl) == 1 }

    /// What the client asked for, in lower case and without the root's dot; empty if it did not.
    var serverName: String {
        guard let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else { return "" }
        let bytes = UnsafeRawBufferPointer(start: name, count: strlen(name))
        return bytes.withMemoryRebound(to: UInt8.self) { CertificateName.normalized($0) }
    }

    /// Of the certificate that the peer showed and that was verified, as RFC 2253 writes it.
    var peerCertificateSubject: String? {
        guard let certificate = SSL_get0_peer_certificate(ssl) else { return nil }
        return CertificateChain.subject(of: certificate)
    }

    /// The OCSP response that a server stapled, in DER.
    var stapledResponse: [UInt8]? {
        var base: UnsafePointer<UInt8>?
        let count = edge_SSL_status_response(ssl, &base)
        guard let base, count > 0 else { return nil }
        return Array(UnsafeBufferPointer(start: base, count: count))
    }

    /// For the next connection to the same server. With TLS 1.3 it exists only after something was read.
    var session: TLSSession? { SSL_get1_session(ssl).flatMap(TLSSession.init(owning:)) }
}

/// A session that a later connection may resume; see `TLSStream.session`.
final class TLSSession: @unchecked Sendable {
    // Guard: never changed after it was made; OpenSSL counts references atomically.
    fileprivate let handle: OpaquePointer

    fileprivate init?(owning handle: OpaquePointer) {
        guard SSL_SESSION_is_resumable(handle) == 1 else {
            SSL_SESSION_free(handle)
            return nil
        }
        self.handle = handle
    }

    deinit { SSL_SESSION_free(handle) }
}

/// The ciphers that we allow, by their numbers at IANA, spelled for the log as OpenSSL spells them.
enum TLSCipher: UInt16, Sendable {
    case other = 0
    case aes128 = 0x1301
    case aes256 = 0x1302
    case chacha20 = 0x1303
    case ecdsaAES128 = 0xc02b
    case ecdsaAES256 = 0xc02c
    case rsaAES128 = 0xc02f
    case rsaAES256 = 0xc030
    case rsaChaCha20 = 0xcca8
    case ecdsaChaCha20 = 0xcca9

    var word: StaticString {
        switch self {
        case .other: "-"
        case .aes128: "TLS_AES_128_GCM_SHA256"
        case .aes256: "TLS_AES_256_GCM_SHA384"
        case .chacha20: "TLS_CHACHA20_POLY1305_SHA256"
        case .ecdsaAES128: "ECDHE-ECDSA-AES128-GCM-SHA256"
        case .ecdsaAES256: "ECDHE-ECDSA-AES256-GCM-SHA384"
        case .rsaAES128: "ECDHE-RSA-AES128-GCM-SHA256"
        case .rsaAES256: "ECDHE-RSA-AES256-GCM-SHA384"
        case .rsaChaCha20: "ECDHE-RSA-CHACHA20-POLY1305"
        case .ecdsaChaCha20: "ECDHE-ECDSA-CHACHA20-POLY1305"
        }
    }
}
