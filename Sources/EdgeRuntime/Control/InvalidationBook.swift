// The invalidations that were made, newest last, as far back as memory is given to them. Pure: time and ids come in.

struct InvalidationBook {
    struct Entry: Equatable {
        var id: String
        var distribution: String
        var created: WallTime
        var batch: InvalidationBatch
    }

    struct Page: Equatable {
        /// Newest first.
        var entries: [Entry]
        var isTruncated: Bool
    }

    private var entries: [Entry] = []
    private var bytes = 0
    private let entriesMax: Int
    private let bytesMax: Int

    init(
        entriesMax: Int = Limits.invalidationsKept,
        bytesMax: Int = Limits.invalidationBytesKept
    ) {
        self.entriesMax = entriesMax
        self.bytesMax = bytesMax
    }

    var count: Int { entries.count }

    /// The oldest give way. One that is larger than everything may be is kept as well, alone.
    mutating func add(_ entry: Entry) {
        entries.append(entry)
        bytes += entry.batch.byteCount
        var gone = 0
        while entries.count - gone > 1, entries.count - gone > entriesMax || bytes > bytesMax {
            bytes -= entries[gone].batch.byteCount
            gone += 1
        }
        entries.removeFirst(gone)
    }

    func entry(_ id: String, of distribution: String) -> Entry? {
        entries.last { $0.id == id && $0.distribution == distribution }
    }

    /// The one that was made with this reference, whatever it asked for.
    func entry(referredToAs reference: String, of distribution: String) -> Entry? {
        entries.last { $0.batch.reference == reference && $0.distribution == distribution }
    }

    /// Those older than `marker`. Nil: there is no such one, or not any more.
    func page(of distribution: String, after marker: String?, atMost limit: Int) -> Page? {
        let mine = entries.filter { $0.distribution == distribution }.reversed()
        var rest = Array(mine)[...]
        if let marker {
            guard let place = rest.firstIndex(where: { $0.id == marker }) else { return nil }
            rest = rest[(place + 1)...]
        }
        return Page(entries: Array(rest.prefix(limit)), isTruncated: rest.count > limit)
    }
}
