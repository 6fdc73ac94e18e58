import Testing

@testable import EdgeRuntime

@Suite struct LuaParserTests {
    static let snippets: [String] = [
        "", "return", "return 1, 2;", "return {}", "return { 1, 2; x = 3, [4] = 5, }", "return {,}",
        "return { a = 1 b = 2 }", "local a <const> = 1", "local a <const> = 1 a = 2",
        "local a <close> = nil", "local a <wrong> = 1", "x = 1", "x.y[z].w = 1", "f() = 1",
        "f{} ''",
        "f 'a' [[b]] {c}", "a:b(c):d 'e'", "(a)(b)", "(a)", "a", "a.b", "1 + 2", "x = ", "x == 1",
        "if a then elseif b then else end", "if a then", "if a else end", "while a do break end",
        "break", "do break end", "for i = 1, 2 do break end", "for i = 1 do end",
        "for i = 1, 2, 3 do end", "for a, b in c do end", "for a.b in c do end", "for i do end",
        "repeat local a until a", "repeat until", "function a.b.c:d(e, ...) return ... end",
        "function a:b.c() end", "function f() return ... end", "return ...",
        "local function f(a, b) end", "local function f.a() end", "return function(...) end",
        "function f(a,) end", "function f(..., a) end", "goto a ::a::", "goto a", "::a:: ::a::",
        "do ::a:: end goto a", "goto a; local b ::a::", "goto a; local b ::a:: print(b)",
        "do goto a; local b ::a:: end", "::a:: goto a", "repeat goto c local x ::c:: until x",
        "return 0x10, 0xA.8p1, 1e10, 1E-2, .5, 5., 3e", "return 0x", "return 0x.p1", "return 1..2",
        "return 1 .. 2", "return 3x", "return 08", "return 99999999999999999999", "return 0xg",
        "return 'a\\n\\x41\\65\\u{48}\\z   b'", "return '\\q'", "return '\\300'", "return '\\xZZ'",
        "return '\\u{80000000}'", "return '\\u{7FFFFFFF}'", "return 'a\nb'", "return 'a\\\nb'",
        "return 'abc", "return [[a]] .. [==[ ]] ]==]", "return [=[ ]]", "--[[ x ]] return 1",
        "--[==[ x ]] ", "-- x", "return [==", "return a and b or not c", "return a < b == c ~= d",
        "return 2 ^ 3 ^ 4", "return -x ^ 2", "return a .. b .. c", "return #a + ~b", "return a ~ b",
        "return a // b % c << d >> e & f | g", "return a !== b", "return a != b", "return a ? b",
        "return @", "return $", "return a ; x = 1", "do return end x = 1", "return end",
        "a, b.c, d[1] = 1, 2", "a, b() = 1", "a, = 1", "local a, b = ...", "local a, 1 = 2",
        ";;; ;", "end", "local", "return (", "return )", "f(", "f(a b)", "return { [1 = 2 }",
        "return { 'a' = 2 }", "return { 'a': 2 }", "x = function() end()", "f()()", "f().a = 1",
        "local x <const> = 1; local function g() x = 2 end", "local x = 1; function x() end",
        "local x <const> = 1; function x() end", "local a <close>, b <close> = 1, 2", "and", "nil",
        "return nil.x", "return ('x'):rep(2)", "return 'x':rep(2)", "return {}.x", "return a.1",
        "return a.end", "return a['end']", "goto = 1", "x = 1 y = 2", "return\u{00e9}",
        "\u{feff}return",
    ]

    @Test(arguments: snippets)
    func acceptsWhatLuaAccepts(text: String) throws {
        let bytes = Array(text.utf8)
        let state = try #require(LuaState(memoryBytesMax: 16 << 20))
        let isAccepted = (try? state.stack.load(bytes, name: "=x")) != nil
        let isParsed = (try? LuaParser.parse(bytes)) != nil
        #expect(isParsed == isAccepted)
    }

    @Test(arguments: [40, 150, 195, 250, 100_000])
    func deepNestingIsRefusedNotFollowed(depth: Int) {
        let text =
            "return " + String(repeating: "{", count: depth) + String(repeating: "}", count: depth)
        let isParsed = (try? LuaParser.parse(Array(text.utf8))) != nil
        #expect(isParsed == (depth < 198))
    }

    @Test(arguments: [
        ("return {\n  a = 1\n  b = 2\n}", 2, 8, "write it here"),
        ("return {\n  a = 1\n", 3, 1, "'}' is needed to close '{' of line 1"),
        ("return { a = 1 )", 1, 16, "'}' is needed"), ("x = = 1", 1, 5, "value"),
        ("if a then\n", 2, 1, "'end' is needed to close 'if' of line 1"),
        ("return {\r\n  'x' = 1 }", 2, 3, "[\"x\"]"), ("a = \"b\n", 1, 5, "close it"),
    ])
    func errorsSayWhereAndWhatToDo(text: String, line: Int, column: Int, remedy: String) {
        do throws(LuaSyntaxError) {
            _ = try LuaParser.parse(Array(text.utf8))
            Issue.record("accepted")
        } catch {
            #expect(error.position == LuaPosition(line: line, column: column))
            #expect(error.remedy.contains(remedy))
        }
    }
}
