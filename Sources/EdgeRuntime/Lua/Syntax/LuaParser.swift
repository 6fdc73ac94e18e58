// Words → syntax tree: the whole grammar of Lua 5.4 (§9 of its manual), by recursive descent.
//
// It refuses what Lua's own compiler refuses (a test compares the two), with a position to the column and a remedy.
// Rules beyond the grammar that the compiler enforces are here too: `break` inside a loop, `...` inside a
// variadic function, constants that stay constant; those of `goto` are in `LuaScope`.

struct LuaParser {
    private var lexer: LuaLexer
    var token: LuaToken
    private var following: LuaToken?
    /// Where the word before `token` ends.
    private var behind = LuaPosition(line: 1, column: 1)
    private var depth = 0
    var scope = LuaScope()
    var repeatedKeys: [LuaName] = []

    static func parse(_ bytes: [UInt8]) throws(LuaSyntaxError) -> LuaChunk {
        var parser = try Self(bytes)
        parser.scope.openFunction(isVariadic: true)
        let body = try parser.block()
        guard parser.token.kind == .end else { throw parser.unexpected("the end of the file") }
        try parser.scope.closeFunction()
        return LuaChunk(body: body, repeatedKeys: parser.repeatedKeys)
    }

    private init(_ bytes: [UInt8]) throws(LuaSyntaxError) {
        lexer = LuaLexer(bytes)
        token = try lexer.next()
    }

    // MARK: Words

    mutating func advance() throws(LuaSyntaxError) {
        behind = token.end
        if let following {
            token = following
            self.following = nil
        } else {
            token = try lexer.next()
        }
    }

    mutating func peekKind() throws(LuaSyntaxError) -> LuaToken.Kind {
        if let following { return following.kind }
        let next = try lexer.next()
        following = next
        return next.kind
    }

    func at(_ keyword: LuaKeyword) -> Bool { token.kind == .keyword(keyword) }
    func at(_ symbol: LuaSymbol) -> Bool { token.kind == .symbol(symbol) }

    mutating func take(_ keyword: LuaKeyword) throws(LuaSyntaxError) -> Bool {
        guard at(keyword) else { return false }
        try advance()
        return true
    }

    mutating func take(_ symbol: LuaSymbol) throws(LuaSyntaxError) -> Bool {
        guard at(symbol) else { return false }
        try advance()
        return true
    }

    mutating func expect(_ symbol: LuaSymbol) throws(LuaSyntaxError) {
        guard try take(symbol) else { throw unexpected("'\(symbol.rawValue)'") }
    }

    mutating func expect(_ keyword: LuaKeyword) throws(LuaSyntaxError) {
        guard try take(keyword) else { throw unexpected("'\(keyword.rawValue)'") }
    }

    /// The word that closes what `opener` opened at `start`.
    mutating func expectEnd(
        _ keyword: LuaKeyword = .end,
        of opener: String,
        at start: LuaPosition
    ) throws(LuaSyntaxError) {
        guard try take(keyword) else {
            throw LuaSyntaxError(
                position: token.position,
                message: "unexpected \(shownToken)",
                remedy: "'\(keyword.rawValue)' is needed to close '\(opener)' of line \(start.line)"
            )
        }
    }

    mutating func expectClose(
        _ symbol: LuaSymbol,
        of opener: LuaSymbol,
        at start: LuaPosition
    ) throws(LuaSyntaxError) {
        guard !at(symbol) else { return try advance() }
        // Reported where it is to be written, which may be many lines above the next word.
        if opener == .openBrace, token.beginsItem {
            throw LuaSyntaxError(
                position: behind,
                message: "',' is missing before \(shownToken)",
                remedy: "write it here, or close the '{' of line \(start.line)"
            )
        }
        var remedy = "'\(symbol.rawValue)' is needed to close '\(opener.rawValue)'"
        remedy += start.line == token.position.line ? "" : " of line \(start.line)"
        throw LuaSyntaxError(
            position: token.position,
            message: "unexpected \(shownToken)",
            remedy: remedy
        )
    }

    mutating func expectName() throws(LuaSyntaxError) -> String {
        guard case .name(let name) = token.kind else { throw unexpected("a name") }
        try advance()
        return name
    }

    mutating func namedPlace() throws(LuaSyntaxError) -> LuaName {
        let place = token.position
        return LuaName(text: try expectName(), position: place)
    }

