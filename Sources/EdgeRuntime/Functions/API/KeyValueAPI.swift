// edge.kv: named stores that all loops share and that outlive reloads. A store is a view: a number that costs nothing
// to hold, with its methods. No call waits.
//
//   local hits = edge.kv.store("hits")              -- at the top of the file: a wrong name is found by the check
//   local count = hits:incr(event.viewer.ip, 1, { ttl = 60 })

enum KeyValueAPI {
    /// Behind all kinds of event views.
    static let viewKind = 31

    static let rows = [
        APIRow(
            "kv.store",
            "store(name: string): edged.store",
            "The store of this name in `kv` of the configuration."
        ) { state in
            guard let state else { return 0 }
            return KeyValueAPI.find(LuaCall(state))
        }
    ]

    /// The methods of a store, called with a colon.
    static let methods = [
        APIRow(
            "get",
            "get(key: string): any",
            "The string, number or boolean that is stored and has not expired; else nil."
        ) { state in
            guard let state else { return 0 }
            return KeyValueAPI.get(LuaCall(state))
        },
        APIRow(
            "set",
            "set(key: string, value: any, options?: table): boolean?, string?",
            "Stores it for `ttl` seconds or for ever; nil and `full` or `too large` where it cannot."
        ) { state in
            guard let state else { return 0 }
            return KeyValueAPI.put(LuaCall(state), "set", onlyNew: false)
        },
        APIRow(
            "add",
            "add(key: string, value: any, options?: table): boolean?, string?",
            "Stores it where nothing is stored, and says whether it did."
        ) { state in
            guard let state else { return 0 }
            return KeyValueAPI.put(LuaCall(state), "add", onlyNew: true)
        },
        APIRow(
            "incr",
            "incr(key: string, by?: number, options?: table): number?, string?",
            "Adds to a number and answers the sum; only a new entry gets `initial` (0) and `ttl`."
        ) { state in
            guard let state else { return 0 }
            return KeyValueAPI.increment(LuaCall(state))
        },
        APIRow(
            "compare_and_set",
            "compare_and_set(key: string, expected: any, value: any, options?: table): boolean?, string?",
            "Stores the value if `expected` is stored; nil is nothing, on both sides."
        ) { state in
            guard let state else { return 0 }
            return KeyValueAPI.compareAndSet(LuaCall(state))
        },
        APIRow("delete", "delete(key: string): boolean", "Removes it; says whether it was there.") {
            state in
            guard let state else { return 0 }
            return KeyValueAPI.delete(LuaCall(state))
        },
    ]

    static func pushMethods(on stack: LuaStack) {
        stack.pushTable()
        for method in methods {
            stack.push(method.host)
            stack.setField("\(method.name)", of: -2)
        }
    }

    /// Whatever is done with a store but calling its methods.
    static func refuse(_ call: LuaCall) -> CInt {
        let known = methods.map { "\($0.name)" }
        let name = call.stack.kind(at: 2) == .string ? call.stack.string(at: 2) : nil
        let near = name.flatMap { Suggestion.nearest(to: $0, among: known) }
        let hint =
            near.map { "did you mean ':\($0)'?" } ?? "there are \(known.joined(separator: ", "))"
        return call.fail("a store has no '\(name ?? "?")': \(hint)")
    }

    // MARK: Stores

    private static func find(_ call: LuaCall) -> CInt {
        guard let name = call.stack.string(at: 1), call.count == 1 else {
            return call.badArgument(1, "edge.kv.store", "the name of a store is wanted")
        }
        let stores = FunctionRuntime.of(call.stack).library.stores
        guard let index = stores.index(of: name) else {
            let known = stores.rows.map(\.name)
            guard !known.isEmpty else {
                return call.fail("there is no store '\(name)': write kv = { \(name) = {} }")
            }
            let near = Suggestion.nearest(to: name, among: known)
            let hint =
                near.map { "did you mean '\($0)'?" } ?? "there are \(known.joined(separator: ", "))"
            return call.fail("there is no store '\(name)': \(hint)")
        }
        call.stack.push(LuaView(kind: viewKind, slot: index, generation: 0))
        return 1
    }

