// A growing array with one owner: what the path of a request keeps its fields, ranges and bytes in.
//
// An `Array` may be shared, so every change asks first whether it is, and every look at it from outside of its owner
// counts it up and down. This one cannot be copied: elements are reached where they lie, and emptying it keeps the
// memory. Nothing is allocated before the first element.

struct UniqueArray<Element>: ~Copyable {
    // Invariant: the first `count` of `capacity` elements are initialised; `base` is nil only while `capacity` is 0.
    private var base: UnsafeMutablePointer<Element>?
    private var capacity = 0
    private(set) var count = 0

    init() {}

    deinit {
        base?.deinitialize(count: count)
        base?.deallocate()
    }

    var isEmpty: Bool { count == 0 }

    var span: Span<Element> {
        @_lifetime(borrow self)
        @inline(__always)
        get {
            guard let base else { return Span() }
            let span = Span(_unsafeStart: UnsafePointer(base), count: count)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    subscript(_ index: Int) -> Element {
        @inline(__always)
        unsafeAddress { UnsafePointer(place(index)) }
        @inline(__always)
        unsafeMutableAddress { place(index) }
    }

    @inline(__always)
    private func place(_ index: Int) -> UnsafeMutablePointer<Element> {
        guard let base, index >= 0, index < count else {
            preconditionFailure("outside of the array")
        }
        return base + index
    }

    mutating func reserve(_ count: Int) {
        if count > capacity { grow(to: count) }
    }

    @inline(__always)
    mutating func append(_ element: consuming Element) {
        if count == capacity { grow(to: max(8, capacity &* 2)) }
        guard let base else { preconditionFailure("just grown") }
        (base + count).initialize(to: element)
        count &+= 1
    }

    /// Those behind move forward.
    mutating func removeFirst(_ removed: Int) {
        precondition(removed >= 0 && removed <= count, "more than there are")
        guard let base, removed > 0 else { return }
        base.deinitialize(count: removed)
        base.moveInitialize(from: base + removed, count: count - removed)
        count -= removed
    }

    @inline(__always)
    mutating func removeLast(_ removed: Int) {
        precondition(removed >= 0 && removed <= count, "more than there are")
        guard let base, removed > 0 else { return }
        count &-= removed
        (base + count).deinitialize(count: removed)
    }

    @inline(__always)
    mutating func takeLast() -> Element {
        let place = place(count &- 1)
        count &-= 1
        return place.move()
    }

    mutating func remove(at index: Int) {
        let place = place(index)
        place.deinitialize(count: 1)
        place.moveInitialize(from: place + 1, count: count - index - 1)
        count -= 1
    }

    /// Keeps the memory.
    @inline(__always)
    mutating func removeAll() { removeLast(count) }

    @inline(never)
    private mutating func grow(to larger: Int) {
        let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        if let base {
            moved.moveInitialize(from: base, count: count)
            base.deallocate()
        }
        base = moved
        capacity = larger
    }
}
