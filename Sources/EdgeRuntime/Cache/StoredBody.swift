// The body of a stored response: blocks of the behaviour's `block` bytes, a small body has a single one.
//
//   0            block            2 × block         length
//   ├─ piece ┼ piece ┼ … ─┼─ piece ┼ … ───┼── absent ── … ───┤
//                          └─ run: a fetch that fills from its position on
//
// A piece is a chunk that nobody writes to any more, so whoever reads needs the shard's lock only to find it. Pieces
// never lie across the border of two blocks. A *run* is a fetch under way. Most bodies have one, from their start to
// their end; a large one that its origin gives in ranges is *sparse*: its blocks come and go on their own, and whoever
// wants one that is absent fetches it.

import Synchronization

final class StoredBody: @unchecked Sendable {
    // Guard: all that changes is touched under the lock of the key's shard; what readers see does not change once it `isWhole`.
    enum Reading {
        case bytes(ChunkRange)
        /// It is on its way.
        case pending
        case ended
        case failed(EdgeError)
        /// It can be fetched again.
        case absent
    }

    let id: UInt64
    let key: CacheKey
    let blockBytes: Int
    /// Its blocks come and go on their own.
    let isSparse: Bool
    /// Of the whole; nil while only the end will tell.
    private(set) var length: Int64?
    private(set) var blocks: [Block?] = []
    var copy = DiskCopy()
    private(set) var isDropped = false
    /// Memory of its pieces.
    private(set) var pieceBytes = 0
    private var runs: [BodyRun] = []
    private var failure: Failure?
    private var ears = EarList()
    /// Fillers that are ahead of their readers.
    private var resting = EarList()
    /// Those who read it while it comes.
    private var marks: [ReaderMark] = []

    private let whole = Atomic<Bool>(false)

    private struct Failure {
        var error: EdgeError
        var range: Range<Int64>
        var until: Nanoseconds
    }

    init(id: UInt64, key: CacheKey, blockBytes: Int, length: Int64?, isSparse: Bool = false) {
        self.id = id
        self.key = key
        self.blockBytes = blockBytes
        self.length = length
        self.isSparse = isSparse
    }

    // MARK: Reading

    /// All of it is here, for good: whoever sees this reads without the lock.
    var isWhole: Bool { whole.load(ordering: .acquiring) }

    func read(at position: Int64, now: Nanoseconds) -> Reading {
        let index = Int(position / Int64(blockBytes))
        if index < blocks.count, let block = blocks[index] {
            let start = Int(position - Int64(index) * Int64(blockBytes))
            if let range = block.read(at: start) { return .bytes(range) }
        }
        for run in runs where run.position <= position && position < run.end { return .pending }
        if let failure, failure.range.contains(position), failure.until > now {
            return .failed(failure.error)
        }
        if let length, position >= length { return .ended }
        return isSparse ? .absent : .failed(.objectEvicted)
    }

    /// What is there of a block, or will be.
    func isCovered(_ index: Int) -> Bool {
        let start = Int64(index) * Int64(blockBytes)
        if index < blocks.count, blocks[index] != nil { return true }
        return runs.contains { $0.position <= start && start < $0.end }
    }

    var isComing: Bool { !runs.isEmpty }

    // MARK: Filling

    func begin(at position: Int64, to end: Int64) -> BodyRun {
        let run = BodyRun(at: position, to: end)
        runs.append(run)
        return run
    }

    /// From where a run that has not begun yet will go, and how far.
    func range(of run: BodyRun) -> Range<Int64> { run.position..<run.end }

    /// Room in the block that a run fills: a piece may be no longer.
    func room(for run: BodyRun) -> Int { blockBytes - Int(run.position % Int64(blockBytes)) }

    /// Answers the block that is whole now.
    func append(_ piece: Chunk, _ run: BodyRun) -> Block? {
        precondition(piece.filled <= room(for: run), "a piece of another block")
        let index = Int(run.position / Int64(blockBytes))
        while blocks.count <= index { blocks.append(nil) }
        let block = blocks[index] ?? Block(of: self, index: index)
        blocks[index] = block
        block.append(piece)
        run.position += Int64(piece.filled)
        pieceBytes += piece.capacity
        let isWhole = run.position % Int64(blockBytes) == 0 || run.position == length
        return isWhole ? block : nil
    }

    /// The fetch has given all it was to give. Answers the last block of a body of which only the end told the length.
    func end(_ run: BodyRun) -> Block? {
        runs.removeAll { $0 === run }
        let last = settleLength(run)
        if !isSparse, !isDropped { whole.store(true, ordering: .releasing) }
        return last
    }

