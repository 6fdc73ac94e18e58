// What failed, whose fault it is, and whether trying again can help: three bytes, thrown by value.
//
// The table below is the one place where a failure gets its word (spelled the same in the log, in metrics and in the
// error page), its party, its retry rule, the status that the viewer gets, and the log's detailed result type. A
// parser does not know at whom it looks: it throws for a client, and `blaming(.origin)` turns the same refusal into
// the origin's, which answers 502 and keeps the word.

struct EdgeError: Error, Equatable {
    enum Party: UInt8 {
        case client
        case origin
        case function
        case edge
    }

    /// May the same request be sent again? The method has its own say (`Method.isIdempotent`).
    enum Retry: UInt8 {
        case never
        /// A kept-alive connection that died under us: the origin may have closed it before it saw the request.
        case ifConnectionWasReused
        case always
    }

    var kind: Kind
    var party: Party
    var retry: Retry

    init(kind: Kind, party: Party, retry: Retry) {
        self.kind = kind
        self.party = party
        self.retry = retry
    }

    init(_ kind: Kind) {
        let row = kind.row
        self.init(kind: kind, party: row.party, retry: row.retry)
    }

    /// What the viewer is answered. A refusal that was written for clients is a bad gateway when an origin caused it.
    var status: UInt16 {
        party == .origin && kind.row.party == .client ? 502 : kind.row.status
    }

    var word: StaticString { kind.row.word }

    /// `x-edge-detailed-result-type` of the access log.
    var resultType: StaticString {
        party == .origin && kind.row.party == .client
            ? DetailedResult.response.word : kind.row.result.word
    }

    /// The same refusal when this party sent the bytes. Kinds that name the client get their origin's counterpart.
    func blaming(_ party: Party) -> Self {
        guard party == .origin, self.party == .client else { return self }
        switch kind {
        case .requestLineTooLong, .headTooLarge, .tooManyFields: return .originHeadTooLarge
        case .badRequestLine: return .originBadHead
        case .clientClosed: return .originTruncated
        case .clientReset: return .originReset
        case .tlsHandshake: return .originTLS
        default: return Self(kind: kind, party: .origin, retry: .never)
        }
    }
}

extension EdgeError {
    enum Kind: UInt8, CaseIterable {
        case bareCR
        case bareLF
        case nulInHead
        case obsFold
        case spaceBeforeColon
        case badFieldName
        case badFieldValue
        case badRequestLine
        case badMethod
        case badTarget
        case badVersion
        case unsupportedVersion
        case requestLineTooLong
        case headTooLarge
        case tooManyFields
        case tooManyConnectionOptions
        case hostMissing
        case hostRepeated
        case badHost
        case badProxyProtocol
        case http2Error
        case http2Flood
        case lengthWithTransferEncoding
        case badContentLength
        case contentLengthRepeated
        case differentContentLengths
        case badTransferEncoding
        case transferEncodingInHTTP10
        case badChunkSize
        case chunkLineTooLong
        case chunkDataNotTerminated
        case trailerTooLarge
        case badTrailer
        case bodyTooLarge
        case bodyOnGet
        case badCoding
        case codingTruncated
        case codingTooLarge
        case headTimeout
        case bodyTimeout
        case writeTimeout
        case idleTimeout
        case clientClosed
        case clientReset
        case tlsHandshake
        case clientCertificate
        case unknownHost
        case misdirectedHost
        case distributionDisabled
        case methodNotAllowed
        case httpsRequired
        case accessDenied
        case geoBlocked
        case noBehavior
        case loopDetected
        case fileNotFound
        case fileForbidden
        case fileNotPermitted
        case notAcceptableMethod
        case rangeNotSatisfiable
        case expectationFailed
        case notAvailable
        case connectionLimit
        case addressLimit
        case bufferLimit
        case rateLimit
        case queueTimeout
        case queueFull
        case draining
        case originNameUnresolved
        case addressNotAllowed
        case originRefused
        case originUnreachable
        case originConnectTimeout
        case originTLS
        case originCertificate
        case originResponseTimeout
        case originIdleTimeout
        case originTotalTimeout
        case originReset
        case originClosed
        case originWriteFailed
        case originBadHead
        case originBadFraming
        case originTruncated
        case originHeadTooLarge
        case originUnhealthy
        case tooManyInformational
        case badUpgrade
        case functionFailed
        case functionTimeout
        case functionLimit
        case functionInvalid
        case arenaOverflow
        case fileUnreadable
        case fileChanged
        case objectEvicted
        case fillAbandoned
        case objectChanged
        case notInCache
        case internalError
    }
}

