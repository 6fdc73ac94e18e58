// Words of a Lua file, with their place.

/// A place in a source text, from 1; columns count bytes.
struct LuaPosition: Hashable, Sendable {
    var line: Int
    var column: Int
}

/// What the text breaks, where, and what would mend it.
struct LuaSyntaxError: Error, Equatable {
    var position: LuaPosition
    var message: String
    var remedy: String
}

struct LuaToken: Sendable {
    enum Kind: Equatable, Sendable {
        case end
        case name(String)
        case string([UInt8])
        case integer(Int64)
        case float(Double)
        case keyword(LuaKeyword)
        case symbol(LuaSymbol)
    }

    var kind: Kind
    var position: LuaPosition
    /// Just behind it: where something is missing when the next word is not what may follow.
    var end: LuaPosition
    /// Where its bytes lie in the text.
    var range: Range<Int>

    /// Whether an item of a table constructor may begin with it.
    var beginsItem: Bool {
        switch kind {
        case .name, .string, .integer, .float, .symbol(.openBrace), .symbol(.openBracket): true
        case .keyword(let word): [.true, .false, .nil, .not, .function].contains(word)
        case .end, .symbol: false
        }
    }
}

enum LuaKeyword: String, CaseIterable, Sendable {
    case and
    case `break`
    case `do`
    case `else`
    case elseif
    case end
    case `false`
    case `for`
    case function
    case goto
    case `if`
    case `in`
    case local
    case `nil`
    case not
    case or
    case `repeat`
    case `return`
    case then
    case `true`
    case until
    case `while`
}

enum LuaSymbol: String, Sendable {
    case plus = "+"
    case minus = "-"
    case star = "*"
    case slash = "/"
    case doubleSlash = "//"
    case percent = "%"
    case caret = "^"
    case hash = "#"
    case ampersand = "&"
    case tilde = "~"
    case pipe = "|"
    case shiftLeft = "<<"
    case shiftRight = ">>"
    case equal = "=="
    case notEqual = "~="
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
    case less = "<"
    case greater = ">"
    case assign = "="
    case openParenthesis = "("
    case closeParenthesis = ")"
    case openBrace = "{"
    case closeBrace = "}"
    case openBracket = "["
    case closeBracket = "]"
    case doubleColon = "::"
    case semicolon = ";"
    case colon = ":"
    case comma = ","
    case dot = "."
    case concat = ".."
    case ellipsis = "..."
}
