// The facts of one finished exchange that its heads do not hold: numbers and words, no types from the right.

struct AccessRecord {
    /// When the first byte of the request was there. The line's date is the end: this plus `timeTaken`.
    var started = WallTime(seconds: 0, nanoseconds: 0)
    var timeTaken: Nanoseconds = 0
    /// Nil if the viewer left before there was a byte for it.
    var firstByteTime: Nanoseconds?

    /// Heads included.
    var receivedBytes: UInt64 = 0
    var sentBytes: UInt64 = 0
    /// What the viewer was answered; 0 if it left before the answer.
    var status: UInt16 = 0
    /// What framing said; a head keeps its own `Content-Length` out of the way of the writer.
    var contentLength: Int64?

    var viewer: IPAddress?
    var viewerPort: UInt16 = 0
    var tls: TLSFacts?
    var isWebSocket = false

    /// After the last byte, and as it looked before the first.
    var result = RequestResult.miss
    var responseResult = RequestResult.miss
    var error: EdgeError?
    /// What the cache made of it; nil: it was not asked.
    var cache: StaticString?

    var id = RequestID(high: 0, low: 0)
    var trace: TraceContext?
    var connection: UInt64 = 0
    /// 1 for the first request of its connection.
    var connectionRequest: UInt32 = 1

    var generation: UInt64 = 0
    /// Names as the configuration spells them; empty if it did not come so far.
    var distribution = ""
    var behavior = ""
    var origin = ""
    var retries: UInt8 = 0
    var originConnectTime: Nanoseconds?
    var originFirstByteTime: Nanoseconds?
    var originLastByteTime: Nanoseconds?

    /// `name@generation` of the function that failed last; empty if none did.
    var failedFunction = ""
    /// What functions had to say; slices of the request's arena.
    var notes: [Note] = []

    struct Note {
        var name: Slice
        var value: Slice
    }

    /// What field-level encryption did, and to how many fields.
    var encryptionStatus: StaticString?
    var encryptedFields: UInt32 = 0

    struct TLSFacts {
        var version: TLSVersion
        var cipher: TLSCipher
    }

    var protocolWord: StaticString {
        switch (tls != nil, isWebSocket) {
        case (false, false): "http"
        case (true, false): "https"
        case (false, true): "ws"
        case (true, true): "wss"
        }
    }
}
