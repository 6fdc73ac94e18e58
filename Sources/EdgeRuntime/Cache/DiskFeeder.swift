// Looks for what is worth a copy on disk and has none: seen again while it was in memory, or asked for before it came.
// A little at a time on one loop; nobody who is served has any part in it.

final class DiskFeeder: LoopMember {
    private let index: CacheIndex
    private let disk: DiskStore
    private var round: DiskRound

    init(_ index: CacheIndex, _ disk: DiskStore, loop: EventLoop) {
        self.index = index
        self.disk = disk
        round = DiskRound(epoch: disk.epoch)
        super.init(loop: loop)
        loop.add(self)
        loop.setDeadline(self, at: loop.now + Limits.diskFeedPeriod)
    }

    override func expired() {
        index.feed(disk, &round, now: loop.clock.wall.seconds)
        loop.setDeadline(self, at: loop.now + Limits.diskFeedPeriod)
    }
}

/// How far it has come in each shard.
struct DiskRound {
    var places = [Int](repeating: 0, count: Limits.cacheShards)
    var epoch: UInt64
    /// Since rules were forgotten.
    var turns = 0
}

extension CacheIndex {
    /// Looks at some places of each shard.
    func feed(_ disk: DiskStore, _ round: inout DiskRound, now: Int64) {
        round.turns += 1
        if round.turns % Limits.diskForgetTurns == 0 { disk.forgetRules() }
        guard disk.isReady else { return }
        let epoch = disk.epoch
        if epoch != round.epoch {
            round.epoch = epoch
            for shard in shards { shard.withLock { $0.forgetCopies() } }
        }
        for shard in shards.indices {
            round.places[shard] = feed(disk, shard, from: round.places[shard], epoch, now) ?? 0
        }
    }

    /// All that is worth it, before the end. Nothing else runs any more.
    func feedAll(_ disk: DiskStore, now: Int64) {
        for shard in shards.indices {
            var place: Int? = 0
            while let at = place {
                if !disk.isReady { disk.tier.flush() }
                guard disk.tier.state == .working else { return }
                place = feed(disk, shard, from: at, disk.epoch, now)
            }
        }
    }

    private func feed(
        _ disk: DiskStore,
        _ shard: Int,
        from place: Int,
        _ epoch: UInt64,
        _ now: Int64
    ) -> Int? {
        var offers: [DiskOffer] = []
        let next = shards[shard].withLock { $0.offers(from: place, epoch, &offers) }
        for offer in offers where disk.isWorthwhile(offer.object, now: now) {
            disk.put(offer)
            // Its successor did not know of it yet.
            if !holds(offer.object.body) { disk.remove(offer.copy.key) }
        }
        return next
    }

    private func holds(_ body: StoredBody) -> Bool {
        shard(of: body.key).withLock { _ in !body.isDropped }
    }

    // MARK: Objects of an origin

    /// Before it is in the index. Answers where its copy will lie if it has a body that the disk does not know of.
    func prepareCopy(of object: CachedObject, _ names: VaryNames?) -> DiskCopy? {
        guard let disk else { return nil }
        let key = disk.key(object.key, names, object.variant)
        let body = object.body
        let isWanted = disk.admits(key, Clock.monotonic())
        return shard(of: object.key).withLock { shard in
            guard body.copy.key == key, body.copy.version != 0 else {
                body.copy = DiskCopy(key: key, version: disk.makeVersion(), isWanted: isWanted)
                shard.forgetCopies(of: body)
                return body.copy
            }
            shard.refreshCopy(of: object)
            return nil
        }
    }

    /// Now that it is in the index: what lies on disk, or is on its way there, is older.
    func displace(_ copy: DiskCopy?, of object: CachedObject, _ names: VaryNames?) {
        if let copy { disk?.displace(copy.key, plain: object.key, names) }
    }

    // MARK: Objects of the disk

