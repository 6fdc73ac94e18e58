// `Cache-Status` (RFC 9211): one line that says what this cache did. The lines of caches behind it stay before it.
//
//   edge-1a2b; hit; ttl=42
//   edge-1a2b; hit; ttl=-7; detail=stale_while_revalidate
//   edge-1a2b; fwd=stale; fwd-status=304; ttl=60; stored
//   edge-1a2b; fwd=uri-miss; collapsed; ttl=60
//   edge-1a2b; fwd=uri-miss; fwd-status=200; detail=set_cookie
//   edge-1a2b; detail=not_in_cache                              the viewer wanted nothing from elsewhere
//
// The key is not told: it is 128 bits under a secret. `detail` is a word of the verdict where `fwd` does not say it all.

struct CacheStatus {
    enum Source: Equatable {
        case hit
        case forwarded(Forward)
        case neither
    }

    /// RFC 9211 §2.2.
    enum Forward: UInt8, CaseIterable {
        case bypass
        case method
        case uriMiss
        case varyMiss
        case request
        case stale

        var word: StaticString {
            switch self {
            case .bypass: "; fwd=bypass"
            case .method: "; fwd=method"
            case .uriMiss: "; fwd=uri-miss"
            case .varyMiss: "; fwd=vary-miss"
            case .request: "; fwd=request"
            case .stale: "; fwd=stale"
            }
        }
    }

    var source: Source
    /// What the origin answered; nil where it did not.
    var forwardStatus: UInt16?
    /// Seconds; negative for what is stale.
    var timeToLive: Int64?
    var isStored = false
    /// It waited for what somebody else asked.
    var isCollapsed = false
    var detail: StaticString?

    func write(name: Span<UInt8>, in arena: Arena) -> Slice {
        let mark = arena.used
        _ = arena.append(name)
        switch source {
        case .hit: _ = arena.append("; hit")
        case .forwarded(let forward): _ = arena.append(forward.word)
        case .neither: break
        }
        if let forwardStatus {
            _ = arena.append("; fwd-status=")
            _ = arena.append(DecimalDigits(Int64(forwardStatus)).span)
        }
        if isCollapsed { _ = arena.append("; collapsed") }
        if let timeToLive {
            _ = arena.append(timeToLive < 0 ? "; ttl=-" : "; ttl=")
            _ = arena.append(DecimalDigits(timeToLive < 0 ? 0 - timeToLive : timeToLive).span)
        }
        if isStored { _ = arena.append("; stored") }
        if let detail {
            _ = arena.append("; detail=")
            _ = arena.append(detail)
        }
        return arena.slice(since: mark)
    }
}

extension CacheVerdict.Miss {
    var forward: CacheStatus.Forward {
        switch self {
        case .absent, .purged: .uriMiss
        case .otherVariants: .varyMiss
        case .stale: .stale
        case .unwanted: .request
        }
    }
}

extension PassReason {
    /// Why the request went on, where nothing else is known: what is remembered as nobody's is not here.
    var forward: CacheStatus.Forward {
        switch self {
        case .method: .method
        case .upgrade, .function, .busy: .bypass
        case .noStore, .private, .authorization, .setCookie, .varyStar, .varyTooWide, .status,
            .noLifetime, .noValidator, .alwaysAsked, .unconfirmed, .partial, .tooLarge,
            .headTooLarge, .viewerNoStore, .evicted:
            .uriMiss
        }
    }
}
