// The cache directives of one message (RFC 9111 §5.2, RFC 5861, RFC 8246), read once and kept as numbers and bits.
//
// What is written wrongly is read so that we keep less than was meant and never more:
//
//   a directive that restricts      counts whatever follows its name: no-store=1, private; max-age=9
//   a directive that permits        counts only without an argument: public, immutable, must-understand
//   a number that is none           the strictest one: max-age=abc, =, =-1, =1.5 are 0, min-fresh=abc is without end
//                                   (§4.2.1: invalid freshness information makes a response stale)
//   a number in quotes              is read, as §5.2 asks of recipients
//   a number beyond 2³¹             is 2³¹ (§1.2.2)
//   a directive twice               the smaller number, the larger min-fresh (§4.2.1 allows the first or none; the
//                                   smaller is within both); bits add up
//   no-cache="a", private="a"       keep their lists; a list that is empty, no list of names, or there twice means all
//   a quote that does not end       is no quote, so that it hides no directive behind it
//   a semicolon                     separates like a comma, and spoils the argument before it
//
// A valid `CDN-Cache-Control` (RFC 9213) stands in for `Cache-Control` and `Expires`. It is a structured field, so
// there the rules are that format's: one wrong byte voids the field, the later of two members holds.

struct CacheDirectives: Equatable {
    struct Flags: OptionSet, Equatable {
        let rawValue: UInt16

        static let noStore = Self(rawValue: 1)
        /// Without a list of fields.
        static let noCache = Self(rawValue: 1 << 1)
        /// Without a list of fields.
        static let `private` = Self(rawValue: 1 << 2)
        static let `public` = Self(rawValue: 1 << 3)
        static let mustRevalidate = Self(rawValue: 1 << 4)
        static let proxyRevalidate = Self(rawValue: 1 << 5)
        static let mustUnderstand = Self(rawValue: 1 << 6)
        static let immutable = Self(rawValue: 1 << 7)
        static let noTransform = Self(rawValue: 1 << 8)
        static let onlyIfCached = Self(rawValue: 1 << 9)
        /// Read from `CDN-Cache-Control`: neither `Cache-Control` nor `Expires` has a say.
        static let targeted = Self(rawValue: 1 << 10)
    }

    private(set) var flags: Flags = []
    /// Seconds, like all that follow: 0 … 2³¹.
    private(set) var maxAge: Int64?
    private(set) var sMaxage: Int64?
    private(set) var staleWhileRevalidate: Int64?
    private(set) var staleIfError: Int64?
    private(set) var minFresh: Int64?
    /// `anyStaleness` without a value.
    private(set) var maxStale: Int64?
    /// The names of `no-cache="…"`; see `names(_:_:_:)`.
    private(set) var noCacheFields: Slice?
    /// The names of `private="…"`.
    private(set) var privateFields: Slice?

    static let secondsMax: Int64 = 1 << 31
    static let anyStaleness = Int64.max

    init() {}

    init(response fields: borrowing HeaderFields, _ arena: Arena) {
        if let targeted = Self(targeted: fields, arena) {
            self = targeted
            return
        }
        read(fields, arena, .response)
    }

    /// `Pragma: no-cache` is an HTTP/1.0 client's word for it (§5.4), and only where it has no other.
    init(request fields: borrowing HeaderFields, _ arena: Arena) {
        guard !fields.contains(.cacheControl) else {
            read(fields, arena, .request)
            // It has a list in responses only.
            if noCacheFields != nil { flags.insert(.noCache) }
            noCacheFields = nil
            return
        }
        var next = fields.firstIndex(of: .pragma)
        while let index = next {
            if FieldSyntax.list(arena[fields[index].value], contains: "no-cache") {
                flags.insert(.noCache)
            }
            next = fields.firstIndex(of: .pragma, from: index + 1)
        }
    }

    @inline(__always)
    func contains(_ flags: Flags) -> Bool { self.flags.contains(flags) }

    /// Whether a field is named by `no-cache="…"` or `private="…"`.
    func names(_ name: StaticString, _ arena: Arena) -> Bool {
        noCacheFields.map { FieldSyntax.list(arena[$0], contains: name) } ?? false
            || privateFields.map { FieldSyntax.list(arena[$0], contains: name) } ?? false
    }

