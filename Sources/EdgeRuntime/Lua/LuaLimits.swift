// Bounds of the Lua folder.

extension Limits {
    /// Nested tables, blocks and expressions of one file: as many as Lua itself allows, so that the parser's own
    /// stack is bounded and both give the same answer.
    static let luaNestingMax = 200
    /// What one unit of fuel may take on the clock: five times what it takes here. Only what the fuel does not see
    /// (one instruction that compares megabytes) comes near.
    static let luaUnitMax: Nanoseconds = 20
    /// However little fuel there is: the clock alone ends nothing that runs for less.
    static let luaRunMin: Nanoseconds = 20_000_000
    /// Bytes of an error's message that are read when they are no text and each may become four.
    static let luaMessageBytesMax = 4096
}
