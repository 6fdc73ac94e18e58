// May a response be kept for others, and for how long? (RFC 9111 §3, §4.2; §2.7–2.9 of the contract.) Pure.
//
// What forbids is looked at before what allows. `min_ttl` above zero is the operator's word against the origin's: it
// overrides `no-store`, `private`, `no-cache` and `Vary: *`, and nothing else. Credentials stay with their viewer.
//
//   lifetime        first that is there: s-maxage, max-age, Expires − Date, default_ttl where a heuristic is allowed
//                   (RFC 9111 §4.2.2), bounded by min_ttl and max_ttl
//   errors          at least error_ttl; 400 403 405 412 415 only where the origin gives a lifetime
//   Set-Cookie      one viewer's. Kept with it where cookies are in the key and the origin gives a lifetime, for then it
//                   knew that others would read it; without it where no-cache="set-cookie" says so, or where min_ttl
//                   overrules the origin (`StoredFields`); else not at all, for the cookie may be what the page is for
//   Authorization   kept where it is not sent to the origin or is in the key, else as §3.5 says

/// Why an answer is for one viewer alone, or the cache was not asked.
enum PassReason: UInt8, Sendable, CaseIterable {
    case method
    case upgrade
    case function
    case busy
    case noStore
    case `private`
    case authorization
    case setCookie
    case varyStar
    case varyTooWide
    case status
    case noLifetime
    case noValidator
    case alwaysAsked
    case unconfirmed
    case partial
    case tooLarge
    case headTooLarge
    case evicted
    case viewerNoStore

    var word: StaticString {
        switch self {
        case .method: "method"
        case .upgrade: "upgrade"
        case .function: "function"
        case .busy: "too_many_wait"
        case .noStore: "no_store"
        case .private: "private"
        case .authorization: "authorization"
        case .setCookie: "set_cookie"
        case .varyStar: "vary_star"
        case .varyTooWide: "vary_too_wide"
        case .status: "status_not_stored"
        case .noLifetime: "no_lifetime"
        case .noValidator: "no_validator"
        case .alwaysAsked: "never_fresh"
        case .unconfirmed: "confirmed_another"
        case .partial: "part_without_strong_tag"
        case .tooLarge: "too_large"
        case .headTooLarge: "head_too_large"
        case .evicted: "evicted_meanwhile"
        case .viewerNoStore: "viewer_no_store"
        }
    }
}

enum Storability: Equatable {
    case store(Freshness)
    case refuse(PassReason)
}

struct Cacheability {
    /// What the rule of the behaviour says, in seconds.
    private let minTTL: Int64
    private let defaultTTL: Int64
    private let maxTTL: Int64
    private let errorTTL: Int64
    private let keepsCookies: Bool
    private let ignoresVary: Bool

    /// `errorTTL`: of an error page of the distribution, where it has one for the status.
    init(_ rule: CacheRule, errorTTL: Nanoseconds? = nil) {
        minTTL = rule.minTTL.wholeSeconds
        defaultTTL = rule.defaultTTL.wholeSeconds
        maxTTL = rule.maxTTL.wholeSeconds
        self.errorTTL = (errorTTL ?? rule.errorTTL).wholeSeconds
        keepsCookies = rule.keysCookies
        ignoresVary = rule.vary == .ignore
    }