/// The log's words for a failure (`x-edge-detailed-result-type`).
private enum DetailedResult {
    case request
    case header
    case method
    case blocked
    case certificate
    case geo
    case clientComm
    case hungUp
    case error
    case connect
    case dns
    case originComm
    case read
    case write
    case response
    case tooBig

    var word: StaticString {
        switch self {
        case .request: "InvalidRequest"
        case .header: "InvalidRequestHeader"
        case .method: "InvalidRequestMethod"
        case .blocked: "InvalidRequestBlocked"
        case .certificate: "InvalidRequestCertificate"
        case .geo: "ClientGeoBlocked"
        case .clientComm: "ClientCommError"
        case .hungUp: "ClientHungUpRequest"
        case .error: "Error"
        case .connect: "OriginConnectError"
        case .dns: "OriginDnsError"
        case .originComm: "OriginCommError"
        case .read: "OriginReadError"
        case .write: "OriginWriteError"
        case .response: "OriginInvalidResponseError"
        case .tooBig: "OriginHeaderTooBigError"
        }
    }
}

private struct Row {
    var word: StaticString
    var party: EdgeError.Party
    var retry: EdgeError.Retry
    var status: UInt16
    var result: DetailedResult

    init(
        _ word: StaticString,
        _ party: EdgeError.Party,
        _ retry: EdgeError.Retry,
        _ status: UInt16,
        _ result: DetailedResult
    ) {
        self.word = word
        self.party = party
        self.retry = retry
        self.status = status
        self.result = result
    }
}

