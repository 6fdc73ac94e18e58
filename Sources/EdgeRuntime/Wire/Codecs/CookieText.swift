// Cookies: what browsers send is read as leniently as RFC 6265 §5 tells user agents to be, what we set is checked by
// §4.1 and by the newer rules that browsers enforce (RFC 6265bis): a cookie that a browser would drop is an error
// here and not a riddle there.

/// One cookie of a `Cookie` field: ranges of the value.
struct CookiePair: Equatable {
    /// Empty for a cookie without `=`, which browsers send for one that was set without a name.
    var name: Range<Int>
    /// Quotes belong to the value.
    var value: Range<Int>
}

enum SameSite: UInt8, Sendable, CaseIterable {
    case strict
    case lax
    case none

    var text: StaticString {
        switch self {
        case .strict: "Strict"
        case .lax: "Lax"
        case .none: "None"
        }
    }
}

enum CookieError: UInt8, Error {
    case badName
    case badValue
    case badDomain
    case badPath
    /// `Expires` before the year 1601 or after 9999.
    case badExpires
    /// `SameSite=None`, `Partitioned`, `__Secure-` and `__Host-` want `Secure`.
    case needsSecure
    /// `__Host-` wants the path `/` and no domain.
    case badPrefix
    case tooLong

    var word: StaticString {
        switch self {
        case .badName: "bad-name"
        case .badValue: "bad-value"
        case .badDomain: "bad-domain"
        case .badPath: "bad-path"
        case .badExpires: "bad-expires"
        case .needsSecure: "needs-secure"
        case .badPrefix: "bad-prefix"
        case .tooLong: "too-long"
        }
    }
}

enum CookieText {
    /// `position` starts at 0. Parts are separated by `;`, blanks around them do not count, empty ones are skipped.
    static func nextPair(_ field: Span<UInt8>, _ position: inout Int) -> CookiePair? {
        while position < field.count {
            let start = position
            let end = field.firstIndex(of: .semicolon, from: start) ?? field.count
            position = end + 1
            let part = field.trimmed(start, end)
            guard !part.isEmpty else { continue }
            return pair(field, part)
        }
        return nil
    }

    fileprivate static func pair(_ field: Span<UInt8>, _ part: Range<Int>) -> CookiePair {
        guard let equals = field.firstIndex(of: UInt8(ascii: "="), from: part.lowerBound),
            equals < part.upperBound
        else { return CookiePair(name: part.lowerBound..<part.lowerBound, value: part) }
        return CookiePair(
            name: field.trimmed(part.lowerBound, equals),
            value: field.trimmed(equals + 1, part.upperBound)
        )
    }
}

/// One `Set-Cookie`.
struct SetCookie: Equatable {
    var name: [UInt8]
    var value: [UInt8]
    /// Without the dot in front, which means nothing any more.
    var domain: [UInt8]?
    var path: [UInt8]?
    /// Seconds since 1970.
    var expires: Int64?
    /// Seconds from now; zero or less removes the cookie.
    var maxAge: Int64?
    var isSecure = false
    var isHTTPOnly = false
    var sameSite: SameSite?
    var isPartitioned = false

