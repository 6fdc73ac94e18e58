// A stage of functions as this edge runs it: what the views show beyond the heads, where the log's lines go, and what
// becomes of the end. `ViewerFunctions` and `FetchFunctions` begin it.

/// What the functions of one request share and leave behind; the exchange's, whichever stage wrote it.
struct FunctionTraces {
    /// `event.state`, kept by the machine of the exchange's generation.
    var state = LuaReference.none
    /// The viewer's stage that runs now.
    var run: HookRun?
    /// Fields of the access log, in the exchange's arena.
    var notes: [AccessRecord.Note] = []
    /// The function that failed last.
    var failed = ""
    /// A function made the answer.
    var hasAnswered = false
    /// For when the response has been sent.
    var deferred: [BackgroundTask] = []

    /// The functions of the origin's stages, which run for another exchange, share what those of the viewer's know.
    mutating func share(_ others: inout FunctionTraces, of generation: Generation) {
        guard let stack = generation.functions?.state.stack else { return }
        if others.state.isNone {
            stack.pushTable()
            others.state = stack.keep()
        }
        stack.push(others.state)
        state = stack.keep()
    }

    /// What they leave for the viewer's log and functions.
    mutating func take(_ others: FunctionTraces, from source: Arena, into arena: Arena) {
        for note in others.notes where notes.count < Limits.functionNotesMax {
            notes.append(
                .init(
                    name: arena.append(note.name, from: source),
                    value: arena.append(note.value, from: source)
                )
            )
        }
        if !others.failed.isEmpty { failed = others.failed }
        if others.hasAnswered { hasAnswered = true }
    }

    mutating func reset() {
        if !notes.isEmpty { notes.removeAll(keepingCapacity: true) }
        if !deferred.isEmpty { deferred.removeAll() }
        hasAnswered = false
        if !failed.isEmpty { failed = "" }
    }
}

final class HookRun: FetchingRun {
    private(set) var exchange: Exchange?
    private(set) var fetch: Fetch?
    /// What the functions did to the bodies.
    private(set) var changes = BodyChanges()
    private var changesBefore: BodyChanges?
    /// The body that a function waits for.
    var reading: BodyReading?
    /// Whom it serves that calls a function for each piece of a body; nil while it runs stages.
    private unowned(unsafe) var filter: BodyFilter?

    // MARK: Beginning and ending

    /// The event for the viewer's machine, or nil if it comes later.
    func begin(_ stage: Stage, _ chain: [FunctionAttachment], for exchange: Exchange) -> Ending? {
        self.exchange = exchange
        return begin(stage, chain, heads: exchange.heads)
    }

    func begin(_ stage: Stage, _ chain: [FunctionAttachment], for fetch: Fetch) -> Ending? {
        exchange = fetch.exchange
        self.fetch = fetch
        return begin(stage, chain, heads: fetch.heads)
    }

    /// What it leaves when it is over; after this it may serve another stage.
    func release() -> BodyChanges {
        endReading()
        changes.forgetDropped()
        changesBefore = nil
        defer {
            changes = BodyChanges()
            exchange = nil
            fetch = nil
        }
        return changes
    }

    func serve(_ filter: BodyFilter, _ exchange: Exchange, _ fetch: Fetch?) {
        self.filter = filter
        self.exchange = exchange
        self.fetch = fetch
    }

    func leaveFilter() {
        cancel()
        _ = release()
        filter = nil
    }

    /// Nobody waits for it any more.
    func giveUp() {
        guard !isIdle else { return }
        cancel()
        let exchange = self.exchange
        let fetch = self.fetch
        var changes = release()
        changes.forget()
        if let fetch { fetch.functionRun = nil } else { exchange?.functions.run = nil }
        exchange?.generation.giveBack(self)
    }

    override func ended(_ ending: Ending) {
        if let filter {
            filter.callEnded(ending)
        } else if let fetch {
            let event = FetchFunctions.ended(ending, self, fetch)
            fetch.apply(event)
        } else if let exchange {
            let event = ViewerFunctions.ended(ending, self, exchange)
            exchange.stageEnded(event)
        }
    }

