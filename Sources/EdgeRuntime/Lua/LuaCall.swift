// One call of a host function: its arguments from 1 on, and the three ways to answer it.
//
//   return call.answer(2)                two results lie on top
//   return call.fail("…")                raise, with the caller's place in front
//   return call.wait()                   the runner resumes with the results; only where `call.canWait`

import CLua

/// A function of the host as Lua calls it; it captures nothing.
typealias LuaHost = @convention(c) (OpaquePointer?) -> CInt
/// The word of a view, and the number of the member that is meant.
typealias LuaViewHost = @convention(c) (OpaquePointer?, UInt64, CInt) -> CInt
typealias LuaViewQuestion = @convention(c) (OpaquePointer?, UInt64) -> CInt

struct LuaCall {
    let stack: LuaStack

    init(_ state: OpaquePointer) { stack = LuaStack(state) }

    static func serve(_ state: OpaquePointer?, _ body: (LuaCall) -> CInt) -> CInt {
        guard let state else { return 0 }
        return body(LuaCall(state))
    }

    var count: Int { stack.count }
    var canWait: Bool { edge_lua_can_wait(stack.state) != 0 }

    func answer(_ results: Int = 0) -> CInt { CInt(results) }
    /// `nil` and a word: what can go wrong in the course of things is no error.
    func refuse(_ reason: StaticString) -> CInt {
        stack.pushNil()
        stack.push(reason)
        return 2
    }

    /// Charges work that the machine does not see: one unit is about what one instruction takes. False: there is no
    /// point in doing it, the run is at its end whatever is answered.
    @discardableResult
    func spend(_ units: Int) -> Bool { edge_lua_spend(stack.state, units) != 0 }

    func wait() -> CInt { CInt(EDGE_LUA_WAIT) }
    func fail(_ message: String) -> CInt { stack.fail(message) }

    /// As Lua's own functions complain.
    func badArgument(_ index: Int, _ function: String, _ reason: String) -> CInt {
        fail("bad argument #\(index) to '\(function)' (\(reason))")
    }

    func isMissing(_ index: Int) -> Bool {
        let kind = stack.kind(at: index)
        return kind == .none || kind == .nil
    }
}

extension LuaStack {
    /// The bytes of a string as they lie in the machine: good until the value leaves the stack.
    func withBytes<Answer>(at index: Int, _ body: (Span<UInt8>) -> Answer) -> Answer? {
        guard lua_type(state, CInt(index)) == LUA_TSTRING else { return nil }
        var length = 0
        guard let start = lua_tolstring(state, CInt(index), &length) else { return nil }
        return start.withMemoryRebound(to: UInt8.self, capacity: length) { bytes in
            body(UnsafeBufferPointer(start: bytes, count: length).span)
        }
    }

