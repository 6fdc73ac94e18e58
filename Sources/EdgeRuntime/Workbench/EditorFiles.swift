// What an editor with the Lua language server (3.x) needs to know of the names that functions and their tests have:
// `.luarc.json` in the folder that is opened, and the stubs that it points to.

import Glibc

package struct EditorFiles {
    private let root: String

    /// Beside the functions folder: there the configuration lies, and that folder is what people open.
    init(besides functions: String) {
        let parts = functions.split(separator: "/", omittingEmptySubsequences: false)
        root = parts.count > 1 ? parts.dropLast().joined(separator: "/") + "/" : ""
    }

    package static let stubsFolder = ".edged"
    private var settingsPath: String { "\(root).luarc.json" }
    private var stubsPath: String { "\(root)\(Self.stubsFolder)/stubs.lua" }

    /// The paths that were written. The settings are the operator's once they are there; the stubs are of this version.
    func write() throws(FunctionTemplate.Failure) -> [String] {
        var written: [String] = []
        let folder = "\(root)\(Self.stubsFolder)"
        if mkdir(folder, 0o755) != 0, errno != EEXIST {
            throw FunctionTemplate.Failure(
                message: "cannot make \(folder): \(FunctionTemplate.reason)"
            )
        }
        let stubs = Array(Self.stubs.utf8)
        let known = try? ConfigReader.read(stubsPath, bytesMax: stubs.count * 4).get()
        if known != stubs {
            try FunctionTemplate.write(Self.stubs, to: stubsPath, replacing: true)
            written.append(stubsPath)
        }
        if ConfigReader.presence(of: settingsPath) == .missing {
            try FunctionTemplate.write(Self.settings, to: settingsPath)
            written.append(settingsPath)
        }
        return written
    }

    // MARK: The texts

    private static let testNames = ["test", "run", "fails", "expect", "expect_match"]

    /// `require` is of the library `package`, which stays.
    package static var settings: String {
        let names = testNames.map { "\"\($0)\"" }.joined(separator: ", ")
        return """
            {
              "$schema": "https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json",
              "runtime.version": "Lua 5.4",
              "runtime.builtin": { "io": "disable", "os": "disable", "debug": "disable" },
              "workspace.library": ["\(stubsFolder)"],
              "workspace.checkThirdParty": false,
              "diagnostics.globals": [\(names)]
            }

            """
    }

    package static var stubs: String {
        FunctionReference.stubs + """

            -- In a test: NAME.test.lua.

            ---@class edged.test
            ---@field fetch fun(target: string|table, answer: table) What `edge.fetch` answers in this test.
            ---@overload fun(name: string, body: fun())
            test = {}

            ---Runs one stage of the function; answers what it did.
            ---@param stage "\(Stage.allCases.map(\.name).joined(separator: "\"|\""))"
            ---@param event? table
            ---@return table
            function run(stage, event) end

            ---The same for a run that has to fail: answers why it did.
            ---@param stage "\(Stage.allCases.map(\.name).joined(separator: "\"|\""))"
            ---@param event? table
            ---@return { reason: string, message: string }
            function fails(stage, event) end

            ---Wants the same value, or anything but nil and false.
            ---@param got any
            ---@param wanted? any
            function expect(got, wanted) end

            ---@param text string?
            ---@param pattern string
            function expect_match(text, pattern) end

            """
    }
}
