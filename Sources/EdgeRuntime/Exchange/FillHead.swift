// What the head of an answer means for what is stored, and for those who wait.

enum FillHead {
    /// What goes into the index, and what takes the body.
    struct Kept {
        var object: CachedObject
        var names: VaryNames?
        var run: BodyRun
        /// In the body's way, where the edge compresses it.
        var encoder: ContentEncoder?
    }

    enum Verdict {
        case keep(Kept)
        /// It is kept for the sake of its body, but is fresh for nobody.
        case keepForLater(Kept)
        /// What was stored has a new head.
        case confirmed(CachedObject, VaryNames?)
        /// It is right, and may not be kept any more: who has asked gets it, and nobody else.
        case shownOnce(CachedObject, PassReason)
        /// The origin confirms something else: what was stored is of no use, and no answer has come.
        case mistaken(CachedObject)
        /// Better an old answer than this.
        case showStale(CachedObject)
        /// It is the leader's alone.
        case pass(PassReason)
        case refuse(EdgeError)
    }

    static func judge(
        _ own: Exchange,
        _ fetch: Fetch,
        _ fill: Fill,
        _ known: CachedObject?,
        _ rule: CacheRule,
        _ index: CacheIndex,
        _ context: EdgeContext
    ) -> Verdict {
        let status = fetch.response.status
        if let known {
            if status == 304 { return confirm(known, own, fetch, fill, rule, index, context) }
            if status >= 500, mayShowStale(known, rule, index, context) { return .showStale(known) }
        }
        let part: (range: Range<Int64>, size: Int64)?
        if status == 206 {
            guard let found = takePart(own, fetch) else { return .pass(.partial) }
            part = found
        } else if status == 416, own.request.fields.contains(.range) {
            return .pass(.partial)
        } else {
            part = nil
        }
        let storability = storability(own, fetch, rule, context)
        guard case .store(let freshness) = storability else {
            guard case .refuse(let reason) = storability else { return .pass(.partial) }
            return .pass(reason)
        }
        return keep(own, fetch, fill, part, freshness, rule, index, context)
    }

    private static func storability(
        _ own: Exchange,
        _ fetch: Fetch,
        _ rule: CacheRule,
        _ context: EdgeContext
    ) -> Storability {
        let status = fetch.response.status
        let page = own.distribution?.errorPage(for: Int(status))
        let policy = own.behavior?.originRequest
        var rule = rule
        if case .files = own.generation.origins.stations[fetch.route.origin] {
            // A folder says nothing of how long a file will stay as it is, and is asked again at no cost.
            rule.defaultTTL = min(rule.defaultTTL, max(rule.minTTL, Limits.cacheFileTime))
        }
        let isKeyed = rule.key.headers.names.contains("authorization")
        let sends = policy?.keepsHeader("authorization".utf8.span) ?? true
        return Cacheability(rule, errorTTL: page?.ttl).judge(
            fetch.response,
            fetch.arena,
            sendsAuthorization: own.request.fields.contains(.authorization) && sends && !isKeyed,
            ttl: fetch.ttl.map { Int64($0.rounded(.up)) },
            requestedAt: own.times.startedWall.seconds,
            now: context.loop.clock.wall.seconds
        )
    }

    // MARK: Parts

    /// Makes the head of a part the head of the whole. Nil: nothing else could be put together with it.
    private static func takePart(
        _ own: Exchange,
        _ fetch: Fetch
    ) -> (range: Range<Int64>, size: Int64)? {
        let arena = fetch.arena
        guard own.request.fields.contains(.range), hasStrongTag(fetch), !fetch.isMapped,
            let text = fetch.response.fields.value(of: .contentRange),
            let part = ContentRange.parse(arena[text]),
            case .length(let length) = fetch.bodyFraming, length == Int64(part.range.count)
        else { return nil }
        fetch.response.status = 200
        fetch.response.reason = .empty
        fetch.response.fields.removeAll(.contentRange)
        let size = DecimalDigits(part.size)
        fetch.response.fields.set(.contentLength, value: arena.append(size.span))
        return part
    }

    private static func hasStrongTag(_ fetch: Fetch) -> Bool {
        guard let tag = fetch.response.fields.value(of: .etag) else { return false }
        let arena = fetch.arena
        return EntityTag.isStrong(arena[tag])
    }

