// Cookies by name: those that the viewer sent, and those that the answer sets.

enum CookieMap {
    private static func forEach(_ heads: Heads, _ body: (Span<UInt8>, CookiePair) -> Bool) {
        let arena = heads.arena
        var index = heads.request.fields.firstIndex(of: .cookie)
        while let at = index {
            let text = arena[heads.request.fields[at].value]
            var position = 0
            while let pair = CookieText.nextPair(text, &position) {
                guard body(text, pair) else { return }
            }
            index = heads.request.fields.firstIndex(of: .cookie, from: at + 1)
        }
    }

    static func push(_ name: Span<UInt8>, _ heads: Heads, _ stack: LuaStack) -> CInt {
        let arena = heads.arena
        var index = heads.request.fields.firstIndex(of: .cookie)
        while let at = index {
            let text = arena[heads.request.fields[at].value]
            var position = 0
            while let pair = CookieText.nextPair(text, &position) {
                guard text.extracting(pair.name).equals(name) else { continue }
                stack.push(text.extracting(pair.value))
                return 1
            }
            index = heads.request.fields.firstIndex(of: .cookie, from: at + 1)
        }
        return 0
    }

    static func all(_ name: [UInt8], _ heads: Heads, _ stack: LuaStack) {
        stack.pushTable()
        var count = 0
        forEach(heads) { text, pair in
            if text.extracting(pair.name).equals(name.span) {
                count += 1
                stack.push(text.extracting(pair.value))
                stack.setRawItem(count, of: -2)
            }
            return true
        }
    }

    /// Names and values in turn, in the order of the first cookies of each name.
    static func list(_ heads: Heads, _ call: LuaCall) -> CInt {
        let stack = call.stack
        stack.pushTable()
        var seen: Set<[UInt8]> = []
        forEach(heads) { text, pair in
            guard call.spend(Limits.functionNameUnits) else { return false }
            let name = text.extracting(pair.name).copied
            guard seen.insert(name).inserted else { return true }
            stack.push(name.span)
            stack.setRawItem(2 * seen.count - 1, of: -2)
            stack.push(text.extracting(pair.value))
            stack.setRawItem(2 * seen.count, of: -2)
            return true
        }
        return 1
    }

    static func assign(
        _ name: [UInt8],
        from stack: LuaStack,
        at index: Int,
        to heads: Heads
    ) -> String? {
        guard !name.isEmpty, name.span.isToken else { return "is not a cookie's name" }
        var value: [UInt8]?
        if stack.kind(at: index) != .nil {
            guard let text = stack.text(at: index) else { return "takes a string or nil" }
            guard text.span.isCookieValue else { return "has a character that no cookie may have" }
            value = text
        }
        replace(name, by: value, in: heads)
        return nil
    }

    /// The value takes the place of the first cookie of the name, or comes last. Fields without it stay as they are.
    private static func replace(_ name: [UInt8], by value: [UInt8]?, in heads: Heads) {
        let arena = heads.arena
        var value = value
        var next = heads.request.fields.firstIndex(of: .cookie)
        var last: Int?
        while let at = next {
            let text = arena[heads.request.fields[at].value]
            guard let built = replaced(name.span, &value, in: text) else {
                last = at
                next = heads.request.fields.firstIndex(of: .cookie, from: at + 1)
                continue
            }
            guard !built.isEmpty else {
                heads.request.fields.remove(at: at)
                next = heads.request.fields.firstIndex(of: .cookie, from: at)
                continue
            }
            heads.request.fields[at].value = arena.append(built.span)
            last = at
            next = heads.request.fields.firstIndex(of: .cookie, from: at + 1)
        }
        guard let value else { return }
        guard let last else {
            var built: [UInt8] = []
            append(name.span, value.span, to: &built)
            heads.request.fields.append(.cookie, value: arena.append(built.span))
            return
        }
        var built = arena.copy(of: heads.request.fields[last].value)
        append(name.span, value.span, to: &built)
        heads.request.fields[last].value = arena.append(built.span)
    }

    /// A field with the cookies of the name replaced by the value, which is taken; nil: there are none of the name.
    private static func replaced(
        _ name: Span<UInt8>,
        _ value: inout [UInt8]?,
        in text: Span<UInt8>
    ) -> [UInt8]? {
        var built: [UInt8] = []
        var isFound = false
        var position = 0
        while let pair = CookieText.nextPair(text, &position) {
            let isNamed = !pair.name.isEmpty && text.extracting(pair.name).equals(name)
            if isNamed { isFound = true }
            if isNamed, let new = value.take() {
                append(name, new.span, to: &built)
            } else if !isNamed {
                if !built.isEmpty { built += [UInt8(ascii: ";"), 0x20] }
                let start = min(pair.name.lowerBound, pair.value.lowerBound)
                for index in start..<max(pair.name.upperBound, pair.value.upperBound) {
                    built.append(text[index])
                }
            }
        }
        return isFound ? built : nil
    }

    private static func append(_ name: Span<UInt8>, _ value: Span<UInt8>, to built: inout [UInt8]) {
        if !built.isEmpty { built += [UInt8(ascii: ";"), 0x20] }
        for index in name.indices { built.append(name[index]) }
        built.append(UInt8(ascii: "="))
        for index in value.indices { built.append(value[index]) }
    }

    // MARK: Set-Cookie

