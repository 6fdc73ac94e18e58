// A viewer that sends the requests of its plans and checks every byte of the answers.

@testable import EdgeRuntime

/// How one viewer behaves.
struct Manners {
    /// Requests sent before their predecessors' answers.
    var depth = 1
    /// Half-closes behind the last request.
    var halfCloses = false
    /// Leaves the end of the connection to the edge's idle timeout.
    var lingers = false
    var isSlow = false
    /// Breaks off before this act of its script.
    var quitsAt: Int?
    var quitsAbortively = false

    static func draw(quits: Bool, _ random: inout Random) -> Manners {
        var manners = Manners()
        manners.depth = random.pick([1, 1, 2, 4])
        manners.halfCloses = random.chance(1, in: 4)
        manners.lingers = !manners.halfCloses && random.chance(1, in: 8)
        manners.isSlow = random.chance(1, in: 6)
        if quits, random.chance(1, in: 4) {
            manners.quitsAt = Int(random.next(below: 24))
            manners.quitsAbortively = random.chance(1, in: 2)
        }
        return manners
    }
}

final class ViewerPeer: Peer {
    private let plans: [Plan]
    /// For another connection.
    private let later: [Plan]
    private let manners: Manners
    private var inbox: [UInt8] = []
    private var scanner = HeadScanner(.origin)
    private let arena = Arena()
    private var head = ResponseHead()
    private var decoder = BodyDecoder(.none, limit: .max, from: .origin)
    private var begun = 0
    private var bodiesSent = 0
    private var answered = 0
    private var isInBody = false
    private var isInterim = false
    private var bodyBytes = 0
    private var mayGoAhead = false
    private var hintsSeen = 0
    private var answers: Answer?
    /// Whether the edge may end the connection now, and why.
    private var mayEnd = false
    private var hasQuit = false

    /// What the head of the current answer says.
    private struct Answer {
        var status: Int
        var sim: Int?
        var body: Int?
        var requestID: String
        var verdict: String
    }

    init(world: World, name: String, handle: SocketHandle, plans: [Plan], manners: Manners) {
        // HTTP/1.0 ends its connection; what is left goes over another one.
        let last = plans.firstIndex(where: \.isHTTP10) ?? plans.count - 1
        self.plans = Array(plans[...last])
        later = Array(plans[(last + 1)...])
        self.manners = manners
        super.init(world: world, name: name, handle: handle)
        if manners.isSlow {
            readMost = 8 << 10
            readPause = .milliseconds(20)
        }
        write()
    }

    private func write() {
        var random = Random(seed: plans[0].seed ^ 0x7a11)
        var acts: [Act] = [.wait(Nanoseconds(random.next(below: 300_000_000)))]
        for (index, plan) in plans.enumerated() {
            // Whoever asks for leave first needs to know which answer is whose.
            let ahead = plan.expectsContinue ? 0 : manners.depth - 1
            if index > ahead { acts.append(.until(.responses(index - ahead))) }
            acts += Self.request(plan, &random)
            acts.append(.reached(index))
        }
        if manners.halfCloses { acts.append(.end) }
        acts.append(.until(manners.lingers ? .never : .responses(plans.count)))
        acts.append(.close)
        if let place = manners.quitsAt {
            acts.insert(
                manners.quitsAbortively ? .reset : .close,
                at: min(place, acts.count - 1)
            )
            acts.insert(.reached(-1), at: min(place, acts.count - 1))
        }
        script(acts)
    }

