// The stores of a generation: what a reload keeps, and what a file may say.

import Testing

@testable import EdgeRuntime

@Suite struct KeyValueStoresTests {
    private func stores(
        _ settings: [String: KeyValueSettings],
        replacing previous: KeyValueStores = .none
    ) -> (KeyValueStores, [Diagnostic]) {
        var diagnostics: [Diagnostic] = []
        let stores = KeyValueStores(
            settings,
            replacing: previous,
            now: 0,
            diagnostics: &diagnostics
        )
        return (stores, diagnostics)
    }

    private func get(_ stores: KeyValueStores, _ name: String, _ key: String) -> KeyValue? {
        stores.index(of: name).flatMap {
            stores.rows[$0].store.value(Array(key.utf8).span, now: 0)
        }
    }

    @Test func aReloadKeepsWhatIsInAStore() {
        let settings = KeyValueSettings(entries: 10, bytes: 1 << 20)
        let (first, _) = stores(["hits": settings, "old": settings])
        _ = first.rows[0].store.apply(
            .set(.integer(7), ttl: nil),
            Array("a".utf8).span,
            now: 0,
            bounds: first.rows[0].bounds
        )
        let more = KeyValueSettings(entries: 20, bytes: 1 << 20)
        let (second, _) = stores(["hits": more, "new": settings], replacing: first)
        #expect(get(second, "hits", "a") == .integer(7))
        #expect(second.rows[0].bounds.entries == 20)
        #expect(second.index(of: "old") == nil)
    }

    struct File: CustomTestStringConvertible, Sendable {
        var text: String
        /// Nil: it is right.
        var mistake: String?

        var testDescription: String { text }
    }

    static let files = [
        File(text: #"{"a": "x", "b": 1, "c": 1.5, "d": true}"#),
        File(text: "{}"),
        File(text: #"{"secret": "s"}"#),
        File(text: "[1]", mistake: "F:1:1: error: kv.s: the file is not a JSON object"),
        File(text: "1", mistake: "F:1:1: error: kv.s: the file is not a JSON object"),
        File(
            text: "{\n  \"a\": 1,\n  \"b\": [1]\n}",
            mistake: "F:3:8: error: kv.s: a store holds strings, numbers and booleans"
        ),
        File(text: #"{"a": {}}"#, mistake: "F:1:7: error: kv.s: a store holds strings"),
        File(text: "{\"a\": 1\n \"b\": 2}", mistake: "F:2:2: error: kv.s: ',' or '}'"),
        File(
            text: #"{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}"#,
            mistake: "F:1:34: error: kv.s: the store is full after 4 entries"
        ),
    ]

    @Test(arguments: files) func aFileIsReadOrRefused(file: File) {
        let folder = TemporaryFolder()
        folder.write("store.json", file.text)
        let path = "\(folder.path)/store.json"
        let settings = KeyValueSettings(filePath: path, entries: 4, bytes: 1 << 20)
        let (stores, diagnostics) = stores(["s": settings])
        let said = diagnostics.map { "\($0)".replacing(path, with: "F") }
        if let mistake = file.mistake {
            #expect(said.count == 1)
            #expect(said.first?.hasPrefix(mistake) ?? false, "\(said)")
        } else {
            #expect(said.isEmpty)
            if file.text.contains("true") {
                #expect(get(stores, "s", "a") == .string([0x78]))
                #expect(get(stores, "s", "b") == .integer(1))
                #expect(get(stores, "s", "c") == .number(1.5))
                #expect(get(stores, "s", "d") == .boolean(true))
            }
            if file.text.contains("secret") {
                #expect(get(stores, "s", "secret") == .string([0x73]))
            }
        }
    }

    @Test func aFileIsReadAgainWholeOrNotAtAll() {
        let folder = TemporaryFolder()
        folder.write("store.json", #"{"a": 1, "b": 2}"#)
        let path = "\(folder.path)/store.json"
        let settings = KeyValueSettings(filePath: path, entries: 9, bytes: 1 << 20)
        let (stores, _) = stores(["s": settings])
        folder.write("store.json", #"{"a": 10, "c": ]"#)
        #expect(stores.reread([path], now: 0).first?.mistake != nil)
        #expect(get(stores, "s", "a") == .integer(1))
        #expect(get(stores, "s", "b") == .integer(2))
        folder.write("store.json", #"{"a": 10}"#)
        let outcome = stores.reread([path], now: 0)
        #expect(outcome.count == 1)
        #expect(outcome.first?.mistake == nil)
        #expect(get(stores, "s", "a") == .integer(10))
        #expect(get(stores, "s", "b") == nil)
        #expect(stores.rows[0].store.count == 1)
        #expect(stores.reread(["another"], now: 0).isEmpty)
    }
}
