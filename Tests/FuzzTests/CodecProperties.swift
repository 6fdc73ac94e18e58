// What must hold for every input of the text formats: reading ends, errors lie inside of the text, and what is read
// can be written and reads as the same again.

#if canImport(EdgeRuntime)
    @testable import EdgeRuntime
#endif

enum CodecProperties {
    // MARK: JSON

    static func json(_ input: [UInt8]) {
        guard let written = rewritten(input) else { return }
        guard let again = rewritten(written) else {
            preconditionFailure("what was written cannot be read")
        }
        precondition(again == written, "it reads as something else")
    }

    /// The same value by our own writer; nil if it is none.
    private static func rewritten(_ text: [UInt8]) -> [UInt8]? {
        var scanner = JSONScanner(depthMax: 16, bytesMax: 8192)
        var writer = JSONWriter(depthMax: 16, bytesMax: 1 << 20)
        do {
            while let event = try scanner.next(text.span) {
                precondition(scanner.eventStart < scanner.offset, "an event out of nothing")
                try write(event, text, &writer)
            }
        } catch let error as JSONError {
            precondition((0...text.count).contains(error.offset), "an error outside of the text")
            let lines = text.count { $0 == 0x0a } + 1
            let place = error.place(in: text.span)
            precondition((1...lines).contains(place.line), "a line that is not there")
            precondition((1...text.count + 1).contains(place.column), "no such column")
            return nil
        } catch {
            preconditionFailure("what was read cannot be written: \(error)")
        }
        precondition(scanner.depth == 0 && writer.depth == 0, "not all that began has ended")
        return writer.bytes
    }

    private static func write(
        _ event: JSONEvent,
        _ text: [UInt8],
        _ writer: inout JSONWriter
    ) throws(JSONWriter.Failure) {
        switch event {
        case .beginTable: try writer.beginTable()
        case .endTable: try writer.endTable()
        case .beginList: try writer.beginList()
        case .endList: try writer.endList()
        case .name(let name):
            let bytes = name.bytes(of: text.span)
            try writer.name(bytes.span)
        case .string(let string):
            let bytes = string.bytes(of: text.span)
            try writer.string(bytes.span)
        case .integer(let value): try writer.integer(value)
        case .number(let value): try writer.number(value)
        case .boolean(let value): try writer.boolean(value)
        case .null: try writer.null()
        }
    }

    // MARK: URLs

    /// Two URLs in two lines, the second a reference to be resolved against the first; and a query string.
    static func url(_ input: [UInt8]) {
        percent(input)
        let lines = input.split(separator: 0x0a, maxSplits: 1, omittingEmptySubsequences: false)
        let base = Array(lines[0])
        let reference = lines.count > 1 ? Array(lines[1]) : []
        split(base)
        split(reference)
        guard let resolved = try? URLText.resolve(reference.span, against: base.span) else {
            return
        }
        guard let parts = try? URLText.split(resolved.span), parts.scheme != nil else {
            preconditionFailure("what was resolved is no URL")
        }
        let nothing: [UInt8] = []
        // The base's own path is taken as it is; once resolved by itself, a URL does not change any more.
        if let settled = try? URLText.resolve(resolved.span, against: base.span) {
            let again = try? URLText.resolve(settled.span, against: base.span)
            precondition(again == settled, "an absolute URL means something else")
        }
        _ = try? URLText.resolve(nothing.span, against: resolved.span)
        // Dots are gone from the path for good.
        for segment in resolved[parts.path].split(separator: 0x2f)
        where reference.count > 0 && reference[0] == 0x2f {
            precondition(!segment.elementsEqual([0x2e, 0x2e]), "a way up is left")
        }
    }

    private static func split(_ text: [UInt8]) {
        guard let parts = try? URLText.split(text.span) else { return }
        // The parts lie in the text in their order and leave nothing out but their marks.
        var joined: [UInt8] = []
        if let scheme = parts.scheme { joined += text[scheme] + [0x3a] }
        if let authority = parts.authority { joined += [0x2f, 0x2f] + text[authority] }
        joined += text[parts.path]
        if let query = parts.query { joined += [0x3f] + text[query] }
        if let fragment = parts.fragment { joined += [0x23] + text[fragment] }
        precondition(joined == text, "parts are missing")
    }

