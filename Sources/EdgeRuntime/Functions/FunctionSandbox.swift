// What a function may name. The list is the documentation.
//
// Every file has globals of its own over one shared table that nobody can write, so what one function leaves behind
// no other one sees. There is no `io`, `os`, `debug`, `dofile`, `loadfile`, `collectgarbage`.

enum FunctionSandbox {
    static let libraries = ["string", "table", "math", "utf8", "coroutine"]

    /// Pushes the table that all files share.
    static func pushShared(on stack: LuaStack) {
        stack.pushLibraries()
        let all = stack.absolute(-1)
        stack.pushTable()
        let shared = stack.absolute(-1)
        stack.pushNil()
        while stack.next(in: all) {
            let isLibrary = stack.kind(at: -1) == .table
            let name = stack.string(at: -2) ?? ""
            if isLibrary {
                guard libraries.contains(name) else {
                    stack.pop()
                    continue
                }
                stack.makeReadOnly(name)
            }
            stack.setField(name, of: shared)
        }
        stack.dropBelowTop()
        FunctionAPI.pushEdge(on: stack)
        stack.setField("edge", of: -2)
        stack.push { state in
            guard let state else { return 0 }
            let call = LuaCall(state)
            return FunctionRuntime.of(call.stack).require(call)
        }
        stack.setField("require", of: -2)
        stack.push(LogAPI.print)
        stack.setField("print", of: -2)
    }

    /// Pushes the globals of one file.
    static func pushGlobals(over shared: LuaReference, on stack: LuaStack) {
        stack.pushTable()
        stack.pushCopy(of: -1)
        stack.setField("_G", of: -2)
        stack.pushTable()
        stack.push(shared)
        stack.setField("__index", of: -2)
        stack.push(false)
        stack.setField("__metatable", of: -2)
        stack.setMetatable(of: -2)
    }
}

/// The operator's options as Lua values, which nobody can write.
enum FunctionOptions {
    static func push(_ node: ConfigNode, on stack: LuaStack) {
        switch node.value {
        case .boolean(let value): stack.push(value)
        case .integer(let value): stack.push(value)
        case .number(let value): stack.push(value)
        case .string(let value): stack.push(value)
        // Only `secrets` of an attachment hands values out.
        case .secret: stack.pushNil()
        case .list(let items):
            stack.pushTable(items: items.count, fields: 0)
            for (index, item) in items.enumerated() {
                pushInner(item, on: stack)
                stack.setRawItem(index + 1, of: -2)
            }
        case .table(let entries):
            stack.pushTable(items: 0, fields: entries.count)
            for entry in entries {
                pushInner(entry.node, on: stack)
                stack.setField(entry.key, of: -2)
            }
        }
    }

    private static func pushInner(_ node: ConfigNode, on stack: LuaStack) {
        push(node, on: stack)
        switch node.value {
        case .list, .table: stack.makeReadOnly("event.options")
        case .boolean, .integer, .number, .string, .secret: break
        }
    }
}
