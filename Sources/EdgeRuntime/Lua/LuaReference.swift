// A value that the machine keeps for the host.

import CLua

struct LuaReference: Equatable {
    private let number: CInt

    static let none = Self(number: LUA_NOREF)

    fileprivate init(number: CInt) { self.number = number }

    var isNone: Bool { number == LUA_NOREF }

    fileprivate func push(on state: OpaquePointer) { edge_lua_push_kept(state, number) }
    fileprivate func forget(in state: OpaquePointer) { edge_lua_forget(state, number) }
}

extension LuaStack {
    /// Takes the value on top.
    func keep() -> LuaReference { LuaReference(number: edge_lua_keep(state)) }
    func push(_ reference: LuaReference) { reference.push(on: state) }
    func forget(_ reference: LuaReference) {
        if !reference.isNone { reference.forget(in: state) }
    }
}
