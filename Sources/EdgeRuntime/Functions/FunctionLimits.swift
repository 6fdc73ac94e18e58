// Bounds of what functions work with, with their reasons.

extension Limits {
    /// Runs of one loop at once; the views' words have fourteen bits for them. A loop that has so many waiting would
    /// not become faster by more.
    static let functionRunsMax = 8192
    /// Runs and threads kept for the next ones: what a busy loop has at once when nothing waits.
    static let functionRunsKept = 64
    /// What a run may take of its loop before others are served.
    static let functionSlice: Nanoseconds = 1_000_000
    /// Strands of one run that go on in one tick, each for a slice at most.
    static let functionTurnsMax = 8
    /// Strands of one run: each has a Lua thread of a kilobyte, and what they wait for is bounded elsewhere.
    static let functionStrandsMax = 64
    /// What one of them costs in instructions: its thread and the table of its results.
    static let functionStrandUnits = 400
    /// What a value of a text costs that is read or written piece by piece, and what a name does, which is put in order
    /// or looked up.
    static let functionValueUnits = 20
    static let functionNameUnits = 150
    /// Half of what browsers follow: who has more is in a circle.
    static let fetchRedirectsMax = 10
    /// Files of one folder, and bytes of one file: a thousand functions of a few kilobytes are common.
    static let functionFilesMax = 10_000
    static let functionFileBytesMax = 4 << 20
    /// Loading a file is no request: it may build tables.
    static let functionLoadInstructionsMax = 100_000_000
    /// How often the check goes through one file: an event that is handed on takes a walk for each function on its way.
    static let lintWalksMax = 64
    /// Bytes of a message or traceback that go into a log.
    static let functionMessageBytesMax = 2000
    /// Bytes of heads that one run may add to its exchange, kept back from the arena so that the answer still fits.
    static let functionArenaReserve = 16 << 10
    /// Failures in a row after which a function is parked, and for how long.
    static let functionFailuresMax = 20
    static let functionParkTime: Nanoseconds = 5_000_000_000
    /// Values of one field that a function may assign at once, fields of the answer that it makes, and bytes of one value.
    static let functionFieldsMax = 128
    static let functionFieldBytesMax = 16 << 10
    /// Fields of a head that functions have written to: as many as a peer may send, and some of their own. No viewer
    /// can make a function fail by sending many.
    static let functionHeadFieldsMax = fieldCountMax + functionFieldsMax

    /// Seconds between two calls of `edge.every`: below a tenth it is a loop, above a week nobody sees it happen.
    static let functionPeriodMin = 0.1
    static let functionPeriodMax = 604_800.0
    /// Calls of `edge.every` in all files.
    static let functionTasksMax = 1000
    /// What one request may defer, and all of a loop together: a beacon each, for as many as answer slowly.
    static let functionDefersMax = 8
    static let functionDeferredMax = 1024

    /// A token travels in a header field; one of 16 KiB would fill half of a head.
    static let jwtBytesMax = 16 << 10
    /// Header and claims are flat; a claim that is a document of its own still fits.
    static let jwtDepthMax = 16
    /// A forged token without `kid` costs a verification for each key of its kind: 20 µs for RSA-2048, 80 for P-256,
    /// 650 for P-384. Key sets in rotation have two to eight.
    static let jwtKeysMax = 16
    /// Audiences in one token.
    static let jwtAudiencesMax = 64
    /// `123456h` and the like: longer texts are no durations.
    static let durationTextBytesMax = 32
    /// What checking a signature costs a run: 20 to 650 µs by the kind of key, so a run checks a few hundred.
    static let functionVerifyUnits = 20_000
    /// Keys kept parsed for the functions of one loop.
    static let functionKeysMax = 64
    /// `request.cache_key`: a word or a hash, not a document.
    static let functionCacheKeyBytesMax = 1024
    /// `response.ttl`, in seconds: a hundred years, as in the configuration.
    static let functionTTLMax = 3_153_600_000.0
}
