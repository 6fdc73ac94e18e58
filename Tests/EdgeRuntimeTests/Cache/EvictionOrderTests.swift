import Testing

@testable import EdgeRuntime

@Suite struct EvictionOrderTests {
    /// Keys in the order in which they go.
    private func drain(_ order: inout EvictionOrder, _ keys: [EvictionOrder.Slot: String]) -> String
    {
        var gone = ""
        while let slot = order.victim() { gone += keys[slot] ?? "?" }
        return gone
    }

    private func fill(_ order: inout EvictionOrder, _ names: String) -> [EvictionOrder.Slot: String]
    {
        var keys: [EvictionOrder.Slot: String] = [:]
        for name in names {
            let key = UInt64(name.asciiValue ?? 0) &* 0x9e37_79b9_7f4a_7c15
            keys[order.insert(key, bytes: 10)] = String(name)
        }
        return keys
    }

    @Test func whatNobodyAskedForGoesFirstInFirstOut() {
        var order = EvictionOrder()
        let keys = fill(&order, "abc")
        #expect(drain(&order, keys) == "abc")
        #expect(order.count == 0 && order.bytes == 0)
    }

    @Test func whatWasAskedForTwiceOutlivesTheOthers() {
        var order = EvictionOrder()
        let keys = fill(&order, "abc")
        for (slot, name) in keys where name == "a" {
            order.touch(slot)
            order.touch(slot)
        }
        #expect(drain(&order, keys) == "bca")
    }

    @Test func oneHitIsNotEnough() {
        var order = EvictionOrder()
        let keys = fill(&order, "ab")
        for slot in keys.keys { order.touch(slot) }
        #expect(drain(&order, keys) == "ab")
    }

    @Test func whatComesBackSoonSkipsTheSmallQueue() {
        var order = EvictionOrder()
        _ = fill(&order, "abcd")
        // `a` goes and is remembered; when it comes again it stands behind the door that a scan does not pass.
        let first = order.victim()
        #expect(first != nil)
        var keys = fill(&order, "a")
        let back = keys
        for (slot, name) in fill(&order, "wxyz") { keys[slot] = name }
        var gone: [EvictionOrder.Slot] = []
        while let slot = order.victim() { gone.append(slot) }
        #expect(gone.last == back.keys.first)
    }

    @Test func aSlotThatIsTakenOutIsUsedAgain() {
        var order = EvictionOrder()
        let slot = order.insert(1, bytes: 5)
        order.remove(slot)
        #expect(order.insert(2, bytes: 7) == slot)
        #expect(order.bytes == 7 && order.count == 1)
    }

    /// Against the plainest model: a set of slots and their bytes.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func countsStayRight(seed: UInt64) {
        var random = Random(seed: seed)
        var order = EvictionOrder()
        var model: [EvictionOrder.Slot: Int] = [:]
        for _ in 0..<20_000 {
            switch random.next() % 8 {
            case 0...3:
                let bytes = Int(random.next() % 1000)
                let slot = order.insert(random.next() % 512, bytes: bytes)
                #expect(model[slot] == nil)
                model[slot] = bytes
            case 4: if let slot = model.keys.randomElement(using: &random) { order.touch(slot) }
            case 5:
                if let slot = model.keys.randomElement(using: &random) {
                    order.remove(slot)
                    model[slot] = nil
                }
            default:
                if let slot = order.victim() {
                    #expect(model.removeValue(forKey: slot) != nil)
                } else {
                    #expect(model.isEmpty)
                }
            }
            guard order.count == model.count, order.bytes == model.values.reduce(0, +) else {
                Issue.record("seed \(seed): \(order.count) slots, \(model.count) in the model")
                return
            }
        }
    }
}
