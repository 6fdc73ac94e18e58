// One stage of one exchange: its functions in their order, each on a Lua thread, with their limits.
//
//   begin ─▶ run a function ─▶ next function … ─▶ proceed
//              │  ▲     │ └──▶ answered: what it returned is the response
//     effect,  │  │     └────▶ failed, or skipped where `on_error = "open"`
//     slice    ▼  │
//            waiting ── cancel ─▶ given up
//
// Most runs end before `begin` returns and are never seen by the loop. One that waits becomes a member: its deadline
// is the earlier of what it waits for and its wall time. A subclass says what the views show, performs effects, and
// hears of the end of a run that had to wait.

class StageRun: LoopMember {
    enum Ending {
        case proceed
        /// `answer` holds what a function made.
        case answered
        case failed(FunctionFailure)
    }

    enum Effect {
        case none
        case sleep(until: Nanoseconds)
        /// Bytes of a peer, who has deadlines of its own: this time is free.
        case peer
        /// Something that the subclass performs; see `perform`.
        case other
    }

    private enum State {
        case idle
        case running
        case waiting
        case sliced
    }

    let runtime: FunctionRuntime
    private(set) var stage = Stage.viewerRequest
    private(set) var generation: UInt64 = 1
    private(set) var slot = 0
    private(set) var heads: Heads
    /// What the last function answered, if the run was `answered`.
    var answer = FunctionAnswer()
    /// Asked for by the host function that is about to wait.
    var effect = Effect.none
    private var chain: [FunctionAttachment] = []
    private var position = 0
    private var thread: LuaThread?
    private var budget = LuaBudget(instructions: 0)
    private var state = State.idle
    private var limit = Nanoseconds.never
    private var isMember = false
    private var peerAwaited: Nanoseconds = 0
    /// A function that a stage left behind is called, not the stage's chain.
    private var isCall = false
    var logLines = 0
    var fetches = 0

    init(runtime: FunctionRuntime, loop: EventLoop) {
        self.runtime = runtime
        heads = Self.nobody
        super.init(loop: loop)
    }

    /// Stands in while nothing runs.
    nonisolated(unsafe) private static let nobody = Heads()

    // MARK: For the subclass

    /// Pushes what a view of this stage says, or nothing and answers false where the field does not exist.
    func push(_ field: ViewField, on stack: LuaStack) -> Bool { false }
    /// Takes what lies at `index`; answers what is wrong with it.
    func assign(_ field: ViewField, from stack: LuaStack, at index: Int) -> String? { nil }
    /// A field of the access log; answers what is wrong with it.
    func note(_ name: [UInt8], from stack: LuaStack, at index: Int) -> String? { nil }
    /// Begins what `effect == .other` stands for; `resume` when it is done.
    func perform() {}
    /// Sees that the peer sends; `resume` when its bytes are there.
    func awaitPeer() {}
    /// Takes what a function called by `call` returned; answers what is wrong with it.
    func take(_ results: Int, from stack: LuaStack) -> String? { nil }
    /// Pushes the whole body, or waits for it.
    func read(_ body: BodySide, atMost: Int, _ call: LuaCall) -> CInt { 0 }
    /// Pushes the next piece of a body, or nil at its end, or waits for it.
    func readNext(of body: BodySide, isFirst: Bool, _ call: LuaCall) -> CInt { 0 }
    /// Why the body cannot be mapped.
    func mapFault(_ body: BodySide) -> String? { nil }
    /// The run had to wait and has ended now.
    func ended(_ ending: Ending) {}
    /// A function failed; also where that does not end the run.
    func report(_ failure: FunctionFailure, parked: Bool) {}
    /// A line of a function's own.
    func log(_ level: EventLevel, _ text: String) {}

    // MARK: Running

    var hook: FunctionLibrary.Hook { runtime.library.hooks[chain[position].id] }
    var hookReferences: FunctionRuntime.Hook { runtime.hooks[chain[position].id] }
    var isIdle: Bool {
        if case .idle = state { return true }
        return false
    }

    /// The ending, or nil if the run waits: then `ended` is called.
    func begin(_ stage: Stage, _ chain: [FunctionAttachment], heads: Heads) -> Ending? {
        if let failure = enter(stage, chain, heads) { return .failed(failure) }
        logLines = 0
        fetches = 0
        let ending = advance()
        if let ending { finish(ending) }
        return ending
    }

