// One operator's connection: a head, perhaps a body of known length, an answer, the next head. A body is whole in memory
// before it is looked at, an answer before its first byte leaves, so there is no machine behind it.

final class AdminConnection: LoopMember {
    private unowned let server: AdminServer
    private let door: AdminListener
    private let trust: AdminTrust
    private let asker: AdminAsker
    private let arena = Arena()
    private var request = RequestHead()
    private var response = ResponseHead()
    private var transport: Transport
    private var input = InputBuffer()
    private var scanner = HeadScanner()
    /// Of the request whose head is there; nil between requests.
    private var body: (wanted: Int, bytes: [UInt8])?
    private var isLastAnswer = false
    private var isClosed = false

    init(
        server: AdminServer,
        door: AdminListener,
        loop: EventLoop,
        handle: SocketHandle,
        trust: AdminTrust,
        asker: AdminAsker
    ) {
        self.server = server
        self.door = door
        self.trust = trust
        self.asker = asker
        transport = Transport(handle: handle, loop: loop)
        super.init(loop: loop)
        loop.add(self)
        loop.reactor.watch(handle, token)
        loop.setDeadline(self, at: loop.now + Limits.adminPatience)
    }

    override func ready(_ readiness: Readiness) {
        transport.note(readiness)
        loop.touch(self)
    }

    override func expired() { close() }

    override func flush() {
        while !isClosed {
            switch transport.flush() {
            case .drained: break
            case .blocked: return
            case .failed:
                close()
                return
            }
            if isLastAnswer {
                close()
                return
            }
            guard receive() else { return }
        }
    }

    private func close() {
        guard !isClosed else { return }
        isClosed = true
        input.drop(to: loop.chunks)
        transport.close()
        loop.remove(self)
        door.connectionClosed()
    }

    // MARK: Receiving

    /// True once there is something to send.
    private func receive() -> Bool {
        while true {
            if !input.isEmpty {
                do throws(EdgeError) {
                    if try take() { return true }
                } catch {
                    request.reset()
                    refuse(error)
                    return true
                }
            }
            guard transport.mayRead else { return false }
            let chunk = input.makeRoom(in: loop.chunks, streaming: body != nil)
            switch transport.read(into: chunk) {
            case .bytes: continue
            case .wouldBlock:
                input.releaseIfEmpty(to: loop.chunks)
                return false
            case .ended, .cut, .failed:
                close()
                return false
            }
        }
    }

    /// True: there is something to send. A body's bytes leave the input, so the input never grows for one.
    private func take() throws(EdgeError) -> Bool {
        guard var body = body.take() else {
            guard try parseHead() else { return false }
            return try headArrived()
        }
        let count = min(body.wanted - body.bytes.count, input.unreadCount)
        input.withUnread { bytes in
            bytes.extracting(first: count).withUnsafeBufferPointer {
                body.bytes.append(contentsOf: $0)
            }
        }
        input.consume(count)
        guard body.bytes.count == body.wanted else {
            self.body = body
            return false
        }
        answer(decision, body.bytes)
        return true
    }

    private func parseHead() throws(EdgeError) -> Bool {
        let limits = Limits.adminHead
        let length = try input.withUnread { (bytes) throws(EdgeError) in
            try scanner.scan(bytes, limits: limits)
        }
        guard let length else { return false }
        arena.reset()
        try input.withUnread { (bytes) throws(EdgeError) in
            try HeadParser.parseRequest(
                bytes.extracting(first: length),
                into: &request,
                arena: arena,
                limits: limits
            )
        }
        input.consume(length)
        scanner.reset()
        return true
    }

    // MARK: Answering

    private var decision: AdminRoute.Decision {
        let arena = self.arena
        return AdminRoute.decide(request.method, arena[request.path])
    }

    /// Nobody who may not ask gets a byte of a body read.
    private func headArrived() throws(EdgeError) -> Bool {
        loop.setDeadline(self, at: loop.now + Limits.adminPatience)
        let framing = try Framing.request(request, arena)
        let decision = decision
        switch framing {
        case .none, .length(0):
            if let refusal { queue(refusal) } else { answer(decision, []) }
            return true
        case .length(let length):
            if let refusal {
                queue(refusal, isLast: true)
                return true
            }
            guard case .route(let route, _) = decision, route.row.takesBody,
                length <= Int64(Limits.adminBodyBytes)
            else {
                queue(.tooLarge(decision), isLast: true)
                return true
            }
            body = (Int(length), [])
            guard Framing.expectsContinue(request, arena) else { return try take() }
            transport.output.append("HTTP/1.1 100 Continue\r\n\r\n")
            return true
        case .chunked, .untilClose, .tunnel:
            let words = "say how long the body is: Content-Length\n"
            queue(refusal ?? AdminAnswer(411, words), isLast: true)
            return true
        }
    }

    private func answer(_ decision: AdminRoute.Decision, _ body: [UInt8]) {
        let arena = self.arena
        let query = request.query.map { arena.copy(of: $0) } ?? []
        queue(.to(decision, AdminRequest(asker: asker, query: query, body: body), server.desk))
    }

    /// What cannot be read, or not be trusted to end where it seems to.
    private func refuse(_ error: EdgeError) {
        queue(AdminAnswer(error.status, "\(error.word)\n"), isLast: true)
    }

    private var refusal: AdminAnswer? {
        let arena = self.arena
        switch trust {
        case .peerCredentials: return nil
        case .token(let token):
            if let field = request.fields.value(of: .authorization),
                BearerToken.matches(arena[field], token.span)
            {
                return nil
            }
            return AdminAnswer(401, "show the admin token: Authorization: Bearer …\n")
        case .loopback:
            let host = arena[request.host]
            let isLocal =
                host.equals("localhost") || IPAddress(host).map { $0.isLoopback } ?? false
            if isLocal, !request.fields.contains(.origin) { return nil }
            return AdminAnswer(403, "without a token only programs of this machine may ask\n")
        }
    }

    private func queue(_ answer: AdminAnswer, isLast: Bool = false) {
        isLastAnswer = isLast || !Framing.keepAlive(request, arena)
        response.reset()
        response.status = answer.status
        set(.contentType, answer.type)
        set(.cacheControl, "no-store")
        if let allow = answer.allow { set(.allow, allow) }
        if let location = answer.location { set(.location, location) }
        if answer.status == 401 { set(.wwwAuthenticate, "Bearer") }
        HeadWriter.write(
            response: response,
            arena: arena,
            framing: .length(Int64(answer.body.count)),
            connection: isLastAnswer ? .close : .keepAlive,
            to: request.version,
            into: &transport.output
        )
        if request.method != .head { transport.output.append(answer.body.span) }
    }

    private func set(_ name: HeaderName, _ value: String) {
        response.fields.set(name, value: arena.append(value.utf8.span))
    }
}

enum BearerToken {
    /// Takes as long for a wrong token as for the right one; only its length shows.
    static func matches(_ field: Span<UInt8>, _ token: Span<UInt8>) -> Bool {
        let scheme = 7
        guard field.count == scheme + token.count, token.count > 0,
            field.extracting(first: scheme).equalsIgnoringCase("Bearer ")
        else { return false }
        var difference: UInt8 = 0
        for index in 0..<token.count { difference |= field[scheme + index] ^ token[index] }
        return difference == 0
    }
}