    var shownToken: String {
        switch token.kind {
        case .end: "end of file"
        case .name(let name): "'\(name)'"
        case .string(let bytes): "string \"\(String(decoding: bytes.prefix(40), as: UTF8.self))\""
        case .integer(let value): "number \(value)"
        case .float(let value): "number \(value)"
        case .keyword(let keyword): "'\(keyword.rawValue)'"
        case .symbol(let symbol): "'\(symbol.rawValue)'"
        }
    }

    func unexpected(_ wanted: String) -> LuaSyntaxError {
        LuaSyntaxError(
            position: token.position,
            message: "unexpected \(shownToken)",
            remedy: "\(wanted) is expected here"
        )
    }

    mutating func nested<Result>(
        _ body: (inout Self) throws(LuaSyntaxError) -> Result
    ) throws(LuaSyntaxError) -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth < Limits.luaNestingMax else {
            throw LuaSyntaxError(
                position: token.position,
                message: "nested more than \(Limits.luaNestingMax) levels deep",
                remedy: "give the inner parts names with local"
            )
        }
        return try body(&self)
    }
}

// MARK: Statements

extension LuaParser {
    private var blockEnds: Bool {
        switch token.kind {
        case .end, .keyword(.end), .keyword(.else), .keyword(.elseif), .keyword(.until): true
        default: false
        }
    }

    /// Statements up to the word that ends them, which is left.
    mutating func block() throws(LuaSyntaxError) -> LuaBlock {
        var result = LuaBlock()
        while !blockEnds {
            if at(.return) {
                result.statements.append(
                    try nested { parser throws(LuaSyntaxError) in
                        try parser.returning()
                    }
                )
                return result
            }
            if try take(.semicolon) { continue }
            result.statements.append(
                try nested { parser throws(LuaSyntaxError) in
                    try parser.statement()
                }
            )
        }
        return result
    }

    private mutating func scoped(isLoop: Bool = false) throws(LuaSyntaxError) -> LuaBlock {
        scope.openBlock(isLoop: isLoop)
        let body = try block()
        try scope.closeBlock()
        return body
    }

    private mutating func returning() throws(LuaSyntaxError) -> LuaStatement {
        let place = token.position
        try advance()
        var values: [LuaExpression] = []
        if !blockEnds, !at(.semicolon) { values = try expressions() }
        _ = try take(.semicolon)
        guard blockEnds else {
            throw LuaSyntaxError(
                position: token.position,
                message: "unexpected \(shownToken) after return",
                remedy: "return is the last statement of its block"
            )
        }
        return LuaStatement(kind: .returning(values), position: place)
    }

    private mutating func statement() throws(LuaSyntaxError) -> LuaStatement {
        let place = token.position
        let kind: LuaStatement.Kind
        switch token.kind {
        case .keyword(.if): kind = try branches()
        case .keyword(.while):
            try advance()
            let condition = try expression()
            try expect(.do)
            let body = try scoped(isLoop: true)
            try expectEnd(of: "while", at: place)
            kind = .compound(conditions: [condition], blocks: [body])
        case .keyword(.do):
            try advance()
            let body = try scoped()
            try expectEnd(of: "do", at: place)
            kind = .block(body)
        case .keyword(.for): kind = try loop()
        case .keyword(.repeat): kind = try repeating()
        case .keyword(.function): kind = try functionStatement()
        case .keyword(.local):
            try advance()
            kind = at(.function) ? try localFunction() : try local()
        case .keyword(.break):
            try scope.jump(toLabel: nil, at: place)
            try advance()
            kind = .jump
        case .keyword(.goto):
            try advance()
            try scope.jump(toLabel: try expectName(), at: place)
            kind = .jump
        case .symbol(.doubleColon):
            try advance()
            let name = try expectName()
            try expect(.doubleColon)
            while at(.semicolon) || at(.doubleColon) {
                if try take(.semicolon) { continue }
                break
            }
            try scope.declare(label: name, isLast: blockEnds && !at(.until), at: place)
            kind = .label
        default: kind = try expressionStatement()
        }
        return LuaStatement(kind: kind, position: place)
    }

