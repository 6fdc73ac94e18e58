// The dispatch of views: a word and a name come from Lua, and go to the run that the word belongs to.
//
// Nothing is copied when an event is handed out: a view is a number, and what it shows is read from the heads of the
// exchange when it is asked for.

enum EventViews {
    /// The kind's place in the word is its raw value.
    static func word(_ kind: ViewKind, of run: StageRun) -> LuaView {
        LuaView(kind: kind.rawValue, slot: run.slot, generation: run.generation)
    }

    /// Once for each machine.
    static func install(on stack: LuaStack) {
        stack.pushTable()
        for kind in ViewKind.allCases {
            stack.pushTable()
            for field in ViewField.allCases where field.row.kind == kind {
                stack.push(Int64(field.rawValue))
                stack.setField("\(field.row.name)", of: -2)
            }
            for method in ViewMethod.allCases where method.kinds.contains(kind) {
                stack.push(method.host)
                stack.setField("\(method.name)", of: -2)
            }
            stack.setRawItem(kind.rawValue, of: -2)
        }
        KeyValueAPI.pushMethods(on: stack)
        stack.setRawItem(KeyValueAPI.viewKind, of: -2)
        stack.setViews(
            get: { EventViews.get($0, $1, $2) },
            set: { EventViews.set($0, $1, $2) },
            next: { EventViews.next($0, $1) },
            list: { EventViews.list($0, $1) },
            text: { EventViews.text($0, $1) }
        )
    }

    /// The run and the kind of the view at 1, or why there is none.
    static func run(_ stack: LuaStack, _ view: LuaView?) -> StageRun? {
        guard let view else { return nil }
        return FunctionRuntime.of(stack).run(for: view)
    }

    private static let gone =
        "this event is over: what it shows belongs to a request that has ended; copy what you keep"

    private static func get(_ state: OpaquePointer?, _ word: UInt64, _ number: CInt) -> CInt {
        guard let state else { return 0 }
        let call = LuaCall(state)
        let view = LuaView(word: word)
        guard view.kind != ViewKind.null.rawValue else { return call.fail("null has no fields") }
        if view.kind == KeyValueAPI.viewKind { return KeyValueAPI.refuse(call) }
        guard let run = run(call.stack, view) else { return call.fail(gone) }
        guard let field = ViewField(rawValue: Int(number)) else {
            return getNamed(call, view, run)
        }
        guard field.row.readable.contains(run.stage) else {
            return call.fail("\(field.path) does not exist in \(run.stage.word)")
        }
        if let kind = field.view {
            call.stack.push(view.of(kind: kind.rawValue))
            return 1
        }
        if !EventFacts.push(field, of: run, view, on: call.stack) { call.stack.pushNil() }
        return 1
    }

    private static func getNamed(_ call: LuaCall, _ view: LuaView, _ run: StageRun) -> CInt {
        guard let kind = ViewKind(rawValue: view.kind) else { return 0 }
        guard kind.isMap else {
            return call.fail(unknown(call.stack.string(at: 2) ?? "?", in: kind))
        }
        return FieldMap.get(call, kind, run)
    }

    private static func set(_ state: OpaquePointer?, _ word: UInt64, _ number: CInt) -> CInt {
        guard let state else { return 0 }
        let call = LuaCall(state)
        let view = LuaView(word: word)
        if view.kind == KeyValueAPI.viewKind { return KeyValueAPI.refuse(call) }
        guard let run = run(call.stack, view) else { return call.fail(gone) }
        guard let kind = ViewKind(rawValue: view.kind) else { return 0 }
        guard let field = ViewField(rawValue: Int(number)) else {
            guard kind.isMap else {
                return call.fail(unknown(call.stack.string(at: 2) ?? "?", in: kind))
            }
            return FieldMap.set(call, kind, run)
        }
        let row = field.row
        guard row.writable.contains(run.stage) else {
            let reason =
                row.writable.isEmpty
                ? "cannot be assigned" : "cannot be assigned in \(run.stage.word)"
            return invalid(call, run, "\(field.path) \(reason)")
        }
        if let reason = EventFacts.assign(field, of: run, from: call.stack, at: 3) {
            return invalid(call, run, "\(field.path) \(reason)")
        }
        return 0
    }

    /// Raises an error that counts as an invalid result (502), not as a failure of the function's code (503).
    static func invalid(_ call: LuaCall, _ run: StageRun, _ message: String) -> CInt {
        defer { run.invalidity = call.stack.errorText() }
        return call.fail(message)
    }

    private static func next(_ state: OpaquePointer?, _ word: UInt64) -> CInt {
        guard let state else { return 0 }
        let call = LuaCall(state)
        let view = LuaView(word: word)
        if view.kind == KeyValueAPI.viewKind { return KeyValueAPI.refuse(call) }
        guard let run = run(call.stack, view) else { return call.fail(gone) }
        guard let kind = ViewKind(rawValue: view.kind), kind.isMap else {
            return call.fail("pairs goes over headers, query and cookies, not over this")
        }
        return FieldMap.next(call, kind, run)
    }

    /// Names and values as one list, where a search for the next one would go over all that was walked.
    private static func list(_ state: OpaquePointer?, _ word: UInt64) -> CInt {
        guard let state else { return 0 }
        let call = LuaCall(state)
        guard let run = run(call.stack, LuaView(word: word)) else { return 0 }
        return FieldMap.list(call, ViewKind(rawValue: LuaView(word: word).kind), run)
    }

    private static func text(_ state: OpaquePointer?, _ word: UInt64) -> CInt {
        guard let state else { return 0 }
        let call = LuaCall(state)
        let kind = LuaView(word: word).kind
        let name = kind == KeyValueAPI.viewKind ? "edge.kv.store" : ViewKind(rawValue: kind)?.name
        call.stack.push(name ?? "view")
        return 1
    }

    private static func unknown(_ name: String, in kind: ViewKind) -> String {
        let known = ViewField.allCases.filter { $0.row.kind == kind }.map { "\($0.row.name)" }
        let near = Suggestion.nearest(to: name, among: known)
        let hint =
            near.map { "did you mean '\($0)'?" } ?? "there are \(known.joined(separator: ", "))"
        return "\(kind.name) has no '\(name)': \(hint)"
    }
}
