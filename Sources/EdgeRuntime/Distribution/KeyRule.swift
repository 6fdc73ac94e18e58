// What of a request is part of its cache key besides its distribution, method and path (§2.5 of the contract).
//
// The header names stand in one order whatever order they were written in. The rule itself, written down as `text`,
// goes into every key: after a change of the rule no object is found that was stored under another one, when less of
// a request told objects apart.

final class KeyRule: Sendable {
    let headers: KeyHeaders
    let cookies: NameFilter
    let query: NameFilter
    let text: [UInt8]

    init(headers: [String] = [], cookies: NameFilter = .none, query: NameFilter = .all) {
        let named = KeyHeaders(headers)
        self.headers = named
        self.cookies = cookies
        self.query = query
        text = Self.describe(named.names) + Self.describe(cookies) + Self.describe(query)
    }

    /// Lengths before names, so that two rules never read the same.
    private static func describe(_ names: [String]) -> [UInt8] {
        Array("[\(names.map { "\($0.utf8.count):\($0)" }.joined())]".utf8)
    }

    private static func describe(_ filter: NameFilter) -> [UInt8] {
        switch filter {
        case .none: [UInt8(ascii: "0")]
        case .all: [UInt8(ascii: "*")]
        case .only(let names): [UInt8(ascii: "+")] + describe(Set(names.names).sorted())
        case .except(let names): [UInt8(ascii: "-")] + describe(Set(names.names).sorted())
        }
    }
}

/// Header names of a key: in small letters, sorted, each once.
final class KeyHeaders: Sendable {
    let names: [String]
    private let ids: [HeaderName]
    private let text: [UInt8]
    private let ends: [Int]

    init(_ given: [String]) {
        names = Set(given.map { $0.lowercased() }).sorted()
        ids = names.map { HeaderName.named($0.utf8.span) }
        text = names.flatMap { Array($0.utf8) }
        var end = 0
        ends = names.map {
            end += $0.utf8.count
            return end
        }
    }

    var count: Int { ends.count }

    /// The place of the first field of the name at `index`, at or after `start`.
    @inline(__always)
    func firstField(
        _ index: Int,
        in fields: borrowing HeaderFields,
        _ arena: Arena,
        from start: Int = 0
    ) -> Int? {
        let id = ids[index]
        guard id == .other else { return fields.firstIndex(of: id, from: start) }
        let name = (index == 0 ? 0 : ends[index - 1])..<ends[index]
        return text.withUnsafeBufferPointer {
            fields.firstIndex(named: $0.span.extracting(name), in: arena, from: start)
        }
    }
}