    /// The value that the answer sets; its attributes are read through `headers:all("set-cookie")`.
    static func pushSet(_ name: Span<UInt8>, _ heads: Heads, _ stack: LuaStack) -> CInt {
        guard let index = indexOfSet(name, heads) else { return 0 }
        let arena = heads.arena
        let text = arena[heads.response.fields[index].value]
        var position = 0
        guard let pair = CookieText.nextPair(text, &position) else { return 0 }
        stack.push(text.extracting(pair.value))
        return 1
    }

    private static func indexOfSet(_ name: Span<UInt8>, _ heads: Heads) -> Int? {
        let arena = heads.arena
        var index = heads.response.fields.firstIndex(of: .setCookie)
        while let at = index {
            let text = arena[heads.response.fields[at].value]
            var position = 0
            if let pair = CookieText.nextPair(text, &position),
                text.extracting(pair.name).equals(name)
            {
                return at
            }
            index = heads.response.fields.firstIndex(of: .setCookie, from: at + 1)
        }
        return nil
    }

    /// A string, or a table with `value` and attributes; nil takes the cookie out of the answer.
    static func assignSet(
        _ name: [UInt8],
        from stack: LuaStack,
        at index: Int,
        to heads: Heads
    ) -> String? {
        guard !name.isEmpty, name.span.isToken else { return "is not a cookie's name" }
        var line: [UInt8]?
        switch stack.kind(at: index) {
        case .nil: break
        case .table:
            switch SetCookie.read(stack, at: index, name: name).flatMap({ $0.line() }) {
            case .success(let written): line = written
            case .failure(let fault): return fault.reason
            }
        default:
            guard let text = stack.text(at: index) else { return "takes a string, a table or nil" }
            switch SetCookie(name: name, value: text).line() {
            case .success(let written): line = written
            case .failure(let fault): return fault.reason
            }
        }
        while let old = indexOfSet(name.span, heads) { heads.response.fields.remove(at: old) }
        if let line {
            heads.response.fields.append(.setCookie, value: heads.arena.append(line.span))
        }
        return nil
    }
}

extension SetCookie {
    struct Fault: Error {
        var reason: String
    }

    /// As a function writes it: `{ value = "…", path = "/", secure = true }`.
    static func read(_ stack: LuaStack, at index: Int, name: [UInt8]) -> Result<Self, Fault> {
        let table = stack.absolute(index)
        if let fault = unknownKey(stack, table) { return .failure(fault) }
        func text(_ key: String) -> [UInt8]? {
            stack.pushField(key, of: table)
            defer { stack.pop() }
            return stack.text(at: -1)
        }
        func flag(_ key: String) -> Bool {
            stack.pushField(key, of: table)
            defer { stack.pop() }
            return stack.boolean(at: -1)
        }
        func integer(_ key: String) -> Int64? {
            stack.pushField(key, of: table)
            defer { stack.pop() }
            return stack.integer(at: -1)
        }
        guard let value = text("value") else { return .failure(Fault(reason: "needs a value")) }
        var cookie = SetCookie(name: name, value: value)
        cookie.path = text("path")
        cookie.domain = text("domain")
        cookie.maxAge = integer("max_age")
        cookie.expires = integer("expires")
        cookie.isSecure = flag("secure")
        cookie.isHTTPOnly = flag("http_only")
        cookie.isPartitioned = flag("partitioned")
        if let word = text("same_site") {
            cookie.sameSite = SameSite.allCases.first { word.span.equalsIgnoringCase($0.text) }
            guard cookie.sameSite != nil else {
                return .failure(Fault(reason: "same_site is Strict, Lax or None"))
            }
        }
        return .success(cookie)
    }

    private static func unknownKey(_ stack: LuaStack, _ table: Int) -> Fault? {
        let known = [
            "value", "path", "domain", "max_age", "expires", "same_site", "secure", "http_only",
            "partitioned",
        ]
        stack.pushNil()
        while stack.next(in: table) {
            let key = stack.kind(at: -2) == .string ? stack.string(at: -2) ?? "?" : "?"
            stack.pop()
            guard !known.contains(key) else { continue }
            stack.pop()
            let near = Suggestion.nearest(to: key, among: known)
            let hint = near.map { "did you mean '\($0)'?" } ?? known.joined(separator: ", ")
            return Fault(reason: "has no attribute '\(key)': \(hint)")
        }
        return nil
    }

    func line() -> Result<[UInt8], Fault> {
        var line: [UInt8] = []
        do throws(CookieError) {
            try append(to: &line)
            return .success(line)
        } catch {
            return .failure(Fault(reason: "no browser would keep it: \(error.word)"))
        }
    }
}

extension Span<UInt8> {
    /// RFC 6265 §4.1.1, and what browsers take besides: no controls, blanks, commas, semicolons or backslashes;
    /// quotes only around the whole.
    var isCookieValue: Bool {
        for index in indices {
            let byte = self[index]
            switch byte {
            case 0x22: if index != 0 && index != count - 1 { return false }
            case 0x21, 0x23...0x2B, 0x2D...0x3A, 0x3C...0x5B, 0x5D...0x7E: break
            default: return false
            }
        }
        return true
    }

    var copied: [UInt8] { withUnsafeBufferPointer { Array($0) } }

    var lowercased: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        for index in indices { result.append(self[index].lowercased) }
        return result
    }
}
