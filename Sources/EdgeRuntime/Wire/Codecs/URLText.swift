// URLs (RFC 3986): percent-encoding, splitting and joining, query strings, and what a relative reference means.
//
// Splitting is by the grammar and nothing is normalised: every part is the bytes that stand there, escapes and all.
// Refused are bytes that other readers might see as something else: control bytes, blanks, and a backslash in front
// of the query. Bytes beyond ASCII are let through in path, query and fragment, as request targets have them.

struct URLParts: Equatable {
    /// nil: what has no scheme is a relative reference.
    var scheme: Range<Int>?
    /// What stands before an `@`, without it.
    var userInfo: Range<Int>?
    /// nil without an authority; with brackets for IPv6. May be empty, as in `file:///x`.
    var host: Range<Int>?
    /// nil without one, or with a colon only.
    var port: UInt16?
    /// Everything between the slashes and the path: user, host and port.
    var authority: Range<Int>?
    var path: Range<Int>
    /// Without `?`. An empty query is not the same as none.
    var query: Range<Int>?
    /// Without `#`.
    var fragment: Range<Int>?
}

enum URLError: UInt8, Error {
    /// A control byte, a blank or a backslash.
    case badByte
    case badScheme
    case badHost
    case badPort
    /// A `%` without two hexadecimal digits.
    case badEscape
    /// An absolute URL is needed here.
    case notAbsolute
    case tooLong

    var word: StaticString {
        switch self {
        case .badByte: "bad-byte"
        case .badScheme: "bad-scheme"
        case .badHost: "bad-host"
        case .badPort: "bad-port"
        case .badEscape: "bad-escape"
        case .notAbsolute: "not-absolute"
        case .tooLong: "too-long"
        }
    }
}

enum URLText {
    // MARK: Splitting

    static func split(_ text: Span<UInt8>) throws(URLError) -> URLParts {
        guard text.count <= Limits.urlBytesMax else { throw .tooLong }
        guard text.firstControl(from: 0, to: text.count) == nil,
            text.firstIndex(of: .space) == nil
        else { throw .badByte }
        var end = text.count
        var parts = URLParts(path: 0..<0)
        if let hash = text.firstIndex(of: UInt8(ascii: "#")) {
            parts.fragment = (hash + 1)..<end
            end = hash
        }
        if let mark = text.firstIndex(of: UInt8(ascii: "?")), mark < end {
            parts.query = (mark + 1)..<end
            end = mark
        }
        // Browsers read it as a slash, servers do not.
        if let place = text.firstIndex(of: .backslash), place < end { throw .badByte }
        var at = 0
        if let colon = text.firstIndex(of: .colon), colon < end,
            text.firstIndex(of: UInt8(ascii: "/")).map({ colon < $0 }) ?? true
        {
            guard isScheme(text.extracting(first: colon)) else { throw .badScheme }
            parts.scheme = 0..<colon
            at = colon + 1
        }
        if end - at >= 2, text[at] == UInt8(ascii: "/"), text[at + 1] == UInt8(ascii: "/") {
            at += 2
            let start = at
            while at < end, text[at] != UInt8(ascii: "/") { at += 1 }
            try splitAuthority(text, start..<at, &parts)
        }
        parts.path = at..<end
        return parts
    }

