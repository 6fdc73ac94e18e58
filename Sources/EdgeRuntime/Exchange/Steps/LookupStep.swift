// Is the answer here, is it on its way, or has it to be asked for?
//
//   no cache for this request ─────────────────────────────────▶ passed: fetch for this viewer alone
//   object, fresh ─────────────────────────────────────────────▶ found
//   object, stale, may be shown while it is refreshed ─ join ──▶ found
//   object, stale ──┐
//   nothing ────────┴─ join ─ leads: begin the fetch ─▶ wait
//                           ├ follows ────────────────▶ wait
//                           └ it was remembered that the answer is nobody else's ─▶ passed

enum LookupStep {
    /// Nil: the exchange waits, `fillEnded` follows.
    static func run(_ exchange: Exchange) -> ViewerMachine.Event? {
        guard let behavior = exchange.behavior, let rule = behavior.cache, isRead(exchange) else {
            return .passed
        }
        let index = exchange.context.desk.index
        if behavior.compress {
            exchange.cache.encoding = NormalizedEncoding(
                exchange.request,
                exchange.arena,
                compress: CompressionRule.isOn(behavior)
            )
        }
        if exchange.cache.ownKey != nil { index.ownKeys.value = 1 }
        exchange.cache.key = key(exchange, rule, index)
        return look(exchange, rule)
    }

    /// Only what is asked by GET is looked up, and a HEAD is answered from the same object: it fills the cache by a GET, as
    /// with nginx and Varnish, since whoever asks for a head is likely to be followed by somebody who wants it all.
    private static func isRead(_ exchange: Exchange) -> Bool {
        if exchange.machine.isErrorPage { return true }
        guard !exchange.cache.isPassed else {
            exchange.cache.verdict = .passed(.function)
            return false
        }
        guard exchange.request.method == .get || exchange.request.method == .head else {
            exchange.cache.verdict = .passed(.method)
            return false
        }
        guard !exchange.request.fields.contains(.upgrade) else {
            exchange.cache.verdict = .passed(.upgrade)
            return false
        }
        return true
    }

    private static func key(
        _ exchange: Exchange,
        _ rule: CacheRule,
        _ index: CacheIndex
    ) -> CacheKey {
        let name = exchange.distribution?.name ?? ""
        return CacheKeyBuilder.key(
            distribution: name.utf8.span,
            request: exchange.request,
            path: exchange.fetchPath,
            query: exchange.machine.isErrorPage ? nil : exchange.request.query,
            arena: exchange.arena,
            rule: rule,
            acceptEncoding: exchange.cache.encoding,
            secret: index.secret,
            own: exchange.machine.isErrorPage ? nil : exchange.cache.ownKey
        )
    }

    static func look(_ exchange: Exchange, _ rule: CacheRule) -> ViewerMachine.Event? {
        guard let key = exchange.cache.key else { return .passed }
        let context = exchange.context
        var variant: Variant?
        while true {
            switch context.desk.index.look(key, variant, now: context.loop.now) {
            case .object(let object, let standing): return judge(object, standing, exchange, rule)
            case .pass(let reason): return pass(exchange, rule, reason)
            case .otherVariants: return join(exchange, insteadOf: nil, .otherVariants)
            case .absent: return join(exchange, insteadOf: nil, .absent)
            case .varies(let names): variant = self.variant(names, exchange)
            }
        }
    }

    private static func variant(_ names: VaryNames, _ exchange: Exchange) -> Variant {
        let number = names.variant(
            of: exchange.request,
            exchange.arena,
            exchange.behavior?.originRequest ?? .all,
            exchange.cache.encoding,
            exchange.context.desk.index.secret
        )
        return Variant(names: names, number: number)
    }

    private static func judge(
        _ object: CachedObject,
        _ standing: CachedObject.Standing,
        _ exchange: Exchange,
        _ rule: CacheRule
    ) -> ViewerMachine.Event? {
        let now = exchange.context.loop.clock.wall.seconds
        let index = exchange.context.desk.index
        var standing = standing
        if standing.checkedSequence < index.purgeSequence {
            switch index.examine(object) {
            case .hard: return join(exchange, insteadOf: nil, .purged)
            case .soft: standing.isDoubted = true
            case nil: break
            }
        }
        exchange.cache.age = object.freshness.age(at: now)
        var miss = CacheVerdict.Miss.stale
        if !standing.isDoubted {
            var verdict = object.freshness.judge(at: now)
            if let wishes = wishes(exchange, rule) {
                verdict = object.freshness.judge(at: now, for: wishes)
            }
            switch verdict {
            case .fresh: return found(object, exchange, .hit(.fresh))
            case .staleWhileRevalidate:
                refresh(object, exchange)
                return found(object, exchange, .hit(.staleWhileRevalidate))
            case .staleAccepted: return found(object, exchange, .hit(.staleAccepted))
            case .unwanted: miss = .unwanted
            case .stale: break
            }
        }
        if standing.shownUntil > now { return found(object, exchange, .hit(.staleOnError)) }
        return join(exchange, insteadOf: object, miss)
    }

