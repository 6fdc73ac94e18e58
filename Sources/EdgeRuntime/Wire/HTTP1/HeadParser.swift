// One complete head → `RequestHead` or `ResponseHead`.
//
// The bytes are copied into the arena once, whole; everything else is slices of that copy. The parser does not rely on
// the scanner having been there: line ends are found by the same walk over control bytes, so a stray CR, LF or NUL is
// refused here too.
//
// Strictness, where RFC 9112 leaves a choice:
// - one SP between the parts of the request line, nothing around them (§3 lets servers be lenient; lenient servers
//   disagree, and disagreement is what smuggling needs);
// - targets are 0x21–0x7E without `#`. Raw bytes above 0x7F are refused: RFC 3986 has none, clients that follow it
//   encode them, and what they would mean to the origin depends on its code page;
// - characters that RFC 3986 lacks but browsers send (`|`, `{`, `}`, `^`, `"`, …) pass unchanged;
// - `Host` of HTTP/1.1 must be there exactly once, and be a name or an address, even beside an absolute target, which
//   wins over it (§3.2.2): the field is then rewritten so that nobody later reads the loser;
// - HTTP/1.2 and later minor versions are read as 1.1 (RFC 9110 §2.5), other major versions refused.

enum HeadParser {
    /// `bytes` is exactly one head, as measured by `HeadScanner`.
    static func parseRequest(
        _ bytes: Span<UInt8>,
        into head: inout RequestHead,
        arena: Arena,
        limits: HeadLimits
    ) throws(EdgeError) {
        head.reset()
        let base = arena.append(bytes).start
        guard !arena.isOverflown else { throw .arenaOverflow }
        var start = 0
        while start < bytes.count, bytes[start] == .cr || bytes[start] == .lf { start &+= 1 }
        let end = try lineEnd(bytes, from: start, isFirst: true)
        guard end &- start <= limits.requestLine else { throw .requestLineTooLong }
        try parseRequestLine(bytes, start, end, base, &head, arena)
        try parseFields(bytes, from: end &+ 2, base, into: &head.fields, limits)
        try TargetParser.settleAuthority(&head, arena)
    }

    /// The same for an origin's answer; every refusal blames the origin.
    static func parseResponse(
        _ bytes: Span<UInt8>,
        into head: inout ResponseHead,
        arena: Arena,
        limits: HeadLimits
    ) throws(EdgeError) {
        head.reset()
        let base = arena.append(bytes).start
        guard !arena.isOverflown else { throw .arenaOverflow }
        do throws(EdgeError) {
            let end = try lineEnd(bytes, from: 0, isFirst: true)
            guard end <= limits.requestLine else { throw EdgeError.requestLineTooLong }
            try parseStatusLine(bytes, end, base, &head)
            try parseFields(bytes, from: end &+ 2, base, into: &head.fields, limits)
        } catch {
            throw error.blaming(.origin)
        }
    }

    /// Fields up to and including the empty line at the very end of `bytes`. Trailers are parsed by it as well.
    @inline(__always)
    static func parseFields(
        _ bytes: Span<UInt8>,
        from first: Int,
        _ base: Int,
        into fields: inout HeaderFields,
        _ limits: HeadLimits
    ) throws(EdgeError) {
        var start = first
        var count = 0
        while true {
            let end = try lineEnd(bytes, from: start, isFirst: false)
            if end == start { break }
            count &+= 1
            guard count <= limits.fields else { throw .tooManyFields }
            try parseField(bytes, start, end, base, into: &fields)
            start = end &+ 2
        }
        guard start &+ 2 == bytes.count else { throw .badFieldName }
    }

    @inline(__always)
    private static func parseField(
        _ bytes: Span<UInt8>,
        _ start: Int,
        _ end: Int,
        _ base: Int,
        into fields: inout HeaderFields
    ) throws(EdgeError) {
        let line = bytes.extracting(start..<end)
        guard let length = line.firstIndex(of: .colon), length > 0 else {
            throw fieldNameFault(bytes, start, end)
        }
        let name = line.extracting(first: length)
        let id = HeaderName.named(name)
        // A well-known name was compared with its spelling, byte by byte.
        guard id != .other || name.isToken else { throw fieldNameFault(bytes, start, end) }
        let value = bytes.trimmed(start &+ length &+ 1, end)
        fields.append(
            Field(
                id,
                name: Slice(base &+ start, length),
                value: Slice(base &+ value.lowerBound, value.count)
            )
        )
    }

