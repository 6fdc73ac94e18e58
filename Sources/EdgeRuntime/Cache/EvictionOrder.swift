// Which block of a shard goes when memory is short: S3-FIFO. Pure; slots and bytes, no objects.
//
//              ┌─ seen again while it was there ─┐
//   insert ─▶ small (a tenth of the bytes) ──────┴──▶ main ─▶ victim, unless it was seen since: once more round
//     │          └─▶ victim, remembered in the ghost
//     └─ remembered there: straight to main
//
// Most of what is asked once is never asked again and passes through the small queue without disturbing the rest,
// so a scan does not empty the cache. A hit only counts up to three: nothing moves, nothing is written that another
// hit would wait for. Why this one and not another: docs/eviction.md.

struct EvictionOrder {
    typealias Slot = Int32
    static let none: Slot = -1

    private enum Place: UInt8 {
        case free
        case small
        case main
    }

    private struct Node {
        var key: UInt64 = 0
        var bytes = 0
        var next = EvictionOrder.none
        var previous = EvictionOrder.none
        var place = Place.free
        var hits: UInt8 = 0
        var copy = Copy.none
    }

    /// Whether there is one on disk.
    enum Copy: UInt8 {
        case none
        /// There should be one, whether it is seen again or not.
        case wanted
        case there
    }

    /// First in, first out; `newest` is where nodes come in.
    private struct Queue {
        var newest = EvictionOrder.none
        var oldest = EvictionOrder.none
        var bytes = 0

        mutating func push(_ slot: Slot, _ nodes: inout [Node]) {
            nodes[Int(slot)].previous = EvictionOrder.none
            nodes[Int(slot)].next = newest
            if newest == EvictionOrder.none {
                oldest = slot
            } else {
                nodes[Int(newest)].previous = slot
            }
            newest = slot
            bytes += nodes[Int(slot)].bytes
        }

        mutating func unlink(_ slot: Slot, _ nodes: inout [Node]) {
            let node = nodes[Int(slot)]
            if node.previous == EvictionOrder.none {
                newest = node.next
            } else {
                nodes[Int(node.previous)].next = node.next
            }
            if node.next == EvictionOrder.none {
                oldest = node.previous
            } else {
                nodes[Int(node.next)].previous = node.previous
            }
            bytes -= node.bytes
        }
    }

    private var nodes: [Node] = []
    private var free: [Slot] = []
    private var small = Queue()
    private var main = Queue()
    private var ghost = Ghost()

    private(set) var count = 0
    var bytes: Int { small.bytes + main.bytes }

    /// The key is a hash already.
    mutating func insert(_ key: UInt64, bytes: Int) -> Slot {
        let slot: Slot
        if let reused = free.popLast() {
            slot = reused
        } else {
            slot = Slot(nodes.count)
            nodes.append(Node())
        }
        nodes[Int(slot)] = Node(key: key, bytes: bytes)
        count += 1
        push(slot, to: ghost.takeOut(key) ? .main : .small)
        return slot
    }

    @inline(__always)
    mutating func touch(_ slot: Slot) {
        if nodes[Int(slot)].hits < 3 { nodes[Int(slot)].hits += 1 }
    }

    // MARK: Copies on disk

    /// Slots that there have ever been.
    var slotCount: Int { nodes.count }

    /// It is worth one, and has none: it was seen again, or is remembered from before.
    func lacksCopy(_ slot: Slot) -> Bool {
        let node = nodes[Int(slot)]
        switch node.copy {
        case .there: return false
        case .wanted: return node.place != .free
        case .none: return node.place == .main || (node.place == .small && node.hits > 0)
        }
    }

    mutating func set(_ copy: Copy, _ slot: Slot) { nodes[Int(slot)].copy = copy }

    /// Nobody knows any more what is there.
    mutating func forgetCopies() {
        for slot in nodes.indices where nodes[slot].copy == .there { nodes[slot].copy = .none }
    }

    // MARK: Going

    mutating func remove(_ slot: Slot) {
        unlink(slot)
        nodes[Int(slot)].place = .free
        free.append(slot)
        count -= 1
    }

    /// Takes one out. Nil: there is none.
    mutating func victim() -> Slot? {
        while count > 0 {
            let isSmallDue = small.bytes * 10 >= bytes || main.oldest == Self.none
            let isFromSmall = isSmallDue && small.oldest != Self.none
            let slot = isFromSmall ? small.oldest : main.oldest
            let hits = nodes[Int(slot)].hits
            if isFromSmall, hits > 1 {
                nodes[Int(slot)].hits = 0
                move(slot, to: .main)
            } else if !isFromSmall, hits > 0 {
                nodes[Int(slot)].hits = hits - 1
                move(slot, to: .main)
            } else {
                if isFromSmall { ghost.remember(nodes[Int(slot)].key, among: count) }
                remove(slot)
                return slot
            }
        }
        return nil
    }

    // MARK: Links

    private mutating func move(_ slot: Slot, to place: Place) {
        unlink(slot)
        push(slot, to: place)
    }

    private mutating func push(_ slot: Slot, to place: Place) {
        nodes[Int(slot)].place = place
        switch place {
        case .small: small.push(slot, &nodes)
        case .main: main.push(slot, &nodes)
        case .free: preconditionFailure("a queue of nobody")
        }
    }

    private mutating func unlink(_ slot: Slot) {
        switch nodes[Int(slot)].place {
        case .small: small.unlink(slot, &nodes)
        case .main: main.unlink(slot, &nodes)
        case .free: preconditionFailure("a slot that nobody has")
        }
    }
}

/// Keys that went out lately: a table in which a newer key takes the place of an older one.
///
/// A key is found for about as many evictions as the table has places, and the table has about as many as the shard
/// has blocks. A false memory is possible (32 bits decide) and costs nothing but one place in the main queue.
private struct Ghost {
    private var places: [UInt32] = []

    mutating func remember(_ key: UInt64, among count: Int) {
        if places.count < count, places.count < Limits.ghostPlacesMax {
            // What was remembered is lost; that happens a few times in the life of a shard.
            var size = max(64, places.count)
            while size < count { size *= 2 }
            places = [UInt32](repeating: 0, count: min(size, Limits.ghostPlacesMax))
        }
        guard !places.isEmpty else { return }
        places[index(key)] = mark(key)
    }

    mutating func takeOut(_ key: UInt64) -> Bool {
        guard !places.isEmpty else { return false }
        let index = index(key)
        guard places[index] == mark(key) else { return false }
        places[index] = 0
        return true
    }

    private func index(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: key & UInt64(places.count - 1))
    }
    /// Zero is an empty place.
    private func mark(_ key: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: key >> 32) | 1 }
}
