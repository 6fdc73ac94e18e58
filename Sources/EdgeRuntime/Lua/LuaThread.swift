// A thread of a machine: what a handler runs on. Pooled, because a new one costs a kilobyte and one that came to its
// end is as good as new.
//
//   idle ──start──▶ running ──▶ finished ─┐ reset
//                    │  ▲  └──▶ failed ───┤
//              waits │  │ resume          ▼
//                    └──┘ given up ────▶ idle

import CLua

struct LuaThread {
    enum Outcome: Equatable {
        /// This many results lie on the stack.
        case finished(results: Int)
        /// A host function asked for something; what the thread is resumed with is what that function answers.
        case waits
        /// Its slice of time is over; it has more to do.
        case sliced
        /// The error's value lies on top.
        case failed(LuaError.Kind)
    }

    let stack: LuaStack
    private let reference: CInt
    private let main: OpaquePointer

    init(of main: OpaquePointer) {
        guard let thread = edge_lua_new_thread(main) else {
            preconditionFailure("Lua aborts first")
        }
        self.main = main
        stack = LuaStack(thread)
        reference = edge_lua_keep(main)
    }

    /// For the collector to take: not used again.
    func forget() { edge_lua_forget(main, reference) }

    /// Starts the function under its arguments, or goes on with what lies on the stack as answers.
    func resume(arguments: Int, budget: inout LuaBudget) -> Outcome {
        var results: CInt = 0
        let status = edge_lua_resume(stack.state, main, CInt(arguments), &budget.run, &results)
        switch status {
        case LUA_OK: return .finished(results: Int(results))
        case CInt(EDGE_LUA_WAITS): return .waits
        case CInt(EDGE_LUA_SLICED): return .sliced
        default: return .failed(LuaError.Kind(status: status) ?? .runtime)
        }
    }

    /// Leaves two values to resume with that raise the message where the thread waits.
    func pushRaise(_ message: String) {
        edge_lua_push_raise(stack.state)
        stack.push(message)
    }

    /// Ready for another function after an error. Variables that are to be closed are closed within the budget.
    func reset(budget: inout LuaBudget) { _ = edge_lua_reset(stack.state, &budget.run) }

    /// Where a failed run was, innermost call first. Asked before `reset`.
    func traceback() -> String {
        luaL_traceback(main, stack.state, nil, 0)
        defer { edge_lua_pop(main, 1) }
        return LuaStack(main).string(at: -1) ?? ""
    }
}
