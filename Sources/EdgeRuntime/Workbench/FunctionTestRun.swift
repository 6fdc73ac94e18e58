// A stage as a test runs it: what the views show beyond the heads is what the test said.

final class FunctionTestRun: StageRun {
    let exchangeHeads = Heads()
    private let event: FunctionTestEvent
    private(set) var logs: [String] = []
    private(set) var notes: [(name: [UInt8], value: [UInt8])] = []
    /// What `response.body` was assigned, if it was.
    private(set) var newBody: [UInt8]?
    private(set) var origin: String
    private var state = LuaReference.none
    private var ending: Ending?
    var elapsed = 0.0

    init(runtime: FunctionRuntime, loop: EventLoop, event: FunctionTestEvent) {
        self.event = event
        origin = event.origin
        super.init(runtime: runtime, loop: loop)
    }

    var bodyGiven: [UInt8] { event.responseBody }

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
        case .responseBody:
            guard let body = stack.text(at: index) else { return "takes a string" }
            let limit = runtime.library.settings.responseBytes
            guard body.count <= limit else {
                return "has \(body.count) bytes; functions.limits.response is \(limit)"
            }
            newBody = body
            heads.response.fields.removeAll { field in
                switch field.id {
                case .contentEncoding, .contentRange, .etag, .lastModified, .acceptRanges: true
                default: false
                }
            }
            return nil
        case .eventOrigin:
            guard let name = stack.string(at: index) else { return "takes the name of an origin" }
            origin = name
            return nil
        default: return "cannot be assigned"
        }
    }

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
