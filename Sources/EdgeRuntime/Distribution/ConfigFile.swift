// Runs `edge.lua` and hands out a plain tree with positions.
//
//   text ─┬─ our parser ──── syntax tree ─┐
//         └─ Lua, in a sandbox ─ table ───┴─→ ConfigNode: values from the table, positions from the tree
//
// The sandbox (`LuaSandbox`) has no I/O; `env`, `secret` and `include` are added here. Time and memory are bounded.
// A value that code computed has no place of its own: it is reported where the nearest table around it is written.

import Glibc

final class ConfigFile {
    /// A file that was read, whole and as syntax.
    struct Unit {
        var path: String
        var bytes: [UInt8]
        var chunk: LuaChunk
    }

    private(set) var units: [Unit] = []
    private(set) var diagnostics: [Diagnostic] = []
    /// Files by the `include` call that brought them in: unit and pattern.
    private var included: [String: [Int]] = [:]
    /// What was asked to be included, whether it was there or not.
    private(set) var patterns: [String] = []
    /// The unit that runs now, innermost last.
    private var running: [Int] = []
    private let environment: (String) -> String?

    private init(environment: @escaping (String) -> String?) { self.environment = environment }

    struct Loaded {
        /// `nil` if a diagnostic says why.
        var tree: ConfigNode?
        var diagnostics: [Diagnostic]
        var sources: [String: [UInt8]]
        var patterns: [String] = []
    }

    static func load(
        path: String,
        environment: @escaping (String) -> String? = ConfigReader.environment
    ) -> Loaded {
        switch ConfigReader.read(path, bytesMax: Limits.configFileBytesMax) {
        case .success(let bytes): return load(bytes, path: path, environment: environment)
        case .failure(let error):
            let diagnostic = Diagnostic(
                severity: .error,
                position: nil,
                key: "",
                message: "cannot read \(path): \(error.message)",
                remedy: "name the file with -c FILE"
            )
            return Loaded(tree: nil, diagnostics: [diagnostic], sources: [:])
        }
    }

    /// A text that begins with a brace is JSON: no Lua file that returns something does.
    static func load(
        _ bytes: [UInt8],
        path: String,
        environment: @escaping (String) -> String? = ConfigReader.environment
    ) -> Loaded {
        let first = bytes.first { $0 > 0x20 }
        if first == UInt8(ascii: "{") {
            do throws(Diagnostic) {
                let tree = try JSONReader.read(bytes, file: path)
                return Loaded(tree: tree, diagnostics: [], sources: [path: bytes])
            } catch {
                return Loaded(tree: nil, diagnostics: [error], sources: [path: bytes])
            }
        }
        let file = ConfigFile(environment: environment)
        let tree = file.evaluate(bytes, path: path)
        var sources = [path: bytes]
        for unit in file.units { sources[unit.path] = unit.bytes }
        let hasErrors = file.diagnostics.contains { $0.severity == .error }
        return Loaded(
            tree: hasErrors ? nil : tree,
            diagnostics: file.diagnostics,
            sources: sources,
            patterns: file.patterns
        )
    }

    // MARK: Running

    private func evaluate(_ bytes: [UInt8], path: String) -> ConfigNode? {
        let context = Unmanaged.passUnretained(self).toOpaque()
        guard
            let state = LuaState(
                memoryBytesMax: Limits.configMemoryBytesMax,
                context: context
            )
        else {
            report(nil, "no memory to run \(path)", "free some")
            return nil
        }
        let stack = state.stack
        return withExtendedLifetime((self, state)) {
            guard let unit = parse(bytes, path: path), run(unit, on: stack) else { return nil }
            guard stack.kind(at: -1) == .table else {
                let place = SourcePosition(file: path, line: 1, column: 1)
                report(place, "the file returns no table", "end it with return { … }")
                return nil
            }
            let places = ConfigPlaces(units: units, included: included)
            var reader = ConfigTableReader(stack: stack)
            let tree = reader.read(
                places: places.root(unit: unit),
                at: SourcePosition(file: path, line: 1, column: 1)
            )
            diagnostics += reader.diagnostics
            return tree
        }
    }

    private func report(_ position: SourcePosition?, _ message: String, _ remedy: String) {
        diagnostics.append(
            Diagnostic(
                severity: .error,
                position: position,
                key: "",
                message: message,
                remedy: remedy
            )
        )
    }

