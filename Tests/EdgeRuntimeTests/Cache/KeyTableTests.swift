import Testing

@testable import EdgeRuntime

@Suite struct KeyTableTests {
    private final class Box {
        let number: UInt64
        init(_ number: UInt64) { self.number = number }
    }

    /// Few low bits: nearly every key has to make way for another.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func saysWhatADictionarySays(seed: UInt64) {
        var random = Random(seed: seed)
        var table = KeyTable<Box>()
        var model: [CacheKey: UInt64] = [:]
        for _ in 0..<30_000 {
            let key = CacheKey(high: random.next() % 300, low: random.next() % 7)
            if random.next() % 3 == 0 {
                table.remove(key)
                model[key] = nil
            } else if table[key] == nil {
                let number = random.next()
                table.insert(Box(number), for: key)
                model[key] = number
            }
            let asked = CacheKey(high: random.next() % 300, low: random.next() % 7)
            #expect(table[asked]?.number == model[asked])
        }
        #expect(table.count == model.count)
        var walked = 0
        var place: Int? = 0
        while let from = place { place = table.walk(from: from, atMost: 10) { _ in walked += 1 } }
        #expect(walked == model.count)
    }
}
