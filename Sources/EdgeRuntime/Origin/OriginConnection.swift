// One connection to one server of an origin: runs `ClientMachine` for the exchanges that the pool gives it.
//
//   connected ─▶ (TLS handshake) ─▶ ready ─▶ start(client) … returned to the pool ─▶ start(client) … ─▶ closed
//
// All work happens in `flush`: send what the client has, read while the client has room, send again. What the origin
// owes, and until when, is `OriginPatience`.

final class OriginConnection: LoopMember {
    private let pool: OriginPool
    private let headLimits: HeadLimits
    /// The loop's own.
    private let chunks: ChunkPool
    private let responseTimeout: Nanoseconds
    let id: PoolMachine.ConnectionID
    private var transport: Transport
    private var machine = ClientMachine()
    private var scanner = HeadScanner(.origin)
    private var decoder = BodyDecoder(.none, limit: .max, from: .origin)
    private var input = InputBuffer()
    private var client: OriginClient?
    private var isReady = false
    private var isClosed = false
    private var isReused = false
    private var isBodyOut = false
    /// The socket takes no more: what the origin said before is still read, but no end of it counts as meant.
    private var isWriteBroken = false
    private var patience = OriginPatience()
    private var bytesInBefore: Int64 = 0
    private var bytesOutBefore: Int64 = 0

    init(pool: OriginPool, id: PoolMachine.ConnectionID, handle: SocketHandle) {
        self.pool = pool
        headLimits = pool.headLimits
        chunks = pool.loop.chunks
        responseTimeout = pool.settings.responseTimeout
        self.id = id
        transport = Transport(handle: handle, loop: pool.loop)
        super.init(loop: pool.loop)
        loop.add(self)
        loop.reactor.watch(handle, token)
        transport.note(.writable)
    }

    // MARK: The pool's side

    /// The connection stands; with TLS its handshake is next. `ready` of the pool follows.
    func open(tls: TLSStream?, until deadline: Nanoseconds) {
        guard let tls else {
            becomeReady()
            return
        }
        transport.startTLS(tls, early: Span())
        loop.setDeadline(self, at: deadline)
        loop.touch(self)
    }

    private func becomeReady() {
        isReady = true
        loop.setDeadline(self, at: .never)
        pool.connectionReady(self)
    }

    /// Sends the client's request. The connection is the client's until its exchange has ended.
    func start(_ client: OriginClient, isReused: Bool) {
        precondition(self.client == nil, "one exchange at a time")
        self.client = client
        self.isReused = isReused
        client.lease = .using(self)
        bytesInBefore = transport.bytesIn
        bytesOutBefore = transport.bytesOut
        scanner.reset()
        patience = OriginPatience()
        let hasBody = client.hasRequestBody
        isBodyOut = !hasBody
        _ = machine.apply(
            .requestStarted(hasBody: hasBody, expectsContinue: client.expectsContinue)
        )
        HeadWriter.write(
            request: client.request,
            arena: client.arena,
            framing: client.requestFraming,
            connection: client.upgrade.map { .upgrade($0) } ?? .keepAlive,
            into: &transport.output
        )
        client.originAccepted(isReused: isReused)
        loop.touch(self)
    }

    /// The client is gone; what is on its way cannot be taken back, so the connection goes too.
    func abandon() {
        letGo()
        finish(reusable: false)
    }

