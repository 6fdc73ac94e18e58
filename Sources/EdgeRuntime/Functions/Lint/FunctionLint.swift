// What is wrong with a function's file that compiles: names that nobody defines, names that the event or `edge` does
// not have, names that a stage does not have, headers that look misspelt. Pure: a syntax tree goes in.
//
// It reports what would fail (an error) or cannot be meant (a warning) whenever the place is reached, and is silent
// about all that it cannot follow. An event is followed from the handlers that the file returns into its locals and into
// the functions of the same file that it is handed to; how it gets there is found by walking the file until nothing new
// is learned. A name that is assigned twice is not followed.

struct FunctionLint {
    private let path: String
    private let names: LintNames
    /// The local that the file returns, if it is one.
    private var module: String?
    private var scopes: [[String: LintValue]] = []
    private var functionDepth = 0

    // What the walks learn; it only grows.
    private var arguments: [LuaPosition: [LintValue]] = [:]
    /// Functions that may be called by others than are seen here.
    private var given: Set<LuaPosition> = []
    private var reassigned: Set<String> = []
    private var assignedGlobals: Set<String> = []
    /// The file does something with its globals that is not seen here.
    private var hasOpenGlobals = false
    private var hasLearned = false

    private var isReporting = false
    private var toldGlobals: Set<String> = []
    private var findings: [Diagnostic] = []

    static func check(
        _ chunk: LuaChunk,
        path: String,
        names: LintNames = .standard
    ) -> [Diagnostic] {
        var lint = Self(path: path, names: names)
        if case .returning(let values)? = chunk.body.statements.last?.kind,
            case .name(let name)? = values.first?.kind
        {
            lint.module = name
        }
        var walks = 0
        repeat {
            lint.hasLearned = false
            lint.walk(chunk)
            walks += 1
            guard walks < Limits.lintWalksMax else { return [] }
        } while lint.hasLearned
        lint.isReporting = true
        lint.walk(chunk)
        return lint.findings.sorted { $0.precedes($1) }
    }

    private init(path: String, names: LintNames) {
        self.path = path
        self.names = names
    }

    private mutating func walk(_ chunk: LuaChunk) {
        functionDepth = 0
        toldGlobals = []
        walk(chunk.body)
    }

    private mutating func report(_ fault: LintFault?, at position: LuaPosition) {
        guard isReporting, let fault else { return }
        let place = SourcePosition(file: path, line: position.line, column: position.column)
        let finding = Diagnostic(
            severity: fault.severity,
            position: place,
            key: "",
            message: fault.message,
            remedy: fault.remedy
        )
        if !findings.contains(finding) { findings.append(finding) }
    }

    // MARK: What is learned

    private mutating func learn<Element: Hashable>(
        _ element: Element,
        in set: WritableKeyPath<Self, Set<Element>>
    ) {
        if self[keyPath: set].insert(element).inserted { hasLearned = true }
    }

    private mutating func openGlobals() {
        if !hasOpenGlobals { hasLearned = true }
        hasOpenGlobals = true
    }

    private mutating func give(_ value: LintValue, to function: LuaPosition, at index: Int) {
        var values = arguments[function] ?? []
        while values.count <= index { values.append(.unseen) }
        let joined = values[index].joined(value)
        guard joined != values[index] else { return }
        values[index] = joined
        arguments[function] = values
        hasLearned = true
    }

    private func isLocal(_ name: String) -> Bool { scopes.contains { $0[name] != nil } }

    private mutating func declare(_ name: String, _ value: LintValue = .unknown) {
        if name == "_ENV" { openGlobals() }
        var value = value
        if reassigned.contains(name) {
            if case .function(let function) = value { learn(function, in: \.given) }
            value = .unknown
        }
        scopes[scopes.count - 1][name] = value
    }

    // MARK: Statements

