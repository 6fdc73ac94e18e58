import Testing

@testable import EdgeRuntime

@Suite struct PathIndexTests {
    @Test(arguments: [
        ("*", "/", true), ("*", "/a/b", true), ("/*", "/", true), ("/", "/", true),
        ("/", "/a", false),
        ("/api/*", "/api/", true), ("/api/*", "/api/v1/x", true), ("/api/*", "/api", false),
        ("api/*", "/api/x", true), ("/api*", "/api", true), ("*.jpg", "/a/b.jpg", true),
        ("*.jpg", "/a/b.jpeg", false), ("/*.jpg", "/b.jpg", true),
        ("images/*.jpg", "/images/p/a.jpg", true),
        ("images/*.jpg", "/images.jpg", false), ("/a?c", "/abc", true), ("/a?c", "/a/c", true),
        ("/a?c", "/ac", false), ("/favicon.ico", "/favicon.ico", true),
        ("/favicon.ico", "/Favicon.ico", false), ("/favicon.ico", "/favicon.icon", false),
        ("/a*b*c", "/aXXbYYc", true), ("/a*b*c", "/aXXbYYcZ", false), ("/a*b*c", "/abc", true),
        ("/*a*b*", "/xxaxxbxx", true), ("/**", "/", true), ("/a*a", "/a", false),
        ("/?", "/", false),
        ("*.j?g", "/x.jpg", true), ("/%41", "/%41", true), ("/%41", "/A", false),
        ("/x", "//x", false),
    ])
    func patterns(pattern: String, path: String, matches: Bool) {
        let found = PathIndex(patterns: [pattern]).firstMatch(path.utf8.span) != nil
        #expect(found == matches)
        // The shapes are shortcuts: they agree with the general matcher.
        let plain = pattern.hasPrefix("/") ? String(pattern.dropFirst()) : pattern
        let general = Glob.matches(plain.utf8.span, String(path.dropFirst()).utf8.span)
        #expect(general == matches)
    }

    @Test func firstMatchWins() {
        let index = PathIndex(patterns: ["/api/v1/*", "*.jpg", "/api/*", "*"])
        for (path, expected) in [
            ("/api/v1/a.jpg", 0), ("/api/a.jpg", 1), ("/api/a", 2), ("/x", 3),
        ] {
            #expect(index.firstMatch(path) == expected)
        }
    }

    @Test func manyStarsStayQuadratic() {
        let pattern = String(repeating: "a*", count: 100) + "b"
        let path = String(repeating: "a", count: 8000)
        #expect(!Glob.matches(pattern, path))
    }
}
