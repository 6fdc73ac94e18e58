// One test file in a Lua machine of its own, apart from the machine of its function: a test may do what a function
// must not, and nothing but plain values goes across.

final class FunctionTestFile {
    private struct Case {
        var name: String
        var body: LuaReference
    }

    private let file: FunctionTests.File
    private let state: LuaState
    private var cases: [Case] = []
    private var headerTable = LuaReference.none
    private var globals = LuaReference.none
    /// Of the test that runs: each has a function that was freshly loaded.
    private var bench: FunctionTestBench?

    init?(_ file: FunctionTests.File) {
        guard let state = LuaState(memoryBytesMax: Limits.functionTestMemoryBytesMax) else {
            return nil
        }
        self.file = file
        self.state = state
        state.stack.setContext(Unmanaged.passUnretained(self).toOpaque())
    }

    var names: [String] { cases.map(\.name) }

    // MARK: Loading

    func load(_ bytes: [UInt8]) -> FunctionTestResult.Failure? {
        do throws(LuaSyntaxError) {
            _ = try LuaParser.parse(bytes)
        } catch {
            let text = [error.message, error.remedy].filter { !$0.isEmpty }
            return .init(message: text.joined(separator: " — "), line: error.position.line)
        }
        do throws(LuaError) {
            try loadPrelude()
            let stack = state.stack
            try stack.load(bytes, name: "@\(file.path)")
            FunctionSandbox.pushGlobals(over: globals, on: stack)
            stack.insert(below: 1)
            stack.useAsGlobals()
            stack.dropBelowTop()
            var budget = LuaBudget(instructions: Limits.functionTestInstructionsMax)
            try stack.call(arguments: 0, results: 0, budget: &budget)
            return nil
        } catch {
            return failure(error)
        }
    }

    /// What a test file may name: Lua's own, `test`, `run` and `fails`, and what the prelude makes of them.
    private func loadPrelude() throws(LuaError) {
        let stack = state.stack
        stack.pushTable()
        let table = stack.absolute(-1)
        stack.pushLibraries()
        stack.pushNil()
        while stack.next(in: table + 1) {
            let name = stack.string(at: -2) ?? ""
            stack.setField(name, of: table)
        }
        stack.pop()
        for (name, host) in Self.hosts {
            stack.push(host)
            stack.setField(name, of: table)
        }
        pushTest()
        stack.setField("test", of: table)
        stack.pushCopy(of: table)
        globals = stack.keep()
        try stack.load(Array(FunctionTestPrelude.text.utf8), name: "@prelude")
        stack.useAsGlobals()
        var budget = LuaBudget(instructions: Limits.functionTestInstructionsMax)
        try stack.call(arguments: 0, results: 1, budget: &budget)
        headerTable = stack.keep()
        stack.drop(to: 0)
    }

    /// `test(…)` begins one, and `test.fetch` says what it will be answered.
    private func pushTest() {
        let stack = state.stack
        stack.pushTable()
        stack.push { FunctionTestFile.host($0) { $0.fetch($1) } }
        stack.setField("fetch", of: -2)
        stack.pushTable()
        stack.push { FunctionTestFile.host($0) { $0.test($1) } }
        stack.setField("__call", of: -2)
        stack.setMetatable(of: -2)
    }

    private func failure(_ error: LuaError) -> FunctionTestResult.Failure {
        switch error.kind {
        case .memory: return .init(message: "it needs more memory than a test may have")
        case .instructions: return .init(message: "it does not come to an end")
        case .syntax, .runtime:
            let place = FunctionMessage(error.message)
            guard place.file == file.path else { return .init(message: error.message) }
            return .init(message: place.text, line: place.line)
        }
    }

    // MARK: Running

    func run(_ index: Int) -> FunctionTestResult.Failure? {
        bench = FunctionTestBench(file)
        defer { bench = nil }
        let stack = state.stack
        stack.push(cases[index].body)
        do throws(LuaError) {
            var budget = LuaBudget(instructions: Limits.functionTestInstructionsMax)
            try stack.call(arguments: 0, results: 0, budget: &budget)
            return nil
        } catch {
            return failure(error)
        }
    }

    private static let hosts: [(String, LuaHost)] = [
        ("run", { FunctionTestFile.host($0) { $0.run($1) } }),
        ("fails", { FunctionTestFile.host($0) { $0.fails($1) } }),
    ]

    private static func host(
        _ state: OpaquePointer?,
        _ body: (FunctionTestFile, LuaCall) -> CInt
    ) -> CInt {
        guard let state else { return 0 }
        let call = LuaCall(state)
        guard let context = call.stack.context else { return 0 }
        return body(Unmanaged<FunctionTestFile>.fromOpaque(context).takeUnretainedValue(), call)
    }

    /// Before its arguments stands the table that is called.
    private func test(_ call: LuaCall) -> CInt {
        guard bench == nil else { return call.fail("a test cannot begin inside another one") }
        guard let name = call.stack.string(at: 2), call.stack.kind(at: 3) == .function else {
            return call.fail("write test(\"what it does\", function() … end)")
        }
        call.stack.pushCopy(of: 3)
        cases.append(Case(name: name, body: call.stack.keep()))
        return 0
    }

    private func fetch(_ call: LuaCall) -> CInt {
        guard let bench else { return call.fail("test.fetch is called inside of a test") }
        do throws(FunctionTestFault) {
            try bench.fetches.add(call.stack, target: 1, answer: 2)
            return 0
        } catch {
            return call.fail("test.fetch: \(error.reason)")
        }
    }

    private func run(_ call: LuaCall) -> CInt {
        begin("run", call) { run, ending in
            if case .failed(let failure) = ending {
                let trace = failure.traceback.isEmpty ? "" : "\n\(failure.traceback)"
                return call.fail(
                    "\(run.stage.word) failed (\(failure.kind.word)): \(failure.message)\(trace)"
                )
            }
            FunctionTestOutcome.push(run, ending, headers: headerTable, on: call.stack)
            return 1
        }
    }

    /// The same for a run that has to fail: answers why it did.
    private func fails(_ call: LuaCall) -> CInt {
        begin("fails", call) { run, ending in
            guard case .failed(let failure) = ending else {
                return call.fail("\(run.stage.word) was to fail, and did not")
            }
            call.stack.pushTable()
            call.stack.push(failure.kind.word)
            call.stack.setField("reason", of: -2)
            call.stack.push(failure.message)
            call.stack.setField("message", of: -2)
            return 1
        }
    }

    private func begin(
        _ name: String,
        _ call: LuaCall,
        _ conclude: (FunctionTestRun, StageRun.Ending) -> CInt
    ) -> CInt {
        guard let bench else { return call.fail("\(name) is called inside of a test") }
        let stages = Stage.allCases.map(\.name)
        let word = call.stack.string(at: 1) ?? ""
        guard let stage = Stage.allCases.first(where: { $0.name == word }) else {
            let near = Suggestion.nearest(to: word, among: stages).map { "did you mean '\($0)'?" }
            let all = "stages are \(stages.joined(separator: ", "))"
            return call.fail("\(name): '\(word)' is no stage: \(near ?? all)")
        }
        do throws(FunctionTestFault) {
            let event = try FunctionTestEvent(call.stack, at: 2, stage)
            let (run, ending) = try bench.run(stage, event, values: call.stack)
            if let sentence = run.unscripted { return call.fail("\(name): \(sentence)") }
            return conclude(run, ending)
        } catch {
            return call.fail("\(name): \(error.reason)")
        }
    }
}

struct FunctionTestFault: Error {
    var reason: String
}