    private static func percent(_ input: [UInt8]) {
        for plain in [PercentText.Plain.component, .path, .query, .form] {
            var text: [UInt8] = []
            PercentText.encode(input.span, plain, into: &text)
            var again: [UInt8] = []
            do {
                try PercentText.decode(text.span, plusIsSpace: plain == .form, into: &again)
            } catch {
                preconditionFailure("what was encoded cannot be decoded")
            }
            precondition(again == input, "other bytes")
        }
        var position = 0
        var query: [UInt8] = []
        var names: [[UInt8]] = []
        while let pair = QueryText.nextPair(input.span, &position) {
            let name = QueryText.decode(input.span.extracting(pair.name))
            let value = pair.value.map { QueryText.decode(input.span.extracting($0)) }
            // A pair without name and value is written as nothing, which is no pair.
            guard !name.isEmpty || value != nil else { continue }
            names.append(name)
            if let value {
                QueryText.append(name: name.span, value: value.span, to: &query)
            } else {
                QueryText.append(name: name.span, to: &query)
            }
        }
        position = 0
        for name in names {
            guard let pair = QueryText.nextPair(query.span, &position) else {
                preconditionFailure("a pair is lost")
            }
            let again = QueryText.decode(query.span.extracting(pair.name))
            precondition(again == name, "another name")
        }
    }

    // MARK: Cookies

    static func cookie(_ input: [UInt8]) {
        var position = 0
        var before = 0
        while let pair = CookieText.nextPair(input.span, &position) {
            precondition(position > before, "no progress")
            before = position
            precondition(!pair.name.isEmpty || !pair.value.isEmpty || input.contains(0x3d))
            for index in pair.name {
                precondition(input[index] != 0x3d && input[index] != 0x3b, "a separator in a name")
            }
            for index in pair.value { precondition(input[index] != 0x3b, "two in one") }
        }
        guard let cookie = SetCookie.parse(input.span) else { return }
        var text: [UInt8] = []
        guard (try? cookie.append(to: &text)) != nil else { return }
        for byte in text { precondition(byte >= 0x20 && byte < 0x7f, "a byte that ends a field") }
        precondition(SetCookie.parse(text.span) == cookie, "it reads as another cookie")
    }

    // MARK: Tokens and base 64

    static func jwt(_ input: [UInt8]) {
        claims(input)
        guard let jwt = try? JWT.parse(input.span) else { return }
        precondition(jwt.signedCount < input.count, "a signature out of nothing")
        claims(jwt.claims)
        var text = Base64.encode(jwt.header.span, .urlSafe, padded: false)
        text.append(0x2e)
        Base64.encode(jwt.claims.span, .urlSafe, padded: false, into: &text)
        precondition(text.count == jwt.signedCount, "other bytes were signed")
        text.append(0x2e)
        Base64.encode(jwt.signature.span, .urlSafe, padded: false, into: &text)
        precondition(text == input, "two texts for one token")
    }

    private static func claims(_ text: [UInt8]) {
        guard let claims = try? JWTClaims.parse(text.span) else { return }
        precondition(claims.audiences.map { $0.count <= Limits.jwtAudiencesMax } ?? true)
        precondition(rewritten(text) != nil || text.count > 8192, "claims that are no JSON")
    }

    static func base64(_ input: [UInt8]) {
        for alphabet in [Base64.Alphabet.standard, .urlSafe] {
            for (padding, padded) in [(Base64.Padding.required, true), (.forbidden, false)] {
                let coded = Base64.encode(input.span, alphabet, padded: padded)
                let decoded = try? Base64.decode(coded.span, alphabet, padding)
                precondition(decoded == input, "other bytes")
                do throws(TextCodeError) {
                    let bytes = try Base64.decode(input.span, alphabet, padding)
                    let again = Base64.encode(bytes.span, alphabet, padded: padded)
                    precondition(again == input, "two texts for the same bytes")
                } catch {
                    precondition((0...input.count).contains(error.offset), "outside of the text")
                }
            }
        }
        if let bytes = try? Hexadecimal.decode(input.span) {
            let digits = Hexadecimal.encode(bytes.span)
            precondition(digits == input.map(\.lowercased), "two texts for the same bytes")
        }
    }
}
