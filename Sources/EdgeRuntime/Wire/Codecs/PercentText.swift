// Percent-encoding (RFC 3986 §2.1) and query strings as forms write them.

enum PercentText {
    /// Which bytes stand for themselves.
    enum Plain: Sendable {
        /// Letters, digits and `-._~`: right for any part of a URL.
        case component
        /// Also what a path may hold, slashes included.
        case path
        /// Also what a query may hold; `&`, `=` and `+` are kept, so this is for a query that is complete.
        case query
        /// As `component`, but a space is `+`: names and values of forms.
        case form

        @inline(__always)
        func holds(_ byte: UInt8) -> Bool {
            let low: UInt64
            let high: UInt64
            switch self {
            case .component, .form:
                low = 0x03ff_6000_0000_0000
                high = 0x47ff_fffe_87ff_fffe
            case .path:
                // !$&'()*+,-./ digits :;= and @ letters _~
                low = 0x2fff_ffd2_0000_0000
                high = 0x47ff_fffe_87ff_ffff
            case .query:
                // The same and ?
                low = 0xafff_ffd2_0000_0000
                high = 0x47ff_fffe_87ff_ffff
            }
            let word = byte & 0x40 == 0 ? low : high
            return byte < 0x80 && word &>> UInt64(byte & 0x3f) & 1 == 1
        }
    }

    static func encode(_ bytes: Span<UInt8>, _ plain: Plain, into out: inout [UInt8]) {
        out.reserveCapacity(out.count + bytes.count)
        let digits = ("0123456789ABCDEF" as StaticString).utf8Start
        for index in bytes.indices {
            let byte = bytes[unchecked: index]
            if plain.holds(byte) {
                out.append(byte)
            } else if plain == .form, byte == .space {
                out.append(UInt8(ascii: "+"))
            } else {
                out.append(UInt8(ascii: "%"))
                out.append(digits[Int(byte >> 4)])
                out.append(digits[Int(byte & 15)])
            }
        }
    }

    /// What an escape that is none means.
    enum Malformed: Sendable {
        case refused
        /// The `%` stands for itself, as browsers read it.
        case kept
    }

    static func decode(
        _ text: Span<UInt8>,
        plusIsSpace: Bool = false,
        _ malformed: Malformed = .refused,
        into out: inout [UInt8]
    ) throws(URLError) {
        out.reserveCapacity(out.count + text.count)
        var at = 0
        while at < text.count {
            let byte = text[unchecked: at]
            at &+= 1
            guard byte == UInt8(ascii: "%") else {
                out.append(plusIsSpace && byte == UInt8(ascii: "+") ? .space : byte)
                continue
            }
            if at + 1 < text.count, let high = text[at].hexDigit, let low = text[at + 1].hexDigit {
                out.append(high << 4 | low)
                at += 2
                continue
            }
            switch malformed {
            case .refused: throw .badEscape
            case .kept: out.append(byte)
            }
        }
    }
}

/// One `name=value` of a query string: ranges of the text, still encoded.
struct QueryPair: Equatable {
    var name: Range<Int>
    /// nil without `=`.
    var value: Range<Int>?
}

/// A query string is a list: its order counts, and a name may come more than once.
enum QueryText {
    /// `position` starts at 0. Between two `&` there may be nothing, which is no pair.
    static func nextPair(_ query: Span<UInt8>, _ position: inout Int) -> QueryPair? {
        while position < query.count {
            let start = position
            let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
            position = end + 1
            guard end > start else { continue }
            guard let equals = query.firstIndex(of: UInt8(ascii: "="), from: start), equals < end
            else { return QueryPair(name: start..<end, value: nil) }
            return QueryPair(name: start..<equals, value: (equals + 1)..<end)
        }
        return nil
    }

    /// A name or a value as its author meant it.
    static func decode(_ text: Span<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        // Nothing is thrown: what is malformed is kept.
        try? PercentText.decode(text, plusIsSpace: true, .kept, into: &out)
        return out
    }

    /// Appends `name=value`, encoded, after an `&` if there is something before. No value: the name alone.
    static func append(
        name: Span<UInt8>,
        value: Span<UInt8>,
        to query: inout [UInt8]
    ) {
        append(name: name, to: &query)
        query.append(UInt8(ascii: "="))
        PercentText.encode(value, .form, into: &query)
    }

    static func append(name: Span<UInt8>, to query: inout [UInt8]) {
        if !query.isEmpty { query.append(UInt8(ascii: "&")) }
        PercentText.encode(name, .form, into: &query)
    }
}
