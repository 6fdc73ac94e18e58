// What a configuration file may call. The list is the documentation.
//
// Nothing here does I/O, loads code, reaches a metatable or a coroutine, or answers differently tomorrow (clock,
// random), so the same file gives the same table.

enum LuaSandbox {
    static let globals = [
        "assert", "error", "ipairs", "next", "pairs", "select", "tonumber", "tostring", "type",
    ]
    static let libraries: [(name: String, functions: [String])] = [
        (
            "string",
            [
                "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "rep",
                "reverse", "sub", "upper",
            ]
        ),
        ("table", ["concat", "insert", "move", "pack", "remove", "sort", "unpack"]),
        (
            "math",
            [
                "abs", "ceil", "floor", "fmod", "huge", "max", "maxinteger", "min", "mininteger",
                "modf", "pi", "sqrt", "tointeger", "type", "ult",
            ]
        ),
        ("utf8", ["char", "charpattern", "codepoint", "len", "offset"]),
    ]

    /// Pushes a fresh table of globals.
    static func pushGlobals(on stack: LuaStack) {
        stack.pushTable()
        let sandbox = stack.absolute(-1)
        stack.pushLibraries()
        let all = stack.absolute(-1)
        for name in globals {
            stack.pushField(name, of: all)
            stack.setField(name, of: sandbox)
        }
        for library in libraries {
            stack.pushTable()
            let allowed = stack.absolute(-1)
            stack.pushField(library.name, of: all)
            let source = stack.absolute(-1)
            for name in library.functions {
                stack.pushField(name, of: source)
                stack.setField(name, of: allowed)
            }
            stack.pop()
            stack.setField(library.name, of: sandbox)
        }
        stack.pop()
    }
}
