import Testing

@testable import EdgeRuntime

/// What people copy first must be right.
@Suite struct ExamplesTests {
    /// Of the checkout; `Fixtures` lies two steps below it.
    private func path(_ name: String) -> String { Fixtures.path("../../\(name)") }

    @Test func theQuickstartHasNoMistakes() {
        let result = ConfigCheck.load(path: path("examples/quickstart/edge.lua"))
        #expect(result.diagnostics.map(\.description) == [])
        #expect(result.configuration != nil)
    }

    /// A snippet that is a whole configuration begins with `-- edge.lua`; its folders are the quickstart's.
    @Test(arguments: ["README.md"]) func wholeConfigurationsInPagesAreRight(
        _ page: String
    ) throws {
        let bytes = try ConfigReader.read(path(page), bytesMax: 1 << 20).get()
        let text = String(decoding: bytes, as: UTF8.self)
        var snippets = 0
        var lines: [Substring]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "```lua" {
                lines = []
            } else if line == "```", let whole = lines {
                lines = nil
                guard whole.first == "-- edge.lua" else { continue }
                snippets += 1
                let result = ConfigCheck.load(
                    text: whole.joined(separator: "\n"),
                    path: path("examples/quickstart/edge.lua")
                )
                #expect(result.diagnostics.map(\.description) == [])
            } else {
                lines?.append(line)
            }
        }
        #expect(snippets > 0)
    }
}
