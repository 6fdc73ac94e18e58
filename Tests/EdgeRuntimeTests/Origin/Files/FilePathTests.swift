import Testing

@testable import EdgeRuntime

@Suite struct FilePathTests {
    private func plan(_ path: String, _ arena: Arena = Arena()) -> String {
        let path = arena.append(path.utf8.span)
        let before = arena.used
        switch FilePath.plan(path, index: "index.html".utf8.span, in: arena) {
        case .file(let name): return "file " + arena[name].text
        case .index(let name): return "index " + arena[name].text
        case .notFound:
            #expect(arena.used == before)
            return "not found"
        case .badRequest:
            #expect(arena.used == before)
            return "bad request"
        }
    }

    /// The arena moves when the name is appended to it, and with it the path that is still being read.
    @Test func aPathThatFillsItsArenaIsReadToItsEnd() {
        let path = "/" + String(repeating: "ab", count: 15) + "c"
        #expect(plan(path, Arena(capacity: path.utf8.count)) == "file " + path.dropFirst())
    }

    @Test(
        arguments: [
            ("/", "index index.html"),
            ("/a.txt", "file a.txt"),
            ("/a/b/c.txt", "file a/b/c.txt"),
            ("/a/", "index a/index.html"),
            ("/a%20b.txt", "file a b.txt"),
            ("/%E2%82%AC", "file €"),
            ("/%61", "file a"),
            ("/a..b", "file a..b"),
            ("/a.", "file a."),
            ("/%25", "file %"),
            ("/%252e%252e/x", "file %2e%2e/x"),
            ("/.well-known/acme", "file .well-known/acme"),
            ("/.well-known/", "index .well-known/index.html"),
        ]
    )
    func namesOfFiles(path: String, expected: String) {
        #expect(plan(path) == expected)
    }

    @Test(
        arguments: [
            "//", "//evil.example/", "/a//b", "/a//", "/.", "/..", "/./", "/../", "/../etc/passwd",
            "/a/../b", "/a/..", "/%2e%2e/a", "/%2E%2e/a", "/.%2e/a", "/a/%2e/b", "/.git/config",
            "/a/.env", "/.htaccess", "/%2egit/config", "/a%2fb", "/a%2Fb", "/..%2f..%2fetc",
            "/a\\b", "/a%5cb", "/a%0ab", "/a%7f", "/a/.well-known/b", "/.well-knownx",
            "/.well-know",
        ]
    )
    func whatNoNameIs(path: String) {
        #expect(plan(path) == "not found")
    }

    @Test(arguments: ["", "a", "*", "/a%00b", "/%", "/%4", "/%zz", "/a%2"])
    func whatNoPathIs(path: String) {
        #expect(plan(path) == "bad request")
    }

    @Test func longNamesAreNotFound() {
        #expect(plan("/" + String(repeating: "a", count: 255)).hasPrefix("file"))
        #expect(plan("/" + String(repeating: "a", count: 256)) == "not found")
        #expect(plan("/" + String(repeating: "a/", count: 2500)) == "not found")
    }

    @Test func aFolderIsNamedWithItsSlash() {
        let arena = Arena()
        let plain = FilePath.location(ofFolder: "/a%20b".utf8.span, query: nil, into: arena)
        #expect(arena[plain].text == "/a%20b/")
        let query = FilePath.location(ofFolder: "/a".utf8.span, query: "x=1".utf8.span, into: arena)
        #expect(arena[query].text == "/a/?x=1")
        #expect(FilePath.redirectStatus(isRead: true) == 301)
        #expect(FilePath.redirectStatus(isRead: false) == 308)
    }
}

@Suite struct ContentTypesTests {
    @Test func extensionsAreSortedAndUnique() {
        let names = ContentTypes.rows.map { $0.name.description }
        #expect(names == names.sorted())
        #expect(Set(names).count == names.count)
        for row in ContentTypes.rows {
            let type = row.type.description
            #expect(!type.hasPrefix("text/") || type.hasSuffix("; charset=utf-8"))
        }
    }

    @Test func everyRowIsFound() {
        for row in ContentTypes.rows {
            let name = row.name.description
            #expect(
                ContentTypes.type(ofPath: "a/b.\(name)".utf8.span).description
                    == row.type.description
            )
        }
    }

    @Test(
        arguments: [
            ("index.html", "text/html; charset=utf-8"),
            ("INDEX.HTML", "text/html; charset=utf-8"),
            ("a.tar.gz", "application/gzip"),
            ("a", "application/octet-stream"),
            ("a.d/b", "application/octet-stream"),
            ("a.", "application/octet-stream"),
            ("a.nosuch", "application/octet-stream"),
            (".well-known/x.json", "application/json"),
        ]
    )
    func typesByName(path: String, expected: String) {
        #expect(ContentTypes.type(ofPath: path.utf8.span).description == expected)
    }
}
