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
//
// An effect is begun by `perform` and is over with `settle`, whenever that is: the strand that waited goes on in the
// loop's next round, never from within the call, and `deliver` gives it what came.

class StageRun: LoopMember {
    enum Ending {
        case proceed
        /// `answer` holds what a function made.
        case answered
        case failed(FunctionFailure)
    }

    private enum State {
        case idle
        case running
        case waiting
    }

    /// How far the strands came.
    private enum Turn {
        case waits
        /// The function has ended and the next one follows.
        case done
        case over(Ending)
    }

    let runtime: FunctionRuntime
    private(set) var stage = Stage.viewerRequest
    private(set) var generation: UInt64 = 0
    private(set) var slot = 0
    private(set) var heads: Heads
    /// What the last function answered, if the run was `answered`.
    var answer = FunctionAnswer()
    /// What this stage has said of the cache.
    var steering = CacheSteering()
    /// Asked for by the host function that is about to wait.
    var effect = Effect.none
    private var chain: [FunctionAttachment] = []
    private var position = 0
    private(set) var strands = Strands()
    private var budget = LuaBudget(instructions: 0)
    private var state = State.idle
    private var limit = Nanoseconds.never
    private var isMember = false
    /// Who waits for bytes of a peer, who has deadlines of its own: this time is free.
    private var peerWait: Wait?
    private var peerAwaited: Nanoseconds = 0
    /// A function that a stage left behind is called, not the stage's chain.
    private var isCall = false
    /// What the heads were before a function that may fail without an end to the request.
    private var before: HeadsBefore?
    private var steeringBefore = CacheSteering()
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
    /// Begins an effect; `settle` when it is done.
    func perform(_ effect: Effect, for wait: Wait) {}
    /// The effect takes longer than it may; it is to be settled now.
    func overdue(_ wait: Wait) {}
    /// Pushes what a settled effect brought and answers how many values that are; nil: it is not over after all.
    func deliver(_ wait: Wait, to thread: LuaThread) -> Int? { 0 }
    /// Nobody waits any more for what was begun.
    func abandonEffects() {}
    /// What the function does next may have to be undone.
    func remember() {}
    /// The function failed and the others go on as if it had not run.
    func undo() {}
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
    /// Keeps a function for when the response has been sent; answers why not.
    func later(_ handler: LuaReference) -> String? { nil }
    /// Whether functions are given an event, and answer it.
    var hasEvent: Bool { true }
    /// One more of what is counted for each function; `hook` is its id.
    func count(_ metric: Metric, of hook: Int, _ second: Int = 0, by amount: Int) {}
    /// A line of a function's own.
    func log(_ level: EventLevel, _ text: String) {}

    // MARK: Running

