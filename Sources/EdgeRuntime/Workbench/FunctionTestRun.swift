// A stage as a test runs it: what the views show beyond the heads is what the test said.

final class FunctionTestRun: StageRun {
    let exchangeHeads = Heads()
    private let event: FunctionTestEvent
    private(set) var logs: [String] = []
    private(set) var notes: [(name: [UInt8], value: [UInt8])] = []
    private var bodies: FunctionTestBodies
    private(set) var origin: String
    private var state = LuaReference.none
    private var ending: Ending?
    private var maps: [BodyMap] = []
    private var mapped: [[UInt8]] = []
    private var piecesRead = 0
    private let scripted: FunctionTestFetches
    /// What `edge.fetch` was asked for, in order.
    private(set) var sent: [FetchOrder] = []
    private var fetching: [(wait: Wait, order: FetchOrder)] = []
    /// Says which request nobody has scripted.
    private(set) var unscripted: String?
    var elapsed = 0.0

    init(
        runtime: FunctionRuntime,
        loop: EventLoop,
        event: FunctionTestEvent,
        fetches: FunctionTestFetches
    ) {
        self.event = event
        scripted = fetches
        origin = event.origin
        bodies = FunctionTestBodies(event)
        super.init(runtime: runtime, loop: loop)
    }

    func body(_ side: BodySide) -> [UInt8] { bodies[side].flatMap { $0 } }

    // MARK: State

    /// A copy of the table `state` of the event at `index`: the function's machine is another one.
    func takeState(from values: LuaStack, at index: Int) throws(FunctionTestFault) {
        let stack = runtime.state.stack
        defer { if state.isNone { stack.drop(to: 0) } }
        guard values.kind(at: index) == .table else {
            stack.pushTable()
            state = stack.keep()
            return
        }
        values.pushField("state", of: index)
        defer { values.pop() }
        if values.kind(at: -1) == .nil {
            stack.pushTable()
        } else {
            try FunctionTestValue.copy(values, at: values.count, to: stack, path: "state")
        }
        state = stack.keep()
    }

    /// Pushes a copy of what the function left there.
    func pushState(on values: LuaStack) {
        let stack = runtime.state.stack
        stack.push(state)
        FunctionTestValue.show(stack, at: stack.count, to: values)
        stack.pop()
        stack.forget(state)
        state = .none
    }

    // MARK: What views show

    override func push(_ field: ViewField, on stack: LuaStack) -> Bool {
        switch field {
        case .eventID: stack.push(event.id)
        case .eventDistribution: stack.push(event.distribution)
        case .eventBehavior: stack.push(event.behavior)
        case .eventState: stack.push(state)
        case .eventOrigin: stack.push(EventViews.word(.origin, of: self))
        case .originName: stack.push(origin)
        case .viewerIP: stack.push(event.ip)
        case .viewerPort: stack.push(event.port)
        case .viewerProtocol: stack.push(event.isTLS ? "https" : "http")
        case .viewerCountry: return push(event.country, on: stack)
        case .viewerRegion: return push(event.region, on: stack)
        case .viewerCity: return push(event.city, on: stack)
        case .viewerASN:
            guard let asn = event.asn else { return false }
            stack.push(asn)
        case .viewerTLS:
            guard event.isTLS else { return false }
            stack.push(EventViews.word(.tls, of: self))
        case .tlsVersion: stack.push("TLSv1.3")
        case .tlsCipher: stack.push("TLS_AES_256_GCM_SHA384")
        case .responseSource: stack.push(event.source)
        case .responseTags: CacheTags.push(heads.response.fields, heads.arena, on: stack)
        case .eventCache:
            guard event.cache != nil else { return false }
            stack.push(EventViews.word(.cache, of: self))
        case .cacheVerdict: return push(event.cache?.verdict, on: stack)
        case .cacheReason: return push(event.cache?.reason, on: stack)
        case .cacheAge:
            guard let age = event.cache?.age else { return false }
            stack.push(age)
        default: return false
        }
        return true
    }

    private func push(_ text: String?, on stack: LuaStack) -> Bool {
        guard let text else { return false }
        stack.push(text)
        return true
    }

    override func assign(_ field: ViewField, from stack: LuaStack, at index: Int) -> String? {
        switch field {
        case .requestBody: return assign(.request, from: stack, at: index)
        case .responseBody: return assign(.response, from: stack, at: index)
        case .eventOrigin:
            guard let name = stack.string(at: index) else { return "takes the name of an origin" }
            origin = name
            return nil
        default: return "cannot be assigned"
        }
    }

    // MARK: Bodies

    override func read(_ body: BodySide, atMost: Int, _ call: LuaCall) -> CInt {
        let limit = min(atMost, runtime.library.settings.bodyBytes)
        if let fault = readFault(body) { return call.fail("\(body.word) \(fault)") }
        let bytes = self.body(body)
        guard bytes.count <= limit else {
            return call.fail("\(body.word) has more than \(limit) bytes")
        }
        call.stack.push(bytes.span)
        return call.answer(1)
    }