    private func settleLength(_ run: BodyRun) -> Block? {
        guard length == nil else {
            // A body without bytes has its head to be thrown out by.
            guard length == 0, blocks.isEmpty else { return nil }
            let block = Block(of: self, index: 0)
            blocks.append(block)
            return block
        }
        length = run.position
        if blocks.isEmpty { blocks.append(Block(of: self, index: 0)) }
        guard let last = blocks.last, let last, last.slot == EvictionOrder.none else { return nil }
        return last
    }

    func fail(_ run: BodyRun, _ error: EdgeError, until: Nanoseconds) {
        runs.removeAll { $0 === run }
        failure = Failure(error: error, range: run.position..<run.end, until: until)
        // The part of a block that came would never become whole. At a border there is none: what begins there is
        // somebody else's.
        let index = Int(run.position / Int64(blockBytes))
        guard isSparse, run.position % Int64(blockBytes) != 0, index < blocks.count else { return }
        guard let block = blocks[index], block.slot == EvictionOrder.none else { return }
        _ = remove(block)
    }

    /// Answers what its memory was.
    func remove(_ block: Block) -> Int {
        blocks[block.index] = nil
        let bytes = block.pieces.reduce(0) { $0 + $1.capacity }
        pieceBytes -= bytes
        return bytes
    }

    var isEmpty: Bool { runs.isEmpty && !blocks.contains { $0 != nil } }

    /// Not to be found any more; who holds it reads on.
    func drop() { isDropped = true }

    /// From its first byte on; parts of what was dropped while it came may be gone.
    var isReadable: Bool { !isDropped || isWhole }

    // MARK: Those who wait for more

    func add(_ ear: LoopEar) { ears.add(ear) }
    func takeEars() -> EarList { ears.take() }
    func rest(_ ear: LoopEar) { resting.add(ear) }
    func takeResting() -> EarList { resting.take() }

    // MARK: Those who read it while it comes

    /// Nil once all of it is there: then nobody has to know how far a reader is.
    func open() -> ReaderMark? {
        guard !runs.isEmpty || isSparse else { return nil }
        let mark = ReaderMark()
        marks.append(mark)
        return mark
    }

    func close(_ mark: ReaderMark) {
        marks.removeAll { $0 === mark }
        discard()
    }

    var hasReaders: Bool { !marks.isEmpty }

    /// What was dropped while it came is kept for those who had begun to read it, and no longer. True: there is
    /// less of it now.
    @discardableResult
    func discard() -> Bool {
        guard isDropped, !isWhole else { return false }
        var floor = Int64.max
        for mark in marks { floor = min(floor, mark.position) }
        let passed = Int(min(floor / Int64(blockBytes), Int64(blocks.count)))
        var didDiscard = false
        for index in 0..<passed where blocks[index] != nil {
            blocks[index] = nil
            didDiscard = true
        }
        return didDiscard
    }

    /// How far a run is ahead of the slowest reader, and of the fastest.
    func lead(of run: BodyRun) -> (slowest: Int64, fastest: Int64) {
        guard !marks.isEmpty else { return (0, 0) }
        var slowest = Int64.max
        var fastest: Int64 = 0
        for mark in marks {
            slowest = min(slowest, mark.position)
            fastest = max(fastest, mark.position)
        }
        return (run.position - slowest, run.position - fastest)
    }
}

/// A fetch that fills a body from a position on.
final class BodyRun: @unchecked Sendable {
    // Guard: as its body.
    fileprivate(set) var position: Int64
    /// `Int64.max`: to the end of the body, wherever that is.
    let end: Int64

    fileprivate init(at position: Int64, to end: Int64) {
        self.position = position
        self.end = end
    }
}

/// How far somebody has read.
final class ReaderMark: @unchecked Sendable {
    // Guard: as its body.
    var position: Int64 = 0
}

/// A stretch of a body, as long as it is in memory.
final class Block: @unchecked Sendable {
    // Guard: as its body.
    unowned(unsafe) let body: StoredBody
    let index: Int
    private(set) var pieces: [Chunk] = []
    private(set) var byteCount = 0
    /// Its place in the order of eviction, once it is whole.
    var slot = EvictionOrder.none

    init(of body: StoredBody, index: Int) {
        self.body = body
        self.index = index
    }

    func append(_ piece: Chunk) {
        pieces.append(piece)
        byteCount += piece.filled
    }

    func read(at position: Int) -> ChunkRange? {
        var start = position
        for piece in pieces {
            if start < piece.filled {
                return ChunkRange(chunk: piece, start: start, end: piece.filled)
            }
            start -= piece.filled
        }
        return nil
    }
}
