// What must hold for every text that is read as Lua: it ends, and an error lies inside of the text.

#if canImport(EdgeRuntime)
    @testable import EdgeRuntime
#endif

enum LuaProperties {
    static func luaSyntax(_ input: [UInt8]) {
        do throws(LuaSyntaxError) {
            _ = try LuaParser.parse(input)
        } catch {
            // Each of `\r` and `\n` may end a line.
            let lines = input.count { $0 == 0x0a || $0 == 0x0d } + 1
            precondition((1...lines).contains(error.position.line), "a line that is not there")
            precondition((1...input.count + 1).contains(error.position.column), "no such column")
            precondition(!error.remedy.isEmpty, "an error without a remedy")
        }
    }
}