    override func remember() { changesBefore = changes }

    override func undo() {
        endReading()
        if let before = changesBefore.take() { changes.undo(to: before) }
    }

    // MARK: Bodies

    override func take(_ results: Int, from stack: LuaStack) -> String? {
        filter?.take(results, from: stack)
    }

    override func read(_ body: BodySide, atMost: Int, _ call: LuaCall) -> CInt {
        let bytesMax = min(atMost, runtime.library.settings.bodyBytes)
        return beginReading(BodyReading(side: body, bytesMax: bytesMax), call)
    }

    override func readNext(of body: BodySide, isFirst: Bool, _ call: LuaCall) -> CInt {
        beginReading(readingOfNext(body, isFirst: isFirst), call)
    }

    override func mapFault(_ body: BodySide) -> String? { bodyFault(body) }
    override func flush() {
        lookAtFlow()
        super.flush()
    }

    private func assign(_ side: BodySide, from stack: LuaStack, at index: Int) -> String? {
        let settings = runtime.library.settings
        let limit = side == .request ? settings.bodyBytes : settings.responseBytes
        let key = side == .request ? "body" : "response"
        switch BodyAssignment(stack, at: index) {
        case .none: return "takes a string, or what map gives"
        case .bytes(let bytes):
            guard bytes.count <= limit else {
                return "has \(bytes.count) bytes; functions.limits.\(key) is \(limit)"
            }
            endReading()
            changes.replace(side, by: bytes)
            switch side {
            case .request: BodyDescription.replace(&heads.request.fields, heads.arena)
            case .response:
                BodyDescription.replace(&heads.response.fields, heads.arena)
                BodyDescription.makeWhole(&heads.response, heads.arena)
            }
        case .map(let function):
            endReading()
            changes.maps.append(
                BodyMap(
                    function: function,
                    side: side,
                    stage: stage,
                    attachment: hook.attachment,
                    runtime: runtime
                )
            )
            switch side {
            case .request: BodyDescription.map(&heads.request.fields, heads.arena)
            case .response: BodyDescription.map(&heads.response.fields, heads.arena)
            }
        }
        return nil
    }

    // MARK: Effects

    override var fetchPlace: (generation: Generation, heads: Heads)? {
        exchange.map { ($0.generation, $0.heads) }
    }

    override func perform(_ effect: Effect, for wait: Wait) {
        guard case .peer = effect else { return super.perform(effect, for: wait) }
        touchPeer()
    }

    // MARK: What views show

    override func push(_ field: ViewField, on stack: LuaStack) -> Bool {
        guard let exchange else { return false }
        switch field {
        case .eventID:
            let id = exchange.id.text
            stack.push(id.span)
        case .eventDistribution: stack.push(exchange.distribution?.name ?? "")
        case .eventBehavior: stack.push(exchange.behavior?.path ?? "")
        case .eventState:
            if exchange.functions.state.isNone {
                stack.pushTable()
                stack.pushCopy(of: -1)
                exchange.functions.state = stack.keep()
            } else {
                stack.push(exchange.functions.state)
            }
        case .eventOrigin: stack.push(EventViews.word(.origin, of: self))
        case .originName:
            guard let fetch else { return false }
            let configuration = exchange.generation.configuration
            stack.push(configuration.origins[fetch.route.origin].name)
        case .viewerIP:
            guard exchange.viewer.peer != nil || exchange.viewer.address != .anyIPv4 else {
                return false
            }
            stack.push("\(exchange.viewer.address)")
        case .viewerPort: stack.push(Int64(exchange.viewer.port))
        case .viewerProtocol: stack.push(exchange.viewer.tls == nil ? "http" : "https")
        case .viewerTLS:
            guard exchange.viewer.tls != nil else { return false }
            stack.push(EventViews.word(.tls, of: self))
        case .tlsVersion:
            guard let tls = exchange.viewer.tls else { return false }
            stack.push(tls.version.word)
        case .tlsCipher:
            guard let tls = exchange.viewer.tls else { return false }
            stack.push(tls.cipher.word)
        case .responseSource: stack.push(source(of: exchange))
        case .responseTags: CacheTags.push(heads.response.fields, heads.arena, on: stack)
        case .eventCache:
            guard exchange.cache.verdict != .none else { return false }
            stack.push(EventViews.word(.cache, of: self))
        case .cacheVerdict: stack.push(exchange.cache.verdict.kind)
        case .cacheReason:
            guard let word = exchange.cache.verdict.word else { return false }
            stack.push(word)
        case .cacheAge:
            guard exchange.cache.object != nil else { return false }
            stack.push(max(0, exchange.cache.age))
        default: return false
        }
        return true
    }

