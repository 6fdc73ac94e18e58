import Testing

@testable import EdgeRuntime

@Suite struct MailboxTests {
    @Test func onlyTheFirstLetterWakes() throws {
        let loop = EventLoop(
            reactor: .simulated(SimulatedReactor(seed: 1)),
            blocking: try BlockingPool(threads: 0),
            random: Random(seed: 1)
        )
        let wakes = Locked(0)
        let read = Locked<[Int]>([])
        let mailbox = Mailbox { wakes.withLock { $0 += 1 } }
        #expect(mailbox.drain().isEmpty)
        for number in 0..<3 {
            mailbox.send { _ in read.withLock { $0.append(number) } }
        }
        #expect(wakes.withLock { $0 } == 1)
        for letter in mailbox.drain() { letter(loop) }
        #expect(read.withLock { $0 } == [0, 1, 2])
        #expect(mailbox.drain().isEmpty)
        mailbox.send { _ in }
        #expect(wakes.withLock { $0 } == 2)
    }

    /// A letter that sends one is read in the next tick.
    @Test func aLetterMaySendAnother() throws {
        let loop = EventLoop(
            reactor: .simulated(SimulatedReactor(seed: 1)),
            blocking: try BlockingPool(threads: 0),
            random: Random(seed: 1)
        )
        let wakes = Locked(0)
        let mailbox = Mailbox { wakes.withLock { $0 += 1 } }
        mailbox.send { _ in mailbox.send { _ in } }
        for letter in mailbox.drain() { letter(loop) }
        #expect(wakes.withLock { $0 } == 2)
        #expect(mailbox.drain().count == 1)
    }
}
