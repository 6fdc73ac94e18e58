// Bounds of key-value stores, with their reasons.

extension Limits {
    /// Defaults of a store in `kv`: counters for every address of a busy hour.
    static let keyValueEntries = 100_000
    static let keyValueBytes = 64 << 20
    /// What an entry costs besides its key and value: its row, its place in the index, two headers of arrays.
    static let keyValueEntryBytes = 160
    /// Keys are addresses, tokens and paths; longer ones are a viewer who tries how much fits.
    static let keyValueKeyBytesMax = 512
    /// A value is copied under a lock's shadow into a machine of 128 MB: a document, not a download.
    static let keyValueValueBytesMax = 64 << 10
    /// Locks of one store: at 64 loops that do nothing else, one in eight finds another one inside.
    static let keyValueShards = 16
    /// Entries whose time is over that one write clears away, so that none waits for a full store.
    static let keyValueClearedAWrite = 4
    /// And those that a write clears in each shard at once when the store is full: some 30 µs.
    static let keyValueClearedWhenFull = 256
    /// What lives longer than ten years has no time to live.
    static let keyValueSecondsMax = 315_360_000.0
}
