// How other threads reach a loop: letters appended under a lock, and a wake-up only when the box was empty.
//
// A letter is a small piece of work that runs on the loop's thread. Letters are for answers of the blocking pool,
// published configurations and orders of the control thread; nothing on the path of a warm request sends one.

final class Mailbox: Sendable {
    typealias Letter = @Sendable (EventLoop) -> Void

    private let letters = Locked<[Letter]>([])
    private let wake: @Sendable () -> Void

    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    func send(_ letter: @escaping Letter) {
        let wasEmpty = letters.withLock { waiting in
            waiting.append(letter)
            return waiting.count == 1
        }
        if wasEmpty { wake() }
    }

    /// Takes the whole batch, so that the lock is not held while letters run.
    func drain() -> [Letter] {
        letters.withLock { waiting in
            guard !waiting.isEmpty else { return [] }
            let batch = waiting
            waiting = []
            return batch
        }
    }
}
