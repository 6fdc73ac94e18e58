// A connection from a viewer that speaks HTTP/1.1: runs `ServerMachine`, one exchange after the other.
//
// All work happens in `flush`, at the end of a tick in which something happened: read what the socket has and what
// the exchange has room for, queue what the exchange has to say, write, and set the deadline of the phase.
//
//   socket ─▶ input ─▶ head ─▶ exchange.begin
//                   └▶ body ─▶ exchange.requestBody ─▶ (fetch)
//   socket ◀─ output ◀─ head, body ◀─ exchange ◀─ (fetch)

final class ViewerConnection: LoopMember {
    let context: EdgeContext
    /// The loop's own.
    private let chunks: ChunkPool
    private let binding: ListenerBinding
    private var admission: Admission.Pass
    private var transport: Transport
    private var input = InputBuffer()
    private var machine: ServerMachine
    private var scanner = HeadScanner()
    private var decoder = BodyDecoder(.none, limit: .max)
    private var exchange: Exchange?
    private var preface: Preface
    private var viewer = ViewerFacts()
    private var ending = ConnectionEnding()
    private var isClosed = false
    private var isHeadQueued = false
    private var isRefused = false
    private var isRetiring = false
    private var guardian: SlowClientGuard
    private var bytesInAtHead: Int64 = 0
    private var bytesOutAtHead: Int64 = 0

    init(
        context: EdgeContext,
        binding: ListenerBinding,
        admission: consuming Admission.Pass,
        handle: SocketHandle,
        peer: SocketAddress
    ) {
        self.context = context
        chunks = context.chunks
        self.binding = binding
        self.admission = admission
        let limits = context.generation.configuration.settings.limits
        machine = ServerMachine(requestsMax: limits.requestsPerConnection)
        guardian = SlowClientGuard(limits: limits, now: context.loop.now)
        preface = Preface(binding: binding, peer: peer)
        transport = Transport(handle: handle, loop: context.loop)
        viewer.peer = peer.ip
        viewer.port = peer.port
        viewer.address = peer.ip ?? .anyIPv4
        super.init(loop: context.loop)
        loop.add(self)
        viewer.connectionID = token.packed
        loop.reactor.watch(handle, token)
        loop.setDeadline(self, at: guardian.deadline(for: .head, at: loop.now))
        context.connectionCount += 1
        context.metrics.add(.viewerConnections)
    }

    // MARK: The loop's side

    override func ready(_ readiness: Readiness) {
        transport.note(readiness)
        // Nobody is there to take the answer, so what may still be unread does not matter, except to a tunnel.
        if readiness.contains(.hungUp), ending.isOpen, exchange != nil, !machine.isTunnel {
            leave(.clientReset)
            return
        }
        loop.touch(self)
    }

    /// The edge goes away: idle connections close, others after their response.
    /// One of whose request a part has come is served, if the rest comes in time.
    func drain() {
        if exchange == nil, !input.isEmpty {
            isRetiring = true
        } else {
            perform(machine.apply(.drained))
        }
        loop.touch(self)
    }

    /// Where it came in.
    var listener: SocketAddress { binding.settings.address }

    /// Its listener is gone: one that has not asked yet may do so once.
    func retire() {
        isRetiring = true
        if machine.requestCount > 0 { drain() }
    }

    override func expired() {
        guard !isClosed else { return }
        if ending.isLingering {
            close()
            return
        }
        switch guardian.expired(at: loop.now, transport.bytesOut) {
        case .goOn: loop.touch(self)
        case .tooSlow(let error): tooSlow(error)
        }
    }

    override func flush() {
        guard !isClosed else { return }
        if ending.isLingering {
            linger()
            return
        }
        guard passPreface() else { return }
        var exchanges = 0
        repeat {
            receive()
            guard !isClosed else { return }
            exchanges += 1
        } while send() && exchanges < Limits.exchangesPerPump
        guard !isClosed else { return }
        if exchanges == Limits.exchangesPerPump { loop.touch(self) }
        flushOutput()
        // The exchange has touched its host in the middle of the host's own work.
        if isAtRest { loop.settle(self) }
    }

