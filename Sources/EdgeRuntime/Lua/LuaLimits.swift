// Bounds of the Lua folder.

extension Limits {
    /// Nested tables, blocks and expressions of one file: as many as Lua itself allows, so that the parser's own
    /// stack is bounded and both give the same answer.
    static let luaNestingMax = 200
}