    /// What the request says of caches, where the behaviour listens (RFC 9111 §5.2.1).
    static func wishes(_ exchange: Exchange, _ rule: CacheRule) -> CacheDirectives? {
        guard rule.viewerDirectives == .honour, !exchange.machine.isErrorPage else { return nil }
        return CacheDirectives(request: exchange.request.fields, exchange.arena)
    }

    /// To the origin, for this viewer alone; not if the viewer wants nothing from there.
    private static func pass(
        _ exchange: Exchange,
        _ rule: CacheRule,
        _ reason: PassReason
    ) -> ViewerMachine.Event {
        exchange.cache.verdict = .passed(reason)
        let isOnlyForHere = wishes(exchange, rule)?.contains(.onlyIfCached) ?? false
        return isOnlyForHere ? .failed(.notInCache) : .passed
    }

    private static func found(
        _ object: CachedObject,
        _ exchange: Exchange,
        _ verdict: CacheVerdict
    ) -> ViewerMachine.Event {
        exchange.cache.object = object
        if exchange.cache.isLeader, verdict != .hit(.staleOnError) {
            // Its verdict was made when it asked.
            exchange.result = exchange.cache.wasConfirmed ? .refreshHit : .miss
        } else {
            exchange.cache.verdict = verdict
            exchange.result = .hit
        }
        return .found
    }

    /// What the fetch brought for which it has waited, whatever became of it since: who asked together is answered
    /// together.
    private static func take(
        _ object: CachedObject,
        _ exchange: Exchange,
        _ hit: CacheVerdict.Hit
    ) -> ViewerMachine.Event {
        exchange.cache.age = object.freshness.age(at: exchange.context.loop.clock.wall.seconds)
        guard object.isFromDisk, hit == .fresh else { return found(object, exchange, .hit(hit)) }
        exchange.cache.asked = nil
        return found(object, exchange, .hit(.disk))
    }

    // MARK: Asking the origin

    private static func join(
        _ exchange: Exchange,
        insteadOf object: CachedObject?,
        _ miss: CacheVerdict.Miss
    ) -> ViewerMachine.Event? {
        guard let rule = exchange.behavior?.cache else { return .passed }
        guard !exchange.context.desk.isFull else { return pass(exchange, rule, .busy) }
        exchange.cache.verdict = .missed(miss)
        if let wishes = wishes(exchange, rule) {
            if wishes.contains(.onlyIfCached), !isOnDisk(exchange) { return .failed(.notInCache) }
            if wishes.contains(.noStore) { return pass(exchange, rule, .viewerNoStore) }
        }
        switch ask(exchange, insteadOf: object) {
        case .object(let newer, let standing): return judge(newer, standing, exchange, rule)
        case .pass(let reason): return pass(exchange, rule, reason)
        case .follows(let fill):
            exchange.cache.asked = miss
            return wait(exchange, for: fill)
        case .leads(let fill):
            exchange.cache.asked = miss
            exchange.cache.isLeader = true
            _ = exchange.context.desk.wait(exchange, for: fill)
            let filler = Filler(for: exchange, fill, refreshing: object)
            let isOnDisk = object == nil && DiskFill.begin(filler, fill, for: exchange)
            if !isOnDisk { filler.start() }
            return nil
        case .varies, nil: return .passed
        }
    }

    /// What lies there is stored as well. Should it be stale or torn the origin is asked all the same: nobody knows yet.
    private static func isOnDisk(_ exchange: Exchange) -> Bool {
        guard let key = exchange.cache.key, let disk = exchange.context.desk.index.disk else {
            return false
        }
        return disk.tier.has(key)
    }

    /// Nil: it has no key.
    private static func ask(_ exchange: Exchange, insteadOf object: CachedObject?) -> FillJoin? {
        guard let key = exchange.cache.key else { return nil }
        let index = exchange.context.desk.index
        var variant: Variant?
        while true {
            let join = index.join(
                key,
                variant,
                insteadOf: object,
                generation: exchange.generation.number,
                sequence: index.purgeSequence,
                now: exchange.context.loop.now
            )
            guard case .varies(let names) = join else { return join }
            variant = self.variant(names, exchange)
        }
    }

    private static func wait(_ exchange: Exchange, for fill: Fill) -> ViewerMachine.Event? {
        guard let outcome = exchange.context.desk.wait(exchange, for: fill) else { return nil }
        return event(outcome, exchange)
    }

    /// Nobody waits for it.
    private static func refresh(_ object: CachedObject, _ exchange: Exchange) {
        guard case .leads(let fill) = ask(exchange, insteadOf: object) else { return }
        Filler(for: exchange, fill, refreshing: object, isInBackground: true).start()
    }

    /// What the end of the fetch means for one who waited for it.
    static func event(_ outcome: Fill.Outcome, _ exchange: Exchange) -> ViewerMachine.Event? {
        switch outcome {
        case .found(let object, let names):
            let isMine = names.map { variant($0, exchange).number == object.variant } ?? true
            if isMine { return take(object, exchange, .fresh) }
            guard let rule = exchange.behavior?.cache else { return .passed }
            exchange.cache.asked = nil
            return look(exchange, rule)
        case .stale(let object): return take(object, exchange, .staleOnError)
        case .passed(let reason):
            exchange.cache.verdict = .passed(reason)
            return .passed
        case .failed(let error): return .failed(error)
        }
    }
}