    /// `sendsAuthorization`: the request went out with credentials that are not in the key. `ttl` is a function's word,
    /// which counts from now on.
    func judge(
        _ response: borrowing ResponseHead,
        _ arena: Arena,
        sendsAuthorization: Bool,
        ttl: Int64? = nil,
        requestedAt: Int64,
        now: Int64
    ) -> Storability {
        let directives = CacheDirectives(response: response.fields, arena)
        guard let group = StatusGroup(response.status) else { return .refuse(.status) }
        // What a server does not implement it may implement tomorrow: a 501 keeps its word (§2.7).
        let isForced = minTTL > 0 && response.status != 501
        if !isForced {
            // §5.2.2.3: who understands the status may go on where no-store is for those who do not.
            let isUnderstood = directives.contains(.mustUnderstand)
            if directives.contains(.noStore), !isUnderstood { return .refuse(.noStore) }
            if directives.contains(.private) { return .refuse(.private) }
            if directives.contains(.noCache), !Self.canBeAskedAbout(response.fields) {
                return .refuse(.noValidator)
            }
        }
        if let reason = varyRefusal(response.fields, arena, isForced: isForced) {
            return .refuse(reason)
        }
        if sendsAuthorization, !Self.allowsSharing(directives) { return .refuse(.authorization) }
        let times = ResponseTimes(response.fields, arena, requestedAt: requestedAt, now: now)
        let told = ttl.map { Lifetime(times.initialAge + $0, .function) }
        guard let lifetime = told ?? lifetime(response, directives, group, times, arena) else {
            return .refuse(.noLifetime)
        }
        if response.fields.contains(.setCookie), !directives.names("set-cookie", arena) {
            // Guessed: the origin has not said that anybody else may read it.
            let isGuess = lifetime.basis == .defaultTTL || lifetime.basis == .errorTTL
            guard isForced || keepsCookies && !isGuess else { return .refuse(.setCookie) }
        }
        return .store(freshness(lifetime, directives, group, times, isForced: isForced))
    }

    // MARK: Lifetime

    private typealias Lifetime = (seconds: Int64, basis: FreshnessBasis)

    private func lifetime(
        _ response: borrowing ResponseHead,
        _ directives: CacheDirectives,
        _ group: StatusGroup,
        _ times: ResponseTimes,
        _ arena: Arena
    ) -> Lifetime? {
        let given = given(response.fields, directives, times, arena)
        switch group {
        case .success, .moved:
            if let given { return bounded(given) }
            let mayGuess = group == .success || directives.contains(.public) || minTTL > 0
            guard mayGuess else { return nil }
            return defaultTTL >= minTTL
                ? (defaultTTL, .defaultTTL) : (minTTL, .minTTL)
        case .error:
            let seconds = min(given?.seconds ?? 0, maxTTL)
            guard let given, seconds > errorTTL else { return (errorTTL, .errorTTL) }
            return (seconds, given.basis)
        case .errorIfTold:
            guard let given else { return nil }
            let seconds = min(given.seconds, maxTTL)
            return seconds > errorTTL ? (seconds, given.basis) : (errorTTL, .errorTTL)
        }
    }

    private func given(
        _ fields: borrowing HeaderFields,
        _ directives: CacheDirectives,
        _ times: ResponseTimes,
        _ arena: Arena
    ) -> Lifetime? {
        if let seconds = directives.sMaxage { return (seconds, .sMaxage) }
        if let seconds = directives.maxAge { return (seconds, .maxAge) }
        guard !directives.contains(.targeted), let value = fields.value(of: .expires) else {
            return nil
        }
        // §5.3: what is no date, or is there twice, lies in the past.
        guard fields.count(of: .expires) == 1,
            let expires = HTTPDate.parse(arena[value], now: times.now)
        else { return (0, .expires) }
        return (max(0, expires - times.date), .expires)
    }

    private func bounded(_ given: Lifetime) -> Lifetime {
        if given.seconds < minTTL { return (minTTL, .minTTL) }
        return (min(given.seconds, maxTTL), given.basis)
    }

