import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct EventLogTests {
    private static let time = WallTime(seconds: 1_795_241_400, nanoseconds: 123_456_789)

    private func makeLog(_ level: EventLevel = .info, json: Bool = false) -> EventLog {
        let log = EventLog(clock: { Self.time })
        log.configure(level: level, format: json ? .json : .standard, target: .file("x"))
        log.beginQueueing()
        return log
    }

    private func lines(_ log: EventLog, isFinal: Bool = false) -> String {
        String(decoding: log.takeLines(isFinal: isFinal).lines, as: UTF8.self)
    }

    @Test func textLines() {
        let log = makeLog()
        log.info(
            "listening",
            EventField("address", .text("127.0.0.1:8080")),
            EventField("note", .text("a \"b\"\n")),
            EventField("took", .duration(1_500_000_000)),
            EventField("loops", .number(-2)),
            EventField("ready", .flag(true)),
            EventField("reason", .word("drain"))
        )
        #expect(
            lines(log) == "2026-11-21T06:10:00.123Z info listening address=127.0.0.1:8080 "
                + #"note="a \"b\"\n" took=1.500 loops=-2 ready=true reason=drain"# + "\n"
        )
    }

    @Test func jsonLines() {
        let log = makeLog(json: true)
        log.error("failed", EventField("path", .text("a\tb")), EventField("code", .number(5)))
        #expect(
            lines(log) == #"{"time":"2026-11-21T06:10:00.123Z","level":"error","#
                + #""event":"failed","path":"a\tb","code":5}"# + "\n"
        )
    }

    @Test func levelsBelowTheThresholdCostNothing() {
        let log = makeLog(.warn)
        log.info("quiet")
        log.debug("quiet")
        #expect(lines(log) == "")
        log.warn("loud")
        #expect(lines(log).hasSuffix("warn loud\n"))
        #expect(EventLevel("debug") == .debug)
        #expect(EventLevel("loud") == nil)
    }

    @Test func repetitionsAreFolded() {
        let log = makeLog()
        for _ in 0..<120 { log.info("accept_failed", EventField("code", .number(24))) }
        #expect(lines(log).hasSuffix("accept_failed code=24\n"))
        #expect(lines(log, isFinal: true).hasSuffix("accept_failed code=24 repeated=119\n"))
        #expect(lines(log, isFinal: true) == "")
    }

    @Test func aFloodOfDifferentEventsIsBounded() {
        let log = makeLog()
        for index in 0..<1000 { log.info("odd", EventField("n", .number(Int64(index)))) }
        let count = lines(log).split(separator: "\n").count
        #expect(count == Limits.eventLinesPerSecond)
        #expect(log.droppedLines == 1000 - count)
        #expect(lines(log, isFinal: true).hasSuffix("events_suppressed lines=\(1000 - count)\n"))
    }

    @Test func foldsByTheSecond() {
        var fold = EventFold()
        #expect(fold.admit([1], at: 10) == .write)
        #expect(fold.admit([1], at: 10) == .hold)
        #expect(fold.admit([2], at: 10) == .write)
        #expect(fold.due(at: 10) == EventFold.Due())
        #expect(fold.due(at: 11).repeated == [EventFold.Repetition(body: [1], count: 1)])
        #expect(fold.admit([1], at: 11) == .write)
    }

    @Test func beforeTheWriterLinesGoOutAtOnce() {
        let path = TestFile.folder() + "/direct"
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        defer { close(file) }
        let log = EventLog(direct: file, clock: { Self.time })
        log.error("bad_flag")
        #expect(TestFile.read(path) == "2026-11-21T06:10:00.123Z error bad_flag\n")
        log.beginQueueing()
        log.error("waits")
        #expect(TestFile.read(path)?.contains("waits") == false)
        log.endQueueing()
        #expect(TestFile.read(path)?.contains("waits") == true)
    }

    @Test func anEventThatIsTooLongKeepsItsName() {
        let log = makeLog()
        let long = EventField("text", .text(String(repeating: "x y", count: 2000)))
        log.log(.info, "much", Array(repeating: long, count: 40))
        #expect(lines(log).hasSuffix("info much\n"))
    }

    @Test func civilTimes() {
        func text(_ seconds: Int64) -> String {
            let text = CivilTime(seconds).text()
            return text.span.extracting(0..<19).text
        }
        #expect(text(0) == "1970-01-01T00:00:00")
        #expect(text(951_827_696) == "2000-02-29T12:34:56")
        #expect(text(4_107_542_399) == "2100-02-28T23:59:59")
        #expect(text(4_107_542_400) == "2100-03-01T00:00:00")
        #expect(text(-1) == "1969-12-31T23:59:59")
        #expect(text(253_402_300_799) == "9999-12-31T23:59:59")
    }
}
