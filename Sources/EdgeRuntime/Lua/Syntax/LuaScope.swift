// What names mean while a file is parsed: constants, labels and jumps, per function and block.
//
// A `goto` sees the labels of the blocks around it, in its own function, wherever in them they stand; but it may
// not jump forward into the scope of a local, unless the label is the last thing in its block (§3.3.4 of the
// manual). So a jump waits in its block until a label answers it, and moves outwards when the block closes.

struct LuaScope {
    private struct Jump {
        var label: String
        var position: LuaPosition
        /// Locals in sight at the jump, in the function; fewer once it moved outwards.
        var locals: Int
    }

    private struct Block {
        var isLoop: Bool
        var firstLocal: Int
        var labels: [String: Int] = [:]
        var jumps: [Jump] = []
    }

    private struct Function {
        var isVariadic: Bool
        var locals: [(name: String, isConstant: Bool)] = []
        var blocks: [Block] = []
    }

    private var functions: [Function] = []
    private var current: Int { functions.count - 1 }

    var isVariadic: Bool { functions[current].isVariadic }

    mutating func openFunction(isVariadic: Bool) {
        functions.append(Function(isVariadic: isVariadic))
        openBlock(isLoop: false)
    }

    mutating func closeFunction() throws(LuaSyntaxError) {
        try closeBlock()
        functions.removeLast()
    }

    mutating func openBlock(isLoop: Bool) {
        let first = functions[current].locals.count
        functions[current].blocks.append(Block(isLoop: isLoop, firstLocal: first))
    }

    mutating func closeBlock() throws(LuaSyntaxError) {
        guard let block = functions[current].blocks.popLast() else { return }
        functions[current].locals.removeSubrange(block.firstLocal...)
        for var jump in block.jumps {
            jump.locals = min(jump.locals, block.firstLocal)
            guard let outer = functions[current].blocks.indices.last else {
                throw LuaSyntaxError(
                    position: jump.position,
                    message: "no label '\(jump.label)' to go to",
                    remedy: "put ::\(jump.label):: into a block around this goto"
                )
            }
            try resolve(jump, in: outer)
        }
    }

    mutating func declare(local name: String, isConstant: Bool = false) {
        functions[current].locals.append((name, isConstant))
    }

    /// An assignment looks for its name from the inside out, through the functions around it.
    func assign(_ name: String, at position: LuaPosition) throws(LuaSyntaxError) {
        for function in functions.reversed() {
            guard let local = function.locals.last(where: { $0.name == name }) else { continue }
            guard local.isConstant else { return }
            throw LuaSyntaxError(
                position: position,
                message: "'\(name)' is constant",
                remedy: "declare it without an attribute to change it"
            )
        }
    }

    /// `goto label`, or `break` for `nil`.
    mutating func jump(toLabel label: String?, at position: LuaPosition) throws(LuaSyntaxError) {
        guard let label else {
            guard functions[current].blocks.contains(where: \.isLoop) else {
                throw LuaSyntaxError(
                    position: position,
                    message: "'break' outside of a loop",
                    remedy: "break ends while, repeat or for"
                )
            }
            return
        }
        let function = functions[current]
        if function.blocks.contains(where: { $0.labels[label] != nil }) { return }
        let jump = Jump(label: label, position: position, locals: function.locals.count)
        functions[current].blocks[function.blocks.count - 1].jumps.append(jump)
    }

    mutating func declare(
        label: String,
        isLast: Bool,
        at position: LuaPosition
    ) throws(LuaSyntaxError) {
        let function = functions[current]
        guard !function.blocks.contains(where: { $0.labels[label] != nil }) else {
            throw LuaSyntaxError(
                position: position,
                message: "label '\(label)' is already there",
                remedy: "choose another name"
            )
        }
        let index = function.blocks.count - 1
        let locals = isLast ? function.blocks[index].firstLocal : function.locals.count
        functions[current].blocks[index].labels[label] = locals
        let jumps = function.blocks[index].jumps
        functions[current].blocks[index].jumps = []
        for jump in jumps { try resolve(jump, in: index) }
    }

    private mutating func resolve(_ jump: Jump, in index: Int) throws(LuaSyntaxError) {
        guard let locals = functions[current].blocks[index].labels[jump.label] else {
            functions[current].blocks[index].jumps.append(jump)
            return
        }
        guard jump.locals >= locals else {
            throw LuaSyntaxError(
                position: jump.position,
                message: "goto '\(jump.label)' jumps into the scope of a local",
                remedy: "declare the local before the goto, or end the block after the label"
            )
        }
    }
}