    /// Takes what was found. With a fill it is settled with it; else the object waits to be asked about.
    func restore(
        _ found: DiskObject,
        as object: CachedObject,
        for fill: Fill?,
        epoch: UInt64
    ) {
        let body = object.body
        object.isFromDisk = true
        object.standing.isDoubted = found.isDoubted
        body.copy = DiskCopy(
            key: found.key,
            version: found.head.version,
            headEpoch: epoch,
            freshUntil: object.freshness.end
        )
        let run = body.isSparse ? nil : begin(body, at: 0, to: found.head.cut.length)
        if let fill {
            isAnsweredByDisk()
            settle(fill, .found(object, found.head.names), object, found.head.names, nil)
        } else {
            change(object.key) { $0.restore(object, found.head.names) }
        }
        if let run { append(found.pieces, to: body, run) }
    }

    /// A stretch that lies on disk as well, to the end of its run.
    func append(_ pieces: [Chunk], to body: StoredBody, _ run: BodyRun) {
        let ears = change(body.key) { shard in
            let first = Int(run.position / Int64(body.blockBytes))
            var ears = EarList()
            for piece in pieces { ears.add(shard.append(piece, to: body, run)) }
            ears.add(shard.end(body, run))
            shard.setCopies(of: body, from: first)
            return ears
        }
        ears.tell(body.id)
        trim()
    }

    func copy(of body: StoredBody) -> DiskCopy { shard(of: body.key).withLock { _ in body.copy } }
}

extension CacheShard {
    /// What lacks a copy from a place on, and counts as having one from now on. Nil: that was the last place.
    mutating func offers(from place: Int, _ epoch: UInt64, _ offers: inout [DiskOffer]) -> Int? {
        let end = min(order.slotCount, place + Limits.diskFeedPlaces)
        var bytes = 0
        var at = place
        while at < end, bytes < Limits.diskFeedBytes {
            let slot = EvictionOrder.Slot(at)
            at += 1
            guard order.lacksCopy(slot), let block = slots[Int(slot)],
                let offer = offer(block, epoch)
            else { continue }
            bytes += offer.blocks.reduce(0) { $1.pieces.reduce($0) { $0 + $1.filled } }
            offers.append(offer)
        }
        return at < order.slotCount ? at : nil
    }

    private mutating func offer(_ block: Block, _ epoch: UInt64) -> DiskOffer? {
        let body = block.body
        guard body.isSparse || !body.isComing, let entry = table[body.key],
            let object = entry.objects.first(where: { $0.body === body }),
            !object.standing.isDoubted, body.copy.version != 0
        else { return nil }
        let blocks = body.isSparse ? [block] : body.blocks.compactMap(\.self)
        for block in blocks where block.slot != EvictionOrder.none { order.set(.there, block.slot) }
        guard let cut = DiskCut(of: body) else { return nil }
        let isHeadDue = !body.isSparse || body.copy.headEpoch != epoch
        let offer = DiskOffer(
            object: object,
            names: entry.vary,
            copy: body.copy,
            cut: cut,
            asOf: object.standing.checkedSequence,
            isHeadDue: isHeadDue,
            blocks: blocks.map { ($0.index, $0.pieces) }
        )
        if isHeadDue {
            body.copy.headEpoch = epoch
            body.copy.freshUntil = object.freshness.end
        }
        return offer
    }

    /// The head is put once more when it has become fresh for much longer: its blocks stay what they are.
    mutating func refreshCopy(of object: CachedObject) {
        let body = object.body
        guard body.copy.headEpoch != 0,
            object.freshness.end - body.copy.freshUntil >= Limits.diskHeadRewrite
        else { return }
        body.copy.headEpoch = 0
        let first = body.blocks.first { $0.map { $0.slot != EvictionOrder.none } ?? false }
        if let slot = first??.slot { order.set(.wanted, slot) }
    }

    /// Of the blocks from here on that a run has brought: one of a sparse body, all of another.
    mutating func setCopies(of body: StoredBody, from first: Int) {
        for index in first..<(body.isSparse ? first + 1 : body.blocks.count) {
            guard index < body.blocks.count, let slot = body.blocks[index]?.slot,
                slot != EvictionOrder.none
            else { continue }
            order.set(.there, slot)
        }
    }

    mutating func forgetCopies(of body: StoredBody) {
        for case let block? in body.blocks where block.slot != EvictionOrder.none {
            order.set(.none, block.slot)
        }
    }

    mutating func forgetCopies() { order.forgetCopies() }
}
