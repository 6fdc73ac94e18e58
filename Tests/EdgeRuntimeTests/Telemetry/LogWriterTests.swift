import CLinux
import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct LogWriterTests {
    private func put(_ text: StaticString, into ring: LogRing) {
        guard var line = ring.begin() else { return }
        line.put(text)
        line.put(0x0a)
        ring.commit(line)
    }

    private func makeWriter(
        _ path: String,
        header: StaticString = "",
        events: EventLog = EventLog(level: .error)
    ) -> (LogWriter, LogRing) {
        let signal = LogSignal()
        let ring = LogRing(signal: signal)
        let writer = LogWriter(
            access: LogLane(LogOutlet(.file(path), header: header), rings: [ring]),
            events: events,
            to: LogOutlet(.file(path + ".events")),
            signal: signal
        )
        return (writer, ring)
    }

    @Test func theThreadWritesReopensAndStops() throws {
        let path = TestFile.folder() + "/access.log"
        let (writer, ring) = makeWriter(path, header: "#head\n")
        try writer.open()
        try writer.start()
        put("one", into: ring)
        // The first stop of the pass is the old file: renaming it does not lose the line.
        #expect(rename(path, path + ".1") == 0)
        writer.reopen()
        while TestFile.read(path) == nil { usleep(1000) }
        put("two", into: ring)
        #expect(writer.stop(withinMilliseconds: 60_000))
        #expect(TestFile.read(path + ".1") == "#head\none\n")
        #expect(TestFile.read(path) == "#head\ntwo\n")
        #expect(writer.accessLines == 2)
        #expect(writer.accessLinesDropped == 0)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 & ~0o640 == 0)
    }

    /// What a reload does to the access log: every line is in the file that was its own when it was written.
    @Test func aLaneThatIsReplacedIsWrittenToItsEnd() throws {
        let folder = TestFile.folder()
        let (writer, old) = makeWriter(folder + "/old")
        try writer.open()
        put("one", into: old)
        let new = LogRing(signal: LogSignal())
        let lane = LogLane(LogOutlet(.file(folder + "/new"), header: "#head\n"), rings: [new])
        try lane.outlet.open()
        writer.add(lane)
        put("two", into: new)
        #expect(writer.pass())
        // The other loops have not turned yet.
        put("three", into: old)
        old.close()
        #expect(writer.pass())
        put("four", into: new)
        #expect(writer.pass())
        #expect(TestFile.read(folder + "/old") == "one\nthree\n")
        #expect(TestFile.read(folder + "/new") == "#head\ntwo\nfour\n")
        #expect(writer.accessLines == 4, "lanes that are gone still count")
    }

    @Test func eventsTurnToTheirNewFileWhereTheyWereTold() throws {
        let path = TestFile.folder() + "/access"
        let events = EventLog()
        let (writer, _) = makeWriter(path, events: events)
        try writer.open()
        events.beginQueueing()
        events.configure(level: .info, format: .standard, target: .file(path + ".events"))
        events.info("before")
        for (index, format) in [LogFormat.json, .standard].enumerated() {
            let outlet = LogOutlet(.file(path + ".\(index)"))
            try outlet.open()
            events.configure(
                level: .info,
                format: format,
                target: outlet.target,
                outlet: outlet
            )
            events.info("after")
        }
        #expect(writer.pass(isFinal: true))
        #expect(TestFile.read(path + ".events")?.hasSuffix(" info before\n") == true)
        #expect(TestFile.read(path + ".0")?.hasSuffix("\"event\":\"after\"}\n") == true)
        #expect(TestFile.read(path + ".1")?.hasSuffix(" info after\n") == true)
    }

    @Test func aFullDiskCostsLinesAndIsReportedOnce() throws {
        // The device is always full: opening works, every write is ENOSPC.
        var sink = LogSink(.file("/dev/full"))
        try sink.open()
        let lines = Array("one\ntwo\nthree\n".utf8)
        let first = sink.write(lines.span, at: 0)
        #expect(first.taken == lines.count)
        #expect(first.droppedLines == 3)
        #expect(first.change == .failed(SystemError("write", ENOSPC)))
        let second = sink.write(lines.span, at: 0)
        #expect(second.droppedLines == 3)
        #expect(second.change == nil)
    }

    @Test func aLineThatWasCutIsEndedBeforeTheNext() throws {
        let folder = TestFile.folder()
        // Root may mount a file system of one page; without that right there is nothing to see here.
        guard mount("tmpfs", folder, "tmpfs", 0, "size=4096") == 0 else { return }
        defer { umount2(folder, CInt(MNT_DETACH)) }
        var sink = LogSink(.file(folder + "/access.log"))
        try sink.open()
        let lines =
            Array(
                (0..<60).map { "line \($0) " + String(repeating: "x", count: 90) }
                    .joined(separator: "\n").utf8
            ) + [0x0a]
        let full = sink.write(lines.span, at: 0)
        #expect(full.change == .failed(SystemError("write", ENOSPC)))
        #expect(full.droppedLines > 0 && full.droppedLines < 60)
        #expect(truncate(folder + "/access.log", 50) == 0)
        let next = sink.write(Array("after\n".utf8).span, at: 0)
        #expect(next.change == .recovered)
        #expect(TestFile.read(folder + "/access.log")?.hasSuffix("\nafter\n") == true)
    }

    @Test func aStalledReaderKeepsLinesWaiting() throws {
        let folder = TestFile.folder()
        let path = folder + "/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        var sink = LogSink(.file(path))
        try sink.open()
        let lines = [UInt8](repeating: 0x0a, count: 1 << 20)
        let outcome = sink.write(lines.span, at: 0)
        #expect(outcome.taken > 0 && outcome.taken < lines.count)
        #expect(outcome.droppedLines == 0 && outcome.change == nil)
    }

    @Test func aFolderThatIsNotThereIsAnErrorOfTheStart() {
        let (writer, _) = makeWriter("/nonexistent/access.log")
        #expect(throws: LogWriter.OpenFailure.self) { try writer.open() }
    }

    @Test func offTakesEverything() throws {
        var sink = LogSink(.off)
        try sink.open()
        let lines = Array("one\n".utf8)
        #expect(sink.write(lines.span, at: 0) == LogSink.Outcome(taken: 4))
    }

    @Test func targetsByName() {
        #expect(LogTarget("off") == .off)
        #expect(LogTarget("stdout") == .standardOutput)
        #expect(LogTarget("stderr") == .standardError)
        #expect(LogTarget("logs/a.log") == .file("logs/a.log"))
    }
}