    private mutating func branches() throws(LuaSyntaxError) -> LuaStatement.Kind {
        let place = token.position
        var conditions: [LuaExpression] = []
        var blocks: [LuaBlock] = []
        repeat {
            try advance()
            conditions.append(try expression())
            try expect(.then)
            blocks.append(try scoped())
        } while at(.elseif)
        if try take(.else) { blocks.append(try scoped()) }
        try expectEnd(of: "if", at: place)
        return .compound(conditions: conditions, blocks: blocks)
    }

    private mutating func loop() throws(LuaSyntaxError) -> LuaStatement.Kind {
        let place = token.position
        try advance()
        var names = [try expectName()]
        var values: [LuaExpression] = []
        if try take(.assign) {
            values.append(try expression())
            try expect(.comma)
            values.append(try expression())
            if try take(.comma) { values.append(try expression()) }
        } else {
            while try take(.comma) { names.append(try expectName()) }
            guard at(.in) else { throw unexpected("'=' or 'in'") }
            try advance()
            values = try expressions()
        }
        try expect(.do)
        scope.openBlock(isLoop: true)
        for name in names { scope.declare(local: name) }
        let body = try block()
        try scope.closeBlock()
        try expectEnd(of: "for", at: place)
        return .loop(names: names, values: values, body: body)
    }

    /// The condition sees the block's locals.
    private mutating func repeating() throws(LuaSyntaxError) -> LuaStatement.Kind {
        let place = token.position
        try advance()
        scope.openBlock(isLoop: true)
        let body = try block()
        try expectEnd(.until, of: "repeat", at: place)
        let condition = try expression()
        try scope.closeBlock()
        return .repeating(body, until: condition)
    }

    private mutating func functionStatement() throws(LuaSyntaxError) -> LuaStatement.Kind {
        let place = token.position
        try advance()
        let name = try namedPlace()
        var fields: [LuaName] = []
        if !at(.dot), !at(.colon) { try scope.assign(name.text, at: place) }
        while try take(.dot) { fields.append(try namedPlace()) }
        let isMethod = try take(.colon)
        if isMethod { fields.append(try namedPlace()) }
        let body = try functionBody(isMethod: isMethod, at: place)
        return .function(name: name, fields: fields, body: body)
    }

    private mutating func localFunction() throws(LuaSyntaxError) -> LuaStatement.Kind {
        let place = token.position
        try advance()
        let name = try expectName()
        scope.declare(local: name)
        let body = try functionBody(isMethod: false, at: place)
        return .localFunction(name: name, body: body)
    }

    private mutating func local() throws(LuaSyntaxError) -> LuaStatement.Kind {
        var names: [(name: String, isConstant: Bool)] = []
        var closes = 0
        repeat {
            let name = try expectName()
            var isConstant = false
            if try take(.less) {
                let place = token.position
                let attribute = try expectName()
                guard attribute == "const" || attribute == "close" else {
                    throw LuaSyntaxError(
                        position: place,
                        message: "unknown attribute '\(attribute)'",
                        remedy: "a local is <const>, <close> or neither"
                    )
                }
                isConstant = true
                if attribute == "close" { closes += 1 }
                guard closes <= 1 else {
                    throw LuaSyntaxError(
                        position: place,
                        message: "two variables to close in one statement",
                        remedy: "declare them in two statements"
                    )
                }
                try expect(.greater)
            }
            names.append((name, isConstant))
        } while try take(.comma)
        let values = try take(.assign) ? try expressions() : []
        for (name, isConstant) in names { scope.declare(local: name, isConstant: isConstant) }
        return .local(names: names.map(\.name), values: values)
    }

    private mutating func expressionStatement() throws(LuaSyntaxError) -> LuaStatement.Kind {
        let place = token.position
        let first = try suffixed()
        guard at(.assign) || at(.comma) else {
            guard case .call = first.kind else {
                throw LuaSyntaxError(
                    position: place,
                    message: "this is a value, not a statement",
                    remedy: "assign it, call it, or put return before it"
                )
            }
            return .call(first)
        }
        var targets = [first]
        while try take(.comma) {
            targets.append(try nested { parser throws(LuaSyntaxError) in try parser.suffixed() })
        }
        for target in targets {
            switch target.kind {
            case .name(let name): try scope.assign(name, at: target.position)
            case .index: continue
            default:
                throw LuaSyntaxError(
                    position: target.position,
                    message: "nothing can be assigned to this",
                    remedy: "the left side of = is a name or a field"
                )
            }
        }
        try expect(.assign)
        return .assign(targets: targets, values: try expressions())
    }
}
