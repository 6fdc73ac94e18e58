// The half of the parser that reads values.

extension LuaParser {
    mutating func expressions() throws(LuaSyntaxError) -> [LuaExpression] {
        var result = [try expression()]
        while try take(.comma) { result.append(try expression()) }
        return result
    }

    mutating func expression() throws(LuaSyntaxError) -> LuaExpression {
        try operation(above: 0)
    }

    private static let unaryPriority = 12

    /// Left and right binding powers; a smaller right one makes an operator associate to the right.
    private var binaryPriority: (left: Int, right: Int)? {
        switch token.kind {
        case .keyword(.or): (1, 1)
        case .keyword(.and): (2, 2)
        case .symbol(.less), .symbol(.greater), .symbol(.lessOrEqual), .symbol(.greaterOrEqual),
            .symbol(.notEqual), .symbol(.equal):
            (3, 3)
        case .symbol(.pipe): (4, 4)
        case .symbol(.tilde): (5, 5)
        case .symbol(.ampersand): (6, 6)
        case .symbol(.shiftLeft), .symbol(.shiftRight): (7, 7)
        case .symbol(.concat): (9, 8)
        case .symbol(.plus), .symbol(.minus): (10, 10)
        case .symbol(.star), .symbol(.slash), .symbol(.doubleSlash), .symbol(.percent): (11, 11)
        case .symbol(.caret): (14, 13)
        default: nil
        }
    }

    private mutating func operation(above limit: Int) throws(LuaSyntaxError) -> LuaExpression {
        try nested { parser throws(LuaSyntaxError) in
            let place = parser.token.position
            var left: LuaExpression
            switch parser.token.kind {
            case .keyword(.not), .symbol(.minus), .symbol(.tilde), .symbol(.hash):
                try parser.advance()
                let operand = try parser.operation(above: Self.unaryPriority)
                left = LuaExpression(kind: .unary(operand), position: place)
            default:
                left = try parser.simple()
            }
            while let priority = parser.binaryPriority, priority.left > limit {
                try parser.advance()
                let right = try parser.operation(above: priority.right)
                left = LuaExpression(kind: .binary(left, right), position: place)
            }
            return left
        }
    }

    private mutating func simple() throws(LuaSyntaxError) -> LuaExpression {
        let place = token.position
        let kind: LuaExpression.Kind
        switch token.kind {
        case .integer(let value): kind = .integer(value)
        case .float(let value): kind = .float(value)
        case .string(let bytes): kind = .string(bytes)
        case .keyword(.nil): kind = .nil
        case .keyword(.true): kind = .boolean(true)
        case .keyword(.false): kind = .boolean(false)
        case .symbol(.ellipsis):
            guard scope.isVariadic else {
                throw LuaSyntaxError(
                    position: place,
                    message: "'...' outside of a function that takes it",
                    remedy: "add ... to the parameters of the function"
                )
            }
            kind = .vararg
        case .symbol(.openBrace): return try table()
        case .keyword(.function):
            try advance()
            let body = try functionBody(isMethod: false, at: place)
            return LuaExpression(kind: .function(body), position: place)
        default: return try suffixed()
        }
        try advance()
        return LuaExpression(kind: kind, position: place)
    }

    private mutating func primary() throws(LuaSyntaxError) -> LuaExpression {
        let place = token.position
        switch token.kind {
        case .name(let name):
            try advance()
            return LuaExpression(kind: .name(name), position: place)
        case .symbol(.openParenthesis):
            try advance()
            let inner = try expression()
            try expectClose(.closeParenthesis, of: .openParenthesis, at: place)
            return LuaExpression(kind: .parenthesised(inner), position: place)
        default:
            throw unexpected("a value")
        }
    }

