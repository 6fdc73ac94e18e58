// Deadlines in, due tokens out. Pure.
//
// A binary heap, because a loop member has one entry at a time and seldom changes it: a deadline that moves later
// only changes a number in the member (`EventLoop.setDeadline`), and the entry is put back when it comes up early.
// So the heap sees about one insertion per connection and timeout period, not one per request.

struct TimerHeap {
    struct Entry: Equatable {
        var deadline: Nanoseconds
        var token: Token
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }
    var earliest: Nanoseconds? { entries.first?.deadline }

    mutating func insert(_ token: Token, at deadline: Nanoseconds) {
        entries.append(Entry(deadline: deadline, token: token))
        siftUp(from: entries.count - 1)
    }

    /// Takes out the earliest entry that is due.
    mutating func popDue(at now: Nanoseconds) -> Entry? {
        guard let first = entries.first, first.deadline <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        siftDown()
        return first
    }

    private mutating func siftUp(from start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].deadline < entries[parent].deadline else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var least = parent
            let left = 2 * parent + 1
            for child in left...(left + 1) where child < entries.count {
                if entries[child].deadline < entries[least].deadline { least = child }
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