    init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }

    // MARK: Writing

    func append(to out: inout [UInt8]) throws(CookieError) {
        try check()
        out.append(contentsOf: name)
        out.append(UInt8(ascii: "="))
        out.append(contentsOf: value)
        if let domain { Self.append("; Domain=", domain, to: &out) }
        if let path { Self.append("; Path=", path, to: &out) }
        if let expires {
            Self.append("; Expires=", to: &out)
            let date = HTTPDate.render(expires)
            for index in date.indices { out.append(date[index]) }
        }
        if let maxAge {
            Self.append("; Max-Age=", to: &out)
            Decimal.append(maxAge, to: &out)
        }
        if isSecure { Self.append("; Secure", to: &out) }
        if isHTTPOnly { Self.append("; HttpOnly", to: &out) }
        if let sameSite {
            Self.append("; SameSite=", to: &out)
            Self.append(sameSite.text, to: &out)
        }
        if isPartitioned { Self.append("; Partitioned", to: &out) }
    }

    private static func append(
        _ label: StaticString,
        _ bytes: [UInt8] = [],
        to out: inout [UInt8]
    ) {
        out.append(
            contentsOf: UnsafeBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount)
        )
        out.append(contentsOf: bytes)
    }

    private func check() throws(CookieError) {
        guard name.span.isToken else { throw .badName }
        let octets = value.span
        let isQuoted =
            octets.count >= 2 && octets[0] == .quote && octets[octets.count - 1] == .quote
        for index in isQuoted ? 1..<(octets.count - 1) : 0..<octets.count {
            guard Self.isCookieOctet(octets[index]) else { throw .badValue }
        }
        guard name.count + value.count <= Limits.cookieBytesMax else { throw .tooLong }
        if let domain {
            guard let host = HostName.parse(domain.span), host.port == nil,
                host.host == 0..<domain.count
            else { throw .badDomain }
        }
        if let path {
            guard path.count <= Limits.cookieAttributeBytesMax else { throw .tooLong }
            guard path.first == UInt8(ascii: "/"),
                path.allSatisfy({ $0 >= 0x20 && $0 < 0x7f && $0 != .semicolon }),
                path.last != .space
            else { throw .badPath }
        }
        if let expires, !Self.expiresRange.contains(expires) { throw .badExpires }
        let isHost = Self.hasPrefix(name, "__host-")
        let wantsSecure =
            sameSite == SameSite.none || isPartitioned || isHost
            || Self.hasPrefix(name, "__secure-")
        guard isSecure || !wantsSecure else { throw .needsSecure }
        guard !isHost || (domain == nil && path == [UInt8(ascii: "/")]) else { throw .badPrefix }
    }

    /// The years that a cookie's date can say: 1601 to 9999.
    private static let expiresRange: ClosedRange<Int64> = -11_644_473_600...253_402_300_799

    /// RFC 6265 §4.1.1: printable ASCII without space, quote, comma, semicolon and backslash.
    private static func isCookieOctet(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7f && byte != .quote && byte != .comma && byte != .semicolon
            && byte != .backslash
    }

    /// Browsers compare these prefixes without case.
    private static func hasPrefix(_ name: [UInt8], _ prefix: StaticString) -> Bool {
        name.count >= prefix.utf8CodeUnitCount
            && name.span.extracting(first: prefix.utf8CodeUnitCount).equalsIgnoringCase(prefix)
    }

    // MARK: Reading (RFC 6265 §5.2)

    /// nil for what user agents ignore: neither name nor value, or a control byte in it. The last attribute of a
    /// kind counts; one that says nothing sensible is as good as absent.
    static func parse(_ field: Span<UInt8>) -> SetCookie? {
        for index in field.indices {
            guard field[index] >= 0x20 || field[index] == .tab, field[index] != 0x7f else {
                return nil
            }
        }
        var end = field.firstIndex(of: .semicolon) ?? field.count
        let pair = CookieText.pair(field, field.trimmed(0, end))
        guard !pair.name.isEmpty || !pair.value.isEmpty,
            pair.name.count + pair.value.count <= Limits.cookieBytesMax
        else { return nil }
        var cookie = SetCookie(
            name: bytes(field, pair.name),
            value: bytes(field, pair.value)
        )
        while end < field.count {
            let start = end + 1
            end = field.firstIndex(of: .semicolon, from: start) ?? field.count
            let part = field.trimmed(start, end)
            guard !part.isEmpty else { continue }
            cookie.take(field, part)
        }
        return cookie
    }

    private mutating func take(_ field: Span<UInt8>, _ part: Range<Int>) {
        let equals = field.firstIndex(of: UInt8(ascii: "="), from: part.lowerBound)
        let nameEnd = min(equals ?? part.upperBound, part.upperBound)
        let name = field.extracting(field.trimmed(part.lowerBound, nameEnd))
        let valueRange = field.trimmed(min(nameEnd + 1, part.upperBound), part.upperBound)
        guard valueRange.count <= Limits.cookieAttributeBytesMax else { return }
        let value = field.extracting(valueRange)
        if name.equalsIgnoringCase("expires") {
            if let date = CookieDate.parse(value) { expires = date }
        } else if name.equalsIgnoringCase("max-age") {
            if let age = Self.age(value) { maxAge = age }
        } else if name.equalsIgnoringCase("domain") {
            let isDotted = value.count > 0 && value[0] == UInt8(ascii: ".")
            let start = valueRange.lowerBound + (isDotted ? 1 : 0)
            domain = Self.bytes(field, start..<valueRange.upperBound).map(\.lowercased)
            if domain?.isEmpty == true { domain = nil }
        } else if name.equalsIgnoringCase("path") {
            path =
                value.count > 0 && value[0] == UInt8(ascii: "/")
                ? Self.bytes(field, valueRange) : nil
        } else if name.equalsIgnoringCase("secure") {
            isSecure = true
        } else if name.equalsIgnoringCase("httponly") {
            isHTTPOnly = true
        } else if name.equalsIgnoringCase("partitioned") {
            isPartitioned = true
        } else if name.equalsIgnoringCase("samesite") {
            sameSite = SameSite.allCases.first { value.equalsIgnoringCase($0.text) }
        }
    }

    /// Digits with an optional `-`; more than 64 bits is for ever.
    private static func age(_ text: Span<UInt8>) -> Int64? {
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        let digits = text.extracting((isNegative ? 1 : 0)...)
        guard digits.count > 0 else { return nil }
        for index in digits.indices where !digits[index].isDigit { return nil }
        if isNegative { return digits.decimal.map { -$0 } ?? .min }
        return digits.decimal ?? .max
    }

    private static func bytes(_ field: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        field.extracting(range).withUnsafeBufferPointer { Array($0) }
    }
}

