// Request targets and hosts: the forms that are not `/path`, and what a host may look like (RFC 9112 §3.2, RFC 9110
// §4.2 and §7.2, RFC 3986 §3.2.2).
//
// No normalisation is applied to what is forwarded or matched: a path is what the client sent, byte for byte, because
// an edge that rewrites `%2F`, `..` or `//` decides about another path than the origin does. Only who serves files
// decodes, and does it by rules of its own.

enum TargetParser {
    /// CONNECT's authority, OPTIONS' asterisk, or an absolute URI of http and https.
    static func parseOtherForm(_ head: inout RequestHead, _ arena: Arena) throws(EdgeError) {
        let target = head.target
        let bytes = arena[target]
        if head.method == .connect {
            guard let host = HostName.parse(bytes), host.port != nil else { throw .badTarget }
            head.form = .authority
            head.authority = target
            return
        }
        if bytes.count == 1, bytes[0] == 0x2A {
            guard head.method == .options else { throw .badTarget }
            head.form = .asterisk
            head.path = target
            return
        }
        try parseAbsolute(&head, arena)
    }

    private static func parseAbsolute(_ head: inout RequestHead, _ arena: Arena) throws(EdgeError) {
        let target = head.target
        let authorityStart: Int
        let pathStart: Int
        let question: Int?
        do {
            let bytes = arena[target]
            if bytes.count > 7, bytes.extracting(first: 7).equalsIgnoringCase("http://") {
                head.scheme = .http
                authorityStart = 7
            } else if bytes.count > 8, bytes.extracting(first: 8).equalsIgnoringCase("https://") {
                head.scheme = .https
                authorityStart = 8
            } else {
                throw EdgeError.badTarget
            }
            var at = authorityStart
            while at < bytes.count, bytes[at] != 0x2F, bytes[at] != 0x3F { at += 1 }
            pathStart = at
            question = bytes.firstIndex(of: 0x3F, from: at)
        }
        head.form = .absolute
        head.authority = Slice(target.start + authorityStart, pathStart - authorityStart)
        let pathEnd = question ?? target.count
        if pathEnd > pathStart {
            head.path = Slice(target.start + pathStart, pathEnd - pathStart)
        } else {
            // RFC 9112 §3.2.4: an OPTIONS without path and query is about the server as a whole.
            head.path = arena.append(head.method == .options && question == nil ? "*" : "/")
            guard !arena.isOverflown else { throw .arenaOverflow }
        }
        if let question {
            head.query = Slice(target.start + question + 1, target.count - question - 1)
        }
    }

    /// Who is asked: the rules about `Host`, after which `authority`, `host` and `port` are settled.
    @inline(__always)
    static func settleAuthority(_ head: inout RequestHead, _ arena: Arena) throws(EdgeError) {
        if let index = head.fields.firstIndex(of: .host) {
            guard head.fields.firstIndex(of: .host, from: index &+ 1) == nil else {
                throw .hostRepeated
            }
            let value = head.fields[index].value
            if head.form == .origin || head.form == .asterisk {
                head.authority = value
                return try settleHost(&head, arena, .badHost)
            }
            guard HostName.parse(arena[value]) != nil else { throw .badHost }
        } else {
            guard head.version == .http10 else { throw .hostMissing }
            guard head.form == .absolute || head.form == .authority else { return }
        }
        try settleHost(&head, arena, .badTarget)
        head.fields.set(.host, value: head.authority)
    }

    @inline(__always)
    private static func settleHost(
        _ head: inout RequestHead,
        _ arena: Arena,
        _ fault: EdgeError
    ) throws(EdgeError) {
        guard let name = HostName.parse(arena[head.authority]) else { throw fault }
        head.port = name.port
        let host = Slice(head.authority.start &+ name.host.lowerBound, name.host.count)
        head.host = host
        guard name.hasCapitals else { return }
        head.host = arena.append(copyOf: host)
        guard !arena.isOverflown else { throw .arenaOverflow }
        for offset in head.host.start..<head.host.end {
            arena.replaceByte(at: offset, with: arena.bytes[offset].lowercased)
        }
    }
}

/// `host[:port]`, checked.
struct HostName {
    /// Without brackets and without the root's dot.
    var host: Range<Int>
    /// Nil when there is none, or only a colon.
    var port: UInt16?
    var hasCapitals: Bool

    /// Letters, digits, `-`, `.`, `_` and `~`, no empty label, or a bracketed IPv6 address. RFC 3986 would allow more
    /// in a name (sub-delims, escapes); no name server does, and `@`, which hides a user's name, is among the refused.
    static func parse(_ bytes: Span<UInt8>) -> Self? {
        guard bytes.count > 0 else { return nil }
        guard bytes[0] != 0x5B else { return parseBracketed(bytes) }
        var at = 0
        var capitals = false
        var before: UInt8 = 0x2E
        while at < bytes.count, bytes[at] != .colon {
            let byte = bytes[at]
            guard isNameByte(byte), byte != 0x2E || before != 0x2E else { return nil }
            if byte &- 0x41 < 26 { capitals = true }
            before = byte
            at &+= 1
        }
        let end = before == 0x2E ? at &- 1 : at
        guard end > 0, end <= Limits.hostBytes else { return nil }
        guard let port = parsePort(bytes, from: at) else { return nil }
        return Self(host: 0..<end, port: port.value, hasCapitals: capitals)
    }

    /// IPv6 without a zone, read to the end so that nothing else gets through.
    private static func parseBracketed(_ bytes: Span<UInt8>) -> Self? {
        guard let close = bytes.firstIndex(of: 0x5D) else { return nil }
        let text = bytes.extracting(1..<close)
        guard text.firstIndex(of: .colon) != nil, IPAddress(text) != nil else { return nil }
        guard let port = parsePort(bytes, from: close + 1) else { return nil }
        var capitals = false
        for index in 1..<close where bytes[index] &- 0x41 < 26 { capitals = true }
        return Self(host: 1..<close, port: port.value, hasCapitals: capitals)
    }

    @inline(__always)
    private static func isNameByte(_ byte: UInt8) -> Bool {
        // Digits, `-` and `.`; then letters, `_` and `~`.
        let low: UInt64 = 0x03FF_6000_0000_0000
        let high: UInt64 = 0x47FF_FFFE_87FF_FFFE
        let word = byte & 0x40 == 0 ? low : high
        return byte < 0x80 && word &>> UInt64(byte & 0x3F) & 1 == 1
    }

    private struct Port {
        var value: UInt16?
    }

    @inline(__always)
    private static func parsePort(_ bytes: Span<UInt8>, from colon: Int) -> Port? {
        guard colon < bytes.count else { return Port(value: nil) }
        guard bytes[colon] == .colon, bytes.count &- colon <= 6 else { return nil }
        guard colon &+ 1 < bytes.count else { return Port(value: nil) }
        guard let number = bytes.extracting((colon &+ 1)...).decimal else { return nil }
        return UInt16(exactly: number).map { Port(value: $0) }
    }
}
