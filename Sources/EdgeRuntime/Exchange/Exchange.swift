// The state of one viewer request, from its head to its line in the log. Pooled: `reset` makes it as new.
//
// The exchange never reaches for its connection. Whoever changed something that the connection should look at
// touches `host`, and the connection looks in its own turn.

/// What a connection knows of its viewer. Copied into each exchange.
struct ViewerFacts {
    /// Nil for a Unix socket.
    var peer: IPAddress?
    var port: UInt16 = 0
    /// Behind trusted proxies the viewer is somebody else than the peer.
    var address = IPAddress.anyIPv4
    var tls: AccessRecord.TLSFacts?
    var connectionID: UInt64 = 0
    var requestNumber = 0
}

/// Moments of an exchange on the loop's clock; zero: it did not come to that.
struct ExchangeTimes {
    var started: Nanoseconds = 0
    var startedWall = WallTime(seconds: 0, nanoseconds: 0)
    var headSent: Nanoseconds = 0
    var ended: Nanoseconds = 0
}

/// Where the bytes of the response's body come from.
enum ResponseBody {
    case none
    /// Bytes of the edge's own making.
    case own(Slice)
    /// What a function made, in `Exchange.made`; so many bytes.
    case made(Int)
    case fetched
    /// `Exchange.cache` reads it into `Exchange.made`.
    case stored
}

/// A failure while its error page is fetched: what the log tells, and what goes out if the page fails as well.
struct ReplacedAnswer {
    var status: UInt16
    /// Nil where the origin itself has answered with that status.
    var error: EdgeError?
    var behavior: Behavior?
    /// What the viewer is told instead.
    var pageStatus: UInt16
}

final class Exchange {
    /// Owner of the stock that every exchange comes from and returns to; `EdgeContext.dissolve` ends the circle.
    let context: EdgeContext
    let heads: Heads
    /// That of the heads.
    let arena: Arena
    var request: RequestHead {
        _read { yield heads.request }
        _modify { yield &heads.request }
    }
    var response: ResponseHead {
        _read { yield heads.response }
        _modify { yield &heads.response }
    }
    var machine = ViewerMachine()
    var viewer = ViewerFacts()
    var times = ExchangeTimes()
    var id = RequestID(high: 0, low: 0)
    /// What the viewer's `traceparent` says, if it is valid.
    var trace: TraceContext?

    /// Who shows the response to the viewer. Touched, never called.
    var host = Token.nobody
    /// This exchange is no viewer's: it asks the origin on behalf of the cache.
    unowned(unsafe) var filler: Filler?
    var cache = CacheTraces()
    var generation: Generation
    var distribution: Distribution?
    var behavior: Behavior?

    /// The viewer's own method, whatever functions make of it: an answer to HEAD has no body.
    var isHead = false

    // The request's body, from the connection to the fetch.
    var requestFraming = BodyFraming.none
    var requestBody = BodyFlow()
    var requestTrailers = HeaderFields()

    // The response.
    /// Heads that go out before the final one.
    var informational: WriteQueue
    var fetch: Fetch?
    /// What remains of the fetch when it is gone; for the log. Where an error page was fetched as well, the first
    /// one's: that is what failed.
    var fetchFacts: FetchFacts?
    var body = ResponseBody.none
    var made = BodyFlow()
    var responseFraming = OutgoingFraming.none
    /// Of what goes out of a stored body; nil while nobody knows.
    var storedLength: Int64?
    var isUpgraded = false
    /// What the origin agreed to change to.
    var upgrade = Slice.empty
    var bodyBytesSent: Int64 = 0

    /// What the functions of this request share and leave behind.
    var functions = FunctionTraces()
    /// What they did to the bodies: see `BodyChanges`.
    var maps: [BodyMap] = []
    var filter: BodyFilter?
    var isMapped = false
    var ownRequestBody: [UInt8]?

    /// Why the answer is the edge's own, or why the exchange ended early.
    var error: EdgeError?
    var result = RequestResult.miss
    /// The word as of the moment when the head was sent (`x-edge-response-result-type`).
    var resultAtHead = RequestResult.miss
    var bytesReceived: Int64 = 0
    var bytesSent: Int64 = 0
    /// The path that is fetched: the viewer's, the default root object, or an error page.
    var fetchPath = Slice.empty
    /// The failure that an error page stands in for, once there is one.
    var replaced: ReplacedAnswer?

    init(context: EdgeContext) {
        self.context = context
        heads = Heads()
        arena = heads.arena
        generation = context.generation
        informational = WriteQueue(pool: context.loop.chunks)
    }

    /// Ready for another request, with the memory of this one.
    func reset() {
        forgetState()
        dropChanges()
        dropObject()
        cache.reset()
        storedLength = nil
        heads.reset()
        machine = ViewerMachine()
        host = .nobody
        if generation !== context.generation { generation = context.generation }
        distribution = nil
        behavior = nil
        requestFraming = .none
        requestBody.reset()
        requestTrailers.reset()
        informational.clear()
        fetch = nil
        fetchFacts = nil
        body = .none
        made.reset()
        functions.reset()
        responseFraming = .none
        isUpgraded = false
        upgrade = .empty
        bodyBytesSent = 0
        error = nil
        result = .miss
        resultAtHead = .miss
        bytesReceived = 0
        bytesSent = 0
        fetchPath = .empty
        replaced = nil
        trace = nil
        times = ExchangeTimes()
    }

    /// The table of `event.state` lies in the machine of the generation.
    private func forgetState() {
        guard !functions.state.isNone else { return }
        generation.functions?.state.stack.forget(functions.state)
        functions.state = .none
    }

    var hasRequestBody: Bool { requestFraming != .none && requestFraming != .length(0) }

    /// HEAD, 204, 304: the head is all there is.
    var isBodiless: Bool {
        isHead || response.status == 204 || response.status == 304
    }

    /// The answer is an origin's, from there or from the cache.
    var isOfOrigin: Bool {
        switch body {
        case .fetched, .stored: true
        case .none, .own, .made: false
        }
    }

    func touchHost() {
        context.touch(host)
        // A function may wait for the same bytes.
        if let run = functions.run ?? fetch?.functionRun { context.loop.touch(run) }
    }
}