    private mutating func walk(_ block: LuaBlock, declaring names: [String] = []) {
        scopes.append([:])
        for name in names { declare(name) }
        for statement in block.statements { walk(statement) }
        scopes.removeLast()
    }

    private mutating func walk(_ statement: LuaStatement) {
        switch statement.kind {
        case .local(let names, let values): declare(names, values)
        case .assign(let targets, let values):
            for (index, target) in targets.enumerated() {
                let value = index < values.count ? values[index] : nil
                assign(target, value)
            }
            for value in values.dropFirst(targets.count) { use(value) }
        case .call(let call): use(call)
        case .block(let block): walk(block)
        case .compound(let conditions, let blocks):
            for condition in conditions { use(condition) }
            for block in blocks { walk(block) }
        case .loop(let names, let values, let body):
            for value in values { use(value) }
            walk(body, declaring: names)
        case .repeating(let body, let condition):
            scopes.append([:])
            for statement in body.statements { walk(statement) }
            use(condition)
            scopes.removeLast()
        case .localFunction(let name, let body):
            declare(name, .function(body.position))
            walk(body)
        case .function(let name, let fields, let body): define(name, fields, body)
        case .returning(let values):
            for value in values {
                if functionDepth == 0, case .table(let items) = value.kind {
                    handlers(items)
                } else {
                    use(value)
                }
            }
        case .jump, .label: break
        }
    }

    private mutating func declare(_ names: [String], _ values: [LuaExpression]) {
        var known: [LintValue] = []
        for (index, value) in values.enumerated() {
            if functionDepth == 0, index < names.count, names[index] == module,
                case .table(let items) = value.kind
            {
                handlers(items)
                known.append(.unknown)
            } else {
                known.append(evaluate(value))
            }
        }
        for (index, name) in names.enumerated() {
            declare(name, index < known.count ? known[index] : .unknown)
        }
    }

    private mutating func assign(_ target: LuaExpression, _ value: LuaExpression?) {
        switch target.kind {
        case .name(let name):
            if let value { use(value) }
            guard isLocal(name) else { return assignGlobal(name, at: target.position) }
            learn(name, in: \.reassigned)
        case .index(let base, let key):
            if case .name(let name) = base.kind, name == module, functionDepth == 0,
                case .string(let bytes) = key.kind, let value
            {
                return handler(String(decoding: bytes, as: UTF8.self), value)
            }
            if let value { use(value) }
            let subject = evaluate(base, as: .table)
            guard case .string(let bytes) = key.kind else { return use(key) }
            if case .name("_G") = base.kind {
                learn(String(decoding: bytes, as: UTF8.self), in: \.assignedGlobals)
            }
            assign(bytes, of: subject, at: key.position)
        default: use(target)
        }
    }

    private mutating func assign(_ name: [UInt8], of subject: LintValue, at position: LuaPosition) {
        let text = String(decoding: name, as: UTF8.self)
        switch subject {
        case .view(let kind, let stages):
            report(kind.assign(text, in: stages), at: position)
            if kind.isHeaders { checkHeader(name, isWritten: true, at: position) }
        case .edge, .group, .library, .store:
            let fault = LintFault("nothing can be assigned to '\(text)' here", "it is read-only")
            report(fault, at: position)
        case .unseen, .function, .unknown: break
        }
    }

    private mutating func assignGlobal(_ name: String, at position: LuaPosition) {
        guard name != "_ENV" else { return openGlobals() }
        learn(name, in: \.assignedGlobals)
        guard toldGlobals.insert(name).inserted, !hasOpenGlobals else { return }
        let isTaken = names.globals[name] != nil
        var fault = LintFault(
            isTaken ? "hides the global '\(name)'" : "assigns to the global '\(name)'",
            isTaken
                ? "choose another name, and declare it with local"
                : "declare it with local: what is global is slower, and misspelt easily"
        )
        fault.severity = .warning
        report(fault, at: position)
    }