    private func parse(_ bytes: [UInt8], path: String) -> Int? {
        do throws(LuaSyntaxError) {
            let chunk = try LuaParser.parse(bytes)
            for name in chunk.repeatedKeys {
                report(
                    SourcePosition(
                        file: path,
                        line: name.position.line,
                        column: name.position.column
                    ),
                    "'\(name.text)' is in this table already",
                    "keep one of them; Lua would take the last"
                )
            }
            units.append(Unit(path: path, bytes: bytes, chunk: chunk))
            return units.count - 1
        } catch {
            let place = SourcePosition(
                file: path,
                line: error.position.line,
                column: error.position.column
            )
            report(place, error.message, error.remedy)
            return nil
        }
    }

    /// Leaves what the file returns on top. Every failure is in `diagnostics`.
    private func run(_ unit: Int, on stack: LuaStack) -> Bool {
        let path = units[unit].path
        running.append(unit)
        defer { running.removeLast() }
        do throws(LuaError) {
            LuaSandbox.pushGlobals(on: stack)
            for (name, host) in Self.hosts {
                stack.push(host)
                stack.setField(name, of: -2)
            }
            stack.pushTable()
            stack.push(Self.unknown)
            stack.setField("__index", of: -2)
            stack.setMetatable(of: -2)
            try stack.load(units[unit].bytes, name: "@\(path)")
            stack.useAsGlobals()
            try stack.call(
                arguments: 0,
                results: 1,
                instructions: Limits.configInstructionsMax
            )
            stack.dropBelowTop()
            return true
        } catch {
            explain(error, path: path)
            return false
        }
    }

    private func explain(_ error: LuaError, path: String) {
        // A failing include has reported its own mistake; what comes back through Lua only repeats it.
        guard diagnostics.isEmpty else { return }
        let top = SourcePosition(file: path, line: 1, column: 1)
        switch error.kind {
        case .memory:
            let limit = Limits.configMemoryBytesMax >> 20
            report(top, "the file needs more than \(limit) MB of memory", "build less by code")
        case .instructions:
            report(top, "the file does not come to an end", "look for a loop that never stops")
        case .syntax, .runtime:
            let (place, message) = locate(error.message, path: path)
            var parts = message.split(separator: "\u{1}", maxSplits: 1)
            let remedy =
                parts.count > 1 ? String(parts.removeLast()) : "correct the code that fails here"
            report(place, parts.first.map(String.init) ?? message, remedy)
        }
    }

    /// Takes `file:line:` off a message; the column is where the line begins.
    private func locate(_ message: String, path: String) -> (SourcePosition, String) {
        for unit in units {
            // Lua shortens long names in messages, so the end of the path is what counts.
            guard let range = message.firstRange(of: ":") else { break }
            let name = message[..<range.lowerBound].drop { $0 == "." }
            guard unit.path.hasSuffix(name) else { continue }
            let rest = message[range.upperBound...]
            guard let colon = rest.firstIndex(of: ":"), let line = Int(rest[..<colon]) else {
                continue
            }
            let text = rest[rest.index(after: colon)...].drop { $0 == " " }
            let column = Self.firstColumn(of: line, in: unit.bytes)
            return (SourcePosition(file: unit.path, line: line, column: column), String(text))
        }
        return (SourcePosition(file: path, line: 1, column: 1), message)
    }

    private static func firstColumn(of line: Int, in bytes: [UInt8]) -> Int {
        let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
        guard line >= 1, line <= lines.count else { return 1 }
        let blanks = lines[line - 1].prefix { $0 == 0x20 || $0 == 0x09 }.count
        return blanks + 1
    }

    // MARK: What the file may call

    private typealias Host = @convention(c) (OpaquePointer?) -> CInt

    private static let hosts: [(String, Host)] = [
        ("env", { ConfigFile.host($0) { $0.env($1) } }),
        ("secret", { ConfigFile.host($0) { $0.secret($1) } }),
        ("include", { ConfigFile.host($0) { $0.include($1) } }),
    ]

    /// A name that nobody defined would silently be nil, and the setting would be left out.
    private static let unknown: Host = { ConfigFile.host($0) { $0.unknownName($1) } }

