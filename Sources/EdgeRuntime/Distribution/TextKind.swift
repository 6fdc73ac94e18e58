// What makes a string a good address, domain, pattern, header name, … and what to write instead.

extension TextKind {
    struct Problem {
        var message: String
        var remedy: String
    }

    var example: String {
        switch self {
        case .plain, .identifier: "\"name\""
        case .path, .file, .folder: "\"path\""
        case .address: "\"127.0.0.1:8080\""
        case .prefix: "\"10.0.0.0/8\""
        case .url: "\"https://host:port\""
        case .domain: "\"www.example.com\""
        case .pattern: "\"/images/*\""
        case .urlPath, .originPath: "\"/path\""
        case .rootObject: "\"index.html\""
        case .fieldName: "\"x-name\""
        case .fieldValue: "\"value\""
        case .country: "\"KR\""
        case .corsOrigin: "\"https://app.example.com\""
        case .mediaType: "\"application/json\""
        case .status: "404"
        case .fieldPattern: "\"card*\""
        }
    }

    func problem(with text: String) -> Problem? {
        switch self {
        case .plain: nil
        case .path, .file, .folder:
            text.isEmpty || text.contains("\0") ? Problem("an empty path", "name a file") : nil
        case .address: Self.address(text)
        case .prefix:
            AddressPrefix(text) != nil
                ? nil
                : Problem(
                    "\"\(text)\" is not an address or prefix",
                    "write 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32"
                )
        case .url: Self.url(text)
        case .domain: Self.domain(text)
        case .pattern: Self.pattern(text)
        case .urlPath: Self.urlPath(text)
        case .originPath:
            text.isEmpty
                ? nil
                : Self.urlPath(text)
                    ?? (text.hasSuffix("/")
                        ? Problem("the path ends with /", "take the closing / away") : nil)
        case .rootObject: Self.rootObject(text)
        case .fieldName: Self.fieldName(text)
        case .fieldValue:
            text.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == 9 }
                ? nil : Problem("a control character in a header value", "take it out")
        case .identifier:
            !text.isEmpty && text.utf8.count <= 128
                && text.utf8.allSatisfy { $0.isNameByte || ".-:/".utf8.contains($0) }
                ? nil
                : Problem("\"\(text)\" is not a good name", "use letters, digits, _ - . : /")
        case .country:
            text.utf8.count == 2 && text.utf8.allSatisfy { $0 >= 0x41 && $0 <= 0x5a }
                ? nil
                : Problem(
                    "\"\(text)\" is not a country code",
                    "write two capital letters (ISO 3166-1), as in \"KR\""
                )
        case .corsOrigin: Self.corsOrigin(text)
        case .mediaType:
            text.split(separator: "/", omittingEmptySubsequences: false).count == 2
                && !text.contains(";") && !text.hasPrefix("/") && !text.hasSuffix("/")
                ? nil
                : Problem("\"\(text)\" is not a media type", "write type/subtype, no parameters")
        case .status:
            ConfigSchema.errorStatuses.contains { String($0) == text }
                ? nil
                : Problem(
                    "no error page for '\(text)'",
                    "choose from \(ConfigSchema.statusText(ConfigSchema.errorStatuses))"
                )
        case .fieldPattern: Self.fieldPattern(text)
        }
    }

    private static func address(_ text: String) -> Problem? {
        guard SocketAddress(text) == nil else { return nil }
        let remedy = "write 127.0.0.1:8080, [::1]:8080, :8080 or unix:run/edge.sock"
        return Problem("\"\(text)\" is not an address with a port", remedy)
    }

    private static func url(_ text: String) -> Problem? {
        guard OriginServer(url: text) == nil else { return nil }
        let remedy: String
        if !text.contains("://") {
            remedy = "put http:// or https:// before it"
        } else if !text.hasPrefix("http://"), !text.hasPrefix("https://") {
            remedy = "the scheme is http or https"
        } else if text.drop(while: { $0 != "/" }).dropFirst(2).contains("/") {
            remedy = "put its path into path = \"/…\""
        } else {
            remedy = "write https://host or https://host:port"
        }
        return Problem("\"\(text)\" is not the URL of a server", remedy)
    }

    private static func domain(_ text: String) -> Problem? {
        if text == "*" { return nil }
        let name = text.hasPrefix("*.") ? text.dropFirst(2) : Substring(text)
        if name.contains("*") {
            return Problem("a star inside of \"\(text)\"", "a wildcard begins with \"*.\"")
        }
        if text.contains("://") {
            return Problem("\"\(text)\" has a scheme", "write its host only")
        }
        if text != text.lowercased() {
            return Problem("\"\(text)\" has capital letters", "write \"\(text.lowercased())\"")
        }
        if IPAddress(text) != nil { return nil }
        if text.hasPrefix("["), text.hasSuffix("]"),
            IPAddress(String(text.dropFirst().dropLast())) != nil
        {
            return nil
        }
        if let colon = name.lastIndex(of: ":") {
            return Problem("\"\(text)\" has a port", "write \"\(text[..<colon])\"")
        }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let isGood = labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-")
                && !label.hasSuffix("-")
                && label.utf8.allSatisfy { $0.isNameByte || $0 == UInt8(ascii: "-") }
        }
        return isGood && name.utf8.count <= 253
            ? nil
            : Problem("\"\(text)\" is not a domain", "write a host name, as in www.example.com")
    }

    private static let pathBytes = Set("_-.*$/~\"'@:+&".utf8)

    private static func pattern(_ text: String) -> Problem? {
        if text.isEmpty { return Problem("an empty pattern", "write \"*\" for every path") }
        if text.utf8.count > 255 {
            return Problem("a pattern of \(text.utf8.count) characters", "at most 255 are allowed")
        }
        let bad = text.unicodeScalars.first { scalar in
            !(scalar.isASCII
                && (UInt8(scalar.value).isNameByte || pathBytes.contains(UInt8(scalar.value))
                    || scalar == "?" || scalar == "%"))
        }
        return bad.map {
            Problem(
                "'\($0)' cannot be in a pattern",
                "patterns have letters, digits and _ - . * ? $ / ~ \" ' @ : + & %"
            )
        }
    }

    private static func urlPath(_ text: String) -> Problem? {
        if !text.hasPrefix("/") {
            return Problem("\"\(text)\" does not begin with /", "write \"/\(text)\"")
        }
        let isGood = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }
        return isGood
            ? nil : Problem("\"\(text)\" is not a URL path", "percent-encode what is odd in it")
    }

    private static func rootObject(_ text: String) -> Problem? {
        if text.hasPrefix("/") {
            return Problem("a leading slash", "write \"\(text.drop { $0 == "/" })\"")
        }
        let isGood =
            !text.isEmpty && text.utf8.count <= 255
            && text.utf8.allSatisfy { $0.isNameByte || pathBytes.contains($0) }
        return isGood ? nil : Problem("\"\(text)\" is not an object", "write \"index.html\"")
    }

    static func fieldName(_ text: String) -> Problem? {
        let isGood =
            !text.isEmpty && text.utf8.count <= 256
            && text.utf8.allSatisfy { $0.isNameByte || "!#$%&'*+-.^`|~".utf8.contains($0) }
        return isGood
            ? nil
            : Problem(
                "\"\(text)\" is not a header name",
                "use letters, digits and -, no spaces or colon"
            )
    }

    private static func corsOrigin(_ text: String) -> Problem? {
        if text == "*" { return nil }
        let isHTTP = text.hasPrefix("http://") || text.hasPrefix("https://")
        guard isHTTP, let scheme = text.firstRange(of: "://") else {
            return Problem("\"\(text)\" is not an origin", "write https://host, without a path")
        }
        let host = text[scheme.upperBound...]
        if host.contains("/") || host.isEmpty {
            return Problem("\"\(text)\" is not an origin", "write https://host, without a path")
        }
        if host.dropFirst().contains("*") || host.hasPrefix("*") && !host.hasPrefix("*.") {
            return Problem(
                "a star inside of \"\(text)\"",
                "only https://*.example.org is a wildcard"
            )
        }
        return nil
    }

    private static func fieldPattern(_ text: String) -> Problem? {
        let name = text.hasSuffix("*") ? text.dropLast() : Substring(text)
        let isGood =
            !text.isEmpty && text.utf8.count <= 128
            && name.utf8.allSatisfy { $0.isNameByte || "[].-".utf8.contains($0) }
        return isGood
            ? nil : Problem("\"\(text)\" is not a field pattern", "a star may only close it")
    }
}

