// One operator's connection: a head, an answer, the next head. Requests have no bodies here, and an answer is whole
// in memory before its first byte leaves, so there is no machine behind it.

final class AdminConnection: LoopMember {
    private unowned let server: AdminServer
    private let trust: AdminTrust
    private let arena = Arena()
    private var request = RequestHead()
    private var response = ResponseHead()
    private var transport: Transport
    private var input = InputBuffer()
    private var scanner = HeadScanner()
    private var isLastAnswer = false
    private var isClosed = false

    init(server: AdminServer, loop: EventLoop, handle: SocketHandle, trust: AdminTrust) {
        self.server = server
        self.trust = trust
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
        server.connectionClosed()
    }

    // MARK: Receiving

    /// True once there is an answer to send.
    private func receive() -> Bool {
        while true {
            if !input.isEmpty {
                do throws(EdgeError) {
                    if try parseHead() {
                        answer()
                        return true
                    }
                } catch {
                    request.reset()
                    refuse(error)
                    return true
                }
            }
            guard transport.mayRead else { return false }
            let chunk = input.makeRoom(in: loop.chunks, streaming: false)
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

    private func answer() {
        loop.setDeadline(self, at: loop.now + Limits.adminPatience)
        isLastAnswer = !Framing.keepAlive(request, arena)
        do throws(EdgeError) {
            let framing = try Framing.request(request, arena)
            guard framing == .none || framing == .length(0) else {
                isLastAnswer = true
                queue(AdminAnswer(413, "requests to this server have no body\n"))
                return
            }
        } catch {
            refuse(error)
            return
        }
        if let refusal {
            queue(refusal)
        } else {
            let arena = self.arena
            let decision = AdminRoute.decide(request.method, arena[request.path])
            queue(.to(decision, server.desk))
        }
    }

    /// What cannot be read, or not be trusted to end where it seems to.
    private func refuse(_ error: EdgeError) {
        isLastAnswer = true
        queue(AdminAnswer(error.status, "\(error.word)\n"))
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

    private func queue(_ answer: AdminAnswer) {
        response.reset()
        response.status = answer.status
        set(.contentType, answer.type)
        set(.cacheControl, "no-store")
        if let allow = answer.allow { set(.allow, allow) }
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