    /// Nothing is left to do before there is news from the viewer.
    private var isAtRest: Bool {
        exchange == nil && machine.isIdle && ending.isOpen && input.isEmpty && !transport.mayRead
            && transport.isFlushed
    }

    // MARK: Before HTTP

    /// PROXY protocol and TLS. True once requests may be read.
    private func passPreface() -> Bool {
        guard !preface.isOver else { return true }
        switch preface.advance(&transport, &input, loop) {
        case .wait:
            _ = transport.flush()
            return false
        case .done:
            preface.describe(transport, into: &viewer)
            guard isAdmitted() else { return false }
            if let tls = transport.tls {
                context.metrics.countHandshake(tls.wasResumed ? .resumed : .full)
            }
            return true
        case .failed(let error):
            prefaceFailed(error)
            if preface.lastFailure == .plainHTTP { answerPlainHTTP() }
            _ = transport.flush()
            close()
            return false
        }
    }

    /// Those behind a proxy are counted when it has said who they are.
    private func isAdmitted() -> Bool {
        let limits = context.generation.configuration.settings.limits
        guard let address = viewer.peer, !admission.assign(address, limits: limits) else {
            return true
        }
        context.metrics.countShed(.connectionsPerAddress)
        ending.because(.shed)
        if binding.tls == nil { Admission.Refusal.addressLimit.write(to: &transport.output) }
        _ = transport.flush()
        close()
        return false
    }

    /// In clear, since that is what the viewer speaks.
    private func answerPlainHTTP() {
        transport.stopTLS()
        transport.output.append("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n")
        transport.output.append("Content-Length: 32\r\nConnection: close\r\n\r\n")
        transport.output.append("This port speaks HTTPS, not HTTP")
    }

    private func prefaceFailed(_ error: EdgeError) {
        if let failure = preface.lastFailure {
            context.metrics.countHandshakeFailure(failure)
            ending.because(.tlsFailure)
        } else {
            ending.because(error.kind == .clientClosed ? .viewerClosed : .badRequest)
        }
        let reason = preface.lastFailure.map(\.word) ?? error.word
        context.events.debug(
            "preface_failed",
            EventField("viewer", .address(SocketAddress(viewer.address, port: viewer.port))),
            EventField("reason", .word(reason))
        )
    }

    // MARK: Receiving

    private func receive() {
        while !isClosed, ending.isOpen {
            if machine.isIdle {
                guard transport.output.pendingBytes < Limits.outputBytes else { return }
                if !input.isEmpty {
                    if receiveHead() { continue }
                    guard machine.isIdle else { return }
                }
            } else if machine.isReadingBody, !isRefused, let exchange {
                if exchange.requestBody.isWanted { perform(machine.apply(.bodyWanted)) }
                guard exchange.requestBody.isRoom(chunks.allowance),
                    !exchange.requestBody.isOver
                else { return }
                if !input.isEmpty {
                    if receiveBody(exchange) { continue }
                    guard machine.isReadingBody else { return }
                }
            } else {
                return
            }
            guard transport.mayRead, read() else { return }
        }
    }

    /// Reads once. False: nothing came.
    private func read() -> Bool {
        let chunk = input.makeRoom(in: chunks, streaming: machine.isReadingBody)
        switch transport.read(into: chunk) {
        case .bytes(let count):
            guardian.received(count, at: loop.now)
            return true
        case .wouldBlock:
            input.releaseIfEmpty(to: chunks)
            return false
        case .ended: ended()
        case .cut:
            // Only a tunnel has nothing else that tells its end from a break.
            if machine.isTunnel { leave(.clientReset) } else { ended() }
        case .failed(let error): leave(error)
        }
        return false
    }

    /// The viewer has ended its half.
    private func ended() {
        ending.because(.viewerClosed)
        input.releaseIfEmpty(to: chunks)
        if machine.isTunnel { exchange?.requestBody.end() }
        if machine.isTunnel { exchange?.requestBodyArrived() }
        if machine.isReadingBody, !machine.isTunnel { exchange?.requestBody.fail(.clientClosed) }
        perform(machine.apply(.peerEnded))
    }

