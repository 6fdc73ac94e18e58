import Glibc
import Testing

@testable import EdgeRuntime

/// Hooks leave nothing behind, neither in their machine nor in the process. EDGED_HOOK_CALLS makes it longer.
@Suite(.serialized) struct FunctionMemoryTests {
    private static var calls: Int {
        getenv("EDGED_HOOK_CALLS").flatMap { Int(String(cString: $0)) } ?? 100_000
    }

    private static var residentBytes: Int {
        let pages = TestFile.read("/proc/self/statm")?.split(separator: " ")
        return (pages?.dropFirst().first.flatMap { Int($0) } ?? 0) * sysconf(CInt(_SC_PAGESIZE))
    }

    static let handlers = [
        // What nearly every function does.
        """
        local headers = event.request.headers
        headers["x-device"] = headers["user-agent"]
        headers["x-language"] = headers["accept-language"]
        """,
        "event.state.out = { event.request.path, event.request.headers.a }",
        "return { status = 403, headers = { ['content-type'] = 'text/plain' }, body = 'no' .. 1 }",
        "pcall(error, 'caught') pcall(function() event.request.headers.connection = 'x' end)",
        "error('raised')",
        "coroutine.wrap(function() coroutine.yield(event) end)()",
        "local a, b = edge.all { function() return 1 end, function() error('x') end }",
        "local t <close> = setmetatable({}, { __close = function() end }) error('closed')",
    ]

    @Test(arguments: handlers.indices) func memoryStays(_ place: Int) throws {
        let (runtime, attachment) = try TestRun.runtime(
            "return { viewer_request = function(event) \(Self.handlers[place]) end }"
        )
        let loop = try FunctionProbe.loop()
        let run = TestRun(runtime: runtime, loop: loop)
        let heads = Heads()
        func call(_ times: Int) {
            for _ in 0..<times {
                heads.reset()
                let arena = heads.arena
                heads.request.path = arena.append("/")
                heads.request.fields.append(.userAgent, value: arena.append("agent"))
                _ = run.begin(.viewerRequest, [attachment], heads: heads)
                runtime.state.stack.forget(run.state)
                run.state = .none
                run.failures.removeAll(keepingCapacity: true)
                runtime.hooks[0].breaker = Breaker()
            }
            runtime.state.collectGarbage()
        }
        // All handlers together make up the number.
        let calls = Self.calls / Self.handlers.count
        call(calls / 10)
        let account = runtime.state.memoryBytes
        let resident = Self.residentBytes
        call(calls)
        #expect(runtime.state.memoryBytes <= account + 4096)
        // Other suites run beside this one in the same process.
        if getenv("EDGED_HOOK_CALLS") != nil {
            #expect(Self.residentBytes <= resident + (4 << 20))
        }
    }
}