    /// What a method works with, or what it has to raise.
    private enum Subject {
        case store(KeyValueStores.Row, Nanoseconds)
        case refused(CInt)
    }

    private static func subject(_ call: LuaCall, _ method: String, writes: Bool) -> Subject {
        guard let view = call.stack.view(at: 1), view.kind == viewKind else {
            return .refused(call.fail("call it with a colon: store:\(method)(…)"))
        }
        guard let run = call.run else {
            return .refused(
                call.fail("a store's \(method) cannot be called while a file is loaded")
            )
        }
        guard call.stack.kind(at: 2) == .string else {
            return .refused(call.badArgument(1, method, "a key is a string"))
        }
        let row = run.runtime.library.stores.rows[view.slot]
        if writes, let file = row.file {
            return .refused(
                call.fail("store '\(row.name)' holds what \(file) says: it cannot be written")
            )
        }
        return .store(row, run.loop.now)
    }

    private static func value(_ call: LuaCall, at index: Int) -> KeyValue? {
        let stack = call.stack
        switch stack.kind(at: index) {
        case .boolean: return .boolean(stack.boolean(at: index))
        case .integer: return stack.integer(at: index).map { .integer($0) }
        case .number: return .number(stack.number(at: index))
        case .string: return stack.bytes(at: index).map { .string($0) }
        case .none, .nil, .table, .function, .userdata, .other: return nil
        }
    }

    private static func push(_ value: KeyValue, _ stack: LuaStack) {
        switch value {
        case .boolean(let value): stack.push(value)
        case .integer(let value): stack.push(value)
        case .number(let value): stack.push(value)
        case .string(let bytes): stack.push(bytes.span)
        }
    }

    /// The options at `index`, or what is wrong with them.
    private enum Options {
        case read(ttl: Nanoseconds?, initial: KeyValue?)
        case wrong(String)
    }

    private static func options(_ call: LuaCall, at index: Int, _ known: [String]) -> Options {
        guard !call.isMissing(index) else { return .read(ttl: nil, initial: nil) }
        let stack = call.stack
        guard stack.kind(at: index) == .table else { return .wrong("options are a table") }
        stack.pushNil()
        while stack.next(in: index) {
            stack.pop()
            let key = stack.kind(at: -1) == .string ? stack.string(at: -1) : nil
            if let key, known.contains(key) { continue }
            stack.pop()
            return .wrong("no option '\(key ?? "?")': there are \(known.joined(separator: ", "))")
        }
        stack.pushField("ttl", of: index)
        let hasTTL = stack.kind(at: -1) != .nil
        let isNumber = stack.kind(at: -1) == .integer || stack.kind(at: -1) == .number
        let seconds = stack.number(at: -1)
        stack.pop()
        guard !hasTTL || (isNumber && seconds > 0 && seconds <= Limits.keyValueSecondsMax) else {
            return .wrong("ttl is a number of seconds above 0")
        }
        stack.pushField("initial", of: index)
        let initial = value(call, at: stack.count)
        stack.pop()
        return .read(ttl: hasTTL ? Nanoseconds(seconds * 1e9) : nil, initial: initial)
    }

    private static func apply(
        _ write: KeyValueWrite,
        _ call: LuaCall,
        _ row: KeyValueStores.Row,
        _ now: Nanoseconds
    ) -> KeyValueOutcome {
        call.stack.withBytes(at: 2) { key in
            row.store.apply(write, key, now: now, bounds: row.bounds)
        } ?? .unchanged
    }

    /// Nil and the reason, for whoever can do without; what is stored there stays.
    private static func pushNothing(_ reason: StaticString, _ call: LuaCall) -> CInt {
        call.stack.pushNil()
        call.stack.push(reason)
        return 2
    }