    private func freshness(
        _ lifetime: Lifetime,
        _ directives: CacheDirectives,
        _ group: StatusGroup,
        _ times: ResponseTimes,
        isForced: Bool
    ) -> Freshness {
        var freshness = Freshness(
            received: times.now,
            initialAge: times.initialAge,
            lifetime: lifetime.seconds,
            basis: lifetime.basis
        )
        if directives.contains(.noCache), !isForced { freshness.mustAsk = true }
        // The operator's time begins when the response comes, however old it is by then.
        let own = group == .success || group == .moved ? (isForced ? minTTL : 0) : errorTTL
        if own > 0, lifetime.basis != .function {
            freshness.lifetime = max(lifetime.seconds, times.initialAge + own)
        }
        let mayBeStale =
            !directives.contains(.mustRevalidate) && !directives.contains(.proxyRevalidate)
            && !directives.contains(.noCache) && (group == .success || group == .moved)
        guard mayBeStale else { return freshness }
        let limit = max(0, maxTTL - freshness.lifetime)
        freshness.staleWhileRevalidate = min(directives.staleWhileRevalidate ?? 0, limit)
        // Without a word an old answer is better than none, up to max_ttl. With s-maxage that takes the origin's word:
        // it forbids stale answers as proxy-revalidate does (§5.2.2.10).
        let silent = directives.sMaxage == nil ? limit : 0
        freshness.staleIfError = min(directives.staleIfError ?? silent, limit)
        return freshness
    }

    // MARK: What forbids

    /// §3.5.
    private static func allowsSharing(_ directives: CacheDirectives) -> Bool {
        directives.contains(.public) || directives.contains(.mustRevalidate)
            || directives.sMaxage != nil
    }

    /// What is asked about each time is of use only if the origin can say "unchanged".
    private static func canBeAskedAbout(_ fields: borrowing HeaderFields) -> Bool {
        fields.contains(.etag) || fields.contains(.lastModified)
    }

    private func varyRefusal(
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        isForced: Bool
    ) -> PassReason? {
        guard !ignoresVary else { return nil }
        var count = 0
        var next = fields.firstIndex(of: .vary)
        while let index = next {
            let text = arena[fields[index].value]
            var position = 0
            while let element = FieldSyntax.nextElement(text, &position) {
                count += 1
                if !isForced, text.extracting(element).equals("*") { return .varyStar }
            }
            next = fields.firstIndex(of: .vary, from: index + 1)
        }
        // With some of the names two requests would look alike that are not.
        return count > Limits.cacheVaryNames ? .varyTooWide : nil
    }
}

/// §2.8 and §2.9 of the contract: what is kept by default, and what only when the origin says so. Statuses that are
/// not here are passed on; 206 is put together before it is judged.
private enum StatusGroup {
    case success
    case moved
    case error
    case errorIfTold

    init?(_ status: UInt16) {
        switch status {
        case 200, 203, 204, 300, 301, 308, 410: self = .success
        case 302, 303, 307: self = .moved
        case 404, 414, 500, 501, 502, 503, 504: self = .error
        case 400, 403, 405, 412, 415: self = .errorIfTold
        default: return nil
        }
    }
}

/// RFC 9111 §4.2.3.
private struct ResponseTimes {
    let now: Int64
    /// `Date`, or now where it has none that can be read.
    let date: Int64
    let initialAge: Int64

    init(
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        requestedAt: Int64,
        now: Int64
    ) {
        self.now = now
        var date: Int64?
        if fields.count(of: .date) == 1, let value = fields.value(of: .date) {
            date = HTTPDate.parse(arena[value], now: now)
        }
        self.date = date ?? now
        let apparent = max(0, now - (date ?? now))
        initialAge = max(apparent, Self.told(fields, arena) + max(0, now - requestedAt))
    }

    /// §5.1: of a list the first; what is no number says nothing.
    private static func told(_ fields: borrowing HeaderFields, _ arena: Arena) -> Int64 {
        guard let value = fields.value(of: .age) else { return 0 }
        let text = arena[value]
        let first = text.trimmed(0, text.firstIndex(of: .comma) ?? text.count)
        return CacheDirectives.deltaSeconds(text.extracting(first)) ?? 0
    }
}

extension Nanoseconds {
    /// Rounded up: half a second of `min_ttl` is not none.
    fileprivate var wholeSeconds: Int64 { (self + .seconds(1) - 1) / .seconds(1) }
}