    func push(_ bytes: Span<UInt8>) {
        bytes.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else {
                push("")
                return
            }
            start.withMemoryRebound(to: CChar.self, capacity: buffer.count) {
                _ = lua_pushlstring(state, $0, buffer.count)
            }
        }
    }

    /// Pushes what a table has under a name.
    func pushField(bytes: Span<UInt8>, of table: Int) {
        let table = absolute(table)
        push(bytes)
        edge_lua_field(state, CInt(table))
    }

    /// The same of an array; see `Arena.append(array:)`.
    @inline(never)
    func push(array bytes: [UInt8]) { bytes.withUnsafeBufferPointer { push($0.span) } }

    func push(_ text: StaticString) {
        text.utf8Start.withMemoryRebound(to: CChar.self, capacity: text.utf8CodeUnitCount) {
            _ = lua_pushlstring(state, $0, text.utf8CodeUnitCount)
        }
    }

    func push(_ value: Int64) { lua_pushinteger(state, value) }
    func push(_ value: Double) { lua_pushnumber(state, value) }
    func push(_ value: Bool) { lua_pushboolean(state, value ? 1 : 0) }
    func pushTable(items: Int, fields: Int) {
        lua_createtable(state, CInt(clamping: items), CInt(clamping: fields))
    }

    /// Puts the value on top in the place of another one.
    func replace(_ index: Int) {
        lua_copy(state, -1, CInt(index))
        pop()
    }

    func drop(to count: Int) { lua_settop(state, CInt(count)) }

    /// Puts the value on top under those of the last `count`.
    func insert(below count: Int) { lua_rotate(state, CInt(-count - 1), 1) }

    /// Takes the table on top and leaves an empty one through which it can only be read.
    func makeReadOnly(_ name: String) { edge_lua_push_readonly(state, name) }
    /// The name of a table that can only be read.
    func readOnlyName(at index: Int) -> String? {
        edge_lua_readonly_name(state, CInt(index)).map { String(cString: $0) }
    }

    /// Moves the last `count` values of another thread of the same machine into the list on top.
    func take(_ count: Int, from other: LuaStack) {
        for place in stride(from: count, to: 0, by: -1) {
            lua_xmove(other.state, state, 1)
            setRawItem(place, of: -2)
        }
    }

    /// Moves the value on top to another thread of the same machine.
    func move(to other: LuaStack) { lua_xmove(state, other.state, 1) }

    /// A string that a number may stand for, as Lua's own functions take it.
    func text(at index: Int) -> [UInt8]? {
        switch kind(at: index) {
        case .string: return bytes(at: index)
        case .integer: return integer(at: index).map { Array("\($0)".utf8) }
        case .number: return Array("\(number(at: index))".utf8)
        case .none, .nil, .boolean, .table, .function, .userdata, .other: return nil
        }
    }

    /// A value that is neither text nor table and remembers what lies at `index`.
    func pushMark(of index: Int) {
        let index = absolute(index)
        _ = lua_newuserdatauv(state, 0, 1)
        lua_pushvalue(state, CInt(index))
        _ = lua_setiuservalue(state, -2, 1)
    }

    /// Pushes what a mark remembers. False where there is none.
    func pushMarked(by index: Int) -> Bool {
        guard lua_type(state, CInt(index)) == LUA_TUSERDATA else { return false }
        _ = lua_getiuservalue(state, CInt(index), 1)
        return true
    }

    // MARK: Views

    func push(_ view: LuaView) { edge_lua_push_view(state, view.word) }
    /// Nil for what is no view.
    func view(at index: Int) -> LuaView? {
        let word = edge_lua_view(state, CInt(index))
        return word == 0 ? nil : LuaView(word: word)
    }

    /// Takes the table of kinds on top: the members of every kind of view, by number.
    func setViews(
        get: @escaping LuaViewHost,
        set: @escaping LuaViewHost,
        next: @escaping LuaViewQuestion,
        list: @escaping LuaViewQuestion,
        text: @escaping LuaViewQuestion
    ) {
        edge_lua_set_views(state, .init(get: get, set: set, next: next, list: list, text: text))
    }
}

/// The word of a view: see `CLua.h`.
struct LuaView: Equatable {
    let word: UInt64

    init(word: UInt64) { self.word = word }

    init(kind: Int, slot: Int, generation: UInt64) {
        word =
            UInt64(kind) | UInt64(slot) << UInt64(EDGE_LUA_KIND_BITS)
            | generation << UInt64(EDGE_LUA_KIND_BITS + EDGE_LUA_SLOT_BITS)
    }

    var kind: Int { Int(word & (1 << UInt64(EDGE_LUA_KIND_BITS) - 1)) }
    var slot: Int {
        Int(word >> UInt64(EDGE_LUA_KIND_BITS) & (1 << UInt64(EDGE_LUA_SLOT_BITS) - 1))
    }
    var generation: UInt64 { word >> UInt64(EDGE_LUA_KIND_BITS + EDGE_LUA_SLOT_BITS) }

    /// Another look at the same thing.
    func of(kind: Int) -> Self { Self(kind: kind, slot: slot, generation: generation) }
}
