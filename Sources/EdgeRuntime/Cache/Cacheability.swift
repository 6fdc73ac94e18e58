// May a response be kept for others, and for how long? (RFC 9111 §3, §4.2; §2.7–2.9 of the contract.) Pure.
//
// What forbids is looked at before what allows. `min_ttl` above zero is the operator's word against the origin's: it
// overrides `no-store`, `private` and `no-cache`, and nothing else.
//
//   lifetime        first that is there: s-maxage, max-age, Expires − Date, default_ttl where a heuristic is allowed
//                   (RFC 9111 §4.2.2), bounded by min_ttl and max_ttl
//   errors          at least error_ttl; 400 403 405 412 415 only where the origin gives a lifetime
//   Set-Cookie      one viewer's: kept where cookies are in the key, or without it where no-cache="set-cookie" says so
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
    case status
    case noLifetime
    case alwaysAsked
    case partial
    case tooLarge
    case headTooLarge

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
        case .status: "status_not_stored"
        case .noLifetime: "no_lifetime"
        case .alwaysAsked: "never_fresh"
        case .partial: "part_without_strong_tag"
        case .tooLarge: "too_large"
        case .headTooLarge: "head_too_large"
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
        minTTL = rule.minTTL / .seconds(1)
        defaultTTL = rule.defaultTTL / .seconds(1)
        maxTTL = rule.maxTTL / .seconds(1)
        self.errorTTL = (errorTTL ?? rule.errorTTL) / .seconds(1)
        if case .none = rule.key.cookies { keepsCookies = false } else { keepsCookies = true }
        ignoresVary = rule.vary == .ignore
    }

    /// `sendsAuthorization`: the request went out with credentials that are not in the key.
    func judge(
        _ response: borrowing ResponseHead,
        _ arena: Arena,
        sendsAuthorization: Bool,
        requestedAt: Int64,
        now: Int64
    ) -> Storability {
        let directives = CacheDirectives(response: response.fields, arena)
        guard let group = StatusGroup(response.status) else { return .refuse(.status) }
        let isForced = minTTL > 0
        if !isForced {
            // §5.2.2.3: who understands the status may go on where no-store is for those who do not.
            let isUnderstood = directives.contains(.mustUnderstand)
            if directives.contains(.noStore), !isUnderstood { return .refuse(.noStore) }
            if directives.contains(.private) { return .refuse(.private) }
            if !ignoresVary, Self.variesByAll(response.fields, arena) { return .refuse(.varyStar) }
        }
        if sendsAuthorization, !Self.allowsSharing(directives) { return .refuse(.authorization) }
        if response.fields.contains(.setCookie), !keepsCookies,
            !Self.dropsCookies(directives, arena)
        {
            return .refuse(.setCookie)
        }
        let times = ResponseTimes(response.fields, arena, requestedAt: requestedAt, now: now)
        guard let lifetime = lifetime(response, directives, group, times, arena) else {
            return .refuse(.noLifetime)
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
        if isForced || lifetime.basis == .errorTTL {
            // The operator's time begins when the response comes.
            freshness.initialAge = min(freshness.initialAge, max(0, lifetime.seconds - 1))
        }
        let mayBeStale =
            !directives.contains(.mustRevalidate) && !directives.contains(.proxyRevalidate)
            && !directives.contains(.noCache) && (group == .success || group == .moved)
            && directives.sMaxage.map { $0 > 0 } ?? true
        guard mayBeStale else { return freshness }
        let limit = max(0, maxTTL - lifetime.seconds)
        freshness.staleWhileRevalidate = min(directives.staleWhileRevalidate ?? 0, limit)
        // Without a word an old answer is better than none, up to max_ttl.
        freshness.staleIfError = min(directives.staleIfError ?? limit, limit)
        return freshness
    }

    // MARK: What forbids

    /// §3.5.
    private static func allowsSharing(_ directives: CacheDirectives) -> Bool {
        directives.contains(.public) || directives.contains(.mustRevalidate)
            || directives.sMaxage != nil
    }

    private static func dropsCookies(_ directives: CacheDirectives, _ arena: Arena) -> Bool {
        let name = "set-cookie".utf8.span
        return CacheDirectives.names(directives.noCacheFields, name, arena)
            || CacheDirectives.names(directives.privateFields, name, arena)
    }

    private static func variesByAll(_ fields: borrowing HeaderFields, _ arena: Arena) -> Bool {
        var next = fields.firstIndex(of: .vary)
        while let index = next {
            if FieldSyntax.list(arena[fields[index].value], contains: "*") { return true }
            next = fields.firstIndex(of: .vary, from: index + 1)
        }
        return false
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
        if let value = fields.value(of: .date) { date = HTTPDate.parse(arena[value], now: now) }
        self.date = date ?? now
        let apparent = max(0, now - (date ?? now))
        var told: Int64 = 0
        // §5.1: the first value; what is no number says nothing.
        if let value = fields.value(of: .age), let seconds = arena[value].decimal { told = seconds }
        let corrected = min(told, CacheDirectives.secondsMax) + max(0, now - requestedAt)
        initialAge = max(apparent, corrected)
    }
}