/// A cookie's date as user agents read it (RFC 6265 §5.1.1): words in any order, each taken for the first thing that
/// it can be. It reads every form that `HTTPDate` reads and most of what servers have ever written.
enum CookieDate {
    static func parse(_ text: Span<UInt8>) -> Int64? {
        var time: Int64?
        var day: Int?
        var month: Int?
        var year: Int?
        var at = 0
        while at < text.count {
            while at < text.count, isDelimiter(text[at]) { at += 1 }
            let start = at
            while at < text.count, !isDelimiter(text[at]) { at += 1 }
            let word = text.extracting(start..<at)
            if time == nil, let found = timeOfDay(word) {
                time = found
            } else if day == nil, let found = number(word, 1...2) {
                day = found
            } else if month == nil, let found = monthNumber(word) {
                month = found
            } else if year == nil, let found = number(word, 2...4) {
                year = found < 70 ? found + 2000 : found < 100 ? found + 1900 : found
            }
        }
        guard let time, let day, let month, let year, year >= 1601 else { return nil }
        return HTTPDate.seconds(year, month, day, time)
    }

    private static func isDelimiter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x09, 0x20...0x2f, 0x3b...0x40, 0x5b...0x60, 0x7b...0x7e: true
        default: false
        }
    }

    /// As many digits as fit at the start of the word; what follows them must be no digit.
    private static func number(_ word: Span<UInt8>, _ digits: ClosedRange<Int>) -> Int? {
        var at = 0
        var value = 0
        while at < word.count, at <= digits.upperBound, word[at].isDigit {
            value = value * 10 + Int(word[at] - 0x30)
            at += 1
        }
        return digits.contains(at) ? value : nil
    }

    private static func timeOfDay(_ word: Span<UInt8>) -> Int64? {
        var at = 0
        var fields: InlineArray<3, Int> = [0, 0, 0]
        for index in 0..<3 {
            if index > 0 {
                guard at < word.count, word[at] == .colon else { return nil }
                at += 1
            }
            guard let value = number(word.extracting(at...), 1...2) else { return nil }
            fields[index] = value
            while at < word.count, word[at].isDigit { at += 1 }
        }
        guard fields[0] < 24, fields[1] < 60, fields[2] < 60 else { return nil }
        return Int64(fields[0] * 3600 + fields[1] * 60 + fields[2])
    }

    private static func monthNumber(_ word: Span<UInt8>) -> Int? {
        guard word.count >= 3 else { return nil }
        let names = ("janfebmaraprmayjunjulaugsepoctnovdec" as StaticString).utf8Start
        for month in 0..<12 {
            let name = names + 3 * month
            if word[0].lowercased == name[0], word[1].lowercased == name[1],
                word[2].lowercased == name[2]
            {
                return month + 1
            }
        }
        return nil
    }
}
