// Every bound in the program with its reason. What an operator may change has its default here and its setting in
// `edge.lua`; what nobody should change is only here. Relations between bounds are asserted in `LimitsTests`.

enum Limits {
    // MARK: One exchange

    /// A request head with its rewritten copy fits without growth (typical heads are below 2 KiB).
    static let arenaFirstBlockBytes = 4096
    /// Larger arenas are given back at the end of an exchange, so one large head does not stay for ever.
    static let arenaBytesKept = 64 << 10
    /// Room for the largest configurable head four times: received, rewritten, response, response rewritten.
    static let arenaBytesMax = 1 << 20

    // MARK: Heads (defaults of `limits` in edge.lua)

    static let requestLineBytes = 8192
    static let headBytes = 32 << 10
    static let fieldCount = 128
    /// What an operator may raise `limits.head` to: an arena holds four of them.
    static let headBytesMax = 256 << 10
    static let fieldCountMax = 1024

    // MARK: Chunks

    /// Holds the head of nearly every message, and the answer to it.
    static let chunkSmallBytes = 4 << 10
    /// One read from a socket when a body streams: large enough that the system call is a small part of the cost.
    static let chunkLargeBytes = 64 << 10
    /// Chunks kept by a loop for reuse; past it they go back to the allocator, so a burst does not stay resident.
    static let chunksSmallKept = 512
    static let chunksLargeKept = 32

    // MARK: The loop

    /// Events taken from the kernel in one call: enough for a busy tick, small enough to stay in cache.
    static let eventsPerTick = 256
    /// Connections accepted in one go, so that a connect storm leaves the tick to others as well.
    static let acceptsPerTick = 64
    /// Rounds of flushing in one tick; members that go on touching each other wait for the next tick.
    static let flushRoundsPerTick = 16
    /// Timer entries of members that are gone, before they are swept.
    static let staleTimersTolerated = 4096
    /// The longest sleep: bounds what a lost wake-up could cost.
    static let sleepMax = Nanoseconds.seconds(60)

    // MARK: Threads

    /// Threads for disk and names. They mostly sleep in the kernel; more would only queue at the disk.
    static let blockingThreads = 4
    /// Jobs waiting for them. Past it a job is refused and its asker answers 503 instead of waiting without end.
    static let blockingJobsQueued = 4096
}
