// One fetch on behalf of the cache: asks the origin with an exchange of its own and puts what comes into the index,
// from which all who wait read it. It outlives any of them.
//
//   leader ─▶ Filler ─▶ own exchange ─▶ fetch ─▶ origin
//                │                        │
//                │ head ◀─────────────────┤        `FillHead` judges it
//                ├─ may be kept: object into the index, those who wait look again
//                ├─ 304: the object that was asked about lives on with a new head
//                ├─ an error, and a stale object may be shown: it is shown
//                ├─ may not be kept: the leader takes over the fetch, the others ask for themselves
//                │ body ◀─────────────────┘
//                └─ into the index, piece by piece
//
// A filler of one block of a sparse body has no leader and no fill: it only checks that the answer is the block.

final class Filler: LoopMember {
    /// What it was sent for.
    private enum Errand {
        case object(Fill, known: CachedObject?)
        case block(BodyRun, of: CachedObject)
    }

    private let context: EdgeContext
    private var errand: Errand
    private let rule: CacheRule
    /// Who began it, as long as it waits for the head.
    private var leader: Exchange?
    /// The request as the origin is asked, and what functions of the origin's stages share with the leader.
    private(set) var own: Exchange?
    private var body: StoredBody?
    private var run: BodyRun?
    private var encoder: ContentEncoder?
    /// What has come out of it.
    private var coded = BodyFlow()
    /// What it has not had yet: a tick's share may be less than a piece.
    private var uncoded: ChunkRange?
    /// How far it had come when somebody read it last.
    private var lastRead: Int64 = 0
    /// Since when nobody reads what was dropped while it came.
    private var aloneSince = Nanoseconds.never

    init(
        for leader: Exchange,
        _ fill: Fill,
        refreshing known: CachedObject?,
        isInBackground: Bool = false
    ) {
        context = leader.context
        errand = .object(fill, known: known)
        self.leader = isInBackground ? nil : leader
        rule = leader.behavior?.cache ?? CacheRule()
        super.init(loop: leader.context.loop)
        loop.add(self)
        let own = makeExchange(like: leader)
        self.own = own
        if let known, index.isReadable(known.body) { FillRequest.ask(own, about: known) }
        FillRequest.range(own, of: leader, rule)
    }

    init(for reader: Exchange, block run: BodyRun, of object: CachedObject) {
        context = reader.context
        errand = .block(run, of: object)
        rule = reader.behavior?.cache ?? CacheRule()
        super.init(loop: reader.context.loop)
        loop.add(self)
        let own = makeExchange(like: reader)
        self.own = own
        FillRequest.block(own, run, of: object)
    }

    func start() {
        guard let own else { return }
        let fetch = context.takeFetch()
        own.fetch = fetch
        fetch.start(for: own)
    }

    /// An object was found meanwhile that is not good enough as it is.
    func start(refreshing known: CachedObject) {
        guard case .object(let fill, _) = errand, let own else { return }
        errand = .object(fill, known: known)
        FillRequest.ask(own, about: known)
        start()
    }

    /// Somebody else has brought it.
    func giveUp() { close() }

    /// Which variant is asked for.
    func variant(of names: VaryNames) -> UInt64 {
        own.map { FillHead.variant(names, $0, index) } ?? 0
    }

    var index: CacheIndex { context.desk.index }

    /// The same request without what is the viewer's own matter: its conditions and its range.
    private func makeExchange(like leader: Exchange) -> Exchange {
        let own = context.takeExchange()
        own.filler = self
        own.host = token
        own.generation = leader.generation
        own.distribution = leader.distribution
        own.behavior = leader.behavior
        own.machine = leader.machine
        own.viewer = leader.viewer
        own.id = leader.id
        own.trace = leader.trace
        own.cache.encoding = leader.cache.encoding
        own.times.started = context.loop.now
        own.times.startedWall = context.loop.clock.wall
        own.request.copy(leader.request, from: leader.arena, into: own.arena)
        own.request.method = .get
        own.fetchPath = own.arena.append(leader.fetchPath, from: leader.arena)
        own.requestBody.end()
        own.request.fields.removeAll { $0.id.isConditional }
        if leader.generation.functions != nil {
            own.functions.share(&leader.functions, of: leader.generation)
        }
        return own
    }

    // MARK: Told by the fetch