    mutating func suffixed() throws(LuaSyntaxError) -> LuaExpression {
        var value = try primary()
        while true {
            let place = value.position
            switch token.kind {
            case .symbol(.dot):
                try advance()
                let keyPlace = token.position
                let name = try expectName()
                let key = LuaExpression(kind: .string(Array(name.utf8)), position: keyPlace)
                value = LuaExpression(kind: .index(value, key: key), position: place)
            case .symbol(.openBracket):
                let opened = token.position
                try advance()
                let key = try expression()
                try expectClose(.closeBracket, of: .openBracket, at: opened)
                value = LuaExpression(kind: .index(value, key: key), position: place)
            case .symbol(.colon):
                try advance()
                let method = try namedPlace()
                let arguments = try callArguments()
                value = LuaExpression(
                    kind: .call(value, method: method, arguments: arguments),
                    position: place
                )
            case .symbol(.openParenthesis), .symbol(.openBrace), .string:
                let arguments = try callArguments()
                value = LuaExpression(
                    kind: .call(value, method: nil, arguments: arguments),
                    position: place
                )
            default:
                return value
            }
        }
    }

    private mutating func callArguments() throws(LuaSyntaxError) -> [LuaExpression] {
        let place = token.position
        switch token.kind {
        case .string(let bytes):
            try advance()
            return [LuaExpression(kind: .string(bytes), position: place)]
        case .symbol(.openBrace):
            return [try table()]
        case .symbol(.openParenthesis):
            try advance()
            if try take(.closeParenthesis) { return [] }
            let arguments = try expressions()
            try expectClose(.closeParenthesis, of: .openParenthesis, at: place)
            return arguments
        default:
            throw unexpected("arguments in parentheses")
        }
    }

    private mutating func table() throws(LuaSyntaxError) -> LuaExpression {
        let place = token.position
        try expect(.openBrace)
        var items: [LuaTableItem] = []
        var names: Set<String> = []
        while !at(.closeBrace) {
            let item = try tableItem()
            items.append(item)
            if let name = item.name, !names.insert(name).inserted {
                repeatedKeys.append(LuaName(text: name, position: item.position))
            }
            if try take(.comma) { continue }
            if try take(.semicolon) { continue }
            break
        }
        try expectClose(.closeBrace, of: .openBrace, at: place)
        return LuaExpression(kind: .table(items), position: place)
    }

    private mutating func tableItem() throws(LuaSyntaxError) -> LuaTableItem {
        let place = token.position
        switch token.kind {
        case .name(let name) where try peekKind() == .symbol(.assign):
            try advance()
            try advance()
            return LuaTableItem(key: .name(name), value: try expression(), position: place)
        case .symbol(.openBracket):
            try advance()
            let key = try expression()
            try expectClose(.closeBracket, of: .openBracket, at: place)
            try expect(.assign)
            return LuaTableItem(key: .computed(key), value: try expression(), position: place)
        default:
            let value = try expression()
            if at(.colon), case .string = value.kind {
                throw LuaSyntaxError(
                    position: token.position,
                    message: "unexpected ':'",
                    remedy: "in Lua a field is written name = value, or [\"name\"] = value"
                )
            }
            if at(.assign), case .string(let bytes) = value.kind {
                let name = String(decoding: bytes, as: UTF8.self)
                throw LuaSyntaxError(
                    position: place,
                    message: "a quoted key needs brackets",
                    remedy: "write [\"\(name)\"] = …"
                )
            }
            return LuaTableItem(key: .positional, value: value, position: place)
        }
    }

    mutating func functionBody(
        isMethod: Bool,
        at start: LuaPosition
    ) throws(LuaSyntaxError) -> LuaFunction {
        try expect(.openParenthesis)
        var parameters: [String] = isMethod ? ["self"] : []
        var isVariadic = false
        if !at(.closeParenthesis) {
            repeat {
                if try take(.ellipsis) {
                    isVariadic = true
                    break
                }
                parameters.append(try expectName())
            } while try take(.comma)
        }
        try expect(.closeParenthesis)
        scope.openFunction(isVariadic: isVariadic)
        for name in parameters { scope.declare(local: name) }
        let body = try block()
        try expectEnd(of: "function", at: start)
        try scope.closeFunction()
        return LuaFunction(
            parameters: parameters,
            isVariadic: isVariadic,
            body: body,
            position: start
        )
    }
}