    private static func fieldNameFault(
        _ bytes: Span<UInt8>,
        _ start: Int,
        _ end: Int
    ) -> EdgeError {
        if bytes[start].isBlank { return .obsFold }
        var at = start
        while at < end, bytes[at].isTokenByte { at += 1 }
        var next = at
        while next < end, bytes[next].isBlank { next += 1 }
        return next > at && next < end && bytes[next] == .colon ? .spaceBeforeColon : .badFieldName
    }

    /// Where the line's CRLF begins.
    @inline(__always)
    private static func lineEnd(
        _ bytes: Span<UInt8>,
        from start: Int,
        isFirst: Bool
    ) throws(EdgeError) -> Int {
        var at = start
        while let control = bytes.firstControl(from: at, to: bytes.count) {
            switch bytes[control] {
            case .cr:
                guard control &+ 1 < bytes.count, bytes[control &+ 1] == .lf else { throw .bareCR }
                return control
            case .tab: at = control &+ 1
            case .lf: throw .bareLF
            case 0: throw .nulInHead
            default: throw isFirst ? .badRequestLine : .badFieldValue
            }
        }
        throw isFirst ? .badRequestLine : .badFieldName
    }

    @inline(__always)
    private static func parseRequestLine(
        _ bytes: Span<UInt8>,
        _ start: Int,
        _ end: Int,
        _ base: Int,
        _ head: inout RequestHead,
        _ arena: Arena
    ) throws(EdgeError) {
        var at = start
        while at < end, bytes[at].isTokenByte { at &+= 1 }
        guard at > start, at < end else { throw .badRequestLine }
        guard bytes[at] == .space else { throw .badMethod }
        head.method = Method.named(bytes.extracting(start..<at))
        head.methodToken = Slice(base &+ start, at &- start)

        let targetStart = at &+ 1
        at = targetStart
        var question = end
        while at < end, bytes[at] != .space {
            let byte = bytes[at]
            guard byte &- 0x21 < 0x5E, byte != 0x23 else { throw .badTarget }
            if byte == 0x3F, question == end { question = at }
            at &+= 1
        }
        guard at < end else { throw .badRequestLine }
        guard at > targetStart else { throw .badTarget }
        head.version = try version(bytes.extracting((at &+ 1)..<end))
        head.target = Slice(base &+ targetStart, at &- targetStart)
        if bytes[targetStart] == 0x2F, head.method != .connect {
            let pathEnd = min(question, at)
            head.path = Slice(base &+ targetStart, pathEnd &- targetStart)
            if question < at { head.query = Slice(base &+ question &+ 1, at &- question &- 1) }
        } else {
            try TargetParser.parseOtherForm(&head, arena)
        }
    }

    @inline(__always)
    private static func version(_ text: Span<UInt8>) throws(EdgeError) -> Version {
        guard text.count == 8, text.starts(with: "HTTP/"), text[5].isDigit, text[6] == 0x2E,
            text[7].isDigit
        else { throw .badVersion }
        guard text[5] == 0x31 else { throw .unsupportedVersion }
        return text[7] == 0x30 ? .http10 : .http11
    }

    /// `HTTP/1.1 200 OK`. The blank after the code is required even before an empty phrase (RFC 9112 §4); enough
    /// servers leave it out that a bare code is accepted: nothing can be misread.
    private static func parseStatusLine(
        _ bytes: Span<UInt8>,
        _ end: Int,
        _ base: Int,
        _ head: inout ResponseHead
    ) throws(EdgeError) {
        guard end >= 12, bytes[8] == .space else { throw .originBadHead }
        head.version = try version(bytes.extracting(first: 8))
        var status: UInt16 = 0
        for index in 9..<12 {
            guard bytes[index].isDigit else { throw .originBadHead }
            status = status * 10 + UInt16(bytes[index] - 0x30)
        }
        guard status >= 100, status <= 599 else { throw .originBadHead }
        head.status = status
        guard end > 12 else { return }
        guard bytes[12] == .space else { throw .originBadHead }
        head.reason = Slice(base + 13, end - 13)
    }
}