    private func source(of exchange: Exchange) -> StaticString {
        if exchange.functions.hasAnswered { return "function" }
        if fetch != nil { return "origin" }
        switch exchange.body {
        case .fetched: return "origin"
        case .stored: return exchange.result == .miss ? "origin" : "cache"
        case .made: return "function"
        case .own, .none: return "edge"
        }
    }

    override func assign(_ field: ViewField, from stack: LuaStack, at index: Int) -> String? {
        switch field {
        case .requestBody: return assign(.request, from: stack, at: index)
        case .responseBody: return assign(.response, from: stack, at: index)
        case .eventOrigin:
            guard let fetch, let exchange, let name = stack.string(at: index) else {
                return "takes the name of an origin"
            }
            let origins = exchange.generation.configuration.origins
            guard let place = origins.firstIndex(where: { $0.name == name }) else {
                let near = Suggestion.nearest(to: name, among: origins.map(\.name))
                return "is no origin of the configuration: '\(name)'"
                    + (near.map { " (did you mean '\($0)'?)" } ?? "")
            }
            fetch.route.redirect(to: place)
            return nil
        default: return "cannot be assigned"
        }
    }

    override func note(_ name: [UInt8], from stack: LuaStack, at index: Int) -> String? {
        guard let exchange else { return "the request has ended" }
        if stack.kind(at: index) == .nil { return nil }
        guard exchange.functions.notes.count < Limits.functionNotesMax else {
            return "there are more than \(Limits.functionNotesMax) fields"
        }
        guard !name.isEmpty, name.count <= 64, name.span.isToken else {
            return "is not a field's name"
        }
        guard let value = Self.noted(stack, at: index) else { return "takes a string or a number" }
        let arena = exchange.arena
        guard arena.used < Limits.arenaBytesMax - Limits.functionArenaReserve else {
            return "there is no room for it"
        }
        let spelled = arena.append(name.span)
        // What a viewer sent may be of any length: that is no fault of the function.
        let written = arena.append(value.span.extracting(first: Limits.functionNoteBytesMax))
        exchange.functions.notes.append(.init(name: spelled, value: written))
        return nil
    }

    private static func noted(_ stack: LuaStack, at index: Int) -> [UInt8]? {
        guard stack.kind(at: index) == .boolean else { return stack.text(at: index) }
        return Array((stack.boolean(at: index) ? "true" : "false").utf8)
    }

    override func later(_ handler: LuaReference) -> String? {
        guard let exchange else { return "the request has ended" }
        guard exchange.functions.deferred.count < Limits.functionDefersMax else {
            return "more than \(Limits.functionDefersMax) calls of edge.defer for one request"
        }
        let place = runtime.addHook(
            handler,
            title: hook.title,
            metricIndex: hookReferences.metricIndex
        )
        exchange.functions.deferred.append(BackgroundTask(cause: .deferred, hook: place))
        return nil
    }

    // MARK: Telling the operator

    override func log(_ level: EventLevel, _ text: String) {
        context.events.log(
            level,
            "function_log",
            [
                EventField("function", .text(hook.title)),
                EventField("stage", .word(stage.word)),
                EventField("request", .text(requestID)),
                EventField("text", .text(text)),
            ]
        )
    }