    /// Whether this is what a block of an object is missing.
    static func isBlock(_ fetch: Fetch, _ run: BodyRun, _ object: CachedObject) -> Bool {
        let arena = fetch.arena
        guard fetch.response.status == 206, !fetch.isMapped,
            let text = fetch.response.fields.value(of: .contentRange),
            let part = ContentRange.parse(arena[text]),
            let tag = fetch.response.fields.value(of: .etag)
        else { return false }
        let known = object.etag
        return EntityTag.matchesStrongly(arena[tag], known.span)
            && part.range == object.body.range(of: run) && part.size == object.body.length
    }

    // MARK: Keeping

    private static func keep(
        _ own: Exchange,
        _ fetch: Fetch,
        _ fill: Fill,
        _ part: (range: Range<Int64>, size: Int64)?,
        _ freshness: Freshness,
        _ rule: CacheRule,
        _ index: CacheIndex,
        _ context: EdgeContext
    ) -> Verdict {
        var length = part?.size
        if part == nil, case .length(let whole) = fetch.bodyFraming, !fetch.isMapped {
            length = whole
        }
        if fetch.bodyFraming == .none { length = 0 }
        let isLarge = length.map { $0 > Int64(index.objectBytesMax) } ?? false
        let isSparse = part != nil || isLarge
        if isLarge, part == nil, !hasStrongTag(fetch) || !givesRanges(fetch) {
            return .pass(.tooLarge)
        }
        let arena = fetch.arena
        let encoder = part == nil ? encoder(own, fetch, length, context) : nil
        if encoder != nil { length = nil }
        let names = VaryNames(fetch.response.fields, arena, rule)
        let body = index.makeBody(
            fill.key,
            blockBytes: rule.blockBytes,
            length: length,
            isSparse: isSparse
        )
        let object = object(own, fetch, fill, freshness, names, body, rule, index, context)
        guard let object else { return .pass(.headTooLarge) }
        object.coding = encoder?.coding
        let run = index.begin(
            body,
            at: part?.range.lowerBound ?? 0,
            to: part?.range.upperBound ?? length ?? .max
        )
        let kept = Kept(object: object, names: names, run: run, encoder: encoder)
        return freshness.isNeverFresh ? .keepForLater(kept) : .keep(kept)
    }

    /// §9 of the contract: coded once, when it comes; the head is rewritten accordingly.
    private static func encoder(
        _ own: Exchange,
        _ fetch: Fetch,
        _ length: Int64?,
        _ context: EdgeContext
    ) -> ContentEncoder? {
        guard let behavior = own.behavior, behavior.compress else { return nil }
        let arena = fetch.arena
        let verdict = CompressionRule.judge(
            fetch.response,
            arena,
            for: behavior,
            own.cache.encoding,
            asksForRange: own.request.fields.contains(.range),
            functionTakesBody: own.generation.takesBodyOfHits(behavior),
            length: fetch.isMapped ? .changed : length.map { .known($0) } ?? .unknown
        )
        switch verdict {
        case .identity(let reason):
            if reason.isOfThisRequest { CompressionRule.addVary(&fetch.response.fields, arena) }
            return nil
        case .encode(let coding):
            do throws(EdgeError) {
                let encoder = try ContentEncoder(
                    coding,
                    bodyBytes: length,
                    pool: context.loop.chunks
                )
                CompressionRule.rewrite(&fetch.response.fields, arena, as: coding)
                return encoder
            } catch {
                // There is no memory for it now: the body goes as it is.
                CompressionRule.addVary(&fetch.response.fields, arena)
                return nil
            }
        }
    }

    private static func givesRanges(_ fetch: Fetch) -> Bool {
        guard let value = fetch.response.fields.value(of: .acceptRanges) else { return false }
        let arena = fetch.arena
        return FieldSyntax.list(arena[value], contains: "bytes")
    }

