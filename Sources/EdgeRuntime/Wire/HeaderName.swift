// Well-known field names as one byte: a comparison of names is a comparison of integers, and "is it there" is one
// bit (`HeaderFields`). Names outside of this list are `.other` and stay where they were received.
//
// A name is found by a hash that has no collision among the names below (`HeaderNameTable` stops the program in its
// first millisecond if a new name brings one), then compared with its canonical spelling, so that a foreign name
// with the same hash is `.other`. The order of the cases is alphabetical and means nothing.

enum HeaderName: UInt8, CaseIterable {
    case other
    case accept
    case acceptCharset
    case acceptEncoding
    case acceptLanguage
    case acceptRanges
    case accessControlAllowCredentials
    case accessControlAllowHeaders
    case accessControlAllowMethods
    case accessControlAllowOrigin
    case accessControlExposeHeaders
    case accessControlMaxAge
    case accessControlRequestHeaders
    case accessControlRequestMethod
    case age
    case allow
    case altSvc
    case authorization
    case baggage
    case cacheControl
    case cacheStatus
    case cacheTag
    case cdnCacheControl
    case cdnLoop
    case clearSiteData
    case connection
    case contentDigest
    case contentDisposition
    case contentEncoding
    case contentLanguage
    case contentLength
    case contentLocation
    case contentMD5
    case contentRange
    case contentSecurityPolicy
    case contentSecurityPolicyReportOnly
    case contentType
    case cookie
    case crossOriginEmbedderPolicy
    case crossOriginOpenerPolicy
    case crossOriginResourcePolicy
    case date
    case dnt
    case earlyData
    case etag
    case expect
    case expires
    case forwarded
    case from
    case host
    case http2Settings
    case ifMatch
    case ifModifiedSince
    case ifNoneMatch
    case ifRange
    case ifUnmodifiedSince
    case keepAlive
    case lastModified
    case link
    case location
    case maxForwards
    case origin
    case permissionsPolicy
    case pragma
    case prefer
    case priority
    case proxyAuthenticate
    case proxyAuthorization
    case proxyConnection
    case range
    case referer
    case referrerPolicy
    case retryAfter
    case secCHUA
    case secCHUAMobile
    case secCHUAPlatform
    case secFetchDest
    case secFetchMode
    case secFetchSite
    case secFetchUser
    case secGPC
    case secWebSocketAccept
    case secWebSocketExtensions
    case secWebSocketKey
    case secWebSocketProtocol
    case secWebSocketVersion
    case server
    case serverTiming
    case setCookie
    case strictTransportSecurity
    case surrogateControl
    case surrogateKey
    case te
    case timingAllowOrigin
    case traceparent
    case tracestate
    case trailer
    case transferEncoding
    case tusResumable
    case upgrade
    case upgradeInsecureRequests
    case uploadLength
    case uploadMetadata
    case uploadOffset
    case userAgent
    case vary
    case via
    case warning
    case wwwAuthenticate
    case xAmzContentSha256
    case xAmzDate
    case xAmzSecurityToken
    case xCache
    case xContentTypeOptions
    case xEdgeId
    case xEdgePop
    case xForwardedFor
    case xForwardedHost
    case xForwardedPort
    case xForwardedProto
    case xFrameOptions
    case xPoweredBy
    case xRealIP
    case xRequestID
    case xRequestedWith
    case xXSSProtection

