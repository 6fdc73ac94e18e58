// What a Lua file says, as far as somebody asks: enough to find where a value was written and where a function
// begins. Operators keep their operands but not their meaning; the virtual machine is the judge of that.

struct LuaChunk: Sendable {
    var body: LuaBlock
    /// Keys that a table constructor has already, each where it stands again. Lua takes the last without a word.
    var repeatedKeys: [LuaName] = []
}

struct LuaBlock: Sendable {
    var statements: [LuaStatement] = []
}

struct LuaStatement: Sendable {
    indirect enum Kind: Sendable {
        case local(names: [String], values: [LuaExpression])
        case assign(targets: [LuaExpression], values: [LuaExpression])
        case call(LuaExpression)
        case block(LuaBlock)
        /// `while` and `if`: what is asked and what is done.
        case compound(conditions: [LuaExpression], blocks: [LuaBlock])
        case loop(names: [String], values: [LuaExpression], body: LuaBlock)
        /// The condition sees the block's locals.
        case repeating(LuaBlock, until: LuaExpression)
        case localFunction(name: String, body: LuaFunction)
        /// `function a.b:c()`: the names in front of the last one are read, the last one is assigned.
        case function(name: LuaName, fields: [LuaName], body: LuaFunction)
        case returning([LuaExpression])
        case jump
        case label
    }

    var kind: Kind
    var position: LuaPosition
}

/// A name where it stands.
struct LuaName: Sendable {
    var text: String
    var position: LuaPosition
}

struct LuaFunction: Sendable {
    var parameters: [String]
    var isVariadic: Bool
    var body: LuaBlock
    /// Of its first word.
    var position: LuaPosition
}

struct LuaExpression: Sendable {
    indirect enum Kind: Sendable {
        case `nil`
        case boolean(Bool)
        case integer(Int64)
        case float(Double)
        case string([UInt8])
        case vararg
        case function(LuaFunction)
        case table([LuaTableItem])
        case name(String)
        case index(LuaExpression, key: LuaExpression)
        case call(LuaExpression, method: LuaName?, arguments: [LuaExpression])
        case parenthesised(LuaExpression)
        case unary(LuaExpression)
        case binary(LuaExpression, LuaExpression)
    }

    var kind: Kind
    var position: LuaPosition
}

struct LuaTableItem: Sendable {
    enum Key: Sendable {
        case positional
        case name(String)
        case computed(LuaExpression)
    }

    var key: Key
    var value: LuaExpression
    /// Where the item begins: its key, if it has one.
    var position: LuaPosition

    /// Of its key, where it is written there.
    var name: String? {
        switch key {
        case .name(let name): return name
        case .computed(let expression):
            guard case .string(let bytes) = expression.kind else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        case .positional: return nil
        }
    }
}
