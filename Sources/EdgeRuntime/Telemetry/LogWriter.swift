// The one thread that touches log files. It takes what the loops' rings and the event queue hold and writes it.
//
//   loop 0 ─ ring ─┐
//   loop 1 ─ ring ─┼─ writer ─┬─ access log
//   events ─ queue ┘          └─ event log
//
// It comes every 50 ms, at once when a ring is half full, and stops only when everything is written or the deadline
// of the shutdown has passed. If access lines and events go to the same file they share no descriptor: both append.

import Synchronization

final class LogWriter: @unchecked Sendable {
    // Guard: the sinks belong to the writer's thread once `start` has returned, and to the caller before; the
    // counter is atomic; `thread` belongs to who starts and stops.
    private var access: LogSink
    private var eventSink: LogSink
    private let rings: [LogRing]
    private let events: EventLog
    private let signal: LogSignal
    private let lost = Atomic<Int>(0)
    private var thread: Thread?

    init(
        access: LogTarget,
        header: StaticString,
        rings: [LogRing],
        eventTarget: LogTarget,
        events: EventLog,
        signal: LogSignal
    ) {
        self.access = LogSink(access, header: header)
        eventSink = LogSink(eventTarget)
        self.rings = rings
        self.events = events
        self.signal = signal
    }

    /// Access lines that were handed over, and those that were lost on the way: no room, or not writable.
    var accessLines: Int { rings.reduce(0) { $0 + $1.writtenLines } }
    var accessLinesDropped: Int {
        rings.reduce(lost.load(ordering: .relaxed)) { $0 + $1.droppedLines }
    }

    /// Opens both destinations: what cannot be opened now is an error of the start, with its name.
    func open() throws(OpenFailure) {
        do throws(SystemError) { try access.open() } catch {
            throw OpenFailure(target: access.target, error: error)
        }
        do throws(SystemError) { try eventSink.open() } catch {
            throw OpenFailure(target: eventSink.target, error: error)
        }
    }

    struct OpenFailure: Error {
        var target: LogTarget
        var error: SystemError
    }

    /// Call `open` first. Until this returns events go to standard error.
    func start() throws(Thread.StartFailure) {
        thread = try Thread.start(name: "log-writer") { [self] in run() }
        events.beginQueueing()
    }

    /// For USR1, from any thread: files are opened again before the next line.
    func reopen() { signal.reopen() }

    /// Writes what is there and ends; false if the deadline came first. Loops must have stopped logging.
    func stop(withinMilliseconds deadline: Int) -> Bool {
        guard let thread else { return true }
        signal.stop()
        guard signal.waitForFinish(atMost: deadline) else { return false }
        thread.join()
        self.thread = nil
        events.endQueueing()
        return true
    }

    private func run() {
        while true {
            let asked = signal.wait(atMost: Limits.logPollMilliseconds)
            if asked.isReopening { reopenSinks() }
            repeat { _ = pass() } while rings.contains { $0.isHalfFull } && !asked.isStopping
            guard asked.isStopping else { continue }
            // A stalled reader keeps us here; who waits for us has a deadline.
            while !pass(isFinal: true) {}
            signal.finish()
            return
        }
    }

    /// Writes what waits, once around. False if a destination stalls and something is left.
    func pass(isFinal: Bool = false) -> Bool {
        var isDone = true
        for ring in rings where !drain(ring) { isDone = false }
        return drainEvents(isFinal: isFinal) && isDone
    }

    private func drain(_ ring: LogRing) -> Bool {
        // At most what was there when we came, plus what a lap brings: no loop may keep us from the others.
        for _ in 0..<3 {
            let pending = ring.pending
            guard pending.count > 0 else { return true }
            let offered = pending.count
            let outcome = access.write(pending, at: Clock.monotonic())
            ring.consume(outcome.taken)
            lost.wrappingAdd(outcome.droppedLines, ordering: .relaxed)
            report(outcome.change, of: access.target)
            if outcome.taken < offered { return false }
        }
        return ring.pending.count == 0
    }

    /// Events that a stalled destination did not take; they go first the next time.
    private var eventsLeft: [UInt8] = []

    private func drainEvents(isFinal: Bool) -> Bool {
        if eventsLeft.isEmpty { eventsLeft = events.takeLines(isFinal: isFinal) }
        guard !eventsLeft.isEmpty else { return true }
        let lines = eventsLeft
        let outcome = eventSink.write(lines.span, at: Clock.monotonic())
        eventsLeft.removeFirst(outcome.taken)
        events.countDropped(outcome.droppedLines)
        report(outcome.change, of: eventSink.target)
        return eventsLeft.isEmpty
    }

    private func reopenSinks() {
        // What was logged before the signal belongs into the old file.
        _ = pass()
        do throws(SystemError) { try access.open() } catch {
            report(.failed(error), of: access.target)
        }
        do throws(SystemError) { try eventSink.open() } catch {
            report(.failed(error), of: eventSink.target)
        }
    }

    private func report(_ change: LogSink.Change?, of target: LogTarget) {
        switch change {
        case nil: break
        case .failed(let error):
            events.error(
                "log_write_failed",
                EventField("destination", .text(target.name)),
                EventField("reason", .failure(error))
            )
        case .recovered:
            events.info(
                "log_write_recovered",
                EventField("destination", .text(target.name)),
                EventField("lines_lost", .number(Int64(accessLinesDropped)))
            )
        }
    }
}