    /// How we spell it when the field is of our making. Empty for `.other`.
    var canonical: StaticString {
        switch self {
        case .other: ""
        case .accept: "Accept"
        case .acceptCharset: "Accept-Charset"
        case .acceptEncoding: "Accept-Encoding"
        case .acceptLanguage: "Accept-Language"
        case .acceptRanges: "Accept-Ranges"
        case .accessControlAllowCredentials: "Access-Control-Allow-Credentials"
        case .accessControlAllowHeaders: "Access-Control-Allow-Headers"
        case .accessControlAllowMethods: "Access-Control-Allow-Methods"
        case .accessControlAllowOrigin: "Access-Control-Allow-Origin"
        case .accessControlExposeHeaders: "Access-Control-Expose-Headers"
        case .accessControlMaxAge: "Access-Control-Max-Age"
        case .accessControlRequestHeaders: "Access-Control-Request-Headers"
        case .accessControlRequestMethod: "Access-Control-Request-Method"
        case .age: "Age"
        case .allow: "Allow"
        case .altSvc: "Alt-Svc"
        case .authorization: "Authorization"
        case .baggage: "Baggage"
        case .cacheControl: "Cache-Control"
        case .cacheStatus: "Cache-Status"
        case .cacheTag: "Cache-Tag"
        case .cdnCacheControl: "CDN-Cache-Control"
        case .cdnLoop: "CDN-Loop"
        case .clearSiteData: "Clear-Site-Data"
        case .connection: "Connection"
        case .contentDigest: "Content-Digest"
        case .contentDisposition: "Content-Disposition"
        case .contentEncoding: "Content-Encoding"
        case .contentLanguage: "Content-Language"
        case .contentLength: "Content-Length"
        case .contentLocation: "Content-Location"
        case .contentMD5: "Content-MD5"
        case .contentRange: "Content-Range"
        case .contentSecurityPolicy: "Content-Security-Policy"
        case .contentSecurityPolicyReportOnly: "Content-Security-Policy-Report-Only"
        case .contentType: "Content-Type"
        case .cookie: "Cookie"
        case .crossOriginEmbedderPolicy: "Cross-Origin-Embedder-Policy"
        case .crossOriginOpenerPolicy: "Cross-Origin-Opener-Policy"
        case .crossOriginResourcePolicy: "Cross-Origin-Resource-Policy"
        case .date: "Date"
        case .dnt: "DNT"
        case .earlyData: "Early-Data"
        case .etag: "ETag"
        case .expect: "Expect"
        case .expires: "Expires"
        case .forwarded: "Forwarded"
        case .from: "From"
        case .host: "Host"
        case .http2Settings: "HTTP2-Settings"
        case .ifMatch: "If-Match"
        case .ifModifiedSince: "If-Modified-Since"
        case .ifNoneMatch: "If-None-Match"
        case .ifRange: "If-Range"
        case .ifUnmodifiedSince: "If-Unmodified-Since"
        case .keepAlive: "Keep-Alive"
        case .lastModified: "Last-Modified"
        case .link: "Link"
        case .location: "Location"
        case .maxForwards: "Max-Forwards"
        case .origin: "Origin"
        case .permissionsPolicy: "Permissions-Policy"
        case .pragma: "Pragma"
        case .prefer: "Prefer"
        case .priority: "Priority"
        case .proxyAuthenticate: "Proxy-Authenticate"
        case .proxyAuthorization: "Proxy-Authorization"
        case .proxyConnection: "Proxy-Connection"
        case .range: "Range"
        case .referer: "Referer"
        case .referrerPolicy: "Referrer-Policy"
        case .retryAfter: "Retry-After"
        case .secCHUA: "Sec-CH-UA"
        case .secCHUAMobile: "Sec-CH-UA-Mobile"
        case .secCHUAPlatform: "Sec-CH-UA-Platform"
        case .secFetchDest: "Sec-Fetch-Dest"
        case .secFetchMode: "Sec-Fetch-Mode"
        case .secFetchSite: "Sec-Fetch-Site"
        case .secFetchUser: "Sec-Fetch-User"
        case .secGPC: "Sec-GPC"
        case .secWebSocketAccept: "Sec-WebSocket-Accept"
        case .secWebSocketExtensions: "Sec-WebSocket-Extensions"
        case .secWebSocketKey: "Sec-WebSocket-Key"
        case .secWebSocketProtocol: "Sec-WebSocket-Protocol"
        case .secWebSocketVersion: "Sec-WebSocket-Version"
        case .server: "Server"
        case .serverTiming: "Server-Timing"
        case .setCookie: "Set-Cookie"
        case .strictTransportSecurity: "Strict-Transport-Security"
        case .surrogateControl: "Surrogate-Control"
        case .surrogateKey: "Surrogate-Key"
        case .te: "TE"
        case .timingAllowOrigin: "Timing-Allow-Origin"
        case .traceparent: "Traceparent"
        case .tracestate: "Tracestate"
        case .trailer: "Trailer"
        case .transferEncoding: "Transfer-Encoding"
        case .tusResumable: "Tus-Resumable"
        case .upgrade: "Upgrade"
        case .upgradeInsecureRequests: "Upgrade-Insecure-Requests"
        case .uploadLength: "Upload-Length"
        case .uploadMetadata: "Upload-Metadata"
        case .uploadOffset: "Upload-Offset"
        case .userAgent: "User-Agent"
        case .vary: "Vary"
        case .via: "Via"
        case .warning: "Warning"
        case .wwwAuthenticate: "WWW-Authenticate"
        case .xAmzContentSha256: "X-Amz-Content-Sha256"
        case .xAmzDate: "X-Amz-Date"
        case .xAmzSecurityToken: "X-Amz-Security-Token"
        case .xCache: "X-Cache"
        case .xContentTypeOptions: "X-Content-Type-Options"
        case .xEdgeId: "X-Edge-Id"
        case .xEdgePop: "X-Edge-Pop"
        case .xForwardedFor: "X-Forwarded-For"
        case .xForwardedHost: "X-Forwarded-Host"
        case .xForwardedPort: "X-Forwarded-Port"
        case .xForwardedProto: "X-Forwarded-Proto"
        case .xFrameOptions: "X-Frame-Options"
        case .xPoweredBy: "X-Powered-By"
        case .xRealIP: "X-Real-IP"
        case .xRequestID: "X-Request-ID"
        case .xRequestedWith: "X-Requested-With"
        case .xXSSProtection: "X-XSS-Protection"
        }
    }

