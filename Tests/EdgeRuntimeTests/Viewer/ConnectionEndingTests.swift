import Testing

@testable import EdgeRuntime

@Suite struct ConnectionEndingTests {
    @Test func anOpenConnectionGoesOnWhenItsOutputIsOut() {
        var ending = ConnectionEnding()
        #expect(ending.isOpen)
        #expect(ending.outputIsOut(at: 7) == .goOn)
        #expect(ending.isOpen && !ending.isLingering)
    }

    @Test func aCloseWaitsForTheOutput() {
        var ending = ConnectionEnding()
        ending.closeAfterOutput()
        #expect(!ending.isOpen && !ending.isLingering)
        #expect(ending.outputIsOut(at: 7) == .close)
    }

    @Test func theTimeToLingerBeginsWhenTheOutputIsOut() {
        var ending = ConnectionEnding()
        ending.lingerAfterOutput()
        #expect(!ending.isOpen && !ending.isLingering, "until then the write rate decides")
        let late = Nanoseconds.seconds(100)
        #expect(ending.outputIsOut(at: late) == .linger(until: late + Limits.lingerTime))
        #expect(ending.isLingering)
        #expect(ending.outputIsOut(at: late + 5) == .linger(until: late + Limits.lingerTime))
    }

    @Test func whatIsReadIntoTheVoidHasABound() {
        var ending = ConnectionEnding()
        #expect(ending.dropped(Limits.lingerBytes) == .goOn, "nothing is dropped before")
        ending.lingerAfterOutput()
        _ = ending.outputIsOut(at: 0)
        #expect(ending.dropped(Limits.lingerBytes - 1) == .goOn)
        #expect(ending.dropped(1) == .close)
    }

    @Test func theFirstReasonCounts() {
        var ending = ConnectionEnding()
        #expect(ending.reason == nil)
        ending.because(.drain)
        ending.because(.viewerClosed)
        #expect(ending.reason == .drain)
    }
}
