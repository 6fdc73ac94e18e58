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
    /// Past it, for the edge's own error page (below 2 KiB) and the fields of its head.
    static let arenaReserveBytes = 8 << 10

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
    /// Room below this is not worth a system call: a new chunk is taken.
    static let readRoomMin = 512
    /// Chunks kept by a loop for reuse; past it they go back to the allocator, so a burst does not stay resident.
    static let chunksSmallKept = 512
    static let chunksLargeKept = 32

    // MARK: The loop

    /// Events taken from the kernel in one call: enough for a busy tick, small enough to stay in cache.
    static let eventsPerTick = 256
    /// Connections accepted in one go, so that a connect storm leaves the tick to others as well.
    static let acceptsPerTick = 64
    /// How long a listener leaves newcomers alone when there is no descriptor for them.
    static let acceptRest = Nanoseconds.milliseconds(50)
    /// Descriptors that connections of viewers leave over: for logs, sockets of loops and operators, files, and a few
    /// connections to origins. Where there are fewer than that, a few viewers are let in all the same.
    static let descriptorsKept = 256
    static let connectionsMin = 16
    /// Rounds of flushing in one tick; members that go on touching each other wait for the next tick.
    static let flushRoundsPerTick = 16
    /// Timer entries of members that are gone, before they are swept.
    static let staleTimersTolerated = 4096
    /// The longest sleep: bounds what a lost wake-up could cost.
    static let sleepMax = Nanoseconds.seconds(60)

    /// A loop's passing bytes: two full TLS records.
    static let scratchBytes = 34 << 10

    // MARK: Threads

    /// Threads for disk and names. They mostly sleep in the kernel; more would only queue at the disk.
    static let blockingThreads = 4
    /// Jobs waiting for them. Past it a job is refused and its asker answers 503 instead of waiting without end.
    static let blockingJobsQueued = 4096

    // MARK: Bodies on their way

    /// What a body may run ahead of its reader: keeps both sockets busy over a long path, and an exchange in each
    /// direction below 1 MiB together with the write queues and the chunks being filled.
    static let flowBytes = 256 << 10
    /// What a body may hold when memory is short: a small chunk, so that it still gets on.
    static let flowBytesMin = chunkSmallBytes
    /// The part of the free budget that one body may take.
    static let flowShare = 256
    /// Ranges in a flow. A peer that sends its body in tiny pieces fills this first, and waits.
    static let flowRanges = 256
    /// What may wait in a write queue before the flow behind it is left alone.
    static let outputBytes = 128 << 10
    /// Chunks whose bytes are through and which a queue still holds, so that it moves its ranges in batches: two large
    /// ones. They count towards the 1 MiB of an exchange, and without a bound here they would be most of it.
    static let finishedBytes = 128 << 10
    /// A piece up to this is cheaper to copy next to its neighbours than to carry as a range of its own.
    static let copiedPieceBytes = 2048

    // MARK: HTTP/1.1 connections

    /// 1xx responses before a final one: enough for any honest origin, and no endless exchange.
    static let informationalResponses = 8
    /// How long the body waits for an origin's `100 Continue` before it is sent anyway (RFC 9110 §10.1.1).
    static let continuePatience = Nanoseconds.seconds(1)
    /// Reading into the void after an early response, so that the close does not destroy it.
    static let lingerTime = Nanoseconds.seconds(2)
    static let lingerBytes = 1 << 20
    /// Exchanges begun in one go on one connection, so that a pipeline does not starve its neighbours.
    static let exchangesPerPump = 16
    /// A tunnel without a byte in either direction (the contract's ten minutes).
    static let tunnelIdle = Nanoseconds.seconds(600)

    // MARK: Stocks

    /// Exchanges and fetches that a loop keeps for reuse: as many as are in flight on a busy loop. One is about
    /// 6 KiB, so the stock stays below 7 MiB.
    static let exchangesKept = 512

    // MARK: Ending

    /// How often a draining loop looks whether its last viewer has left.
    static let drainPoll = Nanoseconds.milliseconds(20)
    /// What the last lines of the logs may take at the end.
    static let logFlushMilliseconds = 2000
}