    /// Bytes of the longest canonical spelling, `Content-Security-Policy-Report-Only`.
    static let longestName = 35

    /// Fields that speak about one connection and never pass on, nominated by `Connection` or not (RFC 9110 §7.6.1).
    /// The proxy credentials belong to the proxy that was asked for them, which is nobody behind us.
    var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .upgrade,
            .http2Settings, .proxyAuthenticate, .proxyAuthorization:
            true
        default: false
        }
    }
}

extension HeaderName {
    @inline(__always)
    static func named(_ bytes: Span<UInt8>) -> HeaderName {
        guard bytes.count >= 2 else { return .other }
        let candidate = HeaderNameTable.names[HeaderNameTable.slot(of: bytes)]
        return candidate.spells(bytes) ? candidate : .other
    }

    /// Eight bytes at a time, letters without case. Setting bit 5 makes letters small; it would also make a control
    /// byte look like a digit or a hyphen, so each byte must have bit 5 or bit 6 to begin with.
    @inline(__always)
    private func spells(_ bytes: Span<UInt8>) -> Bool {
        let canonical = canonical
        let count = canonical.utf8CodeUnitCount
        guard count == bytes.count, count > 0 else { return false }
        guard count >= 8 else { return bytes.equalsIgnoringCase(canonical) }
        let mine = UnsafeRawPointer(canonical.utf8Start)
        let small: UInt64 = 0x2020_2020_2020_2020
        var at = 0
        while true {
            let word = bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self)
            let other = mine.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            guard word | small == other | small, (word | word &>> 1) & small == small else {
                return false
            }
            guard at < count &- 8 else { return true }
            at = min(at &+ 8, count &- 8)
        }
    }
}

private enum HeaderNameTable {
    static let names = build()

    /// Four bytes that tell names apart (first, last, middle, last but one) and the length, multiplied by a
    /// constant that was searched for until no two names met.
    @inline(__always)
    static func slot(of name: Span<UInt8>) -> Int {
        let count = name.count
        let first = UInt32(name[unchecked: 0] | 0x20)
        let last = UInt32(name[unchecked: count &- 1] | 0x20)
        let middle = UInt32(name[unchecked: count / 2] | 0x20)
        let beforeLast = UInt32(name[unchecked: count &- 2] | 0x20)
        let key =
            (first | last &<< 8 | middle &<< 16 | beforeLast &<< 24)
            &+ UInt32(truncatingIfNeeded: count) &* 0x9E37_79B1
        return Int((key &* 0xAC0E_2CF1) &>> 22)
    }

    private static func build() -> InlineArray<1024, HeaderName> {
        var table = InlineArray<1024, HeaderName>(repeating: .other)
        for name in HeaderName.allCases where name != .other {
            let text = name.canonical
            let slot = slot(of: Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount))
            precondition(
                table[slot] == .other,
                "two header names share a slot: search a new constant"
            )
            table[slot] = name
        }
        return table
    }
}
