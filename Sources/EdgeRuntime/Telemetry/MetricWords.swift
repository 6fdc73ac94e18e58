// The words that label metrics and appear in logs: one spelling everywhere.

/// What became of a request: fields `x-edge-result-type` and `x-edge-response-result-type` of the access log.
enum RequestResult: UInt8, CaseIterable {
    case hit
    case refreshHit
    case miss
    case originShieldHit
    case redirect
    case functionGeneratedResponse
    case limitExceeded
    case capacityExceeded
    case functionExecutionError
    case functionValidationError
    case functionThrottledError
    case error

    var word: StaticString {
        switch self {
        case .hit: "Hit"
        case .refreshHit: "RefreshHit"
        case .miss: "Miss"
        case .originShieldHit: "OriginShieldHit"
        case .redirect: "Redirect"
        case .functionGeneratedResponse: "FunctionGeneratedResponse"
        case .limitExceeded: "LimitExceeded"
        case .capacityExceeded: "CapacityExceeded"
        case .functionExecutionError: "FunctionExecutionError"
        case .functionValidationError: "FunctionValidationError"
        case .functionThrottledError: "FunctionThrottledError"
        case .error: "Error"
        }
    }
}

/// Why a function did not do its work.
enum FunctionFailureReason: UInt8, CaseIterable {
    /// It raised an error.
    case raised
    /// What it returned or set cannot be sent.
    case invalid
    case instructions
    case memory
    /// Wall time.
    case timeout
    /// It failed so often that it is not run for a while.
    case parked
    /// There are as many runs as there may be.
    case throttled

    var word: StaticString {
        switch self {
        case .raised: "raised"
        case .invalid: "invalid"
        case .instructions: "instructions"
        case .memory: "memory"
        case .timeout: "timeout"
        case .parked: "parked"
        case .throttled: "throttled"
        }
    }
}

/// Why a viewer's connection ended.
enum CloseReason: UInt8, CaseIterable {
    case viewerClosed
    case viewerReset
    case notPersistent
    case requestsMax
    case idle
    case headTimeout
    case bodyTimeout
    case writeTimeout
    case badRequest
    case tlsFailure
    case truncated
    case shed
    case drain

    var word: StaticString {
        switch self {
        case .viewerClosed: "viewer_closed"
        case .viewerReset: "viewer_reset"
        case .notPersistent: "not_persistent"
        case .requestsMax: "requests_max"
        case .idle: "idle"
        case .headTimeout: "head_timeout"
        case .bodyTimeout: "body_timeout"
        case .writeTimeout: "write_timeout"
        case .badRequest: "bad_request"
        case .tlsFailure: "tls_failure"
        case .truncated: "truncated"
        case .shed: "shed"
        case .drain: "drain"
        }
    }
}

/// Which limit made the edge refuse work that was well formed.
enum ShedReason: UInt8, CaseIterable {
    case connections
    case connectionsPerAddress
    case bufferedBytes
    case originQueue
    case tunnels
    case descriptors

    var word: StaticString {
        switch self {
        case .connections: "connections"
        case .connectionsPerAddress: "connections_per_address"
        case .bufferedBytes: "buffered_bytes"
        case .originQueue: "origin_queue"
        case .tunnels: "tunnels"
        case .descriptors: "descriptors"
        }
    }
}

enum HandshakeKind: UInt8, CaseIterable {
    case full
    case resumed

    var word: StaticString {
        switch self {
        case .full: "full"
        case .resumed: "resumed"
        }
    }
}

enum OriginConnectionState: UInt8, CaseIterable {
    case open
    case idle

    var word: StaticString {
        switch self {
        case .open: "open"
        case .idle: "idle"
        }
    }
}

enum StatusClass: UInt8, CaseIterable {
    case informational
    case successful
    case redirection
    case clientError
    case serverError
    /// The viewer left before there was an answer.
    case none

    @inline(__always)
    init(status: UInt16) {
        self = Self(rawValue: UInt8(truncatingIfNeeded: status / 100) &- 1) ?? .none
    }

    var word: StaticString {
        switch self {
        case .informational: "1xx"
        case .successful: "2xx"
        case .redirection: "3xx"
        case .clientError: "4xx"
        case .serverError: "5xx"
        case .none: "none"
        }
    }
}