    override func readNext(of body: BodySide, isFirst: Bool, _ call: LuaCall) -> CInt {
        if let fault = readFault(body) { return call.fail("\(body.word) \(fault)") }
        if isFirst { piecesRead = 0 }
        let pieces = bodies[body]
        guard piecesRead < pieces.count else {
            call.stack.pushNil()
            return call.answer(1)
        }
        let piece = pieces[piecesRead]
        piecesRead += 1
        call.stack.push(piece.span)
        return call.answer(1)
    }

    private func readFault(_ body: BodySide) -> String? {
        maps.contains { $0.side == body } ? "is mapped: read it before" : mapFault(body)
    }

    override func mapFault(_ body: BodySide) -> String? {
        switch body {
        case .request: BodyDescription.fault(heads.request.fields, status: 0, heads.arena)
        case .response:
            BodyDescription.fault(
                heads.response.fields,
                status: heads.response.status,
                heads.arena
            )
        }
    }

    private func assign(_ side: BodySide, from stack: LuaStack, at index: Int) -> String? {
        let settings = runtime.library.settings
        let limit = side == .request ? settings.bodyBytes : settings.responseBytes
        switch BodyAssignment(stack, at: index) {
        case .none: return "takes a string, or what map gives"
        case .bytes(let bytes):
            guard bytes.count <= limit else { return "has \(bytes.count) bytes; \(limit) may be" }
            for map in maps where map.side == side { map.forget() }
            maps.removeAll { $0.side == side }
            bodies[side] = [bytes]
            switch side {
            case .request: BodyDescription.replace(&heads.request.fields, heads.arena)
            case .response: BodyDescription.replace(&heads.response.fields, heads.arena)
            }
        case .map(let function):
            maps.append(
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

    override func take(_ results: Int, from stack: LuaStack) -> String? {
        guard results > 0 else { return nil }
        let index = stack.count - results + 1
        if case .nil = stack.kind(at: index) { return nil }
        guard let bytes = stack.text(at: index) else {
            return "a map returned \(stack.kindName(at: index)): return a string, or nil"
        }
        mapped.append(bytes)
        return nil
    }

    /// Sends the bodies through what the stage left behind, piece by piece; the ending of a call that failed.
    func runMaps() -> Ending? {
        defer { maps = [] }
        for map in maps {
            mapped = []
            for piece in bodies[map.side] where !piece.isEmpty {
                if let failed = call(map, piece) { return failed }
            }
            if let failed = call(map, nil) { return failed }
            bodies[map.side] = mapped
            map.forget()
        }
        return nil
    }

    private func call(_ map: BodyMap, _ piece: [UInt8]?) -> Ending? {
        var rest = (piece ?? [])[...]
        repeat {
            var range: ChunkRange?
            if piece != nil {
                let chunk = loop.chunks.leaseLarge()
                let part = Array(rest.prefix(chunk.room))
                rest = rest.dropFirst(part.count)
                chunk.append(part.span)
                range = ChunkRange(chunk: chunk, start: 0, end: part.count)
            }
            var ending = call(
                map.function,
                of: map.attachment,
                map.stage,
                heads: exchangeHeads,
                piece: range
            )
            while ending == nil {
                loop.tick()
                ending = takeEnding()
            }
            if case .failed = ending { return ending }
        } while !rest.isEmpty
        return nil
    }

    // MARK: Fetches

    override func perform(_ effect: Effect, for wait: Wait) {
        switch effect {
        case .none, .sleep, .all, .peer: return
        case .fetch(let order):
            sent.append(order)
            fetching.append((wait, order))
            settle(wait)
        }
    }

    override func deliver(_ wait: Wait, to thread: LuaThread) -> Int? {
        guard let place = fetching.firstIndex(where: { $0.wait == wait }) else {
            preconditionFailure("nothing was begun for this wait")
        }
        let order = fetching.remove(at: place).order
        guard let answer = scripted.answer(to: order) else {
            if unscripted == nil { unscripted = FunctionTestFetches.unscripted(order) }
            thread.stack.pushNil()
            thread.stack.push("not_scripted")
            return 2
        }
        return answer.push(for: order, on: thread.stack)
    }

    override func abandonEffects() { fetching = [] }

    override func note(_ name: [UInt8], from stack: LuaStack, at index: Int) -> String? {
        switch stack.kind(at: index) {
        case .nil: return nil
        case .boolean:
            notes.append((name, Array((stack.boolean(at: index) ? "true" : "false").utf8)))
        default:
            guard let value = stack.text(at: index) else { return "takes a string or a number" }
            notes.append((name, value))
        }
        return nil
    }

    override func log(_ level: EventLevel, _ text: String) { logs.append(text) }

    // MARK: The end

    override func ended(_ ending: Ending) { self.ending = ending }

    func takeEnding() -> Ending? { ending.take() }
}

/// The pieces in which the bodies come.
private struct FunctionTestBodies {
    private var request: [[UInt8]]
    private var response: [[UInt8]]

    init(_ event: FunctionTestEvent) {
        request = event.requestBody
        response = event.responseBody
    }

    subscript(_ side: BodySide) -> [[UInt8]] {
        get {
            switch side {
            case .request: request
            case .response: response
            }
        }
        set {
            switch side {
            case .request: request = newValue
            case .response: response = newValue
            }
        }
    }
}