    /// Whether a list of field names has this one.
    static func names(_ list: Slice?, _ name: Span<UInt8>, _ arena: Arena) -> Bool {
        guard let list else { return false }
        let text = arena[list]
        var position = 0
        while let element = FieldSyntax.nextElement(text, &position) {
            if text.extracting(element).equalsIgnoringCase(name) { return true }
        }
        return false
    }

    // MARK: Cache-Control

    private mutating func read(
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        _ side: CacheDirective.Side
    ) {
        var next = fields.firstIndex(of: .cacheControl)
        while let index = next {
            let slice = fields[index].value
            let text = arena[slice]
            var position = 0
            while let (name, argument) = Self.nextDirective(text, &position) {
                guard let directive = CacheDirective.named(text.extracting(name)),
                    directive.sides.contains(side)
                else { continue }
                take(directive, argument, text, base: slice.start)
            }
            next = fields.firstIndex(of: .cacheControl, from: index + 1)
        }
    }

    private enum Argument {
        case none
        case token(Range<Int>)
        /// Without its quotes, but with its backslashes: neither a number nor a list of names has any.
        case quoted(Range<Int>)
        case malformed
    }

    private static func nextDirective(
        _ text: Span<UInt8>,
        _ position: inout Int
    ) -> (Range<Int>, Argument)? {
        while position < text.count, text[position].isBlank || isSeparator(text[position]) {
            position += 1
        }
        guard position < text.count else { return nil }
        let name = token(text, &position)
        var argument = Argument.none
        if position < text.count, text[position] == UInt8(ascii: "=") {
            position += 1
            argument = readArgument(text, &position)
        }
        let end = position
        while position < text.count, !isSeparator(text[position]) { position += 1 }
        let isSpoilt = position < text.count && text[position] == .semicolon
        if isSpoilt || !text.trimmed(end, position).isEmpty { argument = .malformed }
        position += 1
        return (name, argument)
    }

    private static func readArgument(_ text: Span<UInt8>, _ position: inout Int) -> Argument {
        guard position < text.count, text[position] == .quote else {
            return .token(token(text, &position))
        }
        var at = position + 1
        while at < text.count, text[at] != .quote { at += text[at] == .backslash ? 2 : 1 }
        guard at < text.count else { return .malformed }
        let inner = (position + 1)..<at
        position = at + 1
        return .quoted(inner)
    }

    private static func token(_ text: Span<UInt8>, _ position: inout Int) -> Range<Int> {
        let start = position
        while position < text.count, text[position].isTokenByte { position += 1 }
        return start..<position
    }

    private static func isSeparator(_ byte: UInt8) -> Bool { byte == .comma || byte == .semicolon }

    // MARK: CDN-Cache-Control

    /// nil where there is none, or where it is empty or not a dictionary (RFC 9213 §2.2).
    private init?(targeted fields: borrowing HeaderFields, _ arena: Arena) {
        guard let first = fields.value(of: .cdnCacheControl) else { return nil }
        let slice =
            fields.count(of: .cdnCacheControl) == 1
            ? first : Self.join(.cdnCacheControl, fields, arena)
        flags = .targeted
        let text = arena[slice]
        var position = 0
        var isEmpty = true
        while true {
            switch StructuredDictionary.next(text, &position) {
            case .failure: return nil
            case .end:
                if isEmpty { return nil }
                return
            case .member(let member):
                isEmpty = false
                guard let directive = CacheDirective.named(text.extracting(member.key)),
                    directive.sides.contains(.response)
                else { continue }
                forget(directive)
                switch member.value {
                case .boolean(false): break
                case .boolean(true): take(directive, .none, text, base: slice.start)
                case .integer(let value): takeInteger(directive, value)
                case .string(let range): take(directive, .quoted(range), text, base: slice.start)
                case .token(let range): take(directive, .token(range), text, base: slice.start)
                case .other: take(directive, .malformed, text, base: slice.start)
                }
            }
        }
    }

