// A function between a body and who takes it: each piece goes in, what the function makes of it comes out.
//
//   origin ─▶ fetch.body ─▶ filter ─▶ filter ─▶ viewer's connection
//   viewer ─▶ exchange.requestBody ─▶ filter ─▶ origin's connection
//
// Pulled from its end: nothing is taken from the source before what came of the piece before is gone, so a slow taker
// holds the origin back as without a filter. Between two pieces it holds no Lua thread. The last call gets nil.

final class BodyFilter: LoopMember {
    enum Source {
        case none
        case fetch(Fetch)
        case exchange(Exchange)
        /// What the fetch sends, before its filters.
        case request(Fetch)
        case filter(BodyFilter)
    }

    private enum State {
        case open
        case calling
        case ended
    }

    private let map: BodyMap
    private var source: Source
    private let exchange: Exchange
    private let fetch: Fetch?
    private let run: HookRun
    private var state = State.open
    private var isAtEnd = false
    var output = BodyFlow()
    private var chunk: Chunk?
    private var lastCall: Nanoseconds = 0
    private var calls = 0
    /// The map of an upload has failed; told from the loop, since whoever pulls is in the middle of its own work.
    private var failure: EdgeError?

    init(_ map: BodyMap, from source: Source, exchange: Exchange, fetch: Fetch?) {
        self.map = map
        self.source = source
        self.exchange = exchange
        self.fetch = fetch
        run = exchange.generation.takeRun(exchange.context)
        super.init(loop: exchange.context.loop)
        loop.add(self)
        run.serve(self, exchange, fetch)
    }

    /// Nobody takes from it any more.
    func stop() {
        if case .none = source { return }
        if case .filter(let before) = source { before.stop() }
        source = .none
        run.leaveFilter()
        exchange.generation.giveBack(run)
        loop.remove(self)
        output.reset()
    }

    // MARK: Taking

    func pull() -> BodyFlow.Pull {
        while output.isEmptyForNow, step() {}
        return output.pull()
    }

    /// For somebody who gathers the output.
    func pump() {
        while output.isRoom(loop.chunks.allowance), step() {}
    }

    /// Whether a pull would answer `pending` and nothing but news would change that.
    var isEmptyForNow: Bool {
        guard output.isEmptyForNow else { return false }
        switch state {
        case .calling, .ended: return true
        case .open: return hasHadItsTurn || isSourceEmpty
        }
    }

    private var isSourceEmpty: Bool {
        switch source {
        case .none: true
        case .fetch(let fetch): fetch.body.isEmptyForNow
        case .exchange(let exchange): exchange.isSourceEmptyForNow
        case .request(let fetch): fetch.isRequestSourceEmptyForNow
        case .filter(let filter): filter.isEmptyForNow
        }
    }

    private func pullSource() -> BodyFlow.Pull {
        switch source {
        case .none: return .ended
        case .fetch(let fetch): return fetch.pullSource()
        case .exchange(let exchange): return exchange.pullSource()
        case .request(let fetch): return fetch.pullRequestSource()
        case .filter(let filter): return filter.pull()
        }
    }

    // MARK: Calling

    /// A tick has other connections as well.
    private var hasHadItsTurn: Bool { lastCall == loop.now && calls >= Limits.bodyCallsPerTick }

    /// One call at most. False: nothing goes on before there is news.
    private func step() -> Bool {
        guard case .open = state, !hasHadItsTurn else { return false }
        switch pullSource() {
        case .pending: return false
        case .bytes(var range):
            call(range)
            loop.chunks.stockIfLast(&range.chunk)
        case .ended:
            isAtEnd = true
            call(nil)
        case .failed(let error):
            state = .ended
            output.fail(error)
        }
        return true
    }

    private func call(_ piece: ChunkRange?) {
        if lastCall != loop.now {
            lastCall = loop.now
            calls = 0
        }
        calls += 1
        // In the next tick it goes on.
        if hasHadItsTurn { loop.setDeadline(self, at: loop.now) }
        state = .calling
        let heads = fetch?.heads ?? exchange.heads
        let ending = run.call(
            map.function,
            of: map.attachment,
            map.stage,
            heads: heads,
            piece: piece
        )
        if let ending { called(ending) }
    }

    private func called(_ ending: StageRun.Ending) {
        state = .open
        switch ending {
        case .proceed, .answered:
            guard isAtEnd else { return }
            state = .ended
            output.end()
        case .failed(let failure):
            state = .ended
            switch map.side {
            case .response: output.fail(failure.kind.error)
            case .request:
                self.failure = failure.kind.error
                loop.setDeadline(self, at: loop.now)
            }
        }
    }

    // MARK: Told by its run

    /// A call that had to wait is over.
    func callEnded(_ ending: StageRun.Ending) {
        called(ending)
        touchTaker()
    }

    /// Takes what the function returned; answers what is wrong with it.
    func take(_ results: Int, from stack: LuaStack) -> String? {
        guard results > 0 else { return nil }
        let index = stack.count - results + 1
        if case .nil = stack.kind(at: index) { return nil }
        guard let text = stack.text(at: index) else {
            return "the function of \(map.side.word):map returned \(stack.kindName(at: index)):"
                + " return a string, or nil for nothing"
        }
        let limit = map.runtime.library.settings.responseBytes
        guard text.count <= limit else {
            return "the function of \(map.side.word):map returned \(text.count) bytes;"
                + " functions.limits.response is \(limit)"
        }
        output.push(copyOf: text.span, in: &chunk, loop.chunks)
        return nil
    }

    override func expired() {
        if let failure {
            exchange.requestMapFailed(failure)
            return
        }
        touchTaker()
    }

    private func touchTaker() {
        switch map.side {
        case .response: exchange.touchHost()
        case .request: fetch?.requestBodyArrived()
        }
    }
}
