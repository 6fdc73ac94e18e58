// A list through the slots of a table: links are indices, so nothing is allocated and any member leaves in O(1).
// The table is passed to every call; a slot is in at most one list at a time.

struct SlotLinks {
    static let none = UInt32.max
    var previous = SlotLinks.none
    var next = SlotLinks.none
}

protocol LinkedSlot {
    var links: SlotLinks { get set }
}

struct SlotList {
    private var head = SlotLinks.none
    private var tail = SlotLinks.none
    private(set) var count = 0

    var first: UInt32? { head == SlotLinks.none ? nil : head }

    mutating func append<Slot: LinkedSlot>(_ slot: UInt32, in table: inout [Slot]) {
        table[Int(slot)].links = SlotLinks(previous: tail, next: SlotLinks.none)
        if tail == SlotLinks.none {
            head = slot
        } else {
            table[Int(tail)].links.next = slot
        }
        tail = slot
        count += 1
    }

    mutating func remove<Slot: LinkedSlot>(_ slot: UInt32, in table: inout [Slot]) {
        let links = table[Int(slot)].links
        if links.previous == SlotLinks.none {
            head = links.next
        } else {
            table[Int(links.previous)].links.next = links.next
        }
        if links.next == SlotLinks.none {
            tail = links.previous
        } else {
            table[Int(links.next)].links.previous = links.previous
        }
        table[Int(slot)].links = SlotLinks()
        count -= 1
    }

    mutating func popFirst<Slot: LinkedSlot>(in table: inout [Slot]) -> UInt32? {
        guard head != SlotLinks.none else { return nil }
        let slot = head
        remove(slot, in: &table)
        return slot
    }

    mutating func popLast<Slot: LinkedSlot>(in table: inout [Slot]) -> UInt32? {
        guard tail != SlotLinks.none else { return nil }
        let slot = tail
        remove(slot, in: &table)
        return slot
    }
}
