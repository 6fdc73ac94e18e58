// edge.base64, edge.hex, edge.url, edge.cookie: text in the codings of the web.

enum EncodingAPI {
    static let rows = [
        APIRow("base64.encode", "encode(data: string): string", "Base 64 with padding.") {
            LuaCall.serve($0) { call in
                text(call, "edge.base64.encode") { Base64.encode($0, .standard, padded: true) }
            }
        },
        APIRow(
            "base64.decode",
            "decode(text: string): string?, string?",
            "The bytes; nil and a reason for what is no base 64. Padding may be left out."
        ) {
            LuaCall.serve($0) { call in decoded(call, "edge.base64.decode", .standard) }
        },
        APIRow(
            "base64.encode_url",
            "encode_url(data: string): string",
            "The url-safe alphabet, without padding."
        ) {
            LuaCall.serve($0) { call in
                text(call, "edge.base64.encode_url") { Base64.encode($0, .urlSafe, padded: false) }
            }
        },
        APIRow(
            "base64.decode_url",
            "decode_url(text: string): string?, string?",
            "The bytes of url-safe base 64; nil and a reason."
        ) {
            LuaCall.serve($0) { call in decoded(call, "edge.base64.decode_url", .urlSafe) }
        },
        APIRow("hex.encode", "encode(data: string): string", "Two small digits for each byte.") {
            LuaCall.serve($0) { call in text(call, "edge.hex.encode") { Hexadecimal.encode($0) } }
        },
        APIRow(
            "hex.decode",
            "decode(text: string): string?, string?",
            "The bytes; nil and a reason."
        ) {
            LuaCall.serve($0) { call in hexDecoded(call) }
        },
        APIRow(
            "url.encode",
            "encode(text: string): string",
            "Percent-encodes everything but letters, digits and `-._~`."
        ) {
            LuaCall.serve($0) { call in
                text(call, "edge.url.encode") { bytes in
                    var out: [UInt8] = []
                    PercentText.encode(bytes, .component, into: &out)
                    return out
                }
            }
        },
        APIRow(
            "url.decode",
            "decode(text: string): string",
            "Decodes escapes; `+` is a space, what is no escape stays."
        ) {
            LuaCall.serve($0) { call in text(call, "edge.url.decode") { QueryText.decode($0) } }
        },
        APIRow(
            "url.parse",
            "parse(url: string): table?, string?",
            "Its `scheme`, `host`, `port`, `path`, `query`, `fragment`, as they stand there; nil and a reason."
        ) { LuaCall.serve($0) { parse($0) } },
        APIRow(
            "url.resolve",
            "resolve(reference: string, base: string): string?, string?",
            "What a reference means in a document at `base` (RFC 3986)."
        ) { LuaCall.serve($0) { resolve($0) } },
        APIRow(
            "url.query",
            "query(arguments: table): string",
            "A query string of a table of names and values, its names sorted."
        ) { LuaCall.serve($0) { query($0) } },
        APIRow(
            "cookie.parse",
            "parse(field: string): table",
            "The names and values of a `Cookie` field; the first of repeated names counts."
        ) { LuaCall.serve($0) { cookies($0) } },
        APIRow(
            "cookie.format",
            "format(name: string, cookie: table): string?, string?",
            "A `Set-Cookie` value of `value`, `path`, `domain`, `max_age`, `expires`, `same_site`, `secure`, `http_only`, `partitioned`."
        ) { LuaCall.serve($0) { format($0) } },
    ]

    private static func text(
        _ call: LuaCall,
        _ function: String,
        _ convert: (Span<UInt8>) -> [UInt8]
    ) -> CInt {
        guard let bytes = call.stack.text(at: 1) else {
            return call.badArgument(1, function, "a string is wanted")
        }
        guard call.spend(bytes.count) else { return 0 }
        let answer = convert(bytes.span)
        call.stack.push(answer.span)
        return 1
    }

    private static func decoded(
        _ call: LuaCall,
        _ function: String,
        _ alphabet: Base64.Alphabet
    ) -> CInt {
        guard let bytes = call.stack.bytes(at: 1) else {
            return call.badArgument(1, function, "a string is wanted")
        }
        guard call.spend(bytes.count) else { return 0 }
        do throws(TextCodeError) {
            let answer = try Base64.decode(bytes.span, alphabet, .optional)
            call.stack.push(answer.span)
            return 1
        } catch { return call.refuse(error.reason.word) }
    }

