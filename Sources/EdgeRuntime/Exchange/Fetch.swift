// One request to an origin on behalf of a viewer's exchange: its heads, its body on the way, its attempts.
//
// The fetch is the pool's client: connections ask it for the request's body and tell it what the origin says. It
// turns that into events of `FetchMachine`, and hands the head and the end to the exchange it works for. The body
// waits in `body` until the viewer's connection takes it.

final class Fetch: OriginClient {
    let context: EdgeContext
    private var machine = FetchMachine()
    /// Who gets the answer. Nil once the viewer has left.
    private(set) var exchange: Exchange?

    var body = BodyFlow()
    private(set) var bodyFraming = BodyFraming.none
    /// Between the origin and `body` where functions want the bytes without their coding.
    private(set) var coded: CodedBody?
    /// Where the request goes, and what was tried before.
    var route = FetchRoute()
    private(set) var times = FetchTimes()
    var file: FileTransfer?
    /// The functions that run now.
    var functionRun: HookRun?
    /// What functions did to the bodies: see `BodyChanges`.
    var maps: [BodyMap] = []
    var filter: BodyFilter?
    var isMapped = false
    /// Seconds for which a function wants the answer kept.
    var ttl: Double?
    var requestFilter: BodyFilter?
    var ownRequestBody: [UInt8]?
    var sentBody = BodyFlow()
    var sendsOwnBody = false

    init(context: EdgeContext) {
        self.context = context
        super.init()
    }

    /// Ready for another exchange, with the memory of this one.
    func reset() {
        precondition(exchange == nil, "a fetch that somebody waits for")
        machine = FetchMachine()
        dropChanges()
        body.reset()
        coded = nil
        bodyFraming = .none
        ttl = nil
        requestTrailers.reset()
        responseTrailers.reset()
        upgradeAgreed = nil
        route = FetchRoute()
        times = FetchTimes()
        file = nil
        heads.reset()
        requestFraming = .none
        expectsContinue = false
        upgrade = nil
        totalDeadline = .never
    }

    // MARK: The exchange's side

    func start(for exchange: Exchange) {
        self.exchange = exchange
        times.started = context.loop.now
        run(machine.apply(.started))
    }

    /// The viewer has left or has its answer from elsewhere.
    func cancel() {
        exchange = nil
        run(machine.apply(.cancelled))
    }

    /// The exchange is done with it.
    func letGo() { exchange = nil }

    /// The connection has taken from `body`: there is room again.
    func bodyTaken() {
        coded?.decode(into: &body)
        switch lease {
        case .using(let connection): context.loop.touch(connection)
        case .none, .opening, .waiting: file?.resume()
        }
    }

    /// The viewer's connection has put more of the request's body into its flow.
    func requestBodyArrived() {
        if case .using(let connection) = lease { context.loop.touch(connection) }
    }

    var isOver: Bool { machine.isOver }
    var isStreaming: Bool { machine.isStreaming }

    /// A server is about to be asked for.
    func noteAttempt() { times.asked = context.loop.now }

    // MARK: The steps

    func apply(_ event: FetchMachine.Event) { run(machine.apply(event)) }

    private func run(_ action: FetchMachine.Action) {
        guard case .run(let step) = action else { return }
        switch step {
        case .build: apply(OriginRequestStep.run(self))
        case .originRequest:
            if let event = FetchFunctions.begin(.originRequest, for: self) { apply(event) }
        case .complete: apply(OriginRequestStep.complete(self))
        case .send: FetchStep.send(self)
        case .retry(let error): apply(FetchStep.retry(self, after: error))
        case .judge: apply(OriginResponseStep.run(self))
        case .originResponse:
            if let event = FetchFunctions.begin(.originResponse, for: self) { apply(event) }
        case .announce: exchange?.fetchHasHead(self)
        case .reportFailure(let error):
            // The exchange may take another fetch at once, so this one lets go first.
            let waiting = exchange
            exchange = nil
            release()
            waiting?.fetchFailed(self, error)
        case .close: release()
        }
    }