extension EdgeError.Kind {
    fileprivate var row: Row {
        switch self {
        // The head cannot be read. The byte that is wrong decides, so the answer does not depend on how the bytes arrived.
        case .bareCR: Row("bare_cr", .client, .never, 400, .request)
        case .bareLF: Row("bare_lf", .client, .never, 400, .request)
        case .nulInHead: Row("nul_in_head", .client, .never, 400, .request)
        case .obsFold: Row("obs_fold", .client, .never, 400, .header)
        case .spaceBeforeColon: Row("space_before_colon", .client, .never, 400, .header)
        case .badFieldName: Row("bad_field_name", .client, .never, 400, .header)
        case .badFieldValue: Row("bad_field_value", .client, .never, 400, .header)
        case .badRequestLine: Row("bad_request_line", .client, .never, 400, .request)
        case .badMethod: Row("bad_method", .client, .never, 400, .request)
        case .badTarget: Row("bad_target", .client, .never, 400, .request)
        case .badVersion: Row("bad_version", .client, .never, 400, .request)
        case .unsupportedVersion: Row("unsupported_version", .client, .never, 505, .request)
        case .requestLineTooLong: Row("request_line_too_long", .client, .never, 414, .request)
        case .headTooLarge: Row("head_too_large", .client, .never, 431, .header)
        case .tooManyFields: Row("too_many_fields", .client, .never, 431, .header)
        case .tooManyConnectionOptions:
            Row("too_many_connection_options", .client, .never, 400, .header)
        case .hostMissing: Row("host_missing", .client, .never, 400, .header)
        case .hostRepeated: Row("host_repeated", .client, .never, 400, .header)
        case .badHost: Row("bad_host", .client, .never, 400, .header)
        case .badProxyProtocol: Row("bad_proxy_protocol", .client, .never, 400, .request)
        case .http2Error: Row("http2_error", .client, .never, 400, .request)
        case .http2Flood: Row("http2_flood", .client, .never, 400, .request)
        // Where the body ends is in doubt: what smuggling lives on.
        case .lengthWithTransferEncoding:
            Row("length_with_transfer_encoding", .client, .never, 400, .header)
        case .badContentLength: Row("bad_content_length", .client, .never, 400, .header)
        case .contentLengthRepeated: Row("content_length_repeated", .client, .never, 400, .header)
        case .differentContentLengths:
            Row("different_content_lengths", .client, .never, 400, .header)
        case .badTransferEncoding: Row("bad_transfer_encoding", .client, .never, 400, .header)
        case .transferEncodingInHTTP10:
            Row("transfer_encoding_in_http10", .client, .never, 400, .header)
        case .badChunkSize: Row("bad_chunk_size", .client, .never, 400, .request)
        case .chunkLineTooLong: Row("chunk_line_too_long", .client, .never, 400, .request)
        case .chunkDataNotTerminated:
            Row("chunk_data_not_terminated", .client, .never, 400, .request)
        case .trailerTooLarge: Row("trailer_too_large", .client, .never, 431, .request)
        case .badTrailer: Row("bad_trailer", .client, .never, 400, .request)
        case .bodyTooLarge: Row("body_too_large", .client, .never, 413, .request)
        case .bodyOnGet: Row("body_on_get", .client, .never, 403, .request)
        case .badCoding: Row("bad_coding", .client, .never, 400, .request)
        case .codingTruncated: Row("coding_truncated", .client, .never, 400, .request)
        case .codingTooLarge: Row("coding_too_large", .client, .never, 413, .request)
        // The viewer was slow or went away. 499 is never sent: it is what the log says.
        case .headTimeout: Row("head_timeout", .client, .never, 408, .clientComm)
        case .bodyTimeout: Row("body_timeout", .client, .never, 408, .clientComm)
        case .writeTimeout: Row("write_timeout", .client, .never, 499, .clientComm)
        case .idleTimeout: Row("idle_timeout", .client, .never, 408, .clientComm)
        case .clientClosed: Row("client_closed", .client, .never, 499, .hungUp)
        case .clientReset: Row("client_reset", .client, .never, 499, .clientComm)
        case .tlsHandshake: Row("tls_handshake", .client, .never, 499, .clientComm)
        case .clientCertificate: Row("client_certificate", .client, .never, 403, .certificate)
        // The request can be read and is not served.
        case .unknownHost: Row("unknown_host", .client, .never, 403, .request)
        case .misdirectedHost: Row("misdirected_host", .client, .never, 421, .request)
        case .distributionDisabled: Row("distribution_disabled", .client, .never, 403, .request)
        case .methodNotAllowed: Row("method_not_allowed", .client, .never, 403, .method)
        case .httpsRequired: Row("https_required", .client, .never, 403, .request)
        case .accessDenied: Row("access_denied", .client, .never, 403, .blocked)
        case .geoBlocked: Row("geo_blocked", .client, .never, 403, .geo)
        case .noBehavior: Row("no_behavior", .edge, .never, 500, .error)
        case .loopDetected: Row("loop_detected", .client, .never, 508, .request)
        case .fileNotFound: Row("file_not_found", .client, .never, 404, .error)
        case .fileForbidden: Row("file_forbidden", .client, .never, 404, .error)
        case .fileNotPermitted: Row("file_not_permitted", .edge, .never, 403, .error)
        case .notAcceptableMethod: Row("not_acceptable_method", .client, .never, 405, .method)
        case .rangeNotSatisfiable: Row("range_not_satisfiable", .client, .never, 416, .request)
        case .expectationFailed: Row("expectation_failed", .client, .never, 417, .request)
        case .notAvailable: Row("not_available", .edge, .never, 501, .error)
        // The edge sheds load to keep the promises it has already made.
        case .connectionLimit: Row("connection_limit", .edge, .always, 503, .error)
        case .addressLimit: Row("address_limit", .client, .never, 503, .error)
        case .bufferLimit: Row("buffer_limit", .edge, .always, 503, .error)
        case .rateLimit: Row("rate_limit", .client, .never, 429, .blocked)
        case .queueTimeout: Row("queue_timeout", .edge, .always, 503, .connect)
        case .queueFull: Row("queue_full", .edge, .always, 503, .connect)
        case .draining: Row("draining", .edge, .always, 503, .error)
        // The origin. Retry says whether the same request may be sent again if its method allows it.
        case .originNameUnresolved: Row("origin_name_unresolved", .origin, .always, 502, .dns)
        case .addressNotAllowed: Row("address_not_allowed", .edge, .never, 502, .connect)
        case .originRefused: Row("origin_refused", .origin, .always, 502, .connect)
        case .originUnreachable: Row("origin_unreachable", .origin, .always, 502, .connect)
        case .originConnectTimeout: Row("origin_connect_timeout", .origin, .always, 504, .connect)
        case .originTLS: Row("origin_tls", .origin, .never, 502, .connect)
        case .originCertificate: Row("origin_certificate", .origin, .never, 502, .connect)
        case .originResponseTimeout:
            Row("origin_response_timeout", .origin, .never, 504, .originComm)
        case .originIdleTimeout: Row("origin_idle_timeout", .origin, .never, 504, .read)
        case .originTotalTimeout: Row("origin_total_timeout", .origin, .never, 504, .originComm)
        case .originReset: Row("origin_reset", .origin, .ifConnectionWasReused, 502, .originComm)
        case .originClosed: Row("origin_closed", .origin, .ifConnectionWasReused, 502, .originComm)
        case .originWriteFailed:
            Row("origin_write_failed", .origin, .ifConnectionWasReused, 502, .write)
        case .originBadHead: Row("origin_bad_head", .origin, .never, 502, .response)
        case .originBadFraming: Row("origin_bad_framing", .origin, .never, 502, .response)
        case .originTruncated: Row("origin_truncated", .origin, .never, 502, .read)
        case .originHeadTooLarge: Row("origin_head_too_large", .origin, .never, 502, .tooBig)
        case .originUnhealthy: Row("origin_unhealthy", .origin, .always, 503, .connect)
        case .tooManyInformational: Row("too_many_informational", .origin, .never, 502, .response)
        case .badUpgrade: Row("bad_upgrade", .origin, .never, 502, .response)
        // Hooks.
        case .functionFailed: Row("function_failed", .function, .never, 503, .error)
        case .functionTimeout: Row("function_timeout", .function, .never, 503, .error)
        case .functionLimit: Row("function_limit", .function, .never, 503, .error)
        case .functionInvalid: Row("function_invalid", .function, .never, 502, .error)
        // Ourselves.
        case .arenaOverflow: Row("arena_overflow", .edge, .never, 500, .error)
        case .fileUnreadable: Row("file_unreadable", .edge, .never, 500, .error)
        case .fileChanged: Row("file_changed", .edge, .never, 500, .error)
        case .objectEvicted: Row("object_evicted", .edge, .always, 500, .error)
        case .objectChanged: Row("object_changed", .edge, .always, 500, .error)
        case .fillAbandoned: Row("fill_abandoned", .edge, .always, 500, .error)
        case .notInCache: Row("not_in_cache", .edge, .never, 504, .error)
        case .internalError: Row("internal_error", .edge, .never, 500, .error)
        }
    }
}

