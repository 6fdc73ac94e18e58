// The threads of one function: its own, and those of `edge.all`, which stand beside each other while it waits.
//
//   begin ─▶ fresh ─▶ running ─▶ waiting ─settle─▶ settled ─▶ running …
//              ▲         │ └───▶ sliced ──wake───▶ fresh
//              │         ▼
//             add      ended ─▶ (all of them: the one that added them is settled) ─▶ free
//
// Strand 0 is the function's own; it ends last, because who has added strands waits for them. Who may run is chosen in
// turns, so that one which is always ready holds up no other. Pure.

struct Strands {
    enum Outcome {
        /// So many results lie on its stack.
        case results(Int)
        case failed(String)
    }

    enum State {
        case free
        /// So many arguments lie on its stack, behind the function if it is new.
        case fresh(arguments: Int)
        case running
        case sliced
        case waiting(until: Nanoseconds)
        /// What was waited for is there.
        case settled
        case ended(Outcome)
    }

    struct Strand {
        var thread: LuaThread
        var state: State
        var effect = StageRun.Effect.none
        var serial: UInt64 = 0
        /// Who waits for it.
        var parent: Int?
        /// Those that it waits for, and how many of them have not ended.
        var children: [Int] = []
        var open = 0
    }

    private var strands: [Strand] = []
    private var serial: UInt64 = 0
    private var last = 0
    /// Strands that are not free.
    private(set) var count = 0

    subscript(_ index: Int) -> Strand { strands[index] }
    func thread(_ index: Int) -> LuaThread { strands[index].thread }
    /// How many values lie ready for one that did not wait.
    func freshArguments(_ index: Int) -> Int? {
        guard case .fresh(let arguments) = strands[index].state else { return nil }
        return arguments
    }
    var isEmpty: Bool { count == 0 }

    mutating func begin(_ thread: LuaThread, arguments: Int) {
        precondition(isEmpty, "one function at a time")
        _ = insert(thread, arguments: arguments, parent: nil)
    }

    private mutating func insert(_ thread: LuaThread, arguments: Int, parent: Int?) -> Int {
        count += 1
        let new = Strand(thread: thread, state: .fresh(arguments: arguments), parent: parent)
        for index in strands.indices {
            guard case .free = strands[index].state else { continue }
            strands[index] = new
            return index
        }
        strands.append(new)
        return strands.count - 1
    }

    /// Who can go on, and after it those behind it.
    mutating func takeReady() -> Int? {
        for step in 1...max(1, strands.count) where !strands.isEmpty {
            let index = (last + step) % strands.count
            switch strands[index].state {
            case .fresh, .settled:
                last = index
                return index
            case .free, .running, .sliced, .waiting, .ended: continue
            }
        }
        return nil
    }

    mutating func run(_ index: Int) { strands[index].state = .running }
    mutating func slice(_ index: Int) { strands[index].state = .sliced }

    /// The strand waits for `effect` from here on.
    mutating func wait(_ index: Int, for effect: StageRun.Effect) -> StageRun.Wait {
        serial += 1
        strands[index].serial = serial
        strands[index].effect = effect
        strands[index].state = .waiting(until: effect.deadline)
        guard case .all(let threads) = effect else { return .init(strand: index, serial: serial) }
        let children = threads.map { insert($0, arguments: 0, parent: index) }
        strands[index].children = children
        strands[index].open = children.count
        if children.isEmpty { strands[index].state = .settled }
        return .init(strand: index, serial: serial)
    }

    /// What came may not be the end of the wait: it goes on as it was, unless the strand runs next.
    mutating func reopen(_ index: Int) {
        strands[index].state = .waiting(until: strands[index].effect.deadline)
    }

    /// False: nobody waits for this any more.
    mutating func settle(_ wait: StageRun.Wait) -> Bool {
        guard wait.strand < strands.count, strands[wait.strand].serial == wait.serial,
            case .waiting = strands[wait.strand].state
        else { return false }
        strands[wait.strand].state = .settled
        return true
    }

    /// So many results lie on the stack of the strand that waits.
    mutating func settle(_ wait: StageRun.Wait, results: Int) {
        let isWaited = settle(wait)
        precondition(isWaited, "nobody waits")
        strands[wait.strand].state = .fresh(arguments: results)
    }

    mutating func end(_ index: Int, _ outcome: Outcome) {
        strands[index].state = .ended(outcome)
        guard let parent = strands[index].parent else { return }
        strands[parent].open -= 1
        if strands[parent].open == 0 { strands[parent].state = .settled }
    }

    /// Those that the strand waited for, in the order in which they were added; they are free then.
    mutating func takeChildren(of parent: Int) -> [(thread: LuaThread, outcome: Outcome)] {
        let children = strands[parent].children
        strands[parent].children = []
        return children.map { index in
            guard case .ended(let outcome) = strands[index].state else {
                preconditionFailure("a strand waits until all of its own have ended")
            }
            strands[index].state = .free
            strands[index].effect = .none
            count -= 1
            return (thread: strands[index].thread, outcome: outcome)
        }
    }

    // MARK: Time

    /// When somebody can go on, if nobody else settles before.
    func earliest(now: Nanoseconds) -> Nanoseconds {
        var earliest = Nanoseconds.never
        for strand in strands {
            switch strand.state {
            // A moment that is over would come up in the same tick again, before others are served.
            case .fresh, .settled, .sliced: earliest = min(earliest, now + 1)
            case .waiting(let until): earliest = min(earliest, max(until, now + 1))
            case .free, .running, .ended: continue
            }
        }
        return earliest
    }

    /// Time has come to `now`: slept ones are settled, sliced ones go on; answers the waits that took too long.
    mutating func wake(now: Nanoseconds) -> [StageRun.Wait] {
        var overdue: [StageRun.Wait] = []
        for index in strands.indices {
            switch strands[index].state {
            case .sliced: strands[index].state = .fresh(arguments: 0)
            case .waiting(let until) where until <= now:
                switch strands[index].effect {
                case .sleep: strands[index].state = .settled
                case .fetch:
                    overdue.append(.init(strand: index, serial: strands[index].serial))
                case .none, .all, .peer: continue
                }
            case .free, .fresh, .running, .waiting, .settled, .ended: continue
            }
        }
        return overdue
    }

    /// Hands out every thread that is still held, and is empty.
    mutating func removeAll() -> [LuaThread] {
        var threads: [LuaThread] = []
        for strand in strands {
            if case .free = strand.state { continue }
            threads.append(strand.thread)
        }
        clear()
        return threads
    }

    /// The function has ended, and its own thread has been given back.
    mutating func clear() {
        strands.removeAll(keepingCapacity: true)
        count = 0
        last = 0
    }
}
