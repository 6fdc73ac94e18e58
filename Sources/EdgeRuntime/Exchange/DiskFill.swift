// Between a miss in memory and its origin: is it on disk? One look at the tier's index says so for most; what is
// there is read on a blocking thread while everybody who wants it waits for the fill as for any other.
//
//   miss ─ leads ─▶ index of the disk ─ no ────────────────────────────▶ Filler ─▶ origin
//                       └ yes ─▶ read ─ torn, gone, purged, too slow ──▶ Filler
//                                  ├ names of `Vary` ─▶ the variant ─▶ read …
//                                  ├ stale ─▶ into memory ─▶ Filler asks whether it is still right
//                                  └ fresh ─▶ the fill ends with it
//
// The filler is made at once, since who asked may have left by the time the disk has answered, and others wait as well.

final class DiskFill: LoopMember {
    private let index: CacheIndex
    private let disk: DiskStore
    private let fill: Fill
    /// Nil once it is over.
    private var filler: Filler?
    private var leader: Exchange?

    /// False: the disk has nothing of it, as far as its index says.
    static func begin(_ filler: Filler, _ fill: Fill, for leader: Exchange) -> Bool {
        let index = leader.context.desk.index
        guard let disk = index.disk,
            let extent = disk.find(fill.key, now: leader.context.loop.now)
        else { return false }
        DiskFill(filler, fill, leader, index, disk).read(extent, isLast: false)
        return true
    }

    private init(
        _ filler: Filler,
        _ fill: Fill,
        _ leader: Exchange,
        _ index: CacheIndex,
        _ disk: DiskStore
    ) {
        self.index = index
        self.disk = disk
        self.fill = fill
        self.filler = filler
        self.leader = leader
        super.init(loop: leader.context.loop)
        loop.add(self)
        loop.setDeadline(self, at: loop.now + Limits.diskPatience)
    }

    private func read(_ extent: DiskExtent, isLast: Bool) {
        let disk = self.disk
        let isRead = loop.offload(
            { disk.read(extent) },
            then: { [self] finding in found(finding, isLast: isLast) }
        )
        if !isRead { askOrigin() }
    }

    private func found(_ finding: DiskFinding, isLast: Bool) {
        guard let filler else { return }
        switch finding {
        case .object(let object):
            // Nothing under a plain key varies, and what a key of a variant leads to is that one.
            guard disk.key(fill.key, object.head.names, object.head.variant) == object.key else {
                return askOrigin()
            }
            take(object, filler)
        case .names(let names):
            let key = disk.key(fill.key, names, filler.variant(of: names))
            guard !isLast, let extent = disk.find(key, now: loop.now) else { return askOrigin() }
            read(extent, isLast: true)
        case .nothing: askOrigin()
        }
    }

    private func take(_ found: DiskObject, _ filler: Filler) {
        let head = found.head
        let object = CachedObject(
            key: fill.key,
            variant: head.variant,
            head: head.head,
            freshness: head.freshness,
            facts: found.facts,
            body: index.makeBody(
                fill.key,
                blockBytes: head.cut.blockBytes,
                length: head.cut.length,
                isSparse: head.cut.isSparse
            ),
            etag: head.etag,
            lastModified: head.lastModified
        )
        object.coding = head.coding
        let now = loop.clock.wall.seconds
        let isFresh = !found.isDoubted && filler.isFresh(head.freshness, at: now)
        guard isFresh else {
            let isOfUse =
                !head.etag.isEmpty || head.lastModified != nil
                || head.freshness.mayHideError(at: now)
            guard isOfUse else { return askOrigin() }
            disk.countHit()
            index.restore(found, as: object, for: nil, epoch: disk.epoch)
            end()
            filler.begin(object)
            filler.start(refreshing: object)
            return
        }
        disk.countHit()
        if let leader, leader.cache.fill === fill { leader.cache.isLeader = false }
        index.restore(found, as: object, for: fill, epoch: disk.epoch)
        filler.begin(object)
        end()
        filler.giveUp()
    }

    /// A disk that hangs keeps nobody waiting.
    override func expired() {
        disk.isSlow(now: loop.now)
        askOrigin()
    }

    private func askOrigin() {
        guard let filler else { return }
        disk.countMiss()
        end()
        filler.start()
    }

    private func end() {
        filler = nil
        leader = nil
        loop.remove(self)
    }
}

/// The same for a block of a sparse body.
final class DiskBlockFill: LoopMember {
    private let index: CacheIndex
    private let disk: DiskStore
    private let body: StoredBody
    private let run: BodyRun
    private var filler: Filler?

    /// Brings a block that somebody has claimed, from wherever it is.
    static func start(for reader: Exchange, _ run: BodyRun, of object: CachedObject) {
        let filler = Filler(for: reader, block: run, of: object)
        let context = reader.context
        let body = object.body
        let index = context.desk.index
        guard let disk = index.disk, let cut = DiskCut(of: body) else { return filler.start() }
        let copy = index.copy(of: body)
        let number = Int(run.position / Int64(body.blockBytes))
        guard copy.version != 0, disk.hasBlock(number, of: copy, cut, now: context.loop.now)
        else { return filler.start() }
        let fill = DiskBlockFill(filler, run, body, index, disk, context.loop)
        let isRead = context.loop.offload(
            { disk.readBlock(number, of: copy.key, copy.version, cut) },
            then: { fill.found($0) }
        )
        if !isRead { fill.askOrigin() }
    }

    private init(
        _ filler: Filler,
        _ run: BodyRun,
        _ body: StoredBody,
        _ index: CacheIndex,
        _ disk: DiskStore,
        _ loop: EventLoop
    ) {
        self.filler = filler
        self.run = run
        self.body = body
        self.index = index
        self.disk = disk
        super.init(loop: loop)
        loop.add(self)
        loop.setDeadline(self, at: loop.now + Limits.diskPatience)
    }

    private func found(_ pieces: [Chunk]?) {
        guard let filler else { return }
        guard let pieces else { return askOrigin() }
        disk.countHit()
        index.append(pieces, to: body, run)
        end()
        filler.giveUp()
    }

    override func expired() {
        disk.isSlow(now: loop.now)
        askOrigin()
    }

    private func askOrigin() {
        guard let filler else { return }
        disk.countMiss()
        end()
        filler.start()
    }

    private func end() {
        filler = nil
        loop.remove(self)
    }
}

extension Filler {
    /// To the one who asked, where the behaviour listens to that.
    fileprivate func isFresh(_ freshness: Freshness, at now: Int64) -> Bool {
        guard let own, let rule = own.behavior?.cache, let wishes = LookupStep.wishes(own, rule)
        else { return freshness.judge(at: now) == .fresh }
        return freshness.judge(at: now, for: wishes) == .fresh
    }

    /// The block that its viewer wants first, or the first one: a sparse object without any could not be thrown out.
    fileprivate func begin(_ object: CachedObject) {
        guard object.body.isSparse, let own else { return }
        let arena = own.arena
        var position: Int64 = 0
        if let range = own.request.fields.value(of: .range),
            case .one(let wanted) = ByteRanges.parse(arena[range], size: object.body.length ?? 0)
        {
            position = wanted.lowerBound
        }
        guard let run = index.claim(object.body, at: position) else { return }
        DiskBlockFill.start(for: own, run, of: object)
    }
}
