// The one thread that touches log files. It takes what the loops' rings and the event queue hold and writes it.
//
//   loop 0 ─ ring ─┐
//   loop 1 ─ ring ─┼─ writer ─┬─ access log
//   events ─ queue ┘          └─ event log
//
// A reload that changes the access log brings a new lane (rings and their file). The old one is written to its end, once
// every loop has turned to the new, and then let go of: no line is lost, and none is in the wrong file.
//
// It comes every 50 ms, at once when a ring is half full, and stops only when everything is written or the deadline
// of the shutdown has passed. If access lines and events go to the same file they share no descriptor: both append.

/// A destination on its way from the thread that opens it to the one that writes.
final class LogOutlet: @unchecked Sendable {
    // Guard: belongs to who made it until it is handed over, then to the writer's thread.
    fileprivate var sink: LogSink

    init(_ target: LogTarget, header: StaticString = "") {
        sink = LogSink(target, header: header)
    }

    var target: LogTarget { sink.target }

    func open() throws(LogWriter.OpenFailure) {
        do throws(SystemError) { try sink.open() } catch {
            throw LogWriter.OpenFailure(target: target, error: error)
        }
    }
}

/// One access log: a ring for each loop, and where their lines go.
final class LogLane: Sendable {
    let outlet: LogOutlet
    let rings: [LogRing]

    init(_ outlet: LogOutlet, rings: [LogRing]) {
        self.outlet = outlet
        self.rings = rings
    }

    fileprivate var isClosed: Bool { rings.allSatisfy(\.isClosed) }
    fileprivate var isHalfFull: Bool { rings.contains(where: \.isHalfFull) }
}

final class LogWriter: @unchecked Sendable {
    // Guard: the outlets belong to the writer's thread once `start` has returned, and to the caller before; lanes and
    // counts are behind their lock; `thread` belongs to who starts and stops.
    private struct Access {
        var lanes: [LogLane]
        /// Of lanes that are gone, and of lines that found no way into their file.
        var lines = 0
        var lost = 0
    }

    private let access: Locked<Access>
    private var eventOutlet: LogOutlet
    private let events: EventLog
    private let signal: LogSignal
    private var thread: Thread?

    init(access: LogLane?, events: EventLog, to outlet: LogOutlet, signal: LogSignal) {
        self.access = Locked(Access(lanes: access.map { [$0] } ?? []))
        eventOutlet = outlet
        self.events = events
        self.signal = signal
    }

    /// Access lines that were handed over, and those that were lost on the way: no room, or not writable.
    var accessLines: Int {
        access.withLock { access in
            access.lanes.joinedRings.reduce(access.lines) { $0 + $1.writtenLines }
        }
    }
    var accessLinesDropped: Int {
        access.withLock { access in
            access.lanes.joinedRings.reduce(access.lost) { $0 + $1.droppedLines }
        }
    }

    /// Opens all destinations: what cannot be opened now is an error of the start, with its name.
    func open() throws(OpenFailure) {
        for lane in lanes { try lane.outlet.open() }
        try eventOutlet.open()
    }

    /// From any thread, before the first line comes: its outlet is open.
    func add(_ lane: LogLane) { access.withLock { $0.lanes.append(lane) } }

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
            repeat {
                _ = pass()
            } while lanes.contains(where: \.isHalfFull) && !asked.isStopping
            guard asked.isStopping else { continue }
            // A stalled reader keeps us here; who waits for us has a deadline.
            while !pass(isFinal: true) {}
            signal.finish()
            return
        }
    }

    private var lanes: [LogLane] { access.withLock { $0.lanes } }

    /// Writes what waits, once around. False if a destination stalls and something is left.
    func pass(isFinal: Bool = false) -> Bool {
        var isDone = true
        for lane in lanes {
            // Asked before: what comes between is seen by the next pass, then.
            let isOver = lane.isClosed
            var isEmpty = true
            for ring in lane.rings where !drain(ring, to: lane.outlet) { isEmpty = false }
            if isOver, isEmpty { letGo(of: lane) }
            isDone = isDone && isEmpty
        }
        return drainEvents(isFinal: isFinal) && isDone
    }

    private func letGo(of lane: LogLane) {
        access.withLock { access in
            access.lanes.removeAll { $0 === lane }
            for ring in lane.rings {
                access.lines += ring.writtenLines
                access.lost += ring.droppedLines
            }
        }
    }

    private func drain(_ ring: LogRing, to outlet: LogOutlet) -> Bool {
        // At most what was there when we came, plus what a lap brings: no loop may keep us from the others.
        for _ in 0..<3 {
            let pending = ring.pending
            guard pending.count > 0 else { return true }
            let offered = pending.count
            let outcome = outlet.sink.write(pending, at: Clock.monotonic())
            ring.consume(outcome.taken)
            if outcome.droppedLines > 0 { access.withLock { $0.lost += outcome.droppedLines } }
            report(outcome.change, of: outlet.target)
            if outcome.taken < offered { return false }
        }
        return ring.pending.count == 0
    }

    /// Events that a stalled destination did not take; they go first the next time.
    private var eventsLeft = EventBatch()

    private func drainEvents(isFinal: Bool) -> Bool {
        while true {
            if eventsLeft.lines.isEmpty, eventsLeft.turn == nil {
                eventsLeft = events.takeLines(isFinal: isFinal)
            }
            let lines = eventsLeft.lines
            if !lines.isEmpty {
                let outcome = eventOutlet.sink.write(lines.span, at: Clock.monotonic())
                eventsLeft.lines.removeFirst(outcome.taken)
                events.countDropped(outcome.droppedLines)
                report(outcome.change, of: eventOutlet.target)
            }
            if !eventsLeft.lines.isEmpty {
                // One that stalls may wait for its reader, but not hold up the one that replaces it.
                guard eventsLeft.turn != nil else { return false }
                let given = eventsLeft.lines
                events.countDropped(LogSink.lineCount(given.span))
                eventsLeft.lines = []
            }
            guard let next = eventsLeft.turn else { return true }
            eventOutlet = next
            eventsLeft.turn = nil
        }
    }

    private func reopenSinks() {
        // What was logged before the signal belongs into the old file.
        _ = pass()
        for outlet in lanes.map(\.outlet) + [eventOutlet] {
            do throws(OpenFailure) { try outlet.open() } catch {
                report(.failed(error.error), of: error.target)
            }
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

extension [LogLane] {
    fileprivate var joinedRings: [LogRing] { flatMap(\.rings) }
}