    private static func answer(_ outcome: KeyValueOutcome, _ call: LuaCall) -> CInt {
        switch outcome {
        case .written, .deleted: call.stack.push(true)
        case .unchanged: call.stack.push(false)
        case .full: return pushNothing("full", call)
        case .tooLarge: return pushNothing("too large", call)
        case .notANumber: preconditionFailure("only a sum is none")
        }
        return 1
    }

    // MARK: Methods

    private static func get(_ call: LuaCall) -> CInt {
        switch subject(call, "get", writes: false) {
        case .refused(let verdict): return verdict
        case .store(let row, let now):
            let found: KeyValue?? = call.stack.withBytes(at: 2) { row.store.value($0, now: now) }
            if let found = found ?? nil { push(found, call.stack) } else { call.stack.pushNil() }
            return 1
        }
    }

    private static func put(_ call: LuaCall, _ method: String, onlyNew: Bool) -> CInt {
        switch subject(call, method, writes: true) {
        case .refused(let verdict): return verdict
        case .store(let row, let now):
            guard let value = value(call, at: 3) else {
                return call.badArgument(2, method, "a string, number or boolean is wanted")
            }
            switch options(call, at: 4, ["ttl"]) {
            case .wrong(let reason): return call.badArgument(3, method, reason)
            case .read(let ttl, _):
                let write = onlyNew ? KeyValueWrite.add(value, ttl: ttl) : .set(value, ttl: ttl)
                return answer(apply(write, call, row, now), call)
            }
        }
    }

    private static func increment(_ call: LuaCall) -> CInt {
        switch subject(call, "incr", writes: true) {
        case .refused(let verdict): return verdict
        case .store(let row, let now):
            let by = call.isMissing(3) ? .integer(1) : value(call, at: 3)
            guard let by, by.adding(.integer(0)) != nil else {
                return call.badArgument(2, "incr", "a number is wanted")
            }
            switch options(call, at: 4, ["initial", "ttl"]) {
            case .wrong(let reason): return call.badArgument(3, "incr", reason)
            case .read(let ttl, let initial):
                let write = KeyValueWrite.increment(
                    by: by,
                    initial: initial ?? .integer(0),
                    ttl: ttl
                )
                switch apply(write, call, row, now) {
                case .written(let sum):
                    push(sum, call.stack)
                    return 1
                case .notANumber:
                    let key = call.stack.bytes(at: 2).map { $0.prefix(100) } ?? []
                    return call.fail(
                        "what is stored under '\(String(decoding: key, as: UTF8.self))' is no number"
                    )
                case .full: return pushNothing("full", call)
                case .tooLarge: return pushNothing("too large", call)
                case .deleted, .unchanged: preconditionFailure("a sum is written")
                }
            }
        }
    }

    private static func compareAndSet(_ call: LuaCall) -> CInt {
        switch subject(call, "compare_and_set", writes: true) {
        case .refused(let verdict): return verdict
        case .store(let row, let now):
            let expected = value(call, at: 3)
            let new = value(call, at: 4)
            guard expected != nil || call.isMissing(3), new != nil || call.isMissing(4) else {
                let index = expected == nil && !call.isMissing(3) ? 2 : 3
                return call.badArgument(
                    index,
                    "compare_and_set",
                    "a string, number, boolean or nil is wanted"
                )
            }
            switch options(call, at: 5, ["ttl"]) {
            case .wrong(let reason): return call.badArgument(4, "compare_and_set", reason)
            case .read(let ttl, _):
                let write = KeyValueWrite.compareAndSet(expected: expected, to: new, ttl: ttl)
                return answer(apply(write, call, row, now), call)
            }
        }
    }

    private static func delete(_ call: LuaCall) -> CInt {
        switch subject(call, "delete", writes: true) {
        case .refused(let verdict): return verdict
        case .store(let row, let now):
            let outcome = apply(.delete, call, row, now)
            call.stack.push(outcome == .deleted)
            return 1
        }
    }
}
