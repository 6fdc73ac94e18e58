// What an answer says of the cache: how old it is, and why it came from where it came (RFC 9211). Before the header
// policy, so that an operator who removes a field is rid of it.

enum CacheFields {
    static func write(_ exchange: Exchange) {
        guard exchange.behavior?.cache != nil else { return }
        let arena = exchange.arena
        if exchange.isOfOrigin, exchange.cache.object != nil,
            exchange.result != .miss || exchange.cache.age > 0
        {
            let age = DecimalDigits(max(0, exchange.cache.age))
            exchange.response.fields.set(.age, value: arena.append(age.span))
        }
        guard let status = status(exchange) else { return }
        let name = exchange.context.name
        exchange.response.fields.append(
            .cacheStatus,
            value: status.write(name: name.span, in: arena)
        )
    }

    private static func status(_ exchange: Exchange) -> CacheStatus? {
        var status: CacheStatus
        switch exchange.cache.verdict {
        case .none: return nil
        case .hit(let hit):
            let asked = exchange.cache.asked
            status = CacheStatus(source: asked.map { .forwarded($0.forward) } ?? .hit)
            status.isCollapsed = asked != nil && !exchange.cache.isLeader
            if hit != .fresh { status.detail = hit.word }
        case .missed(let miss):
            status = CacheStatus(source: .forwarded(miss.forward))
            if miss == .purged { status.detail = miss.word }
        case .passed(let reason):
            let forward = exchange.cache.asked?.forward ?? reason.forward
            status = CacheStatus(source: .forwarded(forward))
            if reason != .method { status.detail = reason.word }
        }
        if let error = exchange.error, !exchange.isOfOrigin {
            if error.kind == .notInCache { status.source = .neither }
            status.detail = error.word
        }
        if let object = exchange.cache.object {
            status.timeToLive = object.freshness.lifetime - exchange.cache.age
            status.isStored = exchange.cache.isLeader && exchange.cache.verdict.isMiss
        }
        if status.source != .hit { status.forwardStatus = originStatus(exchange) }
        return status
    }

    /// What the origin has said to this exchange.
    private static func originStatus(_ exchange: Exchange) -> UInt16? {
        if let facts = exchange.fetchFacts { return facts.status }
        return exchange.fetch.flatMap { FetchFacts($0).status }
    }
}

extension CacheVerdict {
    fileprivate var isMiss: Bool {
        if case .missed = self { return true }
        return false
    }
}