    func headArrived() {
        guard let own, let fetch = own.fetch else { return }
        switch errand {
        case .block(let run, let object):
            guard FillHead.isBlock(fetch, run, object) else {
                // The origin has something else by now: what is here of it is of no use any more.
                index.remove(object)
                index.fail(object.body, run, .objectChanged, until: loop.now)
                close()
                return
            }
            body = object.body
            self.run = run
            pump()
        case .object(let fill, let known):
            lendTraces(fill)
            let verdict = FillHead.judge(own, fetch, fill, known, rule, index, context)
            act(verdict, fill)
        }
    }

    private func act(_ verdict: FillHead.Verdict, _ fill: Fill) {
        switch verdict {
        case .keep(let kept):
            leader = nil
            begin(kept)
            index.found(fill, kept.object, vary: kept.names)
            pump()
        case .keepForLater(let kept):
            // Each asks for itself; what is kept saves them the body the next time.
            begin(kept)
            passOn(fill, kept.object, kept.names)
        case .confirmed(let object, let names):
            leader?.cache.wasConfirmed = true
            leader = nil
            index.found(fill, object, vary: names)
            close()
        case .shownOnce(let object, let reason):
            let leader = takeLeader(of: fill)
            leader?.cache.wasConfirmed = true
            index.passed(fill, reason, until: loop.now + Limits.cachePassTime)
            leader?.take(object)
            index.remove(object)
            close()
        case .mistaken(let object):
            index.remove(object)
            pass(fill, .unconfirmed)
        case .showStale(let object):
            leader = nil
            index.found(fill, stale: object)
            close()
        case .pass(let reason): pass(fill, reason)
        case .refuse(let error):
            leader = nil
            index.failed(fill, error)
            close()
        }
    }

    private func begin(_ kept: FillHead.Kept) {
        body = kept.object.body
        run = kept.run
        encoder = kept.encoder
        lastRead = kept.run.position
    }

    func failed(_ error: EdgeError) {
        switch errand {
        case .block(let run, let object):
            index.fail(object.body, run, error, until: loop.now + Limits.cacheFailureTime)
        case .object(let fill, let known):
            lendTraces(fill)
            leader = nil
            if let known, FillHead.mayShowStale(known, rule, index, context) {
                index.found(fill, stale: known)
            } else {
                index.failed(fill, error)
            }
        }
        close()
    }

    /// The leader reads what is being stored, whatever others do with it.
    private func passOn(_ fill: Fill, _ object: CachedObject, _ names: VaryNames?) {
        let leader = takeLeader(of: fill)
        index.passed(fill, .alwaysAsked, until: nil, keeping: object, vary: names)
        leader?.take(object)
        pump()
    }

    /// Nil: it does not wait for it any more.
    private func takeLeader(of fill: Fill) -> Exchange? {
        guard let leader = self.leader.take(), leader.cache.fill === fill else { return nil }
        leader.cache.fill = nil
        return leader
    }

    /// Only who asked may have it.
    private func pass(_ fill: Fill, _ reason: PassReason) {
        guard let own = self.own.take() else { return }
        let leader = takeLeader(of: fill)
        loop.remove(self)
        own.filler = nil
        let time = reason == .unconfirmed ? nil : loop.now + Limits.cachePassTime
        index.passed(fill, reason, until: time)
        guard let leader else {
            own.dropFetch()
            context.giveBack(own)
            return
        }
        leader.cache.verdict = .passed(reason)
        if own.request.fields.contains(.range) || reason == .unconfirmed {
            // What was asked for is more than the viewer wants, or nothing that it could be shown.
            own.dropFetch()
            context.giveBack(own)
            leader.fillEnded(.passed(reason))
        } else {
            leader.borrow(own)
        }
    }

    // MARK: The body

    override func flush() { pump() }

    private func pump() {
        guard let own, let fetch = own.fetch, let body, let run else { return }
        var budget = encoder == nil ? Limits.cachePumpBytes : Limits.encodedBytesPerTick
        while budget > 0 {
            guard isWanted(body, run) else { return }
            switch pull(fetch, atMost: budget) {
            case .bytes(var range):
                budget -= range.count
                guard take(range, body, run) else { return }
                loop.chunks.stockIfLast(&range.chunk)
            case .pending: return
            case .ended:
                guard takeEnd(body, run) else { return }
                index.end(body, run)
                close()
                return
            case .failed(let error):
                fail(error, body, run)
                return
            }
        }
        loop.touch(self)
    }

