import Testing

@testable import EdgeRuntime

@Suite struct LockTests {
    @Test func threadsTakeTurns() throws {
        let total = Locked(0)
        let threads = try (0..<4).map { index in
            try Thread.start(name: "adder-\(index)-with-a-long-name") {
                for _ in 0..<10_000 { total.withLock { $0 += 1 } }
            }
        }
        for thread in threads { thread.join() }
        #expect(total.withLock { $0 } == 40_000)
    }

    @Test func aWaiterIsWokenByTheChangeItWaitsFor() throws {
        let flag = Locked(false)
        let seen = Locked(false)
        let waiter = try Thread.start(name: "waiter") {
            let value = flag.withLock(waitingAtMost: nil, until: { $0 }, { $0 })
            seen.withLock { $0 = value }
        }
        flag.withLockNotifying { $0 = true }
        waiter.join()
        #expect(seen.withLock { $0 })
    }

    @Test func aWaitEndsWithItsTime() {
        let never = Locked(7)
        let value = never.withLock(waitingAtMost: 1, until: { $0 == 8 }, { $0 })
        #expect(value == 7)
    }

    @Test func aPlainLockReturnsWhatItsBodyReturns() {
        let lock = Lock()
        #expect(lock.withLock { 3 } == 3)
        #expect(lock.withLock { 4 } == 4)
    }
}
