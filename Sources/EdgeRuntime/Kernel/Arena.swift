// One exchange's scratch memory.
//
// Heads, rewritten fields and everything else that must live as long as an exchange is appended here and named
// by a `Slice`. A slice is an offset, not a pointer, so it survives the growth of the arena; it means nothing
// without the arena that gave it. `reset` keeps the first block, so a pooled exchange allocates once in its life.
//
//   base ┌───────────────┬─────────────┬───────────┐
//        │ request head  │ rewritten … │   free    │
//        └───────────────┴─────────────┴───────────┘
//                                      used        capacity
//
// Past `Limits.arenaBytesMax` nothing more is written: `isOverflown` is set, the append answers an empty slice,
// and the exchange that sees the mark answers 500 instead of crashing or growing without end.

/// A range of one arena.
struct Slice: Equatable {
    var offset: UInt32
    var length: UInt32

    static let empty = Self(offset: 0, length: 0)

    init(offset: UInt32, length: UInt32) {
        self.offset = offset
        self.length = length
    }

    init(_ offset: Int, _ length: Int) {
        self.offset = UInt32(truncatingIfNeeded: offset)
        self.length = UInt32(truncatingIfNeeded: length)
    }

    var isEmpty: Bool { length == 0 }
    var count: Int { Int(length) }
    var start: Int { Int(offset) }
    var end: Int { Int(offset) + Int(length) }
}

final class Arena {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var used = 0
    private(set) var isOverflown = false
    private var bytesMax = Limits.arenaBytesMax

    init(capacity: Int = Limits.arenaFirstBlockBytes) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// Everything written so far. Do not append while a view of it is in use.
    var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let span = Span(_unsafeStart: base, count: used)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    subscript(_ slice: Slice) -> Span<UInt8> {
        @_lifetime(borrow self)
        get {
            precondition(slice.end <= used, "a slice of another arena, or of one that was reset")
            let span = Span(_unsafeStart: base + slice.start, count: slice.count)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    @inline(__always)
    func append(_ bytes: Span<UInt8>) -> Slice {
        let count = bytes.count
        guard reserve(count) else { return .empty }
        let start = used
        bytes.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            ByteFiller.copy(from, to: base + start, count)
        }
        used = start &+ count
        return Slice(start, count)
    }

    /// The same of an array. Not inlined: the optimiser takes the span of an argument for one that escapes.
    @inline(never)
    func append(array bytes: [UInt8]) -> Slice {
        bytes.withUnsafeBufferPointer { append($0.span) }
    }

    /// Copies what another slice of this arena says. Safe across growth, unlike `append(self[slice])`.
    func append(copyOf slice: Slice) -> Slice {
        guard reserve(slice.count) else { return .empty }
        let start = used
        (base + start).update(from: base + slice.start, count: slice.count)
        used = start + slice.count
        return Slice(start, slice.count)
    }

    /// Copies what a slice of another arena says.
    @inline(__always)
    func append(_ slice: Slice, from other: Arena) -> Slice { append(other[slice]) }

    func append(_ text: StaticString) -> Slice {
        guard reserve(text.utf8CodeUnitCount) else { return .empty }
        let start = used
        (base + start).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        used = start + text.utf8CodeUnitCount
        return Slice(start, text.utf8CodeUnitCount)
    }

    func append(byte: UInt8) {
        guard reserve(1) else { return }
        base[used] = byte
        used += 1
    }

    /// The slice of everything that was appended since `mark`: several appends make one value.
    func slice(since mark: Int) -> Slice { Slice(mark, used - mark) }

    /// For what must outlive the arena: jobs on other threads.
    func copy(of slice: Slice) -> [UInt8] {
        self[slice].withUnsafeBufferPointer { Array($0) }
    }

    /// Changes one byte in place; for canonical case, never for length.
    func replaceByte(at offset: Int, with byte: UInt8) {
        precondition(offset < used, "outside of what was written")
        base[offset] = byte
    }

    /// Gives back what was appended since `mark`.
    func release(to mark: Int) {
        precondition(mark <= used, "a mark from the future")
        used = mark
    }

    /// Room for the answer that says that there was no room.
    func openReserve() {
        isOverflown = false
        bytesMax = Limits.arenaBytesMax + Limits.arenaReserveBytes
    }

    func reset() {
        used = 0
        isOverflown = false
        bytesMax = Limits.arenaBytesMax
        guard capacity > Limits.arenaBytesKept else { return }
        base.deallocate()
        capacity = Limits.arenaFirstBlockBytes
        base = .allocate(capacity: capacity)
    }

    /// Views of what is here stay good while no more than `count` bytes are appended. False: there is no such room.
    func makeRoom(_ count: Int) -> Bool { reserve(count) }

    @inline(__always)
    private func reserve(_ count: Int) -> Bool {
        capacity &- used >= count || grow(by: count)
    }

    @inline(never)
    private func grow(by count: Int) -> Bool {
        let needed = used + count
        guard needed <= bytesMax else {
            isOverflown = true
            return false
        }
        var larger = capacity
        while larger < needed { larger *= 2 }
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: base, count: used)
        base.deallocate()
        base = moved
        capacity = larger
        return true
    }
}