    private func pull(_ fetch: Fetch, atMost share: Int) -> BodyFlow.Pull {
        let pull = uncoded.take().map { .bytes($0) } ?? fetch.pullBody()
        guard encoder != nil, case .bytes(var range) = pull, range.count > share else {
            return pull
        }
        var rest = range
        rest.start += UInt32(share)
        range.end = rest.start
        uncoded = rest
        return .bytes(range)
    }

    private func fail(_ error: EdgeError, _ body: StoredBody, _ run: BodyRun) {
        index.fail(body, run, error, until: loop.now + Limits.cacheFailureTime)
        close()
    }

    /// False: it has failed.
    private func take(_ range: ChunkRange, _ body: StoredBody, _ run: BodyRun) -> Bool {
        guard let encoder else {
            keep(range, body, run)
            return true
        }
        do throws(EdgeError) {
            let bytes = range.bytes
            try encoder.push(bytes, into: &coded)
            keepCoded(body, run)
            return true
        } catch {
            fail(error, body, run)
            return false
        }
    }

    private func takeEnd(_ body: StoredBody, _ run: BodyRun) -> Bool {
        guard let encoder else { return true }
        do throws(EdgeError) {
            try encoder.finish(into: &coded)
            keepCoded(body, run)
            return true
        } catch {
            fail(error, body, run)
            return false
        }
    }

    private func keepCoded(_ body: StoredBody, _ run: BodyRun) {
        while case .bytes(var range) = coded.pull() {
            keep(range, body, run)
            loop.chunks.stockIfLast(&range.chunk)
        }
    }

    private func keep(_ range: ChunkRange, _ body: StoredBody, _ run: BodyRun) {
        var start = 0
        while start < range.count {
            let room = index.progress(body, run).room
            let count = min(range.count - start, room)
            let bytes = range.bytes
            index.append(Chunk(bytes.extracting(start..<start + count)), to: body, run)
            start += count
        }
    }

    /// Whether more of it is to be taken now.
    private func isWanted(_ body: StoredBody, _ run: BodyRun) -> Bool {
        let progress = index.progress(body, run)
        if progress.hasReaders {
            lastRead = progress.position
            aloneSince = .never
        } else if progress.isDropped, waitsForReaders() {
            return false
        } else if isAbandoned(progress, run) {
            index.fail(body, run, .fillAbandoned, until: loop.now)
            close()
            return false
        }
        if progress.isDropped {
            // It goes to those who read it, no faster than the slowest of them.
            guard progress.aheadOfSlowest < Limits.cacheOverflowBytes else { return rest(body) }
        } else if body.isSparse {
            guard progress.aheadOfFastest < Limits.cacheOverflowBytes else { return rest(body) }
        } else if progress.length == nil, progress.position > Int64(index.objectBytesMax) {
            index.detach(body)
        }
        return true
    }

    /// Purged or thrown out before those who waited for the head have begun to read: they have a moment for it.
    private func waitsForReaders() -> Bool {
        if aloneSince == .never { aloneSince = loop.now }
        guard loop.now - aloneSince < Limits.cacheFailureTime else { return false }
        loop.setDeadline(self, at: loop.now + Limits.cacheRetryTime)
        return true
    }

    override func expired() { pump() }

    private func rest(_ body: StoredBody) -> Bool {
        index.rest(body, context.desk.ear)
        context.desk.watch(body, token)
        return false
    }

    /// Nobody reads it, and it is too much to be fetched for whoever may come.
    private func isAbandoned(_ progress: FillProgress, _ run: BodyRun) -> Bool {
        if progress.isDropped { return true }
        let patience = Int64(Limits.cacheOrphanBytes)
        guard progress.position - lastRead > patience else { return false }
        let end = min(run.end, progress.length ?? .max)
        return end - progress.position > patience
    }

    // MARK: Ending

    /// What the origin's functions noted is the leader's to tell, as are the times of the fetch.
    private func lendTraces(_ fill: Fill) {
        guard let leader, let own, let fetch = own.fetch, leader.cache.fill === fill else { return }
        if leader.fetchFacts == nil { leader.fetchFacts = FetchFacts(fetch) }
        FillHead.lendFields(fetch, to: leader, rule)
        leader.functions.take(own.functions, from: own.arena, into: leader.arena)
    }

    private func close() {
        loop.remove(self)
        leader = nil
        guard let own = self.own.take() else { return }
        own.filler = nil
        own.dropFetch()
        own.endBackground()
        context.giveBack(own)
    }
}
