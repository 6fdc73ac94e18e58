import Testing

@testable import EdgeRuntime

struct StrandsTests {
    let state: LuaState

    init() throws { state = try #require(LuaState(memoryBytesMax: 1 << 20)) }

    /// The function's own strand, waiting for as many others.
    private func begun(_ count: Int) -> Strands {
        var strands = Strands()
        strands.begin(state.newThread(), arguments: 1)
        runNext(0, &strands)
        let threads = (0..<count).map { _ in state.newThread() }
        _ = strands.wait(0, for: .all(threads))
        return strands
    }

    private func runNext(_ expected: Int?, _ strands: inout Strands) {
        let index = strands.takeReady()
        #expect(index == expected)
        if let index { strands.run(index) }
    }

    private func outcomes(_ strands: inout Strands) -> [String] {
        strands.takeChildren(of: 0).map { child in
            switch child.outcome {
            case .results(let count): "\(count)"
            case .failed(let message): message
            }
        }
    }

    @Test("strands take turns, and the one that added them goes on when all have ended")
    func turns() {
        var strands = begun(3)
        #expect(strands.count == 4)
        for expected in [1, 2, 3, nil] { runNext(expected, &strands) }
        strands.end(3, .results(0))
        strands.end(1, .failed("x"))
        runNext(nil, &strands)
        strands.end(2, .results(2))
        runNext(0, &strands)
        let outcomes = outcomes(&strands)
        #expect(outcomes == ["x", "2", "0"])
        #expect(strands.count == 1)
    }

    @Test("no strands to wait for is nothing to wait for")
    func none() {
        var strands = begun(0)
        runNext(0, &strands)
        let outcomes = outcomes(&strands)
        #expect(outcomes.isEmpty)
    }

    @Test("only the wait that still goes on is settled")
    func settling() {
        var strands = begun(1)
        runNext(1, &strands)
        let first = strands.wait(1, for: .sleep(until: 10))
        let settled = [strands.settle(first), strands.settle(first)]
        #expect(settled == [true, false])
        runNext(1, &strands)
        let second = strands.wait(1, for: .sleep(until: 20))
        let later = [strands.settle(first), strands.settle(second)]
        #expect(later == [false, true])
        let threads = strands.removeAll()
        #expect(threads.count == 2)
        let gone = strands.settle(second)
        #expect(!gone)
    }

    @Test("time wakes those that slept, and never within the moment in which it is asked")
    func time() throws {
        var strands = begun(3)
        for expected in 1...3 { runNext(expected, &strands) }
        _ = strands.wait(1, for: .sleep(until: 5))
        let url = try FetchURL(Array("http://a/".utf8))
        let order = FetchOrder(target: .url(url), deadline: 7, bodyBytesMax: 0)
        let fetch = strands.wait(2, for: .fetch(order))
        strands.slice(3)
        #expect(strands.earliest(now: 1) == 2)
        var overdue = strands.wake(now: 1)
        #expect(overdue.isEmpty)
        runNext(3, &strands)
        strands.end(3, .results(0))
        #expect(strands.earliest(now: 1) == 5)
        #expect(strands.earliest(now: 5) == 6)
        overdue = strands.wake(now: 5)
        #expect(overdue.isEmpty)
        runNext(1, &strands)
        overdue = strands.wake(now: 7)
        #expect(overdue == [fetch])
        runNext(nil, &strands)
    }
}

struct FetchURLTests {
    @Test(
        "a URL is read once into what is asked",
        arguments: [
            ("http://example.com", "example.com", 80, "/"),
            ("HTTPS://Example.COM.:8443/a%20b?c=/d#e", "example.com", 8443, "/a%20b?c=/d"),
            ("https://[2001:DB8:0:0::1]?q", "2001:db8::1", 443, "/?q"),
            ("http://[::ffff:127.0.0.1]/", "127.0.0.1", 80, "/"),
            ("http://0x7f.1:81/", "0x7f.1", 81, "/"),
        ] as [(String, String, UInt16, String)]
    )
    func reading(text: String, host: String, port: UInt16, path: String) throws {
        let url = try FetchURL(Array(text.utf8))
        #expect(url.host == host && url.port == port && url.path == Array(path.utf8))
        #expect(url.isTLS == text.lowercased().hasPrefix("https"))
    }

    @Test(
        "what could be read in two ways is refused",
        arguments: [
            "", "/a", "//example.com/", "ftp://example.com/", "http:///a", "http://a@b/",
            "http://a b/",
            "http://a\\@b/", "http://a:0/", "http://a:99999/", "http://a/\r\nx", "http://[::1/",
            "http:a",
        ]
    )
    func refusing(text: String) {
        #expect(throws: FetchURL.Fault.self) { try FetchURL(Array(text.utf8)) }
    }

    @Test("hosts are compared with the operator's list")
    func allowed() throws {
        let url = try FetchURL(Array("http://api.example.com/".utf8))
        #expect(url.isAllowed(by: []) && url.isAllowed(by: ["x", "*.example.com"]))
        #expect(url.isAllowed(by: ["api.example.com"]) && url.isAllowed(by: ["*"]))
        #expect(!url.isAllowed(by: ["example.com", "*.api.example.com", "*.ample.com"]))
    }
}
