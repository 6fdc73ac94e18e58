// The owner of one Lua virtual machine: create, load, call, close.
//
// Errors of Lua code come back as values. A host function is a C function pointer that captures nothing: it finds
// what belongs to it through `LuaStack.context`, and answers `LuaStack.raise` instead of jumping (see `CLua.h`).

import CLua

struct LuaError: Error {
    enum Kind: Equatable {
        case syntax
        case runtime
        case memory
        case instructions

        init?(status: CInt) {
            switch status {
            case LUA_OK: return nil
            case LUA_ERRMEM, CInt(EDGE_LUA_MEMORY): self = .memory
            case CInt(EDGE_LUA_SPENT): self = .instructions
            default: self = .runtime
            }
        }
    }

    var kind: Kind
    var message: String
}

final class LuaState {
    private let state: OpaquePointer

    /// `nil` if the limit does not hold even an empty machine. `context` is what host functions find; the caller
    /// keeps it alive as long as the machine.
    init?(memoryBytesMax: Int, context: UnsafeMutableRawPointer? = nil) {
        guard let state = edge_lua_new(memoryBytesMax, context) else { return nil }
        guard edge_lua_open_libraries(state) == LUA_OK else {
            edge_lua_close(state)
            return nil
        }
        self.state = state
    }

    deinit { edge_lua_close(state) }

    var stack: LuaStack { LuaStack(state) }
    var memoryBytes: Int { edge_lua_memory(state) }

    func newThread() -> LuaThread { LuaThread(of: state) }

    func collectGarbage() { edge_lua_collect(state) }
}

/// What one run may spend over all its slices, and what is left of it.
struct LuaBudget {
    var run: edge_lua_run

    /// `memoryBytes` is by how much the machine may grow. A slice is what a run may take of its loop at once.
    init(instructions: Int, memoryBytes: Int = .max, slice: Nanoseconds = .max) {
        run = edge_lua_run()
        run.fuel = instructions
        run.memory = memoryBytes
        run.slice = UInt64(slice)
        run.run_max =
            slice == .max
            ? .max : UInt64(max(Limits.luaRunMin, Nanoseconds(instructions) * Limits.luaUnitMax))
    }

    /// Counts what the host brings in between two slices.
    mutating func charge(memoryBytes: Int) { run.grown += memoryBytes }

    var isMemorySpent: Bool { run.grown > run.memory }
    var instructionsLeft: Int { max(0, run.fuel) }
}

/// The values of a running machine, by typed calls that never raise.
struct LuaStack {
    let state: OpaquePointer

    /// What a host function returns, with the error value on top, to raise it.
    static let raise = CInt(EDGE_LUA_RAISE)

    enum Kind {
        case none
        case `nil`
        case boolean
        case integer
        case number
        case string
        case table
        case function
        case userdata
        case other
    }

    init(_ state: OpaquePointer) { self.state = state }

    var context: UnsafeMutableRawPointer? { edge_lua_context(state) }
    func setContext(_ context: UnsafeMutableRawPointer) { edge_lua_set_context(state, context) }
    var count: Int { Int(lua_gettop(state)) }

    // MARK: Code

    /// Leaves the compiled function on top.
    func load(_ text: [UInt8], name: String) throws(LuaError) {
        let status = text.withUnsafeBytes {
            edge_lua_load(
                state,
                $0.baseAddress?.assumingMemoryBound(to: CChar.self),
                $0.count,
                name,
                0
            )
        }
        guard status != LUA_OK else { return }
        throw popError(status == LUA_ERRMEM ? .memory : .syntax)
    }

    /// Leaves a function on top that `compiled` of another machine made. Lua does not check bytecode: it must be ours.
    func load(compiled: [UInt8], name: String) throws(LuaError) {
        let status = compiled.withUnsafeBytes {
            edge_lua_load(
                state,
                $0.baseAddress?.assumingMemoryBound(to: CChar.self),
                $0.count,
                name,
                1
            )
        }
        guard status != LUA_OK else { return }
        throw popError(.memory)
    }

    /// The bytecode of the function on top, which stays.
    func compiled() -> [UInt8] {
        var bytes: [UInt8] = []
        _ = withUnsafeMutablePointer(to: &bytes) { target in
            edge_lua_dump(
                state,
                { _, start, count, target in
                    guard let target else { return 1 }
                    target.assumingMemoryBound(to: [UInt8].self).pointee
                        .append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
                    return 0
                },
                target
            )
        }
        return bytes
    }

    /// Calls the function under its arguments; nested calls draw on the outermost budget.
    func call(arguments: Int, results: Int, instructions: Int) throws(LuaError) {
        var budget = LuaBudget(instructions: instructions)
        try call(arguments: arguments, results: results, budget: &budget)
    }

    func call(arguments: Int, results: Int, budget: inout LuaBudget) throws(LuaError) {
        let status = edge_lua_call(state, CInt(arguments), CInt(results), &budget.run)
        if let kind = LuaError.Kind(status: status) { throw popError(kind) }
    }

    private func popError(_ kind: LuaError.Kind) -> LuaError {
        let message = errorText()
        pop()
        return LuaError(kind: kind, message: message)
    }