    /// Calls a function that `attachment` left behind, with a piece or nil; `take` gets what it returns. What it may
    /// log and fetch is counted over all its calls.
    func call(
        _ function: LuaReference,
        of attachment: FunctionAttachment,
        _ stage: Stage,
        heads: Heads,
        piece: ChunkRange?
    ) -> Ending? {
        if let failure = enter(stage, [attachment], heads) {
            report(failure, parked: false)
            return .failed(failure)
        }
        isCall = true
        let thread = begin(function)
        if let piece {
            let bytes = piece.bytes
            thread.stack.push(bytes)
        } else {
            thread.stack.pushNil()
        }
        let ending = goOn(arguments: 1)
        if let ending { finish(ending) }
        return ending
    }

    private func enter(
        _ stage: Stage,
        _ chain: [FunctionAttachment],
        _ heads: Heads
    ) -> FunctionFailure? {
        precondition(isIdle, "one stage at a time")
        guard let slot = runtime.takeSlot(for: self) else {
            return FunctionFailure(
                kind: .throttled,
                function: runtime.library.hooks[chain[0].id].title,
                stage: stage,
                message: "\(Limits.functionRunsMax) runs wait on this loop"
            )
        }
        self.slot = slot
        self.stage = stage
        self.chain = chain
        self.heads = heads
        position = 0
        return nil
    }

    /// A thread with the function on it, and a new budget.
    private func begin(_ function: LuaReference) -> LuaThread {
        let thread = runtime.takeThread()
        self.thread = thread
        thread.stack.push(function)
        let settings = runtime.library.settings
        budget = LuaBudget(
            instructions: settings.instructions,
            memoryBytes: settings.memoryBytes,
            slice: Limits.functionSlice
        )
        limit = .never
        return thread
    }

    /// Nobody waits for it any more.
    func cancel() {
        guard !isIdle else { return }
        runtime.hooks[chain[position].id].breaker.abandoned(now: loop.now)
        giveUpThread()
        finish(.proceed)
    }

    /// Runs functions until one waits or the chain is at its end.
    private func advance() -> Ending? {
        while position < chain.count {
            let id = chain[position].id
            let hook = runtime.library.hooks[id]
            guard case .run = runtime.hooks[id].breaker.admit(now: loop.now) else {
                let failure = FunctionFailure(
                    kind: .parked,
                    function: hook.title,
                    stage: stage,
                    message: "it failed \(Limits.functionFailuresMax) times in a row"
                )
                if hook.attachment.onError == .closed { return .failed(failure) }
                position += 1
                continue
            }
            let thread = begin(runtime.hooks[id].handler)
            thread.stack.push(EventViews.word(.event, of: self))
            let ending = goOn(arguments: 1)
            if ending != nil || state != .running { return ending }
        }
        return .proceed
    }

    /// Resumes the thread: an ending of the whole run, or nil with `state` saying whether it waits.
    private func goOn(arguments: Int) -> Ending? {
        guard let thread else { preconditionFailure("a run without a thread") }
        state = .running
        effect = .none
        let before = runtime.current
        runtime.current = self
        let outcome = thread.resume(arguments: arguments, budget: &budget)
        runtime.current = before
        switch outcome {
        case .finished(let results): return functionEnded(thread, results: results)
        case .failed(let kind): return functionFailed(thread, kind)
        case .sliced:
            state = .sliced
            // Not in this tick: whoever waits meanwhile comes first.
            wait(until: loop.now + 1)
            return nil
        case .waits:
            state = .waiting
            switch effect {
            case .sleep(let until): wait(until: until)
            case .peer:
                peerAwaited = loop.now
                wait(until: .never)
                loop.setDeadline(self, at: .never)
                awaitPeer()
            case .other, .none:
                wait(until: .never)
                perform()
            }
            return nil
        }
    }

    private func wait(until wake: Nanoseconds) {
        if !isMember {
            isMember = true
            loop.add(self)
        }
        if limit == .never { limit = loop.now + hook.timeout }
        loop.setDeadline(self, at: min(wake, limit))
    }

    // MARK: Going on

    override func expired() {
        guard loop.now < limit else {
            fail(.timeout, "it was not done after \(Double(hook.timeout) / 1e9) s", traceback: true)
            return
        }
        switch state {
        case .sliced: resume(results: 0)
        case .waiting:
            if case .sleep = effect { resume(results: 0) } else { wait(until: .never) }
        case .idle, .running: break
        }
    }

    /// Where what is waited for leaves its results.
    var resultStack: LuaStack {
        guard let thread else { preconditionFailure("nobody waits") }
        return thread.stack
    }

