// What of a viewer's request goes on to the origin (§2.12 of the contract), and which methods come in at all (§2.2).
//
// `keyed` depends on the cache key, so it is resolved here, when the configuration is built: what remains at run
// time is a set of names and a sense.

/// The methods that a behaviour lets in. Anything else, `CONNECT` and `TRACE` included, is refused.
struct MethodSet: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    static let get = Self(rawValue: 1)
    static let head = Self(rawValue: 2)
    static let options = Self(rawValue: 4)
    static let put = Self(rawValue: 8)
    static let post = Self(rawValue: 16)
    static let patch = Self(rawValue: 32)
    static let delete = Self(rawValue: 64)

    /// `methods = "read"`
    static let read: Self = [.get, .head]
    /// `methods = "options"`
    static let readAndOptions: Self = [.get, .head, .options]
    /// `methods = "all"`
    static let all: Self = [.get, .head, .options, .put, .post, .patch, .delete]

    /// The set of one method, empty for one that is never let in.
    init(method: Span<UInt8>) {
        switch method.count {
        case 3: self = method.equals("GET") ? .get : method.equals("PUT") ? .put : []
        case 4: self = method.equals("HEAD") ? .head : method.equals("POST") ? .post : []
        case 5: self = method.equals("PATCH") ? .patch : []
        case 6: self = method.equals("DELETE") ? .delete : []
        case 7: self = method.equals("OPTIONS") ? .options : []
        default: self = []
        }
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    func allows(_ method: Span<UInt8>) -> Bool {
        let one = Self(method: method)
        return !one.isEmpty && isSuperset(of: one)
    }
}

/// Names that are let through: none of them, all, a list, or all but a list.
enum NameFilter: Sendable {
    case none
    case all
    case only(NameSet)
    case except(NameSet)

    @inline(__always)
    func keeps(_ name: Span<UInt8>) -> Bool {
        switch self {
        case .none: false
        case .all: true
        case .only(let names): names.contains(name)
        case .except(let names): !names.contains(name)
        }
    }

    /// What either of two filters lets through.
    func union(_ other: NameFilter, isCaseSensitive: Bool) -> NameFilter {
        switch (self, other) {
        case (.all, _), (_, .all): return .all
        case (.none, let filter), (let filter, .none): return filter
        case (.only(let left), .only(let right)):
            return .only(NameSet(left.names + right.names, isCaseSensitive: isCaseSensitive))
        case (.only(let kept), .except(let dropped)), (.except(let dropped), .only(let kept)):
            let rest = dropped.names.filter { !kept.contains($0.utf8.span) }
            return .except(NameSet(rest, isCaseSensitive: isCaseSensitive))
        case (.except(let left), .except(let right)):
            let both = left.names.filter { right.contains($0.utf8.span) }
            return .except(NameSet(both, isCaseSensitive: isCaseSensitive))
        }
    }
}

struct OriginRequestPolicy: Sendable {
    var headers: NameFilter
    var cookies: NameFilter
    var query: NameFilter
    /// An operator's list names `host`: the viewer's goes on instead of the origin's own name.
    var forwardsHost: Bool

    static let all = Self(headers: .all, cookies: .all, query: .all, forwardsHost: false)

    init(headers: NameFilter, cookies: NameFilter, query: NameFilter, forwardsHost: Bool) {
        self.headers = headers
        self.cookies = cookies
        self.query = query
        self.forwardsHost = forwardsHost
    }

    /// Fields that describe the body, the range, the condition or the way so far, which no policy may lose: a
    /// request without them would be another request. `Host` and hop-by-hop fields are not a policy's matter.
    static let essential = NameSet.fields([
        "content-type", "content-length", "content-encoding", "content-language", "content-md5",
        "content-disposition", "content-location", "content-range", "content-digest", "digest",
        "range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since",
        "if-range",
        "max-forwards", "via", "forwarded", "x-forwarded-for", "x-forwarded-proto", "cdn-loop",
        "traceparent", "tracestate", "sec-websocket-key", "sec-websocket-version",
        "sec-websocket-protocol", "sec-websocket-extensions",
    ])

    /// Whether a viewer's header field goes on. `Cookie` is decided by its cookies, see `keepsCookie`.
    @inline(__always)
    func keepsHeader(_ name: Span<UInt8>) -> Bool {
        switch headers {
        case .all: true
        case .except(let names): !names.contains(name)
        case .only(let names): names.contains(name) || Self.essential.contains(name)
        case .none: Self.essential.contains(name)
        }
    }

    @inline(__always)
    func keepsCookie(_ name: Span<UInt8>) -> Bool { cookies.keeps(name) }

    @inline(__always)
    func keepsQueryName(_ name: Span<UInt8>) -> Bool { query.keeps(name) }

    /// Whether any cookie may go on.
    var keepsAnyCookie: Bool {
        if case .none = cookies { return false }
        return true
    }

    /// True if the `Cookie` field can be copied as it is.
    var keepsAllCookies: Bool {
        guard case .all = cookies else { return false }
        return true
    }

    /// True if the query can be copied as it is.
    var keepsWholeQuery: Bool {
        guard case .all = query else { return false }
        return true
    }
}
