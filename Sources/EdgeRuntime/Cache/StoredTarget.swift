// What a rule of invalidation compares with: the path, and of the query what is in the key. A query that is not in the
// key is only the one with which somebody happened to ask first, so nobody could name it.

struct StoredTarget {
    private(set) var bytes: [UInt8]
    let pathLength: Int

    init(path: Slice, query: Slice?, _ arena: Arena, _ filter: NameFilter) {
        bytes = arena.copy(of: path)
        pathLength = bytes.count
        guard let query else { return }
        switch filter {
        case .none: break
        case .all:
            bytes.append(UInt8(ascii: "?"))
            bytes += arena.copy(of: query)
        case .only, .except: add(arguments: arena[query], filter)
        }
    }

    /// In their order, as the key has them.
    private mutating func add(arguments query: Span<UInt8>, _ filter: NameFilter) {
        var start = 0
        while let place = filter.nextArgument(in: query, &start) {
            bytes.append(bytes.count == pathLength ? UInt8(ascii: "?") : UInt8(ascii: "&"))
            query.extracting(place).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        }
    }
}

extension NameFilter {
    /// The next argument of a query that is kept, for the key and for what a purge names: both must be the same.
    func nextArgument(in query: Span<UInt8>, _ start: inout Int) -> Range<Int>? {
        while start <= query.count {
            let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
            let place = query.trimmed(start, end)
            start = end + 1
            guard !place.isEmpty else { continue }
            let argument = query.extracting(place)
            let equals = argument.firstIndex(of: UInt8(ascii: "=")) ?? argument.count
            if keeps(argument.extracting(first: equals)) { return place }
        }
        return nil
    }
}