    /// What was waited for is done; its results lie on `resultStack`.
    func resume(results: Int) {
        forgivePeer()
        conclude(goOn(arguments: results))
    }

    /// What was waited for cannot be had in a way that the function has to hear as an error.
    func resume(raising message: String) {
        guard let thread else { return }
        forgivePeer()
        thread.pushRaise(message)
        conclude(goOn(arguments: 2))
    }

    private func forgivePeer() {
        guard case .peer = effect else { return }
        limit += loop.now - peerAwaited
    }

    private func fail(_ kind: FunctionFailure.Kind, _ message: String, traceback: Bool) {
        guard let thread else { return }
        let failure = FunctionFailure(
            kind: kind,
            function: hook.title,
            stage: stage,
            message: message,
            traceback: traceback ? thread.traceback() : ""
        )
        giveUpThread()
        conclude(failed(failure))
    }

    private func conclude(_ ending: Ending?) {
        var ending = ending
        if ending == nil, case .running = state { ending = advance() }
        guard let ending else { return }
        finish(ending)
        ended(ending)
    }

    // MARK: The end of a function

    private func functionEnded(_ thread: LuaThread, results: Int) -> Ending? {
        let stack = thread.stack
        var invalid: String?
        var isAnswer = false
        if isCall {
            invalid = take(results, from: stack)
        } else if results > 0 {
            // The first result counts.
            stack.drop(to: stack.count - results + 1)
            switch FunctionAnswer.read(stack, into: &answer, self) {
            case .nothing: break
            case .answer: isAnswer = true
            case .invalid(let reason): invalid = reason
            }
        }
        stack.drop(to: 0)
        self.thread = nil
        runtime.giveBack(thread)
        if invalid == nil, !isCall {
            invalid = heads.arena.isOverflown ? "its headers are too large" : nil
        }
        if let invalid {
            return failed(
                FunctionFailure(
                    kind: .invalid,
                    function: hook.title,
                    stage: stage,
                    message: invalid
                )
            )
        }
        // The pieces of one body say nothing of the next request.
        guard !isCall else { return .proceed }
        if case .recovered = runtime.hooks[chain[position].id].breaker.succeeded() {
            log(.info, "function \(hook.title) runs again")
        }
        guard !isAnswer else { return .answered }
        position += 1
        return nil
    }

    private func functionFailed(_ thread: LuaThread, _ kind: LuaError.Kind) -> Ending? {
        let message = FunctionText.bounded(thread.stack.errorText())
        let failure = FunctionFailure(
            kind: failureKind(kind),
            function: hook.title,
            stage: stage,
            message: message,
            traceback: FunctionText.bounded(thread.traceback())
        )
        self.thread = nil
        if kind == .runtime {
            thread.reset(budget: &budget, isKilled: false)
            runtime.giveBack(thread)
        } else {
            // Lua leaves hooks off in a thread that died inside of one, so nothing may ever run on it again.
            thread.forget()
        }
        return failed(failure)
    }

    private func failureKind(_ kind: LuaError.Kind) -> FunctionFailure.Kind {
        switch kind {
        case .syntax, .runtime: isInvalid ? .invalid : .raised
        case .memory: .memory
        case .instructions: .instructions
        }
    }

    /// The error was raised because of something that may not be set.
    var isInvalid = false

    private func failed(_ failure: FunctionFailure) -> Ending? {
        isInvalid = false
        let change = runtime.hooks[chain[position].id].breaker.failed(now: loop.now)
        report(failure, parked: change == .parked)
        // Half of a body changed and half not is no body.
        guard hook.attachment.onError == .open, !isCall else { return .failed(failure) }
        state = .running
        position += 1
        return nil
    }

    private func giveUpThread() {
        guard let thread = self.thread.take() else { return }
        thread.reset(budget: &budget, isKilled: true)
        thread.forget()
    }

    private func finish(_ ending: Ending) {
        state = .idle
        isCall = false
        // Views that a function kept are views of nothing from here on.
        generation &+= 1
        runtime.freeSlot(slot)
        heads = Self.nobody
        chain = []
        if isMember {
            isMember = false
            loop.remove(self)
        }
    }
}

enum FunctionText {
    static func bounded(_ text: String) -> String {
        guard text.utf8.count > Limits.functionMessageBytesMax else { return text }
        return String(decoding: text.utf8.prefix(Limits.functionMessageBytesMax), as: UTF8.self)
            + "…"
    }
}
