import Testing

@testable import EdgeRuntime

/// RFC 9211 §2, and the words of verdicts.
@Suite struct CacheStatusTests {
    private func text(_ status: CacheStatus) -> String {
        let arena = Arena()
        return arena[status.write(name: Array("edge-1".utf8).span, in: arena)].text
    }

    @Test func lines() {
        let rows: [(CacheStatus, String)] = [
            (CacheStatus(source: .hit), "edge-1; hit"),
            (CacheStatus(source: .hit, timeToLive: 42), "edge-1; hit; ttl=42"),
            (CacheStatus(source: .hit, timeToLive: 0), "edge-1; hit; ttl=0"),
            (
                CacheStatus(source: .hit, timeToLive: -7, detail: "stale_while_revalidate"),
                "edge-1; hit; ttl=-7; detail=stale_while_revalidate"
            ),
            (CacheStatus(source: .forwarded(.uriMiss)), "edge-1; fwd=uri-miss"),
            (
                CacheStatus(
                    source: .forwarded(.varyMiss),
                    forwardStatus: 200,
                    timeToLive: 60,
                    isStored: true
                ),
                "edge-1; fwd=vary-miss; fwd-status=200; ttl=60; stored"
            ),
            (
                CacheStatus(source: .forwarded(.uriMiss), timeToLive: 9, isCollapsed: true),
                "edge-1; fwd=uri-miss; collapsed; ttl=9"
            ),
            (CacheStatus(source: .neither, detail: "not_in_cache"), "edge-1; detail=not_in_cache"),
        ]
        for (status, expected) in rows { #expect(text(status) == expected) }
    }

    /// §2.2 has these words, and no others that we use.
    @Test func reasonsToForward() {
        #expect(
            CacheStatus.Forward.allCases.map { "\($0.word)" } == [
                "; fwd=bypass", "; fwd=method", "; fwd=uri-miss", "; fwd=vary-miss",
                "; fwd=request", "; fwd=stale",
            ]
        )
    }

    /// A word is a token in `detail` and a value in the log; each has a place of its own in the metrics.
    @Test func words() {
        let verdicts =
            CacheVerdict.Hit.allCases.map { CacheVerdict.hit($0) }
            + CacheVerdict.Miss.allCases.map { .missed($0) }
            + PassReason.allCases.map { .passed($0) }
        #expect(verdicts.map(\.place) == Array(0..<CacheVerdict.words.count))
        for verdict in verdicts {
            let word = "\(verdict.word ?? "")"
            #expect(verdict.place.map { "\(CacheVerdict.words[$0])" } == word)
            #expect(word.utf8.allSatisfy { $0 == UInt8(ascii: "_") || (0x61...0x7A).contains($0) })
        }
        #expect(Set(verdicts.map { "\($0.word ?? "")" }).count == verdicts.count)
        #expect(CacheVerdict.none.place == nil)
    }
}