    private static func request(_ plan: Plan, _ random: inout Random) -> [Act] {
        let version = plan.isHTTP10 ? "1.0" : "1.1"
        var text = "\(name(of: plan.method)) \(plan.path) HTTP/\(version)\r\nHost: sim.test\r\n"
        if let bytes = plan.requestBytes {
            text +=
                plan.requestIsChunked
                ? "Transfer-Encoding: chunked\r\n" : "Content-Length: \(bytes)\r\n"
        }
        if plan.expectsContinue { text += "Expect: 100-continue\r\n" }
        text += "\r\n"
        var acts: [Act] = []
        // Now and then a head comes in two pieces.
        let bytes = Array(text.utf8)
        if random.chance(1, in: 5) {
            let cut = Int(random.next(below: UInt64(bytes.count)))
            acts = [
                .send(Array(bytes[..<cut])),
                .wait(Nanoseconds(random.next(below: 5_000_000))),
                .send(Array(bytes[cut...])),
            ]
        } else {
            acts = [.send(bytes)]
        }
        guard let size = plan.requestBytes else { return acts }
        if plan.expectsContinue { acts.append(.until(.goAhead(patience: .seconds(5)))) }
        for piece in random.pieces(size, upTo: 1000 + size / 8) {
            if random.chance(1, in: 4) {
                acts.append(.wait(Nanoseconds(random.next(below: 20_000_000))))
            }
            let bytes = Pattern.bytes(Pattern.requestKey(plan.id), piece)
            guard plan.requestIsChunked else {
                acts.append(.send(bytes))
                continue
            }
            let size = Array("\(String(bytes.count, radix: 16));x=y\r\n".utf8)
            acts.append(.send(size + bytes + [13, 10]))
        }
        if plan.requestIsChunked { acts.append(.send(Array("0\r\n\r\n".utf8))) }
        return acts
    }

    private static func name(of method: EdgeRuntime.Method) -> String {
        "\(method.text)"
    }

    override func reached(_ place: Int) {
        guard place >= 0 else {
            hasQuit = true
            return
        }
        bodiesSent = place + 1
        mayGoAhead = false
    }

    override func holds(_ condition: Condition) -> Bool {
        switch condition {
        case .responses(let count): answered >= count
        case .goAhead: mayGoAhead
        case .requestRead, .never: false
        }
    }

    // MARK: Receiving

    override func received(_ bytes: [UInt8]) {
        inbox += bytes
        do throws(EdgeError) {
            while try advance() {}
        } catch {
            world.fail("\(name): the edge answered what cannot be read: \(error.word)")
            close(abortively: true)
        }
    }

    private var current: Plan { plans[answered] }

    private func advance() throws(EdgeError) -> Bool {
        guard !isClosed, !inbox.isEmpty else { return false }
        guard answered < plans.count else {
            world.fail("\(name): \(inbox.count) bytes behind the last answer")
            inbox = []
            return false
        }
        guard isInBody else { return try readHead() }
        let inbox = self.inbox
        let progress = try decoder.decode(inbox.span, trailers: arena)
        if let data = progress.data { take(inbox.span.extracting(data)) }
        self.inbox.removeFirst(progress.consumed)
        if progress.ended { complete() }
        return progress.consumed > 0
    }

    private func readHead() throws(EdgeError) -> Bool {
        let inbox = self.inbox
        guard let length = try scanner.scan(inbox.span, limits: HeadLimits()) else { return false }
        arena.reset()
        let bytes = inbox.span.extracting(first: length)
        try HeadParser.parseResponse(bytes, into: &head, arena: arena, limits: HeadLimits())
        self.inbox.removeFirst(length)
        scanner.reset()
        if head.status < 200 {
            if current.isHTTP10 { world.fail("\(name): HTTP/1.0 was told \(head.status)") }
            guard head.status == 100 else {
                hintsSeen += 1
                return true
            }
            if !current.expectsContinue {
                world.fail("\(name): told to go on with \(current.id), which did not ask")
            }
            mayGoAhead = true
            loop.touch(self)
            return true
        }
        let answer = Answer(
            status: Int(head.status),
            sim: field("x-sim").flatMap { Int($0) },
            body: field("x-body").flatMap { Int($0) },
            requestID: field("x-edge-id") ?? "",
            verdict: field("x-cache") ?? ""
        )
        world.note(name, "head", current.id, answer.status)
        answers = answer
        check(answer)
        hintsSeen = 0
        if !Framing.keepAlive(head, arena) { mayEnd = true }
        isInBody = true
        bodyBytes = 0
        let framing = try Framing.response(head, arena, to: current.method)
        decoder = BodyDecoder(framing, limit: .max, from: .origin)
        if current.expectsContinue, !mayGoAhead, bodiesSent <= answered {
            // The answer came instead of the leave to send: the body is not sent, and the connection is spent.
            dropScript()
            mayEnd = true
            script([.until(.responses(answered + 1)), .close])
        }
        if framing == .none || framing == .length(0) { complete() }
        return true
    }