    /// Out of the pool's hands: rest is over, or the pool goes away.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        input.drop(to: chunks)
        // A tunnel that is given up did not come to its end, and nothing in it says so.
        transport.close(abortively: machine.isTunnel)
        loop.remove(self)
    }

    // MARK: The loop's side

    override func ready(_ readiness: Readiness) {
        transport.note(readiness)
        loop.touch(self)
    }

    override func expired() {
        guard client != nil else {
            if !isReady { failHandshake(.originConnectTimeout) }
            return
        }
        if machine.isAwaitingContinue, loop.now < (client?.totalDeadline ?? .never) {
            apply(.continueTimedOut)
            loop.touch(self)
            return
        }
        let isTotal = loop.now >= (client?.totalDeadline ?? .never)
        fail(
            isTotal
                ? .originTotalTimeout
                : machine.isReceivingHead ? .originResponseTimeout : .originIdleTimeout
        )
    }

    override func flush() {
        guard !isClosed else { return }
        guard isReady else {
            handshake()
            return
        }
        guard client != nil else {
            rest()
            return
        }
        guard !hasGoneStale() else {
            bytesInBefore = transport.bytesIn
            fail(.originClosed)
            return
        }
        var wasFull: Bool
        repeat {
            let room = outputRoom
            sendBody()
            wasFull = transport.output.pendingBytes >= room
            guard flushOutput() else { return }
            // The socket took it all, and no event will say that there is room for what the flow still holds.
        } while wasFull && transport.output.isEmpty
        receive()
        guard !isClosed, client != nil else { return }
        setPhaseDeadline()
    }

    private func handshake() {
        switch transport.handshake() {
        case .wantsInput: _ = transport.flush()
        case .established:
            becomeReady()
            loop.touch(self)
        case .failed(let failure):
            failHandshake(Self.error(for: failure))
        }
    }

    private static func error(for failure: TLSFailure) -> EdgeError {
        switch failure {
        case .unknownAuthority, .selfSigned, .certificateExpired, .certificateNotYetValid,
            .certificateRevoked, .certificateInvalid, .nameMismatch:
            .originCertificate
        default: .originTLS
        }
    }

    private func failHandshake(_ error: EdgeError) {
        close()
        pool.connectionFailed(self, error)
    }

    /// Nobody uses the connection: whatever the peer does with it now is its end.
    private func rest() {
        guard transport.mayRead else { return }
        let chunk = input.makeRoom(in: chunks, streaming: false)
        let outcome = transport.read(into: chunk)
        input.drop(to: chunks)
        guard outcome != .wouldBlock else { return }
        close()
        pool.connectionClosedWhileIdle(self)
    }

    /// Whether the origin ended the connection while it rested, and we hear of it only now, with a request waiting to
    /// be sent: nothing of it has left, so any method may go by another one. What an origin says unasked (408, say)
    /// is part of its end, and no answer.
    private func hasGoneStale() -> Bool {
        guard isReused, transport.mayRead, transport.bytesOut == bytesOutBefore else {
            return false
        }
        let chunk = input.makeRoom(in: loop.chunks, streaming: false)
        let outcome = transport.read(into: chunk)
        input.drop(to: loop.chunks)
        return outcome != .wouldBlock
    }

    // MARK: Sending

    private var outputRoom: Int { min(Limits.outputBytes, chunks.allowance) }

    private func sendBody() {
        while !isBodyOut, machine.maySendBody, let client,
            transport.output.pendingBytes < outputRoom
        {
            switch client.pullRequestBody() {
            case .bytes(let range):
                if case .chunked = client.requestFraming {
                    ChunkWriter.write(range, into: &transport.output)
                } else {
                    transport.output.append(range)
                }
            case .pending: return
            case .ended:
                isBodyOut = true
                if case .chunked = client.requestFraming {
                    client.fillRequestTrailers()
                    ChunkWriter.writeLast(
                        trailers: client.requestTrailers,
                        arena: client.arena,
                        into: &transport.output
                    )
                }
                if machine.isTunnel { transport.endAfterOutput() }
            case .failed:
                // The viewer broke off in the middle; the origin must not take the part for the whole.
                letGo()
                client.lease = .none
                finish(reusable: false)
                return
            }
        }
    }

    /// False if the connection is gone.
    private func flushOutput() -> Bool {
        switch transport.flush() {
        case .drained:
            if isBodyOut, !machine.isRequestComplete { apply(.requestEnded) }
        case .blocked: break
        case .failed:
            // The origin may have answered before it stopped reading. No event is waited for: a socket that cannot be
            // written to says how it ended when it is read to the end.
            isBodyOut = true
            isWriteBroken = true
            transport.output.clear()
            transport.note([.readable, .ending])
            apply(.sendingFailed)
        }
        return !isClosed && client != nil
    }

    // MARK: Receiving

    private func receive() {
        while let client, !isClosed {
            if !input.isEmpty {
                let wasDone = consume(client)
                if wasDone { continue }
                return
            }
            guard transport.mayRead, machine.isReceivingHead || client.isRoomForResponse else {
                return
            }
            if !read() { return }
        }
    }

    /// Reads once. False: nothing came, or the connection is gone.
    private func read() -> Bool {
        let chunk = input.makeRoom(in: chunks, streaming: !machine.isReceivingHead)
        switch transport.read(into: chunk) {
        case .bytes: return true
        case .wouldBlock:
            input.releaseIfEmpty(to: chunks)
            return false
        case .ended: if isWriteBroken { inputBroke() } else { inputEnded() }
        case .cut: inputBroke()
        case .failed(let error):
            let broke: EdgeError = isWriteBroken ? .originWriteFailed : .originReset
            fail(error.kind == .clientReset ? broke : error.blaming(.origin))
        }
        return false
    }

    /// The end of what comes in, of which nobody said that it is one.
    private func inputBroke() {
        guard machine.isReceivingHead else {
            fail(.originTruncated)
            return
        }
        fail(isWriteBroken ? .originWriteFailed : .originClosed)
    }

    private func inputEnded() {
        guard let client else { return }
        guard !machine.isReceivingHead else {
            fail(.originClosed)
            return
        }
        do throws(EdgeError) {
            guard try decoder.inputClosed() else {
                fail(.originTruncated)
                return
            }
            ended(client)
        } catch {
            fail(.originTruncated)
        }
    }

    /// Takes what it can from the input. True if it may be called again.
    private func consume(_ client: OriginClient) -> Bool {
        do throws(EdgeError) {
            return machine.isReceivingHead
                ? try consumeHead(client) : try consumeBody(client)
        } catch {
            fail(error.blaming(.origin))
            return false
        }
    }

    private func consumeHead(_ client: OriginClient) throws(EdgeError) -> Bool {
        let limits = headLimits
        let length = try input.withUnread { (bytes) throws(EdgeError) -> Int? in
            guard let length = try scanner.scan(bytes, limits: limits) else { return nil }
            client.response.reset()
            try HeadParser.parseResponse(
                bytes.extracting(first: length),
                into: &client.response,
                arena: client.arena,
                limits: limits
            )
            return length
        }
        guard let length else { return transport.mayRead && read() }
        input.consume(length)
        scanner.reset()
        let status = client.response.status
        if status < 200, status != 101 {
            apply(.informational(status: status))
            return !isClosed && self.client != nil
        }
        let framing = try Framing.response(
            client.response,
            client.arena,
            to: client.request.method
        )
        if status == 101 {
            guard let offered = client.upgrade,
                let agreed = Framing.upgrade(client.response, client.arena, offered: offered)
            else { throw .badUpgrade }
            client.upgradeAgreed = agreed
            apply(.informational(status: status))
        } else {
            let persists = Framing.keepAlive(client.response, client.arena)
            apply(.headReceived(status: status, persists: persists && framing != .untilClose))
        }
        guard !isClosed, self.client != nil else { return false }
        decoder = BodyDecoder(framing, limit: .max, from: .origin)
        client.originHead(framing: framing)
        // The client may have taken its request elsewhere.
        guard !isClosed, self.client != nil else { return false }
        guard framing != .none, framing != .length(0) else {
            ended(client)
            return false
        }
        return true
    }

    private func consumeBody(_ client: OriginClient) throws(EdgeError) -> Bool {
        guard client.isRoomForResponse else { return false }
        let progress = try input.withUnread { (bytes) throws(EdgeError) in
            try decoder.decode(bytes, trailers: client.arena)
        }
        if let data = progress.data, let range = input.range(data) { client.originBytes(range) }
        input.consume(progress.consumed)
        if progress.ended {
            try decoder.parseTrailers(into: &client.responseTrailers, arena: client.arena)
            ended(client)
            return false
        }
        if progress.consumed == 0 {
            // A fragment of chunk framing: more has to arrive behind it.
            return transport.mayRead && read()
        }
        return true
    }

    // MARK: Ending

    private func ended(_ client: OriginClient) {
        guard case .finish(let reusable) = machine.apply(.responseEnded) else {
            preconditionFailure("a response ends an exchange")
        }
        // Bytes behind the response answer nothing that was asked, and what TLS still holds may be the end.
        let isClean = input.isEmpty && transport.tls?.hasUnreadInput != true
        letGo()
        client.lease = .none
        client.originEnded()
        finish(reusable: reusable && isClean && transport.output.isEmpty)
    }

    private func fail(_ error: EdgeError) {
        guard let client else { return }
        let progress = OriginClient.Progress(
            wasReused: isReused,
            sentAnything: transport.bytesOut > bytesOutBefore,
            receivedAnything: transport.bytesIn > bytesInBefore
        )
        letGo()
        client.lease = .none
        finish(reusable: false)
        client.originFailed(error, progress)
    }

    private func letGo() {
        client?.originCarried(
            sent: transport.bytesOut - bytesOutBefore,
            received: transport.bytesIn - bytesInBefore
        )
        client = nil
    }

    private func finish(reusable: Bool) {
        guard !isClosed else { return }
        if reusable {
            input.releaseIfEmpty(to: chunks)
            loop.setDeadline(self, at: .never)
        } else {
            close()
        }
        pool.connectionReturned(self, reusable: reusable)
    }

    private func apply(_ event: ClientMachine.Event) {
        switch machine.apply(event) {
        case .none: break
        case .sendBody:
            client?.originWantsBody()
            loop.touch(self)
        case .stopSending: isBodyOut = true
        case .passInformational:
            client?.originInformational()
        case .tunnel: isBodyOut = false
        case .finish(let reusable):
            preconditionFailure("an exchange ends with its response, not here (\(reusable))")
        case .fail(let error): fail(error)
        }
    }

    private func setPhaseDeadline() {
        guard let client else { return }
        let owed = owed(to: client)
        let moved: Int64 =
            switch owed {
            case .intake: transport.bytesOut
            case .body: transport.bytesIn
            case .tunnel: transport.bytesIn &+ transport.bytesOut
            case .nothing, .goAhead, .head: 0
            }
        let deadline = patience.deadline(
            for: owed,
            moved: moved,
            responseTimeout: responseTimeout,
            now: loop.now
        )
        // The answer was complete when it changed the protocol: no total time ends a tunnel that is in use.
        let isTunnel = machine.isTunnel
        loop.setDeadline(self, at: isTunnel ? deadline : min(deadline, client.totalDeadline))
    }

    private func owed(to client: OriginClient) -> OriginPatience.Owed {
        if machine.isTunnel { return .tunnel }
        if machine.isAwaitingContinue { return .goAhead }
        if !transport.isFlushed, !isWriteBroken { return .intake }
        // The viewer has more to send, and the origin may wait for it.
        guard isBodyOut else { return .nothing }
        if machine.isReceivingHead { return .head }
        // A viewer that does not take what is there is not the origin's fault.
        return client.isRoomForResponse ? .body : .nothing
    }
}