    var hook: FunctionLibrary.Hook { runtime.facts(hookID) }
    var hookID: Int { chain[position].id }
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
        strands.begin(thread, arguments: 1)
        let ending: Ending?
        switch pump() {
        case .waits: ending = nil
        case .done: ending = .proceed
        case .over(let how): ending = how
        }
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
            count(
                .functionFailures,
                of: chain[0].id,
                Int(FunctionFailure.Kind.throttled.rawValue),
                by: 1
            )
            return FunctionFailure(
                kind: .throttled,
                function: runtime.facts(chain[0].id).title,
                stage: stage,
                message: "\(Limits.functionRunsMax) runs wait on this loop"
            )
        }
        self.slot = slot
        generation = runtime.nextGeneration()
        self.stage = stage
        self.chain = chain
        self.heads = heads
        steering = CacheSteering()
        position = 0
        return nil
    }

    /// A thread with the function on it, and a new budget.
    private func begin(_ function: LuaReference) -> LuaThread {
        invalidity = nil
        let thread = runtime.takeThread()
        thread.stack.push(function)
        budget = runtime.budget
        limit = .never
        return thread
    }

    /// Nobody waits for it any more.
    func cancel() {
        guard !isIdle else { return }
        runtime.hooks[chain[position].id].breaker.abandoned(now: loop.now)
        countInstructions()
        giveUpThreads()
        finish(.proceed)
    }

    /// Runs functions until one waits or the chain is at its end.
    private func advance() -> Ending? {
        while position < chain.count {
            let id = chain[position].id
            guard case .run = runtime.hooks[id].breaker.admit(now: loop.now) else {
                count(.functionFailures, of: id, Int(FunctionFailure.Kind.parked.rawValue), by: 1)
                let hook = runtime.facts(id)
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
            count(.functionRuns, of: id, by: 1)
            before = nil
            if hook.attachment.onError == .open {
                before = HeadsBefore(heads)
                steeringBefore = steering
                remember()
            }
            let thread = begin(runtime.hooks[id].handler)
            if hasEvent { thread.stack.push(EventViews.word(.event, of: self)) }
            strands.begin(thread, arguments: hasEvent ? 1 : 0)
            switch pump() {
            case .waits: return nil
            case .done: continue
            case .over(let ending): return ending
            }
        }
        return .proceed
    }

    /// Runs the strands that can go on. Each takes a slice at most, so a tick has only some of them.
    private func pump() -> Turn {
        state = .running
        var turns = 0
        while turns < Limits.functionTurnsMax, let index = strands.takeReady() {
            turns += 1
            switch goOn(index) {
            case .waits: continue
            case .done: return .done
            case .over(let ending): return .over(ending)
            }
        }
        state = .waiting
        arm()
        return .waits
    }

    private func goOn(_ index: Int) -> Turn {
        guard let arguments = strands.freshArguments(index) ?? arguments(for: index) else {
            return .waits
        }
        let thread = strands.thread(index)
        strands.run(index)
        // The machine asks for its own bytes only; what was brought in is seen here.
        if budget.isMemorySpent, case .fetch = strands[index].effect {
            thread.stack.push("memory limit reached")
            return functionFailed(thread, .memory)
        }
        effect = .none
        let before = runtime.current
        runtime.current = self
        let outcome = thread.resume(arguments: arguments, budget: &budget)
        runtime.current = before
        switch outcome {
        case .finished(let results):
            guard index > 0 else { return functionEnded(thread, results: results) }
            strands.end(index, .results(results))
        case .failed(.runtime) where index > 0:
            let message = FunctionText.bounded(thread.stack.errorText())
            thread.reset(budget: &budget)
            strands.end(index, .failed(message))
        case .failed(let kind): return functionFailed(thread, kind)
        case .sliced: strands.slice(index)
        case .waits:
            let wait = strands.wait(index, for: effect)
            if case .peer = effect {
                peerWait = wait
                peerAwaited = loop.now
            }
            perform(effect, for: wait)
        }
        return .waits
    }

    /// How many values lie ready to go on with; nil: what the strand waits for is not there yet.
    private func arguments(for index: Int) -> Int? {
        let strand = strands[index]
        switch strand.effect {
        case .none, .sleep, .peer: return 0
        case .all:
            gather(for: index, on: strand.thread.stack)
            return 1
        case .fetch:
            strands.reopen(index)
            return deliver(Wait(strand: index, serial: strand.serial), to: strand.thread)
        }
    }

    /// What the functions of `edge.all` returned, as a list of `{ n = …, … }` and `{ error = … }`.
    private func gather(for index: Int, on stack: LuaStack) {
        let children = strands.takeChildren(of: index)
        stack.pushTable(items: children.count, fields: 0)
        for (place, child) in children.enumerated() {
            switch child.outcome {
            case .results(let count):
                stack.pushTable(items: count, fields: 1)
                stack.take(count, from: child.thread.stack)
                stack.push(Int64(count))
                stack.setField("n", of: -2)
            case .failed(let message):
                stack.pushTable(items: 0, fields: 1)
                stack.push(message)
                stack.setField("error", of: -2)
            }
            stack.setRawItem(place + 1, of: -2)
            child.thread.stack.drop(to: 0)
            runtime.giveBack(child.thread)
        }
    }

    /// Counts what was brought in as memory of this run.
    func charge(memoryBytes: Int) { budget.charge(memoryBytes: memoryBytes) }

    private func arm() {
        if !isMember {
            isMember = true
            loop.add(self)
        }
        if limit == .never { limit = loop.now + hook.timeout }
        let end = peerWait == nil ? limit : .never
        loop.setDeadline(self, at: min(strands.earliest(now: loop.now), end))
    }

    // MARK: Going on

    override func expired() {
        guard loop.now < limit || peerWait != nil else {
            fail(.timeout, "it was not done after \(Double(hook.timeout) / 1e9) s", traceback: true)
            return
        }
        for wait in strands.wake(now: loop.now) { overdue(wait) }
        goOn()
    }

    override func flush() { goOn() }

    /// An effect is over. Who waited for it goes on soon, if it still waits.
    func settle(_ wait: Wait) {
        if strands.settle(wait), case .waiting = state { loop.touch(self) }
    }

    // MARK: Bytes of a peer

    var isAwaitingPeer: Bool { peerWait != nil }

    /// Where what the peer sent is left.
    var resultStack: LuaStack {
        guard let peerWait else { preconditionFailure("nobody waits") }
        return strands[peerWait.strand].thread.stack
    }

    /// What was waited for is there; its results lie on `resultStack`.
    func resume(results: Int) {
        guard let wait = peerWait.take() else { return }
        limit += loop.now - peerAwaited
        strands.settle(wait, results: results)
        goOn()
    }

    /// What was waited for cannot be had in a way that the function has to hear as an error.
    func resume(raising message: String) {
        guard let peerWait else { return }
        strands[peerWait.strand].thread.pushRaise(message)
        resume(results: 2)
    }

    private func goOn() {
        guard case .waiting = state else { return }
        switch pump() {
        case .waits: return
        case .done: conclude(advance())
        case .over(let ending): conclude(ending)
        }
    }

    private func fail(_ kind: FunctionFailure.Kind, _ message: String, traceback: Bool) {
        guard case .waiting = state else { return }
        let failure = FunctionFailure(
            kind: kind,
            function: hook.title,
            stage: stage,
            message: message,
            traceback: traceback ? strands[0].thread.traceback() : ""
        )
        state = .running
        countInstructions()
        giveUpThreads()
        let ending = failed(failure)
        conclude(ending ?? advance())
    }

    private func conclude(_ ending: Ending?) {
        guard let ending else { return }
        finish(ending)
        ended(ending)
    }

    // MARK: The end of a function

    /// Once for each function, when nothing of it runs any more.
    private func countInstructions() {
        let spent = runtime.library.settings.instructions - budget.instructionsLeft
        count(.functionInstructions, of: hookID, by: spent)
    }

    private func functionEnded(_ thread: LuaThread, results: Int) -> Turn {
        countInstructions()
        let stack = thread.stack
        var invalid: String?
        var isAnswer = false
        if isCall {
            invalid = take(results, from: stack)
        } else if results > 0, hasEvent {
            // The first result counts.
            stack.drop(to: stack.count - results + 1)
            switch FunctionAnswer.read(stack, into: &answer, self) {
            case .nothing: break
            case .answer: isAnswer = true
            case .invalid(let reason): invalid = reason
            }
        }
        stack.drop(to: 0)
        strands.clear()
        runtime.giveBack(thread)
        if invalid == nil, !isCall {
            invalid = heads.arena.isOverflown ? "its headers are too large" : nil
        }
        if let invalid {
            let failure = FunctionFailure(
                kind: .invalid,
                function: hook.title,
                stage: stage,
                message: invalid
            )
            return failed(failure).map { .over($0) } ?? .done
        }
        // The pieces of one body say nothing of the next request.
        guard !isCall else { return .over(.proceed) }
        if case .recovered = runtime.hooks[chain[position].id].breaker.succeeded() {
            log(.info, "function \(hook.title) runs again")
        }
        guard !isAnswer else { return .over(.answered) }
        position += 1
        return .done
    }

    private func functionFailed(_ thread: LuaThread, _ kind: LuaError.Kind) -> Turn {
        countInstructions()
        let message = thread.stack.errorText()
        let failure = FunctionFailure(
            kind: failureKind(kind, message),
            function: hook.title,
            stage: stage,
            message: FunctionText.bounded(message),
            traceback: FunctionText.bounded(thread.traceback())
        )
        if kind == .runtime {
            thread.reset(budget: &budget)
            strands.clear()
            runtime.giveBack(thread)
        } else {
            giveUpThreads()
        }
        return failed(failure).map { .over($0) } ?? .done
    }

    private func failureKind(_ kind: LuaError.Kind, _ message: String) -> FunctionFailure.Kind {
        switch kind {
        // Whoever catches it may raise it again, with a place in front, or something else.
        case .syntax, .runtime: invalidity.map(message.hasSuffix) == true ? .invalid : .raised
        case .memory: .memory
        case .instructions: .instructions
        }
    }

    /// What was raised last because of something that may not be set.
    var invalidity: String?

    private func failed(_ failure: FunctionFailure) -> Ending? {
        count(.functionFailures, of: hookID, Int(failure.kind.rawValue), by: 1)
        let change = runtime.hooks[chain[position].id].breaker.failed(failure.kind, now: loop.now)
        report(failure, parked: change == .parked)
        // Half of a body changed and half not is no body.
        guard hook.attachment.onError == .open, !isCall else { return .failed(failure) }
        before?.restore(heads)
        steering = steeringBefore
        undo()
        position += 1
        return nil
    }

    private func giveUpThreads() {
        abandonEffects()
        peerWait = nil
        // Lua leaves hooks off in a thread that died inside of one: nothing may ever run on it again, __close neither.
        for thread in strands.removeAll() { thread.forget() }
    }

    private func finish(_ ending: Ending) {
        state = .idle
        isCall = false
        // Views that a function kept are views of nothing from here on: no other run gets this number.
        generation = 0
        runtime.freeSlot(slot)
        heads = Self.nobody
        chain = []
        before = nil
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
