// What is kept of one response: a head that never changes, and a body that may still be on its way.
//
//   CachedObject ─▶ StoredHead, Freshness, tags            new with every 304
//        └────────▶ StoredBody ─▶ Block ─▶ piece, piece …  shared by all heads that it has had

/// What a rule of invalidation looks at.
struct ObjectFacts: Sendable {
    /// Of the distribution's name.
    var distribution: UInt64
    /// Path and query as the viewer asked for them; the path takes so many bytes.
    var target: [UInt8]
    var pathLength: Int
    var tags: [UInt64]
    /// The last purge when the fetch began: what was purged later is not fresh.
    var sequence: UInt64
}

extension ObjectFacts {
    /// The origin has said that it is still right, when asked after the rule with this number.
    func confirmed(at sequence: UInt64) -> Self {
        var facts = self
        facts.sequence = sequence
        return facts
    }
}

final class CachedObject: @unchecked Sendable {
    let key: CacheKey
    /// Which of the variants that `Vary` tells apart.
    let variant: UInt64
    let head: StoredHead
    let freshness: Freshness
    let facts: ObjectFacts
    let body: StoredBody
    /// For conditions and revalidation: what the head says, as far as it is valid. Empty without one.
    let etag: [UInt8]
    let lastModified: Int64?
    /// In which the edge has put the body; set before anybody else has the object.
    var coding: ContentCoding?
    /// It was found on disk; set like the coding.
    var isFromDisk = false

    // Guard of what changes: the lock of the key's shard.
    var standing = Standing()

    /// What has happened to it since it was stored.
    struct Standing {
        /// The last rule of invalidation that was looked at.
        var checkedSequence: UInt64 = 0
        /// Purged softly: to be asked for again, and shown until then where stale answers are allowed.
        var isDoubted = false
        /// The origin failed when it was asked for news: shown without asking until then, in seconds since 1970.
        var shownUntil: Int64 = 0
    }

    init(
        key: CacheKey,
        variant: UInt64,
        head: StoredHead,
        freshness: Freshness,
        facts: ObjectFacts,
        body: StoredBody,
        etag: [UInt8],
        lastModified: Int64?
    ) {
        self.key = key
        self.variant = variant
        self.head = head
        self.freshness = freshness
        self.facts = facts
        self.body = body
        self.etag = etag
        self.lastModified = lastModified
        standing.checkedSequence = facts.sequence
    }

    var overheadBytes: Int {
        Limits.cacheObjectOverhead + head.byteCount + facts.target.count + facts.tags.count * 8
    }
}