    private mutating func define(_ name: LuaName, _ fields: [LuaName], _ body: LuaFunction) {
        let value = LuaExpression(kind: .name(name.text), position: name.position)
        if let field = fields.last {
            if name.text == module, fields.count == 1, let stage = Self.stage(field.text) {
                give(.view(.event, StageSet(stage)), to: body.position, at: 0)
            } else {
                _ = evaluate(value, as: .table)
            }
        } else if isLocal(name.text) {
            learn(name.text, in: \.reassigned)
        } else {
            assignGlobal(name.text, at: name.position)
        }
        walk(body)
    }

    private mutating func walk(_ function: LuaFunction) {
        let place = function.position
        var scope: [String: LintValue] = [:]
        if function.parameters.contains("_ENV") { openGlobals() }
        for (index, name) in function.parameters.enumerated() {
            let known = arguments[place].flatMap { index < $0.count ? $0[index] : nil } ?? .unseen
            scope[name] =
                given.contains(place) || reassigned.contains(name) ? .unknown : known
        }
        functionDepth += 1
        scopes.append(scope)
        walk(function.body)
        scopes.removeLast()
        functionDepth -= 1
    }

    // MARK: Handlers

    private static func stage(_ name: String) -> Stage? {
        Stage.allCases.first { $0.name == name }
    }

    private mutating func handlers(_ items: [LuaTableItem]) {
        for item in items {
            guard let key = item.text else {
                use(item)
                continue
            }
            handler(String(decoding: key, as: UTF8.self), item.value)
        }
    }

    private mutating func handler(_ name: String, _ value: LuaExpression) {
        guard let stage = Self.stage(name), case .function(let function) = evaluate(value) else {
            return use(value)
        }
        give(.view(.event, StageSet(stage)), to: function, at: 0)
    }

    // MARK: Values

    /// What is done with a value, which says whether nil would do.
    private enum Need {
        case value
        case table
        case function
    }

    /// Somebody else gets it.
    private mutating func use(_ expression: LuaExpression) {
        if case .function(let function) = evaluate(expression) { learn(function, in: \.given) }
    }

    private mutating func use(_ item: LuaTableItem) {
        if case .computed(let key) = item.key { use(key) }
        if let name = item.text, name == Array("headers".utf8),
            case .table(let fields) = item.value.kind
        {
            for field in fields {
                guard let name = field.text else { continue }
                checkHeader(name, isWritten: false, at: field.namePosition)
            }
        }
        use(item.value)
    }

    private mutating func evaluate(_ expression: LuaExpression, as need: Need = .value) -> LintValue
    {
        switch expression.kind {
        case .nil, .boolean, .integer, .float, .string, .vararg: return .unknown
        case .function(let function):
            walk(function)
            return .function(function.position)
        case .table(let items):
            for item in items { use(item) }
            return .unknown
        case .name(let name): return evaluate(name, as: need, at: expression.position)
        case .index(let base, let key): return member(of: base, key, as: need)
        case .call(let callee, let method, let arguments): return call(callee, method, arguments)
        case .parenthesised(let inner): return evaluate(inner, as: need)
        case .unary(let operand):
            use(operand)
            return .unknown
        case .binary(let left, let right):
            use(left)
            use(right)
            return .unknown
        }
    }

    private mutating func evaluate(
        _ name: String,
        as need: Need,
        at position: LuaPosition
    ) -> LintValue {
        if let scope = scopes.last(where: { $0[name] != nil }), let value = scope[name] {
            return value
        }
        if name == "_ENV" || name == "_G" && need != .table { openGlobals() }
        guard !assignedGlobals.contains(name), !hasOpenGlobals else { return .unknown }
        if name == "edge" { return .edge }
        if let members = names.globals[name] {
            return members.isEmpty ? .unknown : .library(name)
        }
        let near = scopes.flatMap(\.keys) + assignedGlobals
        report(
            names.undefined(name, near: near.sorted(), isCertain: need != .value),
            at: position
        )
        return .unknown
    }

