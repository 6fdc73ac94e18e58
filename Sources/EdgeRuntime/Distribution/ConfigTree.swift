// The operator's table as plain data: what a configuration file says, with the place where it says it.
//
// Lua and JSON both end here, and the check reads nothing else. Strings are Swift strings: a configuration is text,
// and a Lua string that is not UTF-8 is refused on the way in. Tables keep their keys sorted, so two files that say
// the same are the same tree.

/// A place in a file, lines and columns from 1, columns in bytes.
package struct SourcePosition: Hashable, Sendable {
    package var file: String
    package var line: Int
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

struct ConfigNode: Sendable {
    enum Value: Sendable {
        case boolean(Bool)
        case integer(Int64)
        case number(Double)
        case string(String)
        /// A table with the keys 1…n, or an empty one, which may as well be read as a table.
        case list([ConfigNode])
        case table([ConfigEntry])
        /// `secret "name"`: the name; the value is never in the tree.
        case secret(String)
    }

    var value: Value
    var position: SourcePosition

    /// Every kind of value in the word that messages use.
    var kind: String {
        switch value {
        case .boolean: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .list(let items): items.isEmpty ? "an empty table" : "a list"
        case .table: "a table"
        case .secret: "a secret"
        }
    }

    subscript(_ key: String) -> ConfigNode? {
        guard case .table(let entries) = value else { return nil }
        return entries.first { $0.key == key }?.node
    }
}

struct ConfigEntry: Sendable {
    var key: String
    /// Where the key is written; the value may begin on another line.
    var position: SourcePosition
    var node: ConfigNode
}

extension ConfigNode {
    /// Whether two trees say the same, wherever they say it.
    func says(theSameAs other: ConfigNode) -> Bool {
        switch (value, other.value) {
        case (.boolean(let left), .boolean(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.integer(let left), .number(let right)): Double(left) == right
        case (.number(let left), .integer(let right)): left == Double(right)
        case (.string(let left), .string(let right)): left == right
        case (.secret(let left), .secret(let right)): left == right
        case (.list(let left), .list(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.says(theSameAs: $1) }
        case (.table(let left), .table(let right)):
            left.count == right.count
                && zip(left, right).allSatisfy {
                    $0.key == $1.key && $0.node.says(theSameAs: $1.node)
                }
        case (.list(let items), .table(let entries)), (.table(let entries), .list(let items)):
            items.isEmpty && entries.isEmpty
        case (.boolean, _), (.integer, _), (.number, _), (.string, _), (.list, _), (.table, _),
            (.secret, _):
            false
        }
    }
}
