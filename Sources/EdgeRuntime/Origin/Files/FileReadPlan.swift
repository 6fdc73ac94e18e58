// Which parts of a large file to read next: far enough ahead that the disk and the viewer work at the same time, and
// no further than the bound, so that a slow viewer of a large file holds little memory.
//
//   start        taken          arrived        asked          end
//   ┌──────────────┬──────────────┬──────────────┬──────────────┐
//   │ sent         │ in memory    │ being read   │ not yet      │
//   └──────────────┴──────────────┴──────────────┴──────────────┘
//                  └────── at most readAhead ────┘
//
// One read at a time, so bytes arrive in order. A file that ends early was cut while it was being sent: its length
// has been promised, so the exchange fails visibly.

struct FileReadPlan {
    struct Read: Equatable {
        var offset: Int64
        var count: Int
    }

    enum Action: Equatable {
        case read(Read)
        /// Nothing to do until bytes arrive or are taken.
        case wait
        /// Everything was read and taken.
        case finished
        /// The file is shorter than it was.
        case truncated
    }

    private let end: Int64
    private let readAhead: Int64
    private let readMax: Int64
    private var taken: Int64
    private var arrived: Int64
    private var isReading = false
    private var isTruncated = false

    /// Bytes `start..<end` of the file.
    init(
        from start: Int64,
        to end: Int64,
        readMax: Int = Limits.chunkLargeBytes,
        readAhead: Int = Limits.fileReadAheadBytes
    ) {
        precondition(start >= 0 && start <= end && readMax > 0 && readAhead >= readMax)
        self.end = end
        self.readAhead = Int64(readAhead)
        self.readMax = Int64(readMax)
        taken = start
        arrived = start
    }

    /// Bytes in memory.
    var held: Int64 { arrived - taken }

    /// Nothing is left to read; the viewer may still have to take some.
    var isRead: Bool { arrived == end }

    /// Every `.read` is answered by `didRead`.
    mutating func next(atMost limit: Int = .max) -> Action {
        if isTruncated { return .truncated }
        if taken == end { return .finished }
        guard !isReading, arrived < end else { return .wait }
        // Small reads at the edge of the bound would cost more than they bring.
        let room = readAhead - held
        let count = min(readMax, Int64(limit), end - arrived)
        guard room >= count else { return .wait }
        isReading = true
        return .read(Read(offset: arrived, count: Int(count)))
    }

    /// 0 is the end of the file, before the end that was promised.
    mutating func didRead(_ count: Int) {
        precondition(isReading, "nothing was asked for")
        precondition(Int64(count) <= end - arrived, "more than was asked for")
        isReading = false
        arrived += Int64(count)
        if count == 0 { isTruncated = true }
    }

    /// The viewer's side took bytes.
    mutating func didTake(_ count: Int) {
        precondition(Int64(count) <= held, "more than there was")
        taken += Int64(count)
    }
}