    /// True if a whole head was there and its exchange has begun.
    private func receiveHead() -> Bool {
        let settings = context.generation.configuration.settings.limits
        let limits = HeadLimits(
            requestLine: settings.requestLineBytes,
            head: settings.headBytes,
            fields: settings.fields
        )
        let length: Int?
        do throws(EdgeError) {
            length = try input.withUnread { (bytes) throws(EdgeError) in
                try scanner.scan(bytes, limits: limits)
            }
        } catch {
            refuse(error)
            return true
        }
        guard let length else { return false }
        let exchange = context.takeExchange()
        do throws(EdgeError) {
            try input.withUnread { (bytes) throws(EdgeError) in
                try HeadParser.parseRequest(
                    bytes.extracting(first: length),
                    into: &exchange.request,
                    arena: exchange.arena,
                    limits: limits
                )
            }
            exchange.requestFraming = try Framing.request(exchange.request, exchange.arena)
        } catch {
            begin(exchange)
            refuse(error, exchange)
            return true
        }
        begin(exchange)
        input.consume(length)
        scanner.reset()
        let hasBody = exchange.hasRequestBody
        if !hasBody { exchange.requestBody.end() }
        decoder = BodyDecoder(exchange.requestFraming, limit: Int64(settings.bodyBytes))
        perform(
            machine.apply(
                .headReceived(
                    persists: Framing.keepAlive(exchange.request, exchange.arena),
                    hasBody: hasBody,
                    expectsContinue: hasBody
                        && Framing.expectsContinue(exchange.request, exchange.arena)
                )
            )
        )
        if context.isDraining || isRetiring { perform(machine.apply(.drained)) }
        viewer.requestNumber = machine.requestCount
        exchange.begin(for: token, viewer: viewer)
        return true
    }

    private func begin(_ exchange: Exchange) {
        self.exchange = exchange
        isHeadQueued = false
        bytesInAtHead = transport.bytesIn - Int64(input.unreadCount)
        bytesOutAtHead = transport.bytesOut + Int64(transport.output.pendingBytes)
        guardian.headReceived(at: loop.now)
    }

    /// True if it may be called again.
    private func receiveBody(_ exchange: Exchange) -> Bool {
        do throws(EdgeError) {
            let progress = try input.withUnread { (bytes) throws(EdgeError) in
                try decoder.decode(bytes, trailers: exchange.arena)
            }
            if let data = progress.data, let range = input.range(data) {
                exchange.requestBody.push(range)
            }
            input.consume(progress.consumed)
            if progress.ended {
                try decoder.parseTrailers(
                    into: &exchange.requestTrailers,
                    arena: exchange.arena
                )
                exchange.requestBody.end()
                perform(machine.apply(.requestEnded))
            }
            exchange.requestBodyArrived()
            return progress.consumed > 0 && !progress.ended
        } catch {
            input.drop(to: chunks)
            isRefused = true
            perform(machine.apply(.requestFailed))
            exchange.requestBodyFailed(error)
            return false
        }
    }

    /// Answers what cannot be read, and reads no further.
    private func refuse(_ error: EdgeError) {
        let exchange = context.takeExchange()
        begin(exchange)
        refuse(error, exchange)
    }

    private func refuse(_ error: EdgeError, _ exchange: Exchange) {
        isRefused = true
        ending.because(.badRequest)
        input.drop(to: chunks)
        // As if a body followed that nobody will read: the connection lingers after the answer.
        perform(
            machine.apply(.headReceived(persists: false, hasBody: true, expectsContinue: false))
        )
        exchange.refuse(error, for: token, viewer: viewer)
    }

    // MARK: Sending