    /// What the error value on top says.
    func errorText() -> String {
        // Bytes that are no text are shown as Lua writes them.
        if let bytes = bytes(at: -1), String(validating: bytes, as: UTF8.self) == nil {
            let shown = bytes.prefix(Limits.luaMessageBytesMax)
            return shown.reduce(into: "") { text, byte in
                text +=
                    byte < 0x80
                    ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16, uppercase: true)
            }
        }
        return string(at: -1) ?? "an error that is \(kindName(at: -1)), not a message"
    }

    // MARK: Reading

    func kind(at index: Int) -> Kind {
        switch lua_type(state, CInt(index)) {
        case LUA_TNONE: .none
        case LUA_TNIL: .nil
        case LUA_TBOOLEAN: .boolean
        case LUA_TNUMBER: lua_isinteger(state, CInt(index)) != 0 ? .integer : .number
        case LUA_TSTRING: .string
        case LUA_TTABLE: .table
        case LUA_TFUNCTION: .function
        case LUA_TUSERDATA, LUA_TLIGHTUSERDATA: .userdata
        default: .other
        }
    }

    func kindName(at index: Int) -> String {
        String(cString: lua_typename(state, lua_type(state, CInt(index))))
    }

    func boolean(at index: Int) -> Bool { lua_toboolean(state, CInt(index)) != 0 }

    func integer(at index: Int) -> Int64? {
        var value: lua_Integer = 0
        return edge_lua_integer(state, CInt(index), &value) != 0 ? value : nil
    }

    func number(at index: Int) -> Double { edge_lua_number(state, CInt(index)) }

    /// The bytes of a string. Numbers are not turned into strings, which would change the table they are in.
    func bytes(at index: Int) -> [UInt8]? {
        guard lua_type(state, CInt(index)) == LUA_TSTRING else { return nil }
        var length = 0
        guard let start = lua_tolstring(state, CInt(index), &length) else { return nil }
        return Array(UnsafeRawBufferPointer(start: start, count: length))
    }

    /// `nil` if it is no string, or not UTF-8.
    func string(at index: Int) -> String? {
        bytes(at: index).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Tells tables apart; never shown.
    func identity(at index: Int) -> UnsafeRawPointer? { lua_topointer(state, CInt(index)) }

    func absolute(_ index: Int) -> Int { Int(lua_absindex(state, CInt(index))) }

    /// Whether there is room for `count` more values; asked before every descent.
    func hasRoom(for count: Int) -> Bool { lua_checkstack(state, CInt(count)) != 0 }

    // MARK: Tables
    //
    // What a table says by itself: no code of the user's runs, since a metamethod could jump. Those that can only be
    // read are read through.

    /// Pushes the next key and value after the key on top, which it takes. False at the end.
    func next(in table: Int) -> Bool { edge_lua_next(state, CInt(table)) != 0 }

    func rawLength(at index: Int) -> Int { Int(edge_lua_length(state, CInt(index))) }
    func pushRawItem(_ position: Int, of table: Int) {
        edge_lua_item(state, CInt(table), lua_Integer(position))
    }
    /// Pushes a field of a value's metatable, or nothing.
    func pushMetafield(_ name: String, of index: Int) -> Bool {
        luaL_getmetafield(state, CInt(index), name) != LUA_TNIL
    }
    /// Takes the value on top.
    func setRawItem(_ position: Int, of table: Int) {
        lua_rawseti(state, CInt(table), lua_Integer(position))
    }
    /// Pushes what a table has under a name.
    func pushField(_ name: String, of table: Int) {
        let table = absolute(table)
        push(name)
        edge_lua_field(state, CInt(table))
    }
    /// Takes the value on top.
    func setField(_ name: String, of table: Int) {
        let table = absolute(table)
        push(name)
        lua_rotate(state, -2, 1)
        lua_rawset(state, CInt(table))
    }
    /// Takes the key and the value on top of it.
    func setRaw(in table: Int) { lua_rawset(state, CInt(table)) }

    // MARK: Writing

    func pop(_ count: Int = 1) { edge_lua_pop(state, CInt(count)) }
    /// Takes out the value under the top.
    func dropBelowTop() {
        lua_rotate(state, -2, 1)
        pop()
    }
    func pushNil() { lua_pushnil(state) }
    func pushTable() { lua_createtable(state, 0, 0) }
    func pushCopy(of index: Int) { lua_pushvalue(state, CInt(index)) }
    /// The table of what a sandbox may be made of: base functions by name, libraries as tables.
    func pushLibraries() { edge_lua_push_libraries(state) }
    func push(_ host: edge_lua_host?) { edge_lua_push_host(state, host) }

    func push(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            _ = bytes.withMemoryRebound(to: CChar.self) {
                lua_pushlstring(state, $0.baseAddress, $0.count)
            }
        }
    }

    /// A value that is neither text nor table and remembers a name.
    func pushMark(_ name: String) {
        _ = lua_newuserdatauv(state, 0, 1)
        push(name)
        _ = lua_setiuservalue(state, -2, 1)
    }

    func mark(at index: Int) -> String? {
        guard lua_type(state, CInt(index)) == LUA_TUSERDATA else { return nil }
        _ = lua_getiuservalue(state, CInt(index), 1)
        defer { pop() }
        return string(at: -1)
    }

    /// Takes the table on top and makes it the metatable of the table at `index`.
    func setMetatable(of index: Int) {
        let index = absolute(index)
        _ = lua_setmetatable(state, CInt(index))
    }

    /// Replaces the globals of the function on top by the table below it, which stays.
    func useAsGlobals() {
        pushCopy(of: -2)
        _ = lua_setupvalue(state, -2, 1)
    }

    /// For the end of a host function: raises `message` with the place of the caller in front.
    func fail(_ message: String) -> CInt {
        var record = lua_Debug()
        var place = ""
        if lua_getstack(state, 1, &record) != 0, lua_getinfo(state, "Sl", &record) != 0,
            record.currentline > 0
        {
            let name = withUnsafeBytes(of: &record.short_src) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            place = "\(name):\(record.currentline): "
        }
        push(place + message)
        return Self.raise
    }

}
