// Under which 128 bits an object is kept (§2.5 of the contract): SipHash under a secret of the installation, so that
// no viewer can look for two requests that share a key. Bytes are compared nowhere; that two keys meet by chance is
// less likely than a disk that answers wrongly.
//
// What is hashed, in this order. A part is its length in four bytes and itself, so parts cannot run into one another;
// every choice has a byte of its own.
//
//   part    name of the distribution
//   3 bytes OPTIONS or not · codings the viewer takes · whether a function chose a key
//   part    the function's key, if it chose one: it tells apart what would be the same, and never the other way round
//   part    path, as it is after viewer_request
//   part    the rule's text: `KeyRule`
//   query   none: –    all: 0, or 1 and a part    some: 1 and a part for each argument in its order, then 0
//   headers of the rule, by name:    0, or 1 and a part, repeated fields joined by ", "
//   cookies none: –    else: 1 and a part for each, by name, those of one name in their order, then 0
//
// The scheme is no part of it: one copy serves both.

struct CacheKey: Hashable, Sendable {
    var high: UInt64
    var low: UInt64
}

/// Drawn once for an installation, and kept where its objects are kept.
struct CacheSecret: Equatable, Sendable {
    static let byteCount = 16

    let key: SipHash.Key

    init(_ bytes: Span<UInt8>) {
        precondition(bytes.count == Self.byteCount, "a secret has 16 bytes")
        key = SipHash.Key(
            first: UInt64(
                littleEndian: bytes.bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: 0,
                    as: UInt64.self
                )
            ),
            second: UInt64(
                littleEndian: bytes.bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: 8,
                    as: UInt64.self
                )
            )
        )
    }

    init(from random: inout SecureRandom) {
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        random.fill(&span)
        self.init(bytes.span)
    }
}

extension SipHash {
    @inline(__always)
    mutating func updatePart(_ bytes: Span<UInt8>) {
        updateLength(bytes.count)
        update(bytes)
    }

    @inline(__always)
    mutating func updateLength(_ count: Int) {
        update(UInt64(UInt32(truncatingIfNeeded: count)), bytes: 4)
    }
}

struct CacheKeyBuilder {
    private var hash: SipHash

    /// `path` and `query` may be others than the request's: a page of errors is looked up by its own path. `own` is
    /// what a function said in `request.cache_key`.
    static func key(
        distribution: Span<UInt8>,
        request: borrowing RequestHead,
        path: Slice,
        query: Slice?,
        arena: Arena,
        rule: CacheRule,
        acceptEncoding: NormalizedEncoding,
        secret: CacheSecret,
        own: Slice? = nil
    ) -> CacheKey {
        var builder = Self(hash: SipHash(secret.key))
        builder.hash.updatePart(distribution)
        // GET and HEAD share an object. An unsafe request has the key of the object that it makes invalid.
        let method: UInt64 = request.method == .options ? 1 : 0
        let choices = method | acceptEncoding.keyBits << 8 | (own == nil ? 0 : 1 << 16)
        builder.hash.update(choices, bytes: 3)
        if let own { builder.hash.updatePart(arena[own]) }
        builder.hash.updatePart(arena[path])
        rule.key.text.withUnsafeBufferPointer { builder.hash.updatePart($0.span) }
        builder.addQuery(query, rule.key.query, arena)
        builder.addHeaders(rule.key.headers, request.fields, arena)
        builder.addCookies(rule.key.cookies, request.fields, arena)
        let value = builder.hash.finish()
        return CacheKey(high: value.high, low: value.low)
    }

    private mutating func addQuery(_ query: Slice?, _ filter: NameFilter, _ arena: Arena) {
        switch filter {
        case .none: return
        case .all:
            guard let query else { return hash.update(0, bytes: 1) }
            hash.update(1, bytes: 1)
            hash.updatePart(arena[query])
        case .only, .except:
            if let query { addArguments(arena[query], filter) }
            hash.update(0, bytes: 1)
        }
    }

    /// As `OriginRequestFields` filters them, so that what the origin is sent and what the key has are the same.
    private mutating func addArguments(_ query: Span<UInt8>, _ filter: NameFilter) {
        var start = 0
        while let place = filter.nextArgument(in: query, &start) {
            hash.update(1, bytes: 1)
            hash.updatePart(query.extracting(place))
        }
    }

    private mutating func addHeaders(
        _ headers: KeyHeaders,
        _ fields: borrowing HeaderFields,
        _ arena: Arena
    ) {
        for header in 0..<headers.count {
            guard let first = headers.firstField(header, in: fields, arena) else {
                hash.update(0, bytes: 1)
                continue
            }
            hash.update(1, bytes: 1)
            var length = 0
            var next: Int? = first
            while let index = next {
                length += fields[index].value.count + (index == first ? 0 : 2)
                next = headers.firstField(header, in: fields, arena, from: index + 1)
            }
            hash.updateLength(length)
            next = first
            while let index = next {
                // ", "
                if index != first { hash.update(0x202C, bytes: 2) }
                hash.update(arena[fields[index].value])
                next = headers.firstField(header, in: fields, arena, from: index + 1)
            }
        }
    }

    // MARK: Cookies

    /// One cookie: its text, and how much of it is its name.
    private struct Cookie {
        var text: Slice
        var name: Slice
        var order: Int
    }

    private mutating func addCookies(
        _ filter: NameFilter,
        _ fields: borrowing HeaderFields,
        _ arena: Arena
    ) {
        if case .none = filter { return }
        var count = 0
        Self.forEachCookie(filter, fields, arena) { _ in count += 1 }
        if count > 0 {
            // On the stack for as many cookies as anybody has.
            withUnsafeTemporaryAllocation(of: Cookie.self, capacity: count) { cookies in
                var filled = 0
                Self.forEachCookie(filter, fields, arena) { cookie in
                    cookies.initializeElement(at: filled, to: cookie)
                    cookies[filled].order = filled
                    filled += 1
                }
                var sorted = cookies
                if count > 1 { sorted.sort { Self.precedes($0, $1, arena) } }
                for cookie in sorted {
                    hash.update(1, bytes: 1)
                    hash.updatePart(arena[cookie.text])
                }
            }
        }
        hash.update(0, bytes: 1)
    }

    private static func forEachCookie(
        _ filter: NameFilter,
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        _ body: (Cookie) -> Void
    ) {
        var next = fields.firstIndex(of: .cookie)
        while let index = next {
            let slice = fields[index].value
            let text = arena[slice]
            var position = 0
            while let pair = CookieText.nextPair(text, &position) {
                guard filter.keeps(text.extracting(pair.name)) else { continue }
                // With its `=`: a nameless cookie may have one or not, and origins tell the two apart.
                let whole = pair.name.lowerBound..<max(pair.name.upperBound, pair.value.upperBound)
                body(
                    Cookie(
                        text: Slice(slice.start + whole.lowerBound, whole.count),
                        name: Slice(slice.start + pair.name.lowerBound, pair.name.count),
                        order: 0
                    )
                )
            }
            next = fields.firstIndex(of: .cookie, from: index + 1)
        }
    }

    private static func precedes(_ left: Cookie, _ right: Cookie, _ arena: Arena) -> Bool {
        let mine = arena[left.name]
        let others = arena[right.name]
        for index in 0..<min(mine.count, others.count) where mine[index] != others[index] {
            return mine[index] < others[index]
        }
        return mine.count == others.count ? left.order < right.order : mine.count < others.count
    }
}