    override func report(_ failure: FunctionFailure, parked: Bool) {
        exchange?.functions.failed = failure.function
        context.events.log(
            .error,
            "function_failed",
            [
                EventField("function", .text(failure.function)),
                EventField("stage", .word(stage.word)),
                EventField("reason", .word(failure.kind.word)),
                EventField("message", .text(failure.message)),
                EventField("traceback", .text(failure.traceback)),
                EventField("request", .text(requestID)),
                EventField("on_error", .text(hook.attachment.onError.rawValue)),
            ]
        )
        guard parked else { return }
        context.events.log(
            .error,
            "function_parked",
            [
                EventField("function", .text(failure.function)),
                EventField("failures", .number(Int64(Limits.functionFailuresMax))),
                EventField("for", .duration(Limits.functionParkTime)),
            ]
        )
    }

    private var requestID: String {
        guard let exchange else { return "" }
        let text = exchange.id.text
        return text.span.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}

/// The functions of the viewer's two stages.
enum ViewerFunctions {
    /// Nil: the stage waits, `stageEnded` follows.
    static func begin(_ stage: Stage, for exchange: Exchange) -> ViewerMachine.Event? {
        guard exchange.generation.functions != nil, let behavior = exchange.behavior else {
            return .proceeded
        }
        let chain = behavior.functions.chain(stage)
        guard !chain.isEmpty, !exchange.isUpgraded else { return .proceeded }
        if stage == .viewerRequest { exchange.request.path = exchange.fetchPath }
        let run = exchange.generation.takeRun(exchange.context)
        exchange.functions.run = run
        guard let ending = run.begin(stage, chain, for: exchange) else { return nil }
        return ended(ending, run, exchange)
    }

    static func ended(
        _ ending: StageRun.Ending,
        _ run: HookRun,
        _ exchange: Exchange
    ) -> ViewerMachine.Event {
        let stage = run.stage
        let answer = run.answer
        let steering = run.steering
        var changes = run.release()
        exchange.functions.run = nil
        exchange.generation.giveBack(run)
        switch ending {
        case .failed(let failure):
            changes.forget()
            return .failed(failure.kind.error)
        case .answered:
            changes.forget()
            exchange.show(answer.body)
            exchange.functions.hasAnswered = true
            exchange.result = .functionGeneratedResponse
            return .answered
        case .proceed:
            if stage == .viewerRequest {
                exchange.fetchPath = exchange.request.path
                exchange.cache.take(steering, exchange.arena)
            }
            if !changes.isEmpty { exchange.take(changes) }
            return .proceeded
        }
    }
}

/// The functions of the origin's two stages.
enum FetchFunctions {
    static func begin(_ stage: Stage, for fetch: Fetch) -> FetchMachine.Event? {
        guard fetch.exchange?.generation.functions != nil, let exchange = fetch.exchange,
            let behavior = exchange.behavior
        else { return .proceeded }
        let chain = behavior.functions.chain(stage)
        guard !chain.isEmpty, fetch.bodyFraming != .tunnel else { return .proceeded }
        let run = exchange.generation.takeRun(exchange.context)
        fetch.functionRun = run
        guard let ending = run.begin(stage, chain, for: fetch) else { return nil }
        return ended(ending, run, fetch)
    }

    static func ended(
        _ ending: StageRun.Ending,
        _ run: HookRun,
        _ fetch: Fetch
    ) -> FetchMachine.Event {
        let answer = run.answer
        if run.stage == .originResponse { fetch.ttl = run.steering.ttl }
        var changes = run.release()
        fetch.functionRun = nil
        fetch.exchange?.generation.giveBack(run)
        switch ending {
        case .failed(let failure):
            changes.forget()
            return .gaveUp(failure.kind.error)
        case .answered:
            changes.forget()
            fetch.replaceBody(answer.body)
            fetch.exchange?.functions.hasAnswered = true
            fetch.exchange?.result = .functionGeneratedResponse
            return .answered
        case .proceed:
            if !changes.isEmpty { fetch.take(changes) }
            return .proceeded
        }
    }
}

/// A body that a function made, on its way like any other.
enum MadeBody {
    static func push(_ bytes: [UInt8], into flow: inout BodyFlow, _ pool: ChunkPool) {
        var chunk: Chunk?
        flow.push(copyOf: bytes.span, in: &chunk, pool)
    }
}