    /// Queues what the exchange has. True if another request may follow at once.
    private func send() -> Bool {
        guard let exchange else { return false }
        while let head = exchange.informational.front {
            transport.output.append(head.bytes)
            exchange.informational.didSend(head.count)
        }
        guard exchange.machine.isDelivering else { return false }
        if !isHeadQueued { queueHead(exchange) }
        let room = min(Limits.outputBytes, chunks.allowance)
        while transport.output.pendingBytes < room {
            switch exchange.pullBody() {
            case .bytes(let range):
                exchange.bodyBytesSent &+= Int64(range.count)
                if case .chunked = exchange.responseFraming {
                    ChunkWriter.write(range, into: &transport.output)
                } else {
                    transport.output.append(range)
                }
            case .pending: return false
            case .ended:
                if case .chunked = exchange.responseFraming, !exchange.isBodiless {
                    queueLastChunk(exchange)
                }
                return complete(exchange)
            case .failed(let error):
                exchange.bodyFailed(error)
                giveBackExchange()
                perform(machine.apply(.responseFailed))
                return false
            }
        }
        // Output is full: the rest follows when the socket has taken some of it.
        return false
    }

    private func queueLastChunk(_ exchange: Exchange) {
        guard let fetch = exchange.fetch, !exchange.isFlowMapped else {
            ChunkWriter.writeLast(into: &transport.output)
            return
        }
        ChunkWriter.writeLast(
            trailers: fetch.responseTrailers,
            arena: fetch.arena,
            into: &transport.output
        )
    }

    private func queueHead(_ exchange: Exchange) {
        isHeadQueued = true
        let connection: ConnectionOption
        if exchange.isUpgraded {
            perform(machine.apply(.upgraded))
            decoder = BodyDecoder(.tunnel, limit: .max)
            if !machine.isReadingBody {
                // The viewer ended its half before there was a tunnel; nothing else will tell the origin.
                exchange.requestBody.end()
                exchange.requestBodyArrived()
            }
            connection = .upgrade(exchange.upgrade)
            // The viewer may have sent on without waiting.
            loop.touch(self)
        } else {
            var isDelimited = true
            if case .untilClose = exchange.responseFraming { isDelimited = false }
            perform(machine.apply(.responseStarted(delimited: isDelimited)))
            connection = machine.persists ? .keepAlive : .close
        }
        HeadWriter.write(
            response: exchange.response,
            arena: exchange.arena,
            framing: exchange.responseFraming,
            connection: connection,
            to: exchange.request.version,
            into: &transport.output
        )
        if case .own(let slice) = exchange.body, !exchange.isBodiless {
            let arena = exchange.arena
            transport.output.append(arena[slice])
            exchange.bodyBytesSent = Int64(slice.count)
        }
    }

    /// The last byte is queued. True if another request may follow at once.
    private func complete(_ exchange: Exchange) -> Bool {
        exchange.bytesSent =
            transport.bytesOut + Int64(transport.output.pendingBytes) - bytesOutAtHead
        exchange.bytesReceived = transport.bytesIn - Int64(input.unreadCount) - bytesInAtHead
        exchange.delivered()
        giveBackExchange()
        let action = machine.apply(.responseEnded)
        perform(action)
        // The next head, or the viewer's end, may wait here or in the socket whose edge was told long ago.
        return action == .nextRequest && (!input.isEmpty || transport.mayRead)
    }

    private func giveBackExchange() {
        isHeadQueued = false
        if let exchange = exchange.take() { context.giveBack(exchange) }
    }

    private func flushOutput() {
        switch transport.flush() {
        case .failed:
            leave(.clientReset)
            return
        case .blocked, .drained: break
        }
        guard transport.isFlushed else {
            loop.setDeadline(self, at: guardian.writeBlocked(at: loop.now, transport.bytesOut))
            return
        }
        guardian.writeDrained()
        switch ending.outputIsOut(at: loop.now) {
        case .goOn: break
        case .close:
            close()
            return
        case .linger(let until):
            transport.shutdownWrite()
            loop.setDeadline(self, at: until)
            if transport.mayRead { loop.touch(self) }
            return
        }
        if isHeadQueued, let exchange, exchange.machine.isDelivering {
            // The output is empty again, so there is room for more of the body, or for its end, and nobody else will
            // say so.
            if !exchange.isBodyEmptyForNow { loop.touch(self) }
        }
        if machine.isIdle { input.releaseIfEmpty(to: chunks) }
        setPhaseDeadline()
    }