    private static func hexDecoded(_ call: LuaCall) -> CInt {
        guard let bytes = call.stack.bytes(at: 1) else {
            return call.badArgument(1, "edge.hex.decode", "a string is wanted")
        }
        guard call.spend(bytes.count) else { return 0 }
        do throws(TextCodeError) {
            let answer = try Hexadecimal.decode(bytes.span)
            call.stack.push(answer.span)
            return 1
        } catch { return call.refuse(error.reason.word) }
    }

    // MARK: URLs

    private static func parse(_ call: LuaCall) -> CInt {
        let stack = call.stack
        guard let bytes = stack.bytes(at: 1) else {
            return call.badArgument(1, "edge.url.parse", "a string is wanted")
        }
        guard call.spend(bytes.count / 2) else { return 0 }
        let parts: URLParts
        do throws(URLError) { parts = try URLText.split(bytes.span) } catch {
            return call.refuse(error.word)
        }
        stack.pushTable()
        let named: [(String, Range<Int>?)] = [
            ("scheme", parts.scheme), ("host", parts.host), ("path", parts.path),
            ("query", parts.query), ("fragment", parts.fragment),
        ]
        for (name, range) in named {
            guard let range else { continue }
            stack.push(bytes.span.extracting(range))
            stack.setField(name, of: -2)
        }
        if let port = parts.port {
            stack.push(Int64(port))
            stack.setField("port", of: -2)
        }
        return 1
    }

    private static func resolve(_ call: LuaCall) -> CInt {
        guard let reference = call.stack.bytes(at: 1), let base = call.stack.bytes(at: 2) else {
            return call.fail("edge.url.resolve takes a reference and a base")
        }
        guard call.spend(reference.count + base.count) else { return 0 }
        do throws(URLError) {
            let answer = try URLText.resolve(reference.span, against: base.span)
            call.stack.push(answer.span)
            return 1
        } catch { return call.refuse(error.word) }
    }

    private static func query(_ call: LuaCall) -> CInt {
        let stack = call.stack
        guard stack.kind(at: 1) == .table else {
            return call.badArgument(1, "edge.url.query", "a table is wanted")
        }
        var pairs: [(name: [UInt8], value: [UInt8])] = []
        stack.pushNil()
        while stack.next(in: 1) {
            guard stack.kind(at: -2) == .string, let name = stack.bytes(at: -2),
                let value = stack.text(at: -1)
            else { return call.fail("edge.url.query takes a table of strings by name") }
            guard call.spend(Limits.functionNameUnits + name.count + value.count) else { return 0 }
            pairs.append((name, value))
            stack.pop()
        }
        pairs.sort { $0.name.lexicographicallyPrecedes($1.name) }
        var out: [UInt8] = []
        for pair in pairs {
            QueryText.append(name: pair.name.span, value: pair.value.span, to: &out)
        }
        stack.push(out.span)
        return 1
    }

    // MARK: Cookies

    private static func cookies(_ call: LuaCall) -> CInt {
        let stack = call.stack
        guard let bytes = stack.bytes(at: 1) else {
            return call.badArgument(1, "edge.cookie.parse", "a string is wanted")
        }
        guard call.spend(bytes.count * 2) else { return 0 }
        stack.pushTable()
        let span = bytes.span
        var position = 0
        while let pair = CookieText.nextPair(span, &position) {
            stack.pushField(bytes: span.extracting(pair.name), of: -1)
            let isNew = stack.kind(at: -1) == .nil
            stack.pop()
            guard call.spend(Limits.functionNameUnits) else { return 0 }
            guard isNew else { continue }
            stack.push(span.extracting(pair.name))
            stack.push(span.extracting(pair.value))
            stack.setRaw(in: -3)
        }
        return 1
    }

    private static func format(_ call: LuaCall) -> CInt {
        guard let name = call.stack.bytes(at: 1), call.stack.kind(at: 2) == .table else {
            return call.fail("edge.cookie.format takes a name and a table")
        }
        switch SetCookie.read(call.stack, at: 2, name: name).flatMap({ $0.line() }) {
        case .success(let line):
            call.stack.push(line.span)
            return 1
        case .failure(let fault):
            call.stack.pushNil()
            call.stack.push(fault.reason)
            return 2
        }
    }
}