extension TextKind.Problem {
    init(_ message: String, _ remedy: String) {
        self.message = message
        self.remedy = remedy
    }
}

extension UInt8 {
    /// Letters, digits and the underscore.
    var isNameByte: Bool { isDigit || self == 0x5f || lowercased &- 0x61 < 26 }
}

extension OriginServer {
    /// `https://host`, `http://host:port`, with an optional closing slash and nothing after it.
    init?(url text: String) {
        guard let scheme = text.firstRange(of: "://") else { return nil }
        let isTLS: Bool
        switch text[..<scheme.lowerBound] {
        case "https": isTLS = true
        case "http": isTLS = false
        default: return nil
        }
        var rest = text[scheme.upperBound...]
        if rest.hasSuffix("/") { rest.removeLast() }
        var port: UInt16 = isTLS ? 443 : 80
        if let colon = rest.lastIndex(of: ":"), !rest.hasSuffix("]") {
            guard let number = UInt16(rest[rest.index(after: colon)...]), number > 0 else {
                return nil
            }
            port = number
            rest = rest[..<colon]
        }
        if rest.hasPrefix("["), rest.hasSuffix("]") {
            let inner = String(rest.dropFirst().dropLast())
            guard let address = IPAddress(inner), !address.isIPv4 else { return nil }
            self.init(host: inner, port: port, isTLS: isTLS)
            return
        }
        guard !rest.isEmpty, rest.utf8.count <= 253,
            rest.utf8.allSatisfy({ $0.isNameByte || ".-".utf8.contains($0) }),
            !rest.hasPrefix("."), !rest.contains("..")
        else { return nil }
        self.init(host: String(rest), port: port, isTLS: isTLS)
    }
}

extension ConfigSchema {
    static func statusText(_ statuses: [Int]) -> String {
        statuses.map(String.init).joined(separator: ", ")
    }

    /// Where a setting of this name is, for a key that landed in the wrong table.
    static func homes(of name: String) -> [String] {
        func search(_ rows: [Setting], _ path: String) -> [String] {
            rows.flatMap { row -> [String] in
                let place = ConfigShape.path(path, row.name)
                return (row.name == name ? [place] : []) + inside(row.type, place)
            }
        }
        func inside(_ type: SettingType, _ path: String) -> [String] {
            switch type {
            case .record(let rows): search(rows, path)
            case .list(let element, _): inside(element, "\(path)[…]")
            case .map(_, let element): inside(element, "\(path).…")
            case .either(let types): types.flatMap { inside($0, path) }
            case .boolean, .integer, .number, .size, .duration, .word, .text, .secretText,
                .anything:
                []
            }
        }
        return search(root, "")
    }
}
