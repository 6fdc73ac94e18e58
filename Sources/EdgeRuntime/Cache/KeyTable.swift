// Keys of 128 random bits to objects: open addressing, the low bits say where to look first.

struct KeyTable<Value: AnyObject> {
    private var keys: [CacheKey] = []
    private var values: [Value?] = []
    private(set) var count = 0

    @inline(__always)
    subscript(_ key: CacheKey) -> Value? {
        guard count > 0 else { return nil }
        var place = home(of: key)
        while let value = values[place] {
            if keys[place] == key { return value }
            place = next(place)
        }
        return nil
    }

    mutating func insert(_ value: Value, for key: CacheKey) {
        if (count + 1) * 4 > values.count * 3 { grow() }
        var place = home(of: key)
        while values[place] != nil {
            precondition(keys[place] != key, "a key that is there")
            place = next(place)
        }
        keys[place] = key
        values[place] = value
        count += 1
    }

    /// Those behind it move up, so that no search ends too early.
    mutating func remove(_ key: CacheKey) {
        guard count > 0 else { return }
        var hole = home(of: key)
        while values[hole] != nil, keys[hole] != key { hole = next(hole) }
        guard values[hole] != nil else { return }
        count -= 1
        var place = next(hole)
        while values[place] != nil {
            let home = home(of: keys[place])
            let isBetween =
                hole < place ? home > hole && home <= place : home > hole || home <= place
            if !isBetween {
                keys[hole] = keys[place]
                values[hole] = values[place]
                hole = place
            }
            place = next(place)
        }
        values[hole] = nil
    }

    /// In no order, a part at a time: from `place` on at most `limit` places. Nil: that was the end.
    func walk(from place: Int, atMost limit: Int, _ body: (Value) -> Void) -> Int? {
        let end = min(values.count, place + limit)
        guard place < end else { return nil }
        for index in place..<end {
            if let value = values[index] { body(value) }
        }
        return end < values.count ? end : nil
    }

    private func home(of key: CacheKey) -> Int {
        Int(truncatingIfNeeded: key.low & UInt64(values.count - 1))
    }
    private func next(_ place: Int) -> Int { (place + 1) & (values.count - 1) }

    private mutating func grow() {
        var larger = Self()
        let size = max(16, values.count * 2)
        larger.keys = [CacheKey](repeating: CacheKey(high: 0, low: 0), count: size)
        larger.values = [Value?](repeating: nil, count: size)
        for index in values.indices {
            if let value = values[index] { larger.insert(value, for: keys[index]) }
        }
        self = larger
    }
}
