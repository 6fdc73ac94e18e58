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
        while start <= query.count {
            let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
            let argument = query.extracting(query.trimmed(start, end))
            start = end + 1
            guard argument.count > 0 else { continue }
            let equals = argument.firstIndex(of: UInt8(ascii: "=")) ?? argument.count
            guard filter.keeps(argument.extracting(first: equals)) else { continue }
            bytes.append(bytes.count == pathLength ? UInt8(ascii: "?") : UInt8(ascii: "&"))
            argument.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        }
    }
}
