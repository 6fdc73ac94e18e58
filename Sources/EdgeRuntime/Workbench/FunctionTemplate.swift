// A function to begin with: it does a little of what its stages are for, and its test shows how that is checked.

import Glibc

package struct FunctionTemplate {
    package struct Failure: Error {
        package var message: String
        package var isUsage = false
    }

    private let stages: [Stage]
    private let functionPath: String
    private let name: String
    package let testPath: String
    private let editor: EditorFiles

    package init(name: String, stages words: [String], folder: String) throws(Failure) {
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isName, !name.isEmpty else {
            let message = "'\(name)' is no name: use letters, digits, '_' and '-'"
            throw Failure(message: message, isUsage: true)
        }
        let known = Stage.allCases.map(\.name)
        for word in words where !known.contains(word) {
            let near = Suggestion.nearest(to: word, among: known).map { "did you mean '\($0)'?" }
            let remedy = near ?? "stages are \(known.joined(separator: ", "))"
            throw Failure(message: "'\(word)' is no stage; \(remedy)", isUsage: true)
        }
        stages = Stage.allCases.filter { words.contains($0.name) }
        guard !stages.isEmpty else { throw Failure(message: "no stage", isUsage: true) }
        self.name = name
        let folder = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        functionPath = "\(folder)/\(name).lua"
        editor = EditorFiles(besides: folder)
        testPath = "\(folder)/\(name).test.lua"
    }

    /// The paths that were written; nothing that is there is touched.
    package func write() throws(Failure) -> [String] {
        for path in [functionPath, testPath] where ConfigReader.presence(of: path) != .missing {
            throw Failure(message: "\(path) is there already; nothing was written")
        }
        let folder = String(functionPath.dropLast(name.utf8.count + 5))
        if mkdir(folder, 0o755) != 0, errno != EEXIST {
            throw Failure(message: "cannot make \(folder): \(Self.reason)")
        }
        try Self.write(function, to: functionPath)
        try Self.write(test, to: testPath)
        return [functionPath, testPath] + (try editor.write())
    }

    static var reason: String { String(cString: strerror(errno)).lowercased() }

    static func write(
        _ text: String,
        to path: String,
        replacing: Bool = false
    ) throws(Failure) {
        let whether = replacing ? O_TRUNC : O_EXCL
        let descriptor = open(path, O_WRONLY | O_CREAT | whether | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Failure(message: "cannot write \(path): \(reason)")
        }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(message: "cannot write \(path): \(reason)") }
            rest = rest.dropFirst(count)
        }
    }

    // MARK: The texts

    private var function: String {
        let list = stages.map { "\($0.name) = { \"\(name)\" }" }.joined(separator: ", ")
        var text = """
            -- \(name): says what it does in one line.
            --
            -- Attach it to a behaviour of edge.lua:
            --   functions = { \(list) }


            """
        for stage in stages { text += Self.handler(of: stage) + "\n" }
        let names = stages.map { "\($0.name) = \($0.name)" }.joined(separator: ", ")
        return text + "return { \(names) }\n"
    }

    private static func handler(of stage: Stage) -> String {
        switch stage {
        case .viewerRequest:
            """
            -- Before the cache: may change the request, or answer it by returning a response.
            ---@param event edged.viewer_request.event
            local function viewer_request(event)
              local request = event.request
              if request.path == "/teapot" then
                return { status = 418, headers = { ["content-type"] = "text/plain" }, body = "short and stout\\n" }
              end
              request.headers["x-stage"] = event.stage
            end

            """
        case .originRequest:
            """
            -- Before the origin is asked, which a hit in the cache never is.
            ---@param event edged.origin_request.event
            local function origin_request(event)
              event.request.headers["x-stage"] = event.stage
            end

            """
        case .originResponse:
            """
            -- After the origin has answered, before the cache keeps it.
            ---@param event edged.origin_response.event
            local function origin_response(event)
              event.response.headers["x-powered-by"] = nil
            end

            """
        case .viewerResponse:
            """
            -- Before the viewer gets the answer, whoever made it.
            ---@param event edged.viewer_response.event
            local function viewer_response(event)
              event.response.headers["x-stage"] = event.stage
            end

            """
        }
    }

    private var test: String {
        var text = "-- Run it: edged test \(testPath)\n\n"
        for stage in stages { text += Self.test(of: stage) + "\n" }
        return String(text.dropLast())
    }

    private static func test(of stage: Stage) -> String {
        switch stage {
        case .viewerRequest:
            """
            test("answers for the teapot", function()
              local r = run("viewer_request", { path = "/teapot" })
              expect(r.response.status, 418)
            end)

            test("lets everything else go on", function()
              local r = run("viewer_request", { path = "/coffee?size=2" })
              expect(r.response, nil)
              expect(r.request.headers["x-stage"], "viewer_request")
            end)

            """
        case .originRequest:
            """
            test("marks what goes to the origin", function()
              local r = run("origin_request", { path = "/coffee" })
              expect(r.request.headers["x-stage"], "origin_request")
            end)

            """
        case .originResponse:
            """
            test("hides what the origin runs on", function()
              local r = run("origin_response", { response = { status = 200, headers = { ["x-powered-by"] = "steam" } } })
              expect(r.response.headers["x-powered-by"], nil)
            end)

            """
        case .viewerResponse:
            """
            test("marks the answer", function()
              local r = run("viewer_response", { path = "/coffee", response = { status = 200 } })
              expect(r.response.headers["x-stage"], "viewer_response")
            end)

            """
        }
    }
}