    private static func join(
        _ id: HeaderName,
        _ fields: borrowing HeaderFields,
        _ arena: Arena
    ) -> Slice {
        let mark = arena.used
        var next = fields.firstIndex(of: id)
        while let index = next {
            if arena.used > mark { _ = arena.append(", ") }
            _ = arena.append(copyOf: fields[index].value)
            next = fields.firstIndex(of: id, from: index + 1)
        }
        return arena.slice(since: mark)
    }

    private mutating func takeInteger(_ directive: CacheDirective, _ value: Int64) {
        guard directive.isNumber else {
            let none: InlineArray<1, UInt8> = [0]
            return take(directive, .malformed, none.span, base: 0)
        }
        setNumber(directive, value < 0 ? nil : min(value, Self.secondsMax))
    }

    private mutating func forget(_ directive: CacheDirective) {
        switch directive {
        case .maxAge: maxAge = nil
        case .sMaxage: sMaxage = nil
        case .staleWhileRevalidate: staleWhileRevalidate = nil
        case .staleIfError: staleIfError = nil
        case .minFresh: minFresh = nil
        case .maxStale: maxStale = nil
        case .noCache:
            flags.remove(.noCache)
            noCacheFields = nil
        case .private:
            flags.remove(.private)
            privateFields = nil
        case .noStore, .public, .mustRevalidate, .proxyRevalidate, .mustUnderstand, .immutable,
            .noTransform, .onlyIfCached:
            flags.remove(directive.flag)
        }
    }

    // MARK: One directive

    private mutating func take(
        _ directive: CacheDirective,
        _ argument: Argument,
        _ text: Span<UInt8>,
        base: Int
    ) {
        switch directive {
        case .maxAge, .sMaxage, .staleWhileRevalidate, .staleIfError, .minFresh:
            setNumber(directive, seconds(argument, text))
        case .maxStale:
            if case .none = argument {
                setNumber(directive, Self.anyStaleness)
            } else {
                setNumber(directive, seconds(argument, text))
            }
        case .noStore, .mustRevalidate, .proxyRevalidate, .noTransform:
            flags.insert(directive.flag)
        case .public, .mustUnderstand, .immutable, .onlyIfCached:
            if case .none = argument { flags.insert(directive.flag) }
        case .noCache:
            Self.qualify(&flags, .noCache, &noCacheFields, names(argument, text, base))
        case .private:
            Self.qualify(&flags, .private, &privateFields, names(argument, text, base))
        }
    }

    private mutating func setNumber(_ directive: CacheDirective, _ value: Int64?) {
        switch directive {
        case .maxAge: maxAge = Self.smaller(maxAge, value ?? 0)
        case .sMaxage: sMaxage = Self.smaller(sMaxage, value ?? 0)
        case .staleWhileRevalidate:
            staleWhileRevalidate = Self.smaller(staleWhileRevalidate, value ?? 0)
        case .staleIfError: staleIfError = Self.smaller(staleIfError, value ?? 0)
        case .maxStale: maxStale = Self.smaller(maxStale, value ?? 0)
        case .minFresh: minFresh = max(minFresh ?? 0, value ?? Self.secondsMax)
        case .noCache, .private, .noStore, .public, .mustRevalidate, .proxyRevalidate,
            .mustUnderstand, .immutable, .noTransform, .onlyIfCached:
            preconditionFailure("a directive without a number")
        }
    }

    private static func smaller(_ known: Int64?, _ value: Int64) -> Int64 {
        min(known ?? .max, value)
    }

    private static func qualify(
        _ flags: inout Flags,
        _ whole: Flags,
        _ list: inout Slice?,
        _ names: Slice?
    ) {
        if let names, list == nil, !flags.contains(whole) {
            list = names
        } else {
            list = nil
            flags.insert(whole)
        }
    }

    /// nil for what is no whole number. In a structured field a string is no number.
    private func seconds(_ argument: Argument, _ text: Span<UInt8>) -> Int64? {
        switch argument {
        case .token(let range): Self.deltaSeconds(text.extracting(range))
        case .quoted(let range):
            contains(.targeted) ? nil : Self.deltaSeconds(text.extracting(range))
        case .none, .malformed: nil
        }
    }

