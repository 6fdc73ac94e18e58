import CLua
import Testing

@testable import EdgeRuntime

@Suite struct StringLibraryTests {
    private typealias Function = BaseLibraryTests.Function

    @Test(arguments: [0, 1_000_000, 2_000_000, 3_000_000, 4_000_000])
    func answersWhatLuaAnswers(firstSeed: Int64) throws {
        let generator = try Function(StringLibraryCases.generator, isReal: true)
        let ours = try Function(StringLibraryCases.observer, isReal: false)
        let real = try Function(StringLibraryCases.observer, isReal: true)
        for seed in firstSeed..<firstSeed + 10_000 {
            lua_pushinteger(generator.state.stack.state, seed)
            let expression = try generator.text()
            ours.state.stack.push(expression)
            real.state.stack.push(expression)
            let expected = try real.text()
            let answer = try ours.text()
            if answer != expected {
                Issue.record("seed \(seed): \(expression)\n  ours \(answer)\n  real \(expected)")
                return
            }
        }
    }

    // MARK: One at a time

    /// Runs `code` to its end, slice by slice.
    private func run(
        _ code: String,
        instructions: Int = 2_000_000
    ) throws -> (LuaThread.Outcome, String) {
        let state = try #require(LuaState(memoryBytesMax: 128 << 20))
        let thread = state.newThread()
        let stack = thread.stack
        stack.pushLibraries()
        try stack.load(Array(code.utf8), name: "=t")
        stack.useAsGlobals()
        stack.dropBelowTop()
        var budget = LuaBudget(instructions: instructions, memoryBytes: 16 << 20, slice: 1_000_000)
        var outcome = thread.resume(arguments: 0, budget: &budget)
        while outcome == .sliced { outcome = thread.resume(arguments: 0, budget: &budget) }
        luaL_tolstring(stack.state, -1, nil)
        return (outcome, stack.string(at: -1) ?? "")
    }

    @Test(arguments: [
        ("t:1: addresses are hidden", "return ('%p'):format({})"),
        ("table function", "return ('%s %s'):format({}, print or next)"),
        ("nil", "return tostring(string.dump)"),
        ("false", "return tostring(getmetatable(''))"),
        ("0", "return #(''):rep(1 << 62)"),
        ("0", "return #(''):rep(1 << 62, '')"),
        ("t:1: resulting string too large", "return ('x'):rep(1 << 31)"),
        ("8000", "return select('#', ('x'):rep(8000):byte(1, -1))"),
        ("t:1: string slice too long", "return ('x'):rep(8001):byte(1, -1)"),
        ("8000", "return select('#', string.unpack(('b'):rep(7999), ('x'):rep(7999)))"),
        ("t:1: too many results", "return string.unpack(('b'):rep(8000), ('x'):rep(8000))"),
        ("x", "string.len = nil return ('x'):rep(1)"),
    ])
    func differsWhereItSaysSo(expected: String, code: String) throws {
        let (_, text) = try run(code)
        #expect(text == expected)
    }

    /// A search that finds nothing costs in proportion to what it looks at, so a hook may search what a header holds;
    /// what is read piece by piece is not paid for as a whole each time.
    @Test(arguments: [
        "return (('x'):rep(8000)..'y'):find('y')",
        "return (('x'):rep(8000)..'y'):find('[^x]')",
        "return (('x'):rep(8000)..'y'):match('^x*(y)$')",
        "return ('k=v; '):rep(1000):gsub('(%w+)=(%w+)', '%2=%1')",
        "local s = ('x'):rep(100000) for i = 1, 1000 do ('<I4'):unpack(s, i) end",
        "local s = ('ab\\0'):rep(30000) for i = 1, 1000 do ('z'):unpack(s, i) end",
    ])
    func honestWorkIsCheap(code: String) throws {
        let (outcome, text) = try run(code, instructions: 100_000)
        guard case .finished = outcome else {
            Issue.record("\(outcome): \(text)")
            return
        }
    }

    @Test(arguments: [
        "return (('a'):rep(30)):match(('a?'):rep(30)..('a'):rep(31))",
        "return (('a'):rep(100000)):find('(.-)(.-)(.-)(.-)b')",
        "return (('a'):rep(100000)):find('.-.-.-.-.-b')",
        "return (('('):rep(1000000)):find('%b()')",
        "return (('a'):rep(1000000)):find(('a'):rep(5000)..'b', 1, true)",
        "return (('a'):rep(1000000)):gsub('.-b', '')",
        "for _ in (('a'):rep(1000000)):gmatch('a*b') do end",
        "for _ in (('a'):rep(100000)):gmatch('()()()()()') do end",
        "return (('a'):rep(200000)):find('(a*)%1b')",
        "return (('a'):rep(100000)):find('[' .. ('b'):rep(10000) .. ']')",
        "return (('a'):rep(100000)):find('%f[' .. ('b'):rep(10000) .. ']')",
        "local s = (' '):rep(1000000) while true do s:find('%S') end",
        "local s = ('x'):rep(1000000) while true do s:find('y', 1, true) end",
        "local s = ('x'):rep(1000000) while true do ('a'):find(s) end",
        "local s = ('x'):rep(1000000) while true do s:lower() end",
        "local s = ('x'):rep(1000000) while true do s:reverse() end",
        "while true do ('x'):rep(1000000) end",
        "local s = ('x'):rep(8000) while true do s:byte(1, -1) end",
        "local s = ('x'):rep(1000000) while true do ('%q'):format(s) end",
        "return ('%q'):format(('\\1'):rep(450000))",
        "local s = ('x'):rep(1000000) while true do ('%.1s'):format(s) end",
        "local s = ('%%'):rep(500000) while true do s:format() end",
        "while true do ('%99.99f'):format(1e308) end",
        "local s = ('%'):rep(500000) while true do ('a'):gsub('a', s) end",
        "local s = (' '):rep(500000) while true do s:packsize() end",
        "local s = ('x'):rep(1000000) while true do pcall(string.unpack, 'z', s) end",
        "while true do ('c1000000'):pack('') end",
        "local s = (' '):rep(1000000) .. '1' while true do local x = s + 1 end",
        "return ('a'):gsub('a', function() while true do end end)",
        "return pcall(string.gsub, 'a', 'a', function() while true do end end)",
        "return ('a'):rep(1000):gsub('', setmetatable({}, { __index = function() while true do end end }))",
    ])
    func nothingOutlivesItsBudget(code: String) throws {
        let (outcome, text) = try run(code)
        #expect(
            outcome == .failed(.instructions) || outcome == .failed(.memory),
            "\(outcome): \(text)"
        )
    }
}