    private func field(_ name: StaticString) -> String? {
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            let arena = arena
            if arena.name(of: field).equalsIgnoringCase(name) { return arena[field.value].text }
        }
        return nil
    }

    private func check(_ answer: Answer) {
        let plan = current
        guard let sim = answer.sim else {
            if !world.mayFail(plan) {
                world.fail(
                    "\(name): exchange \(plan.id) has no fault and got \(answer.status) "
                        + answer.verdict
                )
            }
            return
        }
        if !world.mayFail(plan), !plan.isHTTP10, hintsSeen != plan.hints {
            world.fail("\(name): exchange \(plan.id) got \(hintsSeen) of \(plan.hints) hints")
        }
        if sim != plan.id { world.fail("\(name): exchange \(plan.id) got the answer of \(sim)") }
        if answer.status != plan.status {
            world.fail("\(name): exchange \(plan.id) got status \(answer.status)")
        }
        if !plan.answersEarly, answer.body != plan.requestBytes ?? 0 {
            world.fail("\(name): the origin of \(plan.id) got another body")
        }
    }

    private func take(_ bytes: Span<UInt8>) {
        let plan = current
        if answers?.sim != nil,
            !Pattern.matches(bytes, Pattern.responseKey(plan.id), at: bodyBytes)
        {
            world.fail("\(name): response \(plan.id): wrong bytes at \(bodyBytes)")
        }
        bodyBytes += bytes.count
        if bodyBytes > plan.responseBytes, answers?.sim != nil {
            world.fail("\(name): response \(plan.id) has more than \(plan.responseBytes) bytes")
        }
    }

    /// The answer came to a clean end.
    private func complete() {
        guard let answers else { return }
        let plan = current
        isInBody = false
        if answers.sim != nil {
            if bodyBytes != plan.bytesToCome {
                world.fail("\(name): response \(plan.id) ended cleanly after \(bodyBytes) bytes")
            }
            if world.isBroken(plan) {
                world.fail("\(name): the broken response \(plan.id) looks whole")
            }
        }
        world.note(name, "complete", plan.id, bodyBytes)
        world.completed(plan, answers.status, answers.requestID, isOrigins: answers.sim != nil)
        // The edge does not wait for a body that nobody wants any more.
        if plan.answersEarly || bodiesSent <= answered { mayEnd = true }
        answered += 1
        mayGoAhead = false
        loop.touch(self)
    }

    // MARK: Ending

    override func ended() {
        if isInBody {
            do throws(EdgeError) {
                if try decoder.inputClosed() { complete() }
            } catch {
                world.truncated(current)
                if !world.mayFail(current) {
                    world.fail("\(name): response \(current.id) was cut at \(bodyBytes)")
                }
                mayEnd = true
                answered += 1
            }
        }
        connectionEnds("ended")
    }

    override func broken() {
        if isInBody {
            world.truncated(current)
            if !world.mayFail(current) {
                world.fail("\(name): response \(current.id) was reset at \(bodyBytes)")
            }
            mayEnd = true
            answered += 1
        }
        connectionEnds("was reset")
    }

    private func connectionEnds(_ how: String) {
        if answered < plans.count, !mayEnd {
            if !world.mayFail(current) {
                world.fail("\(name): the connection \(how) before answer \(current)")
            }
            // The rest was not to blame and is asked for again.
            answered += 1
        }
        close()
    }

    override func close(abortively: Bool = false) {
        guard !isClosed else { return }
        super.close(abortively: abortively)
        world.viewerLeft(hasQuit ? [] : Array(plans[answered...]) + later)
    }
}
