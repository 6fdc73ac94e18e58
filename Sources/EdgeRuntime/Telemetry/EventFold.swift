// Keeps a flood of events from filling the disk: what is said again within a second is counted instead of written,
// and no second has more than `Limits.eventLinesPerSecond` lines. Pure; time is whole seconds from outside.

struct EventFold {
    enum Verdict: Equatable {
        case write
        /// Said already in this second; comes back from `due` with its count.
        case hold
        /// One line too many for this second; comes back from `due` as a number.
        case suppress
    }

    struct Due: Equatable {
        var repeated: [Repetition] = []
        var suppressed = 0
    }

    struct Repetition: Equatable {
        var body: [UInt8]
        var count: Int
    }

    private struct Entry {
        var body: [UInt8]
        var second: Int64
        var count = 0
    }

    private var entries: [Entry] = []
    private var second: Int64 = 0
    private var lines = 0
    private var suppressed = 0

    mutating func admit(_ body: [UInt8], at now: Int64) -> Verdict {
        if let index = entries.firstIndex(where: { $0.second == now && $0.body == body }) {
            entries[index].count += 1
            return .hold
        }
        if now != second {
            second = now
            lines = 0
        }
        guard lines < Limits.eventLinesPerSecond else {
            suppressed += 1
            return .suppress
        }
        lines += 1
        if entries.count < Limits.eventFoldsMax {
            entries.append(Entry(body: body, second: now))
        }
        return .write
    }

    /// What was held back in seconds before `now`, once. With nil everything, for the end.
    mutating func due(at now: Int64?) -> Due {
        var due = Due()
        let isOver = { (then: Int64) in now.map { then != $0 } ?? true }
        guard entries.contains(where: { isOver($0.second) }) || suppressed > 0 else { return due }
        for entry in entries where isOver(entry.second) && entry.count > 0 {
            due.repeated.append(Repetition(body: entry.body, count: entry.count))
        }
        entries.removeAll { isOver($0.second) }
        if isOver(second) {
            due.suppressed = suppressed
            suppressed = 0
        }
        return due
    }
}