    private func setPhaseDeadline() {
        if machine.isIdle {
            let phase: SlowClientGuard.Phase = input.isEmpty ? .idle : .head
            loop.setDeadline(self, at: guardian.deadline(for: phase, at: loop.now))
        } else if machine.isReadingBody, !machine.isTunnel, let exchange,
            exchange.requestBody.isRoom(chunks.allowance)
        {
            loop.setDeadline(self, at: guardian.deadline(for: .body, at: loop.now))
        } else {
            guardian.rest()
            // The exchange has deadlines of its own; a tunnel's idle time is kept at its origin end.
            loop.setDeadline(self, at: .never)
        }
    }

    // MARK: Ending

    private func perform(_ action: ServerMachine.Action) {
        switch action {
        case .none, .nextRequest: break
        case .writeContinue: transport.output.append("HTTP/1.1 100 Continue\r\n\r\n")
        case .close:
            ending.because(ownReason)
            ending.closeAfterOutput()
            loop.touch(self)
        case .linger:
            ending.because(ownReason)
            ending.lingerAfterOutput()
        case .truncate(let abortively): truncate(abortively: abortively)
        case .cancel: leave(.clientClosed)
        }
    }

    private func truncate(abortively: Bool) {
        _ = transport.flush()
        ending.because(.truncated)
        close(abortively: abortively)
    }

    /// Reads into the void until the viewer is done, or for long enough.
    private func linger() {
        while transport.mayRead {
            let chunk = input.makeRoom(in: chunks, streaming: false)
            let outcome = transport.read(into: chunk)
            input.drop(to: chunks)
            switch outcome {
            case .bytes(let count):
                guard ending.dropped(count) == .goOn else {
                    close()
                    return
                }
            case .wouldBlock: break
            case .ended, .cut, .failed:
                close()
                return
            }
        }
    }

    private func tooSlow(_ error: EdgeError) {
        ending.because(Self.reason(for: error))
        switch error.kind {
        case .idleTimeout: close()
        case .headTimeout where exchange == nil && preface.isOver && !input.isEmpty:
            refuse(error)
            loop.touch(self)
        case .bodyTimeout:
            guard let exchange, exchange.machine.isWaitingForHead else { fallthrough }
            isRefused = true
            perform(machine.apply(.requestFailed))
            exchange.requestBodyFailed(error)
            loop.touch(self)
        default: leave(error)
        }
    }

    private static func reason(for error: EdgeError) -> CloseReason {
        switch error.kind {
        case .idleTimeout: .idle
        case .headTimeout: .headTimeout
        case .bodyTimeout: .bodyTimeout
        case .writeTimeout: .writeTimeout
        case .clientReset: .viewerReset
        default: .viewerClosed
        }
    }

    /// Why the edge ends a connection of its own accord.
    private var ownReason: CloseReason {
        if context.isDraining || isRetiring { return .drain }
        return machine.isSpent ? .requestsMax : .notPersistent
    }

    /// The viewer is gone, or treated so.
    private func leave(_ error: EdgeError) {
        guard !isClosed else { return }
        ending.because(Self.reason(for: error))
        if let exchange {
            exchange.bytesSent = transport.bytesOut - bytesOutAtHead
            exchange.bytesReceived = transport.bytesIn - bytesInAtHead
            exchange.viewerGone(error)
            giveBackExchange()
        }
        close(abortively: true)
    }

    private func close(abortively: Bool = false) {
        guard !isClosed else { return }
        if let exchange {
            exchange.viewerGone(.clientClosed)
            giveBackExchange()
        }
        isClosed = true
        input.drop(to: chunks)
        transport.close(abortively: abortively)
        context.connectionCount -= 1
        context.metrics.countClose(ending.reason ?? .viewerClosed)
        admission.release()
        loop.remove(self)
    }
}