extension EdgeError {
    static var bareCR: Self { Self(.bareCR) }
    static var bareLF: Self { Self(.bareLF) }
    static var nulInHead: Self { Self(.nulInHead) }
    static var obsFold: Self { Self(.obsFold) }
    static var spaceBeforeColon: Self { Self(.spaceBeforeColon) }
    static var badFieldName: Self { Self(.badFieldName) }
    static var badFieldValue: Self { Self(.badFieldValue) }
    static var badRequestLine: Self { Self(.badRequestLine) }
    static var badMethod: Self { Self(.badMethod) }
    static var badTarget: Self { Self(.badTarget) }
    static var badVersion: Self { Self(.badVersion) }
    static var unsupportedVersion: Self { Self(.unsupportedVersion) }
    static var requestLineTooLong: Self { Self(.requestLineTooLong) }
    static var headTooLarge: Self { Self(.headTooLarge) }
    static var tooManyFields: Self { Self(.tooManyFields) }
    static var tooManyConnectionOptions: Self { Self(.tooManyConnectionOptions) }
    static var hostMissing: Self { Self(.hostMissing) }
    static var hostRepeated: Self { Self(.hostRepeated) }
    static var badHost: Self { Self(.badHost) }
    static var badProxyProtocol: Self { Self(.badProxyProtocol) }
    static var http2Error: Self { Self(.http2Error) }
    static var http2Flood: Self { Self(.http2Flood) }
    static var lengthWithTransferEncoding: Self { Self(.lengthWithTransferEncoding) }
    static var badContentLength: Self { Self(.badContentLength) }
    static var contentLengthRepeated: Self { Self(.contentLengthRepeated) }
    static var differentContentLengths: Self { Self(.differentContentLengths) }
    static var badTransferEncoding: Self { Self(.badTransferEncoding) }
    static var transferEncodingInHTTP10: Self { Self(.transferEncodingInHTTP10) }
    static var badChunkSize: Self { Self(.badChunkSize) }
    static var chunkLineTooLong: Self { Self(.chunkLineTooLong) }
    static var chunkDataNotTerminated: Self { Self(.chunkDataNotTerminated) }
    static var trailerTooLarge: Self { Self(.trailerTooLarge) }
    static var badTrailer: Self { Self(.badTrailer) }
    static var bodyTooLarge: Self { Self(.bodyTooLarge) }
    static var bodyOnGet: Self { Self(.bodyOnGet) }
    static var badCoding: Self { Self(.badCoding) }
    static var codingTruncated: Self { Self(.codingTruncated) }
    static var codingTooLarge: Self { Self(.codingTooLarge) }
    static var headTimeout: Self { Self(.headTimeout) }
    static var bodyTimeout: Self { Self(.bodyTimeout) }
    static var writeTimeout: Self { Self(.writeTimeout) }
    static var idleTimeout: Self { Self(.idleTimeout) }
    static var clientClosed: Self { Self(.clientClosed) }
    static var clientReset: Self { Self(.clientReset) }
    static var tlsHandshake: Self { Self(.tlsHandshake) }
    static var clientCertificate: Self { Self(.clientCertificate) }
    static var unknownHost: Self { Self(.unknownHost) }
    static var misdirectedHost: Self { Self(.misdirectedHost) }
    static var distributionDisabled: Self { Self(.distributionDisabled) }
    static var methodNotAllowed: Self { Self(.methodNotAllowed) }
    static var httpsRequired: Self { Self(.httpsRequired) }
    static var accessDenied: Self { Self(.accessDenied) }
    static var geoBlocked: Self { Self(.geoBlocked) }
    static var noBehavior: Self { Self(.noBehavior) }
    static var loopDetected: Self { Self(.loopDetected) }
    static var fileNotFound: Self { Self(.fileNotFound) }
    static var fileForbidden: Self { Self(.fileForbidden) }
    static var fileNotPermitted: Self { Self(.fileNotPermitted) }
    static var notAcceptableMethod: Self { Self(.notAcceptableMethod) }
    static var rangeNotSatisfiable: Self { Self(.rangeNotSatisfiable) }
    static var expectationFailed: Self { Self(.expectationFailed) }
    static var notAvailable: Self { Self(.notAvailable) }
    static var connectionLimit: Self { Self(.connectionLimit) }
    static var addressLimit: Self { Self(.addressLimit) }
    static var bufferLimit: Self { Self(.bufferLimit) }
    static var rateLimit: Self { Self(.rateLimit) }
    static var queueTimeout: Self { Self(.queueTimeout) }
    static var queueFull: Self { Self(.queueFull) }
    static var draining: Self { Self(.draining) }
    static var originNameUnresolved: Self { Self(.originNameUnresolved) }
    static var addressNotAllowed: Self { Self(.addressNotAllowed) }
    static var originRefused: Self { Self(.originRefused) }
    static var originUnreachable: Self { Self(.originUnreachable) }
    static var originConnectTimeout: Self { Self(.originConnectTimeout) }
    static var originTLS: Self { Self(.originTLS) }
    static var originCertificate: Self { Self(.originCertificate) }
    static var originResponseTimeout: Self { Self(.originResponseTimeout) }
    static var originIdleTimeout: Self { Self(.originIdleTimeout) }
    static var originTotalTimeout: Self { Self(.originTotalTimeout) }
    static var originReset: Self { Self(.originReset) }
    static var originClosed: Self { Self(.originClosed) }
    static var originWriteFailed: Self { Self(.originWriteFailed) }
    static var originBadHead: Self { Self(.originBadHead) }
    static var originBadFraming: Self { Self(.originBadFraming) }
    static var originTruncated: Self { Self(.originTruncated) }
    static var originHeadTooLarge: Self { Self(.originHeadTooLarge) }
    static var originUnhealthy: Self { Self(.originUnhealthy) }
    static var tooManyInformational: Self { Self(.tooManyInformational) }
    static var badUpgrade: Self { Self(.badUpgrade) }
    static var functionFailed: Self { Self(.functionFailed) }
    static var functionTimeout: Self { Self(.functionTimeout) }
    static var functionLimit: Self { Self(.functionLimit) }
    static var functionInvalid: Self { Self(.functionInvalid) }
    static var arenaOverflow: Self { Self(.arenaOverflow) }
    static var fileUnreadable: Self { Self(.fileUnreadable) }
    static var fileChanged: Self { Self(.fileChanged) }
    /// What a slow viewer had still to get is not in memory any more.
    static var objectEvicted: Self { Self(.objectEvicted) }
    /// The origin's object is another one by now: its parts do not fit those that are stored.
    static var objectChanged: Self { Self(.objectChanged) }
    /// Nobody was left who read what the cache was fetching.
    static var fillAbandoned: Self { Self(.fillAbandoned) }
    /// The viewer wants an answer of the cache or none.
    static var notInCache: Self { Self(.notInCache) }
    static var internalError: Self { Self(.internalError) }
}