    private static func object(
        _ own: Exchange,
        _ fetch: Fetch,
        _ fill: Fill,
        _ freshness: Freshness,
        _ names: VaryNames?,
        _ body: StoredBody,
        _ rule: CacheRule,
        _ index: CacheIndex,
        _ context: EdgeContext
    ) -> CachedObject? {
        let arena = fetch.arena
        let distribution = CacheTags.hash(own.distribution?.name ?? "", secret: index.secret)
        let (tags, isCut) = CacheTags.take(
            from: &fetch.response.fields,
            arena,
            of: distribution,
            secret: index.secret
        )
        guard !isCut else { return nil }
        let now = context.loop.clock.wall.seconds
        StoredFields(fetch.response, arena, rule).reduce(&fetch.response.fields, arena, now: now)
        guard let head = StoredHead(fetch.response, arena) else { return nil }
        let target = StoredTarget(
            path: own.fetchPath,
            query: own.machine.isErrorPage ? nil : own.request.query,
            own.arena,
            rule.key.query
        )
        let etag = fetch.response.fields.value(of: .etag).map { arena.copy(of: $0) } ?? []
        let date = fetch.response.fields.value(of: .lastModified)
        return CachedObject(
            key: fill.key,
            variant: names.map { variant($0, own, index) } ?? 0,
            head: head,
            freshness: freshness,
            facts: ObjectFacts(
                distribution: distribution,
                target: target.bytes,
                pathLength: target.pathLength,
                tags: tags,
                sequence: fill.sequence
            ),
            body: body,
            etag: etag,
            lastModified: date.flatMap { HTTPDate.parse(arena[$0], now: now) }
        )
    }

    static func lendFields(_ fetch: Fetch, to leader: Exchange, _ rule: CacheRule) {
        let arena = fetch.arena
        let shared = StoredFields(fetch.response, arena, rule)
        guard !shared.isAll else { return }
        for index in 0..<fetch.response.fields.count {
            var field = fetch.response.fields[index]
            guard shared.isOfOneViewer(field, arena) else { continue }
            if !field.name.isEmpty { field.name = leader.arena.append(field.name, from: arena) }
            field.value = leader.arena.append(field.value, from: arena)
            leader.cache.ownFields.append(field)
        }
    }

    static func variant(
        _ names: VaryNames,
        _ own: Exchange,
        _ index: CacheIndex
    ) -> UInt64 {
        names.variant(
            of: own.request,
            own.arena,
            own.behavior?.originRequest ?? .all,
            own.cache.encoding,
            index.secret
        )
    }

    // MARK: What was there before

    /// The origin says that what we have is still right.
    private static func confirm(
        _ known: CachedObject,
        _ own: Exchange,
        _ fetch: Fetch,
        _ fill: Fill,
        _ rule: CacheRule,
        _ index: CacheIndex,
        _ context: EdgeContext
    ) -> Verdict {
        let arena = fetch.arena
        let now = context.loop.clock.wall.seconds
        let isMeant = Revalidation.selects(
            fetch.response,
            arena,
            etag: known.etag,
            lastModified: known.lastModified,
            now: now
        )
        guard isMeant else { return .mistaken(known) }
        var facts = known.facts.confirmed(at: fill.sequence)
        let (tags, isCut) = CacheTags.take(
            from: &fetch.response.fields,
            arena,
            of: facts.distribution,
            secret: index.secret
        )
        if !tags.isEmpty { facts.tags = tags }
        // By its own lists, not those of the merged head: what is stored has been reduced already.
        let shared = StoredFields(fetch.response, arena, rule)
        fetch.response.fields.removeAll { shared.isOfOneViewer($0, arena) }
        Revalidation.merge(known.head, into: &fetch.response, arena)
        if let coding = known.coding {
            CompressionRule.rewrite(&fetch.response.fields, arena, as: coding)
        }
        let storability = storability(own, fetch, rule, context)
        guard case .store(let freshness) = storability else {
            guard case .refuse(let reason) = storability else { return .mistaken(known) }
            return .shownOnce(known, reason)
        }
        StoredFields(fetch.response, arena, rule).reduce(&fetch.response.fields, arena, now: now)
        guard !isCut, let head = StoredHead(fetch.response, arena) else {
            return .shownOnce(known, .headTooLarge)
        }
        let object = CachedObject(
            key: known.key,
            variant: known.variant,
            head: head,
            freshness: freshness,
            facts: facts,
            body: known.body,
            etag: known.etag,
            lastModified: known.lastModified
        )
        object.coding = known.coding
        return .confirmed(object, VaryNames(fetch.response.fields, arena, rule))
    }

    /// RFC 5861 §4, and the contract's §2.7: better an old answer than none, and the origin is left alone for a while.
    static func mayShowStale(
        _ known: CachedObject,
        _ rule: CacheRule,
        _ index: CacheIndex,
        _ context: EdgeContext
    ) -> Bool {
        let now = context.loop.clock.wall.seconds
        guard known.freshness.mayHideError(at: now) else { return false }
        index.update(known) { $0.shownUntil = now + max(1, rule.errorTTL / .seconds(1)) }
        return true
    }
}
