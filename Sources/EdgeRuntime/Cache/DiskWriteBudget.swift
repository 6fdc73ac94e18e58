// How fast the disk may be written to on average: a bucket of one second. A burst goes through at once; what goes beyond
// is owed, and the writer waits until it is paid. Time is an argument.

struct DiskWriteBudget {
    private let bytesPerSecond: Int
    private var level: Int
    private var updated: Nanoseconds?

    /// 0: no limit.
    init(bytesPerSecond: Int) {
        self.bytesPerSecond = bytesPerSecond
        level = bytesPerSecond
    }

    /// After a write: how long the next one has to wait.
    mutating func spend(_ bytes: Int, at now: Nanoseconds) -> Nanoseconds {
        guard bytesPerSecond > 0 else { return 0 }
        let elapsed = max(0, now - (updated ?? now))
        updated = now
        let earned = Double(elapsed) / 1e9 * Double(bytesPerSecond)
        level += Int(min(earned, Double(bytesPerSecond - level))) - bytes
        guard level < 0 else { return 0 }
        return Nanoseconds(Double(-level) / Double(bytesPerSecond) * 1e9)
    }
}