    /// Seconds as RFC 9111 §1.2.2 writes them; also the value of `Age`.
    static func deltaSeconds(_ digits: Span<UInt8>) -> Int64? {
        guard digits.count > 0 else { return nil }
        var value: Int64 = 0
        for index in digits.indices {
            guard digits[index].isDigit else { return nil }
            value = min(value * 10 + Int64(digits[index] &- 0x30), secondsMax)
        }
        return value
    }

    /// A list of field names, at least one.
    private func names(_ argument: Argument, _ text: Span<UInt8>, _ base: Int) -> Slice? {
        let range: Range<Int>
        switch argument {
        case .quoted(let inner): range = inner
        case .token(let token): range = token
        case .none, .malformed: return nil
        }
        let list = text.extracting(range)
        var position = 0
        var isEmpty = true
        while let element = FieldSyntax.nextElement(list, &position) {
            guard list.extracting(element).isToken else { return nil }
            isEmpty = false
        }
        return isEmpty ? nil : Slice(base + range.lowerBound, range.count)
    }
}

private enum CacheDirective {
    case maxAge
    case sMaxage
    case staleWhileRevalidate
    case staleIfError
    case minFresh
    case maxStale
    case noCache
    case noStore
    case `private`
    case `public`
    case mustRevalidate
    case proxyRevalidate
    case mustUnderstand
    case immutable
    case noTransform
    case onlyIfCached

    struct Side: OptionSet {
        let rawValue: UInt8
        static let request = Self(rawValue: 1)
        static let response = Self(rawValue: 2)
    }

    static func named(_ name: Span<UInt8>) -> Self? {
        switch name.count {
        case 6: return name.equalsIgnoringCase("public") ? .public : nil
        case 7:
            return name.equalsIgnoringCase("max-age")
                ? .maxAge : name.equalsIgnoringCase("private") ? .private : nil
        case 8:
            return name.equalsIgnoringCase("no-cache")
                ? .noCache
                : name.equalsIgnoringCase("no-store")
                    ? .noStore : name.equalsIgnoringCase("s-maxage") ? .sMaxage : nil
        case 9:
            return name.equalsIgnoringCase("immutable")
                ? .immutable
                : name.equalsIgnoringCase("max-stale")
                    ? .maxStale : name.equalsIgnoringCase("min-fresh") ? .minFresh : nil
        case 12: return name.equalsIgnoringCase("no-transform") ? .noTransform : nil
        case 14:
            return name.equalsIgnoringCase("stale-if-error")
                ? .staleIfError : name.equalsIgnoringCase("only-if-cached") ? .onlyIfCached : nil
        case 15:
            return name.equalsIgnoringCase("must-revalidate")
                ? .mustRevalidate
                : name.equalsIgnoringCase("must-understand") ? .mustUnderstand : nil
        case 16: return name.equalsIgnoringCase("proxy-revalidate") ? .proxyRevalidate : nil
        case 22:
            return name.equalsIgnoringCase("stale-while-revalidate") ? .staleWhileRevalidate : nil
        default: return nil
        }
    }

    /// Whose messages know it.
    var sides: Side {
        switch self {
        case .maxAge, .noCache, .noStore, .noTransform, .staleIfError: [.request, .response]
        case .minFresh, .maxStale, .onlyIfCached: .request
        case .sMaxage, .staleWhileRevalidate, .private, .public, .mustRevalidate, .proxyRevalidate,
            .mustUnderstand, .immutable:
            .response
        }
    }

    var isNumber: Bool {
        switch self {
        case .maxAge, .sMaxage, .staleWhileRevalidate, .staleIfError, .minFresh, .maxStale: true
        case .noCache, .noStore, .private, .public, .mustRevalidate, .proxyRevalidate,
            .mustUnderstand, .immutable, .noTransform, .onlyIfCached:
            false
        }
    }

    var flag: CacheDirectives.Flags {
        switch self {
        case .noCache: .noCache
        case .noStore: .noStore
        case .private: .private
        case .public: .public
        case .mustRevalidate: .mustRevalidate
        case .proxyRevalidate: .proxyRevalidate
        case .mustUnderstand: .mustUnderstand
        case .immutable: .immutable
        case .noTransform: .noTransform
        case .onlyIfCached: .onlyIfCached
        case .maxAge, .sMaxage, .staleWhileRevalidate, .staleIfError, .minFresh, .maxStale: []
        }
    }
}
