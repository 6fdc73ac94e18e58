// The methods of `request.body` and `response.body`: read whole, in pieces, or changed while they flow.
//
//   local text = event.request.body:read()
//   for chunk in event.request.body:chunks() do … end
//   event.response.body = event.response.body:map(function(chunk) return chunk and chunk:upper() end)
//
// Reading takes nothing away: what was read goes on afterwards. A mapped body has no known length, is another
// representation than the one its entity tag names, and cannot be read again.

enum BodySide: Sendable {
    case request
    case response

    /// As functions spell it.
    var word: StaticString {
        switch self {
        case .request: "event.request.body"
        case .response: "event.response.body"
        }
    }
}

/// A function that a stage put in a body's way.
struct BodyMap {
    var function: LuaReference
    var side: BodySide
    var stage: Stage
    var attachment: FunctionAttachment
    var runtime: FunctionRuntime

    func forget() { runtime.state.stack.forget(function) }
}

/// What is assigned to a body.
enum BodyAssignment {
    case bytes([UInt8])
    case map(LuaReference)

    init?(_ stack: LuaStack, at index: Int) {
        if let bytes = stack.text(at: index) {
            self = .bytes(bytes)
            return
        }
        guard stack.view(at: index) == nil, stack.pushMarked(by: index) else { return nil }
        guard stack.kind(at: -1) == .function else {
            stack.pop()
            return nil
        }
        self = .map(stack.keep())
    }
}

enum BodyAPI {
    private struct Subject {
        var run: StageRun
        var side: BodySide
        var view: LuaView
    }

    /// The body whose method is called, if it is one of the event that runs now.
    private static func subject(_ call: LuaCall) -> Subject? {
        guard let view = call.stack.view(at: 1), let run = EventViews.run(call.stack, view),
            run === call.run, let kind = ViewKind(rawValue: view.kind)
        else { return nil }
        switch kind {
        case .requestBody: return Subject(run: run, side: .request, view: view)
        case .responseBody: return Subject(run: run, side: .response, view: view)
        case .event, .request, .requestHeaders, .query, .requestCookies, .response,
            .responseHeaders, .responseCookies, .viewer, .tls, .origin, .log, .cache, .null:
            return nil
        }
    }

    private static let notABody = "call it with a colon, on a body of the event that runs now"

    static func read(_ call: LuaCall) -> CInt {
        guard let subject = subject(call) else { return call.fail(notABody) }
        var atMost = Int.max
        if !call.isMissing(2) {
            guard let limit = call.stack.integer(at: 2), limit >= 0 else {
                return call.badArgument(1, "read", "a number of bytes is wanted")
            }
            atMost = Int(clamping: limit)
        }
        return subject.run.read(subject.side, atMost: atMost, call)
    }

    /// The iterator, and the view as its state.
    static func chunks(_ call: LuaCall) -> CInt {
        guard let subject = subject(call) else { return call.fail(notABody) }
        call.stack.push { state in
            guard let state else { return 0 }
            return BodyAPI.next(LuaCall(state))
        }
        call.stack.push(subject.view)
        return call.answer(2)
    }

    /// The control variable is nil the first time, and the piece before afterwards.
    private static func next(_ call: LuaCall) -> CInt {
        guard let subject = subject(call) else { return call.fail(notABody) }
        return subject.run.readNext(of: subject.side, isFirst: call.isMissing(2), call)
    }

    static func map(_ call: LuaCall) -> CInt {
        guard let subject = subject(call) else { return call.fail(notABody) }
        guard call.stack.kind(at: 2) == .function else {
            return call.badArgument(1, "map", "a function is wanted")
        }
        if let fault = subject.run.mapFault(subject.side) {
            return call.fail("\(subject.side.word) \(fault)")
        }
        call.stack.pushMark(of: 2)
        return call.answer(1)
    }
}
