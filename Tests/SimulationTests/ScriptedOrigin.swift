// An origin whose answers are a function of the path: the plan with the number in it says what happens.

@testable import EdgeRuntime

final class ScriptedOrigin: LoopMember {
    private unowned let world: World
    private let handle: SocketHandle
    let name: String
    private var connections = 0

    init(world: World, name: String, address: SocketAddress) throws {
        self.world = world
        self.name = name
        handle = try world.loop.reactor.listen(address, options: ListenOptions())
        super.init(loop: world.loop)
        loop.add(self)
        loop.reactor.watchLevel(handle, token)
    }

    override func ready(_ readiness: Readiness) {
        while case .accepted(let socket, _) = loop.reactor.accept(handle) {
            connections += 1
            _ = OriginPeer(world: world, name: "\(name).\(connections)", handle: socket)
        }
    }

    func close() {
        loop.reactor.close(handle)
        loop.remove(self)
    }
}

final class OriginPeer: Peer {
    private enum Place {
        static let answer = 0
        static let nextRequest = 1
    }

    private var inbox: [UInt8] = []
    private var scanner = HeadScanner()
    private let arena = Arena()
    private var head = RequestHead()
    private var decoder = BodyDecoder(.none, limit: .max)
    private var plan: Plan?
    private var attempt = 0
    private var bodyBytes = 0
    private var isRequestRead = false
    /// Whatever still comes is not read.
    private var isLeaving = false

    override func received(_ bytes: [UInt8]) {
        inbox += bytes
        do throws(EdgeError) {
            while try advance() {}
        } catch {
            world.fail("\(name): the edge sent what cannot be read: \(error.word)")
            close(abortively: true)
        }
    }

    /// True if it may be called again.
    private func advance() throws(EdgeError) -> Bool {
        guard !inbox.isEmpty, !isClosed, !isLeaving else { return false }
        guard let plan else { return try readHead() }
        guard !isRequestRead else {
            // An answer that came early may be followed by the next request before we know that we are done.
            if plan.answersEarly { return false }
            world.fail("\(name): bytes behind request \(plan.id), which has no answer yet")
            return false
        }
        let inbox = self.inbox
        let progress = try decoder.decode(inbox.span, trailers: arena)
        if let data = progress.data {
            let key = Pattern.requestKey(plan.id)
            let piece = inbox.span.extracting(data)
            if !Pattern.matches(piece, key, at: bodyBytes) {
                world.fail("\(name): request \(plan.id): wrong bytes at \(bodyBytes)")
            }
            bodyBytes += data.count
        }
        self.inbox.removeFirst(progress.consumed)
        if progress.ended { requestRead(plan) }
        return progress.consumed > 0
    }

    private func readHead() throws(EdgeError) -> Bool {
        let inbox = self.inbox
        guard let length = try scanner.scan(inbox.span, limits: HeadLimits()) else { return false }
        arena.reset()
        let bytes = inbox.span.extracting(first: length)
        try HeadParser.parseRequest(bytes, into: &head, arena: arena, limits: HeadLimits())
        self.inbox.removeFirst(length)
        let arena = self.arena
        scanner.reset()
        let framing = try Framing.request(head, arena)
        decoder = BodyDecoder(framing, limit: .max)
        let path = arena[head.path].text
        guard let id = path.split(separator: "/").last.flatMap({ Int($0) }), id < world.plans.count
        else {
            world.fail("\(name): asked for \(path)")
            return false
        }
        let plan = world.plans[id]
        if plan.method != head.method { world.fail("\(name): request \(id) changed its method") }
        world.note(name, "request", id)
        self.plan = plan
        bodyBytes = 0
        isRequestRead = false
        attempt = world.begins(id)
        if framing == .none || framing == .length(0) { requestRead(plan) }
        schedule(plan)
        return true
    }

    private func requestRead(_ plan: Plan) {
        isRequestRead = true
        if bodyBytes != plan.requestBytes ?? 0 {
            world.fail("\(name): request \(plan.id) ended after \(bodyBytes) bytes")
        }
        loop.touch(self)
    }

    override func holds(_ condition: Condition) -> Bool {
        condition == .requestRead && isRequestRead
    }