    private static func isScheme(_ text: Span<UInt8>) -> Bool {
        guard text.count > 0, isLetter(text[0]) else { return false }
        for index in text.indices {
            switch text[index] {
            case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): continue
            case let byte where isLetter(byte) || byte.isDigit: continue
            default: return false
            }
        }
        return true
    }

    private static func isLetter(_ byte: UInt8) -> Bool { byte.lowercased &- 0x61 < 26 }

    /// The host by the rules of `HostName`, but an empty one is let through.
    private static func splitAuthority(
        _ text: Span<UInt8>,
        _ authority: Range<Int>,
        _ parts: inout URLParts
    ) throws(URLError) {
        parts.authority = authority
        var start = authority.lowerBound
        for index in authority where text[index] == UInt8(ascii: "@") {
            // Two of them are a way to show one host and to mean another.
            guard parts.userInfo == nil else { throw .badHost }
            parts.userInfo = start..<index
        }
        if let userInfo = parts.userInfo { start = userInfo.upperBound + 1 }
        var colon = authority.upperBound
        while colon > start, text[colon - 1].isDigit { colon -= 1 }
        var hostEnd = authority.upperBound
        if colon > start, text[colon - 1] == .colon {
            hostEnd = colon - 1
            if colon < authority.upperBound {
                let digits = text.extracting(colon..<authority.upperBound)
                guard let number = digits.decimal, let port = UInt16(exactly: number) else {
                    throw .badPort
                }
                parts.port = port
            }
        }
        parts.host = start..<hostEnd
        let host = text.extracting(start..<hostEnd)
        guard host.count > 0 else {
            guard parts.userInfo == nil, parts.port == nil else { throw .badHost }
            return
        }
        guard let name = HostName.parse(host), name.port == nil,
            host[host.count - 1] != .colon
        else { throw .badHost }
    }

    // MARK: Relative references (RFC 3986 §5.2, the strict way)

    /// What `reference` means in a document at `base`.
    static func resolve(
        _ reference: Span<UInt8>,
        against base: Span<UInt8>
    ) throws(URLError) -> [UInt8] {
        let relative = try split(reference)
        let absolute = try split(base)
        guard let baseScheme = absolute.scheme else { throw .notAbsolute }
        var out: [UInt8] = []
        out.reserveCapacity(reference.count + base.count)
        if let scheme = relative.scheme {
            append(reference, scheme, to: &out)
        } else {
            append(base, baseScheme, to: &out)
        }
        out.append(.colon)
        let hasOwnPlace = relative.scheme != nil || relative.authority != nil
        if let authority = hasOwnPlace ? relative.authority : absolute.authority {
            out.append(contentsOf: [0x2f, 0x2f])
            append(hasOwnPlace ? reference : base, authority, to: &out)
        }
        let pathStart = out.count
        var query = relative.query
        var isQueryOfBase = false
        if hasOwnPlace || !relative.path.isEmpty {
            if !hasOwnPlace, reference[relative.path.lowerBound] != UInt8(ascii: "/") {
                mergeBase(base, absolute, into: &out)
            }
            append(reference, relative.path, to: &out)
            removeDotSegments(&out, from: pathStart)
        } else {
            append(base, absolute.path, to: &out)
            if query == nil {
                query = absolute.query
                isQueryOfBase = true
            }
        }
        guardAuthority(&out, from: pathStart, hasAuthority: hasAuthority(out, pathStart))
        if let query {
            out.append(UInt8(ascii: "?"))
            append(isQueryOfBase ? base : reference, query, to: &out)
        }
        if let fragment = relative.fragment {
            out.append(UInt8(ascii: "#"))
            append(reference, fragment, to: &out)
        }
        return out
    }

    /// The base's path up to its last slash (§5.2.3).
    private static func mergeBase(
        _ base: Span<UInt8>,
        _ parts: URLParts,
        into out: inout [UInt8]
    ) {
        guard !parts.path.isEmpty else {
            if parts.authority != nil { out.append(UInt8(ascii: "/")) }
            return
        }
        var end = parts.path.upperBound
        while end > parts.path.lowerBound, base[end - 1] != UInt8(ascii: "/") { end -= 1 }
        append(base, parts.path.lowerBound..<end, to: &out)
    }

    private static func hasAuthority(_ out: [UInt8], _ pathStart: Int) -> Bool {
        guard let colon = out.firstIndex(of: .colon), colon + 2 < out.count else { return false }
        return pathStart > colon + 1
    }

    /// Dots taken away may leave `//` in front of a path that no host precedes; it would be read as one (§4.2).
    private static func guardAuthority(
        _ out: inout [UInt8],
        from start: Int,
        hasAuthority: Bool
    ) {
        guard !hasAuthority, out.count >= start + 2, out[start] == 0x2f, out[start + 1] == 0x2f
        else { return }
        out.insert(contentsOf: [0x2f, 0x2e], at: start)
    }

    /// RFC 3986 §5.2.4, in place: `.` and `..` are gone and never lead above the root. Segments are what stands
    /// between slashes; escaped dots are not dots.
    static func removeDotSegments(_ bytes: inout [UInt8], from start: Int = 0) {
        let end = bytes.count
        let isRooted = start < end && bytes[start] == 0x2f
        var read = isRooted ? start + 1 : start
        var write = read
        while true {
            var stop = read
            while stop < end, bytes[stop] != 0x2f { stop += 1 }
            let isLast = stop == end
            let isDot = stop - read == 1 && bytes[read] == 0x2e
            let isDots = stop - read == 2 && bytes[read] == 0x2e && bytes[read + 1] == 0x2e
            if isDots {
                // Back over the slash that ends the segment before, and over that segment.
                let root = isRooted ? start + 1 : start
                if write > root {
                    write -= 1
                    while write > root, bytes[write - 1] != 0x2f { write -= 1 }
                }
            } else if !isDot {
                // What is written never overtakes what is read.
                for index in read..<stop {
                    bytes[write] = bytes[index]
                    write += 1
                }
                if !isLast {
                    bytes[write] = 0x2f
                    write += 1
                }
            }
            guard !isLast else { break }
            read = stop + 1
        }
        bytes.removeSubrange(write..<end)
    }

    private static func append(_ text: Span<UInt8>, _ range: Range<Int>, to out: inout [UInt8]) {
        text.extracting(range).withUnsafeBufferPointer { out.append(contentsOf: $0) }
    }
}