    /// A function's answer takes the place of the origin's.
    func replaceBody(_ bytes: [UInt8]) {
        release()
        body.reset()
        coded = nil
        isMapped = false
        MadeBody.push(bytes, into: &body, context.loop.chunks)
        body.end()
        bodyFraming = .length(Int64(bytes.count))
        times.ended = context.loop.now
    }

    private func release() {
        functionRun?.giveUp()
        route.pool?.cancel(self)
        file?.cancel()
        file = nil
    }

    // MARK: Asked by the origin's connection

    override func pullRequestBody() -> BodyFlow.Pull {
        requestFilter?.pull() ?? pullRequestSource()
    }

    override func fillRequestTrailers() {
        // What they say of a body may not be true of what became of it.
        guard let exchange, requestFilter == nil else { return }
        requestTrailers.append(exchange.requestTrailers, from: exchange.arena, into: arena)
        OriginRequestFields.filter(
            trailers: &requestTrailers,
            exchange.behavior?.originRequest ?? .all,
            headers: route.servers?.settings.headers ?? [],
            in: arena
        )
    }

    override var isRoomForResponse: Bool {
        let allowance = context.loop.chunks.allowance
        return body.isRoom(allowance) && coded?.pending.isRoom(allowance) ?? true
    }

    /// The body becomes another on its way, as if a function did it.
    func decodeBody(_ coded: CodedBody) {
        self.coded = coded
        isMapped = true
    }

    // MARK: Told by the pool and the origin's connection

    override func originRefused(_ error: EdgeError) {
        route.progress = .init(wasReused: false, sentAnything: false, receivedAnything: false)
        FetchStep.report(self, error)
        apply(.failed(error))
    }

    override func originAccepted(isReused: Bool) {
        if !isReused, let servers = route.servers {
            context.metrics.observe(
                .originConnectTime,
                servers.metricIndex,
                nanoseconds: context.loop.now - times.asked
            )
        }
        if times.connected == 0 { times.connected = context.loop.now }
    }

    override func originCarried(sent: Int64, received: Int64) {
        guard let servers = route.servers else { return }
        context.metrics.add(.originSentBytes, servers.metricIndex, by: Int(sent))
        context.metrics.add(.originReceivedBytes, servers.metricIndex, by: Int(received))
    }

    override func originWantsBody() {
        exchange?.requestBody.want()
        exchange?.touchHost()
    }

    override func originInformational() { InformationalStep.run(self) }

    override func originHead(framing: BodyFraming) {
        bodyFraming = framing
        coded = nil
        isMapped = false
        ttl = nil
        times.headReceived = context.loop.now
        apply(.headArrived)
    }

    override func originBytes(_ range: ChunkRange) {
        if let coded {
            if body.isOver { return }
            coded.pending.push(range)
            coded.decode(into: &body)
        } else {
            body.push(range)
        }
        exchange?.touchHost()
    }

    override func originEnded() { bodyEnded() }

    override func originFailed(_ error: EdgeError, _ progress: Progress) {
        route.progress = progress
        FetchStep.report(self, error)
        guard machine.hasHead else {
            apply(.failed(error))
            return
        }
        bodyFailed(error)
    }

    // MARK: Told by a file

    func fileHead(framing: BodyFraming) {
        bodyFraming = framing
        coded = nil
        times.headReceived = context.loop.now
        apply(.headArrived)
    }

    /// The whole answer is there, what it has of a body lies in `body`. The last word of who gives it: the exchange
    /// may put this fetch to another use before this returns.
    func fileAnswered(framing: BodyFraming) {
        body.end()
        times.ended = context.loop.now
        fileHead(framing: framing)
    }

    func bodyEnded() {
        times.ended = context.loop.now
        if let coded {
            coded.pending.end()
            coded.decode(into: &body)
        } else {
            body.end()
        }
        exchange?.touchHost()
        guard machine.isStreaming else { return }
        apply(.bodyEnded)
    }

    func bodyFailed(_ error: EdgeError) {
        times.ended = context.loop.now
        if let coded {
            coded.pending.fail(error)
            coded.decode(into: &body)
        } else {
            body.fail(error)
        }
        exchange?.touchHost()
        guard machine.isStreaming else { return }
        apply(.bodyFailed(error))
    }
}
