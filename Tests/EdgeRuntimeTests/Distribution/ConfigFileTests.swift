import Testing

@testable import EdgeRuntime

@Suite struct ConfigFileTests {
    private func load(_ text: String) -> ConfigFile.Loaded {
        ConfigFile.load(Array(text.utf8), path: "edge.lua") { $0 == "HOME_OF" ? "here" : nil }
    }

    @Test func jsonSaysTheSame() throws {
        let lua = load(
            "local o = { b = 1.5 }\nreturn { a = { 1, 2 }, o = o, s = secret 'k', e = env 'HOME_OF', n = nil }"
        )
        let json = load(
            #"{"a": [1, 2], "o": {"b": 1.5}, "s": {"secret": "k"}, "e": "here", "n": null}"#
        )
        let left = try #require(lua.tree)
        #expect(left.says(theSameAs: try #require(json.tree)))
        #expect(left["o"]?["b"]?.position == SourcePosition(file: "edge.lua", line: 1, column: 17))
        #expect(json.tree?["o"]?["b"]?.position.column == 26)
    }

    @Test func computedValuesFallBackToTheTableAround() {
        let loaded = load("local t = {}\nfor i = 1, 3 do t[i] = i end\nreturn {\n  a = t,\n}")
        let list = loaded.tree?["a"]
        #expect(list?.items?.count == 3)
        #expect(list?.items?[2].position.line == 1 || list?.items?[2].position.line == 4)
    }

    @Test(arguments: [
        ("while true do end", "does not come to an end"), ("return 1", "returns no table"),
        ("return { f = function() end }", "is not data"),
        ("local t = {} t.t = t return t", "contains itself"),
        ("return { 1, a = 2 }", "mixes"), ("return { x = 0/0 }", "not finite"),
        ("return { x = '\\xff' }", "not UTF-8"), ("return { x = io.open }", "unknown name 'io'"),
        ("return { x = os.time() }", "unknown name 'os'"), ("error('no')", "no"),
        ("error({})", "not a message"),
        ("local s = 'x' while true do s = s .. s end", "memory"),
        ("return { x = load('') }", "load"),
        ("return include 'nowhere.lua'", "no file"), ("return env 'UNSET'", "is not set"),
        ("return { x = require 'x' }", "require"),
    ])
    func badFilesAreTold(text: String, says: String) {
        let loaded = load(text)
        #expect(loaded.tree == nil)
        #expect(
            loaded.diagnostics.contains { $0.description.contains(says) && !$0.remedy.isEmpty },
            "\(loaded.diagnostics.map(\.description))"
        )
    }

    @Test(arguments: [
        "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{\"a\":01}", "{\"a\":1.}",
        "{\"a\":1e}", "{\"a\":tru}", "{\"a\":\"\\q\"}", "{\"a\":\"\\ud800\"}", "{\"a\":[1,]}",
        "{\"a\":[1 2]}", "{\"a\":1,\"a\":2}", "{\"a\":\"x\ny\"}", "{} x", "{\"a\":[null]}", "{a:1}",
        "{\"a\":1e999}", "{\"a\":-}",
    ])
    func badJSONIsTold(text: String) {
        let loaded = load(text)
        #expect(loaded.tree == nil)
        #expect(loaded.diagnostics.count == 1)
    }

    @Test func jsonStringsAreDecoded() {
        let loaded = load(#"{"a": "\u00e9\ud83d\ude00\n\/"}"#)
        #expect(loaded.tree?["a"]?.text == "é😀\n/")
    }

    @Test(arguments: [
        ("512B", 512), ("64KB", 64 << 10), ("8 MB", 8 << 20), ("0B", 0), ("1TB", 1 << 40),
    ])
    func sizes(text: String, value: Int64) {
        #expect(Quantity.size(text) == .success(value))
        #expect(Quantity.size(Quantity.sizeText(value)) == .success(value))
    }

    @Test(arguments: [
        ("250ms", Nanoseconds.milliseconds(250)), ("5s", .seconds(5)), ("10m", .seconds(600)),
        ("24h", .seconds(86_400)), ("7d", .seconds(7 * 86_400)), ("0s", 0),
    ])
    func durations(text: String, value: Nanoseconds) {
        #expect(Quantity.duration(text) == .success(value))
        #expect(Quantity.duration(Quantity.durationText(value)) == .success(value))
    }

    @Test func badQuantitiesSayWhy() {
        #expect(Quantity.size("x") == .failure(.notANumber))
        #expect(Quantity.size("5") == .failure(.noUnit))
        #expect(Quantity.size("5kb") == .failure(.unknownUnit("kb")))
        #expect(Quantity.duration("99999999999999999999s") == .failure(.tooLarge))
        #expect(Quantity.duration("-1s") == .failure(.notANumber))
    }
}

@Suite struct ConfigIncludeTests {
    @Test func positionsLeadIntoIncludedFiles() throws {
        let path = Fixtures.path("config/include/edge.lua")
        let result = ConfigCheck.load(path: path)
        let errors = result.diagnostics.filter { $0.severity == .error }
        #expect(errors.count == 1)
        let position = try #require(errors.first?.position)
        #expect(position.file.hasSuffix("include/sites/b.lua"))
        #expect(position.line == 4)
        #expect(errors.first?.key == "distributions.b.behaviors[1].origin")
    }
}