    private mutating func member(
        of base: LuaExpression,
        _ key: LuaExpression,
        as need: Need
    ) -> LintValue {
        let subject = evaluate(base, as: .table)
        guard case .string(let bytes) = key.kind else {
            use(key)
            if case .name("_G") = base.kind, !isLocal("_G") { openGlobals() }
            return .unknown
        }
        let name = String(decoding: bytes, as: UTF8.self)
        switch subject {
        case .view(let kind, let stages):
            if kind.isHeaders { checkHeader(bytes, isWritten: false, at: key.position) }
            let (value, fault) = kind.read(name, in: stages)
            report(fault, at: key.position)
            return value
        case .edge, .group, .library:
            let (value, fault) = names.read(name, of: subject, isCertain: need != .value)
            report(fault, at: key.position)
            return value
        case .unseen: return .unseen
        case .store, .function, .unknown: return .unknown
        }
    }

    private mutating func call(
        _ callee: LuaExpression,
        _ method: LuaName?,
        _ arguments: [LuaExpression]
    ) -> LintValue {
        let subject = evaluate(callee, as: method == nil ? .function : .table)
        if let method { check(method, of: subject, arguments) }
        guard method == nil, case .function(let function) = subject else {
            for argument in arguments { use(argument) }
            return isStore(callee, method) ? .store : .unknown
        }
        for (index, argument) in arguments.enumerated() {
            let value = evaluate(argument)
            if case .function(let inner) = value { learn(inner, in: \.given) }
            give(value, to: function, at: index)
        }
        // What is left out is nil, and a last call may give several: neither is followed.
        for index in arguments.count..<max(arguments.count, self.arguments[function]?.count ?? 0) {
            give(.unknown, to: function, at: index)
        }
        return .unknown
    }

    private mutating func isStore(_ callee: LuaExpression, _ method: LuaName?) -> Bool {
        guard method == nil, case .index(let base, let key) = callee.kind,
            case .string(let bytes) = key.kind, bytes == Array("store".utf8)
        else { return false }
        return evaluate(base, as: .table) == .group("kv")
    }

    private mutating func check(
        _ method: LuaName,
        of subject: LintValue,
        _ arguments: [LuaExpression]
    ) {
        switch subject {
        case .view(let kind, let stages):
            report(kind.call(method.text, in: stages), at: method.position)
            if kind.isHeaders, let first = arguments.first, case .string(let bytes) = first.kind {
                let isWritten = method.text == "\(ViewMethod.add.name)"
                checkHeader(bytes, isWritten: isWritten, at: first.position)
            }
        case .store:
            let known = KeyValueAPI.methods.map { "\($0.name)" }
            guard !known.contains(method.text) else { return }
            let message = "a store has no method '\(method.text)'"
            report(LintFault(message, meant: method.text, among: known), at: method.position)
        case .unseen, .edge, .group, .library, .function, .unknown: break
        }
    }

    private mutating func checkHeader(_ name: [UInt8], isWritten: Bool, at position: LuaPosition) {
        if isWritten, let fault = HeaderMap.fault(inName: name.span) {
            let text = String(decoding: name.prefix(100), as: UTF8.self)
            report(
                LintFault("the header '\(text)': \(fault)", "leave it to the edge"),
                at: position
            )
        } else {
            report(LintNames.misspelt(name), at: position)
        }
    }
}

extension LuaTableItem {
    /// The key, where it is a constant text.
    fileprivate var text: [UInt8]? {
        switch key {
        case .name(let name): Array(name.utf8)
        case .computed(let key): if case .string(let bytes) = key.kind { bytes } else { nil }
        case .positional: nil
        }
    }

    fileprivate var namePosition: LuaPosition {
        if case .computed(let key) = key { key.position } else { position }
    }
}
