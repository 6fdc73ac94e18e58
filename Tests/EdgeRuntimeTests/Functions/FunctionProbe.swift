import Testing

@testable import EdgeRuntime

/// Runs one handler at any stage, on heads that a test fills in, and shows what became of them.
final class FunctionProbe: StageRun {
    struct Told {
        var request: [String]
        var response: [String]
        var query: String?
        var status: Int
        /// What the handler left under `event.state.out`.
        var out: String?
        /// Whether it answered, and with which body.
        var answer: String?
        var failure: FunctionFailure?
    }

    private var state = LuaReference.none
    private var failures: [FunctionFailure] = []
    /// A member does not keep its loop alive.
    private let keptLoop: EventLoop

    override init(runtime: FunctionRuntime, loop: EventLoop) {
        keptLoop = loop
        super.init(runtime: runtime, loop: loop)
    }

    override func push(_ field: ViewField, on stack: LuaStack) -> Bool {
        switch field {
        case .eventState:
            if state.isNone {
                stack.pushTable()
                state = stack.keep()
            }
            stack.push(state)
        case .eventOrigin: stack.push(EventViews.word(.origin, of: self))
        case .eventCache: stack.push(EventViews.word(.cache, of: self))
        case .viewerTLS: stack.push(EventViews.word(.tls, of: self))
        default: stack.push("a fact")
        }
        return true
    }

    override func assign(_ field: ViewField, from stack: LuaStack, at index: Int) -> String? { nil }
    override func report(_ failure: FunctionFailure, parked: Bool) { failures.append(failure) }

    static func loop() throws -> EventLoop {
        EventLoop(
            reactor: .simulated(SimulatedReactor(seed: 1)),
            blocking: try BlockingPool(threads: 1),
            random: Random(seed: 1)
        )
    }

    /// `body` is the handler's; the fields are lines of a head.
    static func run(
        _ body: String,
        at stage: Stage = .viewerRequest,
        request: [String] = [],
        query: String? = nil,
        response: [String] = []
    ) throws -> Told {
        let (runtime, attachment) = try TestRun.runtime(
            "return { viewer_request = function(event)\n\(body)\nend }"
        )
        let heads = Heads()
        let arena = heads.arena
        heads.request.path = arena.append("/")
        if let query { heads.request.query = arena.append(array: Array(query.utf8)) }
        for line in request { add(line, to: &heads.request.fields, arena) }
        for line in response { add(line, to: &heads.response.fields, arena) }
        let loop = try loop()
        defer { loop.dissolve() }
        return FunctionProbe(runtime: runtime, loop: loop).told(attachment, stage, heads)
    }

    /// Runs once; a run object serves many requests one after the other.
    func told(_ attachment: FunctionAttachment, _ stage: Stage, _ heads: Heads) -> Told {
        state = .none
        failures = []
        let ending = begin(stage, [attachment], heads: heads)
        // What takes more than a slice goes on.
        for _ in 0..<10_000 where !isIdle { expired() }
        let arena = heads.arena
        let stack = runtime.state.stack
        var out: String?
        if !state.isNone {
            stack.push(state)
            stack.pushField("out", of: -1)
            out = stack.text(at: -1).map { String(decoding: $0, as: UTF8.self) }
            stack.pop(2)
        }
        var body: String?
        if case .answered = ending { body = String(decoding: answer.body, as: UTF8.self) }
        return Told(
            request: Self.lines(heads.request.fields, arena),
            response: Self.lines(heads.response.fields, arena),
            query: heads.request.query.map { arena[$0].text },
            status: Int(heads.response.status),
            out: out,
            answer: body,
            failure: failures.last
        )
    }

    private static func add(_ line: String, to fields: inout HeaderFields, _ arena: Arena) {
        let colon = line.firstIndex(of: ":") ?? line.endIndex
        let name = Array(line[..<colon].utf8)
        let value = Array(line[colon...].dropFirst(2).utf8)
        fields.append(
            Field(
                HeaderName.named(name.span),
                name: arena.append(name.span),
                value: arena.append(value.span)
            )
        )
    }

    private static func lines(_ fields: borrowing HeaderFields, _ arena: Arena) -> [String] {
        var lines: [String] = []
        for index in 0..<fields.count {
            let name = arena.name(of: fields[index]).text.lowercased()
            lines.append("\(name): \(arena[fields[index].value].text)")
        }
        return lines
    }
}
