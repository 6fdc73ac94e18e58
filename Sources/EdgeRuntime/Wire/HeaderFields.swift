// The fields of one message in the order in which they came.
//
// A field is an id and two slices of the exchange's arena. Names that were received keep their slice, so a field that
// nobody touched goes out spelled as it came in; fields of our own making have an empty name, and the writer uses the
// canonical spelling. One bit per well-known name says whether it is there at all: most questions end at that bit.

struct Field: Equatable {
    var id: HeaderName
    /// Empty when the field is of our making and `id` says its name.
    var name: Slice
    var value: Slice

    init(_ id: HeaderName, name: Slice = .empty, value: Slice) {
        self.id = id
        self.name = name
        self.value = value
    }
}

extension Arena {
    /// The name of a field as it is sent.
    @_lifetime(borrow self)
    func name(of field: Field) -> Span<UInt8> {
        guard field.name.isEmpty else { return self[field.name] }
        let text = field.id.canonical
        let span = Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount)
        return _overrideLifetime(span, borrowing: self)
    }
}

struct HeaderFields: ~Copyable {
    private var fields = UniqueArray<Field>()
    private var present = PresenceMask()

    init() { fields.reserve(32) }

    var count: Int { fields.count }

    subscript(_ index: Int) -> Field {
        @inline(__always)
        get { fields[index] }
        set {
            let old = fields[index].id
            fields[index] = newValue
            guard old != newValue.id else { return }
            present.insert(newValue.id)
            forgetIfGone(old)
        }
    }

    @inline(__always)
    mutating func append(_ field: Field) {
        assert(field.id != .other || !field.name.isEmpty, "nobody knows how it is called")
        fields.append(field)
        present.insert(field.id)
    }

    mutating func append(_ id: HeaderName, value: Slice) { append(Field(id, value: value)) }

    @inline(__always)
    func contains(_ id: HeaderName) -> Bool { present.contains(id) }

    /// Whether any of these is there.
    @inline(__always)
    func contains(anyOf names: PresenceMask) -> Bool { present.meets(names) }

    @inline(__always)
    func firstIndex(of id: HeaderName, from start: Int = 0) -> Int? {
        guard present.contains(id) else { return nil }
        var index = start
        while index < fields.count {
            if fields[index].id == id { return index }
            index &+= 1
        }
        return nil
    }

    @inline(__always)
    func value(of id: HeaderName) -> Slice? {
        guard let index = firstIndex(of: id) else { return nil }
        return fields[index].value
    }

    /// How many fields have this name.
    func count(of id: HeaderName) -> Int {
        guard present.contains(id) else { return 0 }
        var found = 0
        for index in 0..<fields.count where fields[index].id == id { found += 1 }
        return found
    }

    /// By spelling, for names that may not be well known.
    func firstIndex(named name: Span<UInt8>, in arena: Arena, from start: Int = 0) -> Int? {
        let id = HeaderName.named(name)
        guard id == .other else { return firstIndex(of: id, from: start) }
        var index = start
        while let found = firstIndex(of: .other, from: index) {
            if arena[fields[found].name].equalsIgnoringCase(name) { return found }
            index = found + 1
        }
        return nil
    }

    /// Copies all fields of another message to `arena`.
    mutating func append(
        _ others: borrowing HeaderFields,
        from source: Arena,
        into arena: Arena
    ) {
        precondition(source !== arena, "what is copied must not move")
        guard let block = others.block(in: source) else {
            return appendApart(others, from: source, into: arena)
        }
        let start = arena.append(source.bytes.extracting(block)).start
        guard !arena.isOverflown else { return }
        let way = UInt32(truncatingIfNeeded: start &- block.lowerBound)
        for index in 0..<others.count {
            var field = others[index]
            if !field.name.isEmpty { field.name.offset &+= way }
            if field.value.isEmpty { field.value = .empty } else { field.value.offset &+= way }
            append(field)
        }
    }

    /// Where all names and values lie, if they lie close together, as those do that were received: one copy instead of
    /// one for each, and lines that follow each other still do.
    private func block(in source: Arena) -> Range<Int>? {
        var start = Int.max
        var end = 0
        var count = 0
        for index in 0..<fields.count {
            let (name, value) = (fields[index].name, fields[index].value)
            count &+= name.count &+ value.count
            if !name.isEmpty {
                start = min(start, name.start)
                end = max(end, name.end)
            }
            if !value.isEmpty {
                start = min(start, value.start)
                end = max(end, value.end)
            }
        }
        // The line end behind the last one is part of its line.
        end = min(end &+ 2, source.used)
        // What lies between them is copied as well, but not at any price.
        return start < end && end &- start <= 2 &* count ? start..<end : nil
    }

    private mutating func appendApart(
        _ others: borrowing HeaderFields,
        from source: Arena,
        into arena: Arena
    ) {
        for index in 0..<others.count {
            var field = others[index]
            if !field.name.isEmpty { field.name = arena.append(field.name, from: source) }
            field.value = arena.append(field.value, from: source)
            append(field)
        }
    }

    /// Keeps the place of the first field of this name and drops the others, or appends.
    mutating func set(_ id: HeaderName, value: Slice) {
        guard let first = firstIndex(of: id) else { return append(id, value: value) }
        fields[first] = Field(id, value: value)
        keep(from: first + 1) { $0.id != id }
    }

    mutating func remove(at index: Int) {
        let id = fields[index].id
        fields.remove(at: index)
        forgetIfGone(id)
    }

    mutating func removeAll(_ id: HeaderName) {
        guard present.contains(id) else { return }
        keep { $0.id != id }
        forgetIfGone(id)
    }

    /// Drops every field that does not satisfy `isKept`, in one pass.
    mutating func removeAll(where isDropped: (Field) -> Bool) {
        keep { !isDropped($0) }
        present = PresenceMask()
        for index in 0..<fields.count { present.insert(fields[index].id) }
    }

    mutating func reset() {
        guard !fields.isEmpty else { return }
        fields.removeAll()
        present = PresenceMask()
    }

    @inline(__always)
    private mutating func keep(from start: Int = 0, _ isKept: (Field) -> Bool) {
        var write = start
        for read in start..<max(start, fields.count) where isKept(fields[read]) {
            if write != read { fields[write] = fields[read] }
            write &+= 1
        }
        fields.removeLast(fields.count - min(write, fields.count))
    }

    private mutating func forgetIfGone(_ id: HeaderName) {
        for index in 0..<fields.count where fields[index].id == id { return }
        present.remove(id)
    }
}

/// One bit for each `HeaderName`, `.other` included: 126 names fit two words.
struct PresenceMask {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init() {}

    init(_ isMember: (HeaderName) -> Bool) {
        for name in HeaderName.allCases where isMember(name) { insert(name) }
    }

    @inline(__always)
    func meets(_ other: PresenceMask) -> Bool { low & other.low | high & other.high != 0 }

    @inline(__always)
    func contains(_ id: HeaderName) -> Bool {
        (id.rawValue & 64 == 0 ? low : high) &>> UInt64(id.rawValue & 63) & 1 == 1
    }

    @inline(__always)
    mutating func insert(_ id: HeaderName) {
        let bit: UInt64 = 1 &<< UInt64(id.rawValue & 63)
        if id.rawValue & 64 == 0 { low |= bit } else { high |= bit }
    }

    @inline(__always)
    mutating func remove(_ id: HeaderName) {
        let bit: UInt64 = 1 &<< UInt64(id.rawValue & 63)
        if id.rawValue & 64 == 0 { low &= ~bit } else { high &= ~bit }
    }
}