    private func unknownName(_ stack: LuaStack) -> CInt {
        let name = stack.string(at: 2) ?? "?"
        let known = LuaSandbox.globals + LuaSandbox.libraries.map(\.name) + Self.hosts.map(\.0)
        let near = Suggestion.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        let all = "define it with local; known are \(known.joined(separator: ", "))"
        return stack.fail("unknown name '\(name)'\u{1}\(near ?? all)")
    }

    private static func host(
        _ state: OpaquePointer?,
        _ body: (ConfigFile, LuaStack) -> CInt
    ) -> CInt {
        guard let state else { return 0 }
        let stack = LuaStack(state)
        guard let context = stack.context else { return 0 }
        let file = Unmanaged<ConfigFile>.fromOpaque(context).takeUnretainedValue()
        return body(file, stack)
    }

    // The control character separates what is wrong from what to do; no message of Lua has one.
    private func env(_ stack: LuaStack) -> CInt {
        guard let name = stack.string(at: 1), !name.isEmpty else {
            return stack.fail("env needs a name\u{1}write env(\"NAME\")")
        }
        if let value = environment(name) {
            stack.push(value)
            return 1
        }
        guard stack.count >= 2, stack.kind(at: 2) != .nil else {
            return stack.fail(
                "environment variable \(name) is not set"
                    + "\u{1}set it, or give a default: env(\"\(name)\", \"…\")"
            )
        }
        stack.pushCopy(of: 2)
        return 1
    }

    private func secret(_ stack: LuaStack) -> CInt {
        guard let name = stack.string(at: 1), !name.isEmpty else {
            return stack.fail("secret needs a name\u{1}write secret \"name\"")
        }
        stack.pushMark(name)
        return 1
    }

    private func include(_ stack: LuaStack) -> CInt {
        guard let pattern = stack.string(at: 1), let unit = running.last else {
            return stack.fail("include needs a path\u{1}write include \"sites/*.lua\"")
        }
        let resolved = ConfigReader.resolve(pattern, beside: units[unit].path)
        if patterns.count < Limits.configFilesMax { patterns.append(resolved) }
        let paths = ConfigReader.files(matching: resolved)
        guard !paths.isEmpty else {
            if pattern.contains("*") {
                stack.pushTable()
                return 1
            }
            return stack.fail("no file \(resolved)\u{1}create it, or correct the path")
        }
        guard running.count < Limits.configDepthMax, stack.hasRoom(for: 16),
            units.count + paths.count <= Limits.configFilesMax
        else {
            return stack.fail("too many files include one another\u{1}look for a circle")
        }
        stack.pushTable()
        let merged = stack.absolute(-1)
        for path in paths {
            guard let index = included(path, on: stack) else {
                return stack.fail("\(path) has mistakes\u{1}correct them")
            }
            included["\(unit):\(pattern)", default: []].append(index)
            guard stack.kind(at: -1) == .table else {
                return stack.fail("\(path) returns no table\u{1}end it with return { … }")
            }
            if let twice = merge(into: merged, on: stack) {
                return stack.fail("\(twice) of \(path) is in another file, too\u{1}rename one")
            }
            stack.pop()
        }
        return 1
    }

    private func included(_ path: String, on stack: LuaStack) -> Int? {
        switch ConfigReader.read(path, bytesMax: Limits.configFileBytesMax) {
        case .failure(let error):
            report(nil, "cannot read \(path): \(error.message)", "correct the path or its rights")
            return nil
        case .success(let bytes):
            guard let unit = parse(bytes, path: path), run(unit, on: stack) else { return nil }
            return unit
        }
    }

    /// Adds the table on top to `merged`: lists are joined, names must differ. Answers a name that is in both.
    private func merge(into merged: Int, on stack: LuaStack) -> String? {
        let source = stack.absolute(-1)
        stack.pushNil()
        while stack.next(in: source) {
            if stack.kind(at: -2) == .integer {
                stack.setRawItem(stack.rawLength(at: merged) + 1, of: merged)
                continue
            }
            if let key = stack.string(at: -2) {
                stack.pushField(key, of: merged)
                let isNew = stack.kind(at: -1) == .nil
                stack.pop()
                guard isNew else {
                    stack.pop(2)
                    return "'\(key)'"
                }
            }
            stack.pushCopy(of: -2)
            stack.pushCopy(of: -2)
            stack.setRaw(in: merged)
            stack.pop()
        }
        return nil
    }
}