    override func reached(_ place: Int) {
        guard let plan else { return }
        if place == Place.answer {
            answer(plan)
            return
        }
        self.plan = nil
        received([])
    }

    // MARK: The answer

    private var isStruck: Bool { world.isStruck(plan, attempt) }

    private func schedule(_ plan: Plan) {
        var random = Random(seed: plan.seed &+ UInt64(attempt))
        if plan.expectsContinue, !plan.answersEarly, !isRequestRead, random.chance(3, in: 4) {
            script([.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))])
        }
        if !plan.answersEarly { script([.until(.requestRead)]) }
        if random.chance(1, in: 3) { script([.wait(Nanoseconds(random.next(below: 50_000_000)))]) }
        script([.reached(Place.answer)])
    }

    private func answer(_ plan: Plan) {
        var random = Random(seed: plan.seed &+ UInt64(attempt) &* 77)
        if isStruck {
            switch plan.fault {
            case .resetBeforeHead: return script([.reset])
            case .closeBeforeHead: return script([.close])
            case .badHead:
                let nonsense = Array("HTTP/1.1 2OO Fine\r\n\r\n".utf8)
                return script([.send(nonsense), .close])
            case .silence: return script([.until(.never)])
            case .none, .truncate, .reset, .stall: break
            }
        }
        for _ in 0..<plan.hints {
            script([.send(Array("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n".utf8))])
        }
        script([.send(head(plan))])
        if plan.hasBodyInResponse { body(plan, &random) }
        if plan.fault.breaksBody, isStruck, plan.hasBodyInResponse { return }
        conclude(plan, &random)
    }

    private func head(_ plan: Plan) -> [UInt8] {
        var text = "HTTP/1.1 \(plan.status) Planned\r\nX-Sim: \(plan.id)\r\n"
        if isRequestRead { text += "X-Body: \(bodyBytes)\r\n" }
        if plan.status != 204, plan.status != 304 {
            switch plan.framing {
            case .length: text += "Content-Length: \(plan.responseBytes)\r\n"
            case .chunked: text += "Transfer-Encoding: chunked\r\n"
            case .untilClose: break
            }
        }
        if case .closes = plan.afterwards { text += "Connection: close\r\n" }
        return Array((text + "\r\n").utf8)
    }

    private func body(_ plan: Plan, _ random: inout Random) {
        var end = plan.responseBytes
        if isStruck {
            switch plan.fault {
            case .truncate(let place), .reset(let place), .stall(let place): end = place
            case .none, .resetBeforeHead, .closeBeforeHead, .badHead, .silence: break
            }
        }
        let isChunked = plan.framing == .chunked
        for piece in random.pieces(end, upTo: random.pick([10, 1000, 20_000]) + end / 40) {
            if random.chance(1, in: 12) {
                script([.wait(Nanoseconds(random.next(below: 30_000_000)))])
            }
            let bytes = Pattern.bytes(Pattern.responseKey(plan.id), piece)
            guard isChunked else {
                script([.send(bytes)])
                continue
            }
            let size = Array("\(String(bytes.count, radix: 16))\r\n".utf8)
            script([.send(size + bytes + [13, 10])])
        }
        if isStruck {
            switch plan.fault {
            case .truncate: return script([.close])
            case .reset: return script([.reset])
            case .stall: return script([.until(.never)])
            case .none, .resetBeforeHead, .closeBeforeHead, .badHead, .silence: break
            }
        }
        guard isChunked else { return }
        let trailer = plan.hasTrailer ? "X-Trailer: \(plan.id)\r\n" : ""
        script([.send(Array("0\r\n\(trailer)\r\n".utf8))])
    }

    private func conclude(_ plan: Plan, _ random: inout Random) {
        if plan.framing == .untilClose, plan.hasBodyInResponse { script([.end]) }
        // Closing on a request that is still coming would destroy the answer.
        script([.until(.requestRead)])
        switch plan.afterwards {
        case .keepsAlive: script([.reached(Place.nextRequest)])
        case .closes: script([.close])
        case .closesSilently:
            isLeaving = true
            script([.wait(Nanoseconds(random.next(below: 20_000_000))), .close])
        }
    }
}
