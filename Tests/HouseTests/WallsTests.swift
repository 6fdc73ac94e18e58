import Testing

@Suite struct WallsTests {
    private static let runtime = Repository.files(under: Walls.runtime, endingIn: [".swift"])
        .map { SwiftSource(path: $0) }

    @Test func foldersNameOnlyTypesToTheirLeft() {
        #expect(Self.runtime.count > 5, "the sources were not found")
        report(Walls(sources: Self.runtime).offences())
    }

    @Test func cSymbolsStayWithTheFolderThatOwnsTheLibrary() {
        report(Walls(sources: Self.runtime).strayCSymbols())
    }

    @Test func aNameToTheRightIsReportedWithItsLine() {
        let sources = [
            source("Wire/Head.swift", "struct Head {}\n// Pool\nlet a = \"Pool\"\nvar b: Pool?\n"),
            source("Origin/Pool.swift", "struct Pool { var head: Head }"),
        ]
        #expect(
            Walls(sources: sources).offences()
                == ["Sources/EdgeRuntime/Wire/Head.swift:4: Wire names Pool, which lives in Origin"]
        )
    }

    @Test func neighboursInOneRowDoNotKnowEachOther() {
        let sources = [
            source("Cache/Index.swift", "struct Index {}"),
            source("Origin/Pool.swift", "struct Pool { var index: Index }"),
            source("Exchange/Step.swift", "struct Step { var index: Index; var pool: Pool }"),
        ]
        #expect(Walls(sources: sources).offences().count == 1)
    }

    @Test func nestedPrivateAndMemberNamesAreNotMistakenForTypesElsewhere() {
        let sources = [
            source("Wire/Machine.swift", "struct Machine { enum Event {} ; var last: Event? }"),
            source("Kernel/Wheel.swift", "private struct Entry {}\nlet x = Machinery.Event.self"),
            source("Viewer/Event.swift", "struct Event {}\nstruct Entry {}"),
        ]
        #expect(Walls(sources: sources).offences() == [])
    }

    @Test func interpolationsAreCodeAndRawStringsAreNot() {
        let sources = [
            source(
                "Kernel/A.swift",
                "let a = \"x \\(Pool.size(\"(\")) y\"\nlet b = #\"Pool \\(Pool)\"#"
            ),
            source("Origin/Pool.swift", "struct Pool {}"),
        ]
        #expect(Walls(sources: sources).offences().count == 1)
    }

    @Test func aFolderOutsideThePlanIsReported() {
        let sources = [source("Util/Misc.swift", ""), source("Loose.swift", "")]
        #expect(Walls(sources: sources).offences().count == 2)
    }

    @Test func aStrayCSymbolIsReported() {
        let sources = [
            source("Exchange/Step.swift", "import COpenSSL\nlet n = SSL_read(s)"),
            source("Wire/TLS/TLSStream.swift", "import COpenSSL\nlet n = SSL_read(s)"),
        ]
        #expect(Walls(sources: sources).strayCSymbols().count == 2)
    }

    private func source(_ path: String, _ text: String) -> SwiftSource {
        SwiftSource(path: Walls.runtime + path, bytes: Array(text.utf8))
    }
}

/// One failure for each line, so that all of them show in one run.
func report(_ offences: [String], sourceLocation: SourceLocation = #_sourceLocation) {
    for offence in offences {
        Issue.record(Comment(rawValue: offence), sourceLocation: sourceLocation)
    }
}
