// Looks at every object once after purges, so that what was purged leaves memory although nobody asks for it, and so
// that the rules themselves can be forgotten. A little at a time, on one loop.

final class CacheSweep: LoopMember {
    private let index: CacheIndex
    private var place: (shard: Int, at: Int)?
    /// The last rule when the round began.
    private var began: UInt64 = 0
    private var done: UInt64 = 0

    init(_ index: CacheIndex, loop: EventLoop) {
        self.index = index
        super.init(loop: loop)
        loop.add(self)
        loop.setDeadline(self, at: loop.now + Limits.gaugePeriod)
    }

    override func expired() {
        if place == nil, index.purgeSequence > done {
            began = index.purgeSequence
            place = (0, 0)
        }
        guard let (shard, at) = place else {
            loop.setDeadline(self, at: loop.now + Limits.gaugePeriod)
            return
        }
        if let next = index.sweep(shard, from: at) {
            place = (shard, next)
        } else if shard + 1 < Limits.cacheShards {
            place = (shard + 1, 0)
        } else {
            place = nil
            done = began
            index.forgetRules(through: began)
        }
        loop.setDeadline(
            self,
            at: loop.now + (place == nil ? Limits.gaugePeriod : Limits.sweepRest)
        )
    }
}
