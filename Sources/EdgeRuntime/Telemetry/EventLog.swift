// What happens to the edge itself, for its operator: started, reloaded, an origin ejected, a disk full.
//
//   2026-11-21T06:10:00.123Z info listening address=127.0.0.1:8080
//   {"time":"2026-11-21T06:10:00.123Z","level":"info","event":"listening","address":"127.0.0.1:8080"}
//
// Any thread may log. Until the writer takes over, lines go to standard error at once, so start-up errors are seen
// even if nothing starts; then they wait in a bounded queue and nobody who logs touches a disk. Events are rare:
// this path may allocate and takes a lock, the request path does not come here when all is well.

import CLinux
import Glibc
import Synchronization

enum EventLevel: UInt8, CaseIterable, Comparable, Sendable {
    case debug
    case info
    case warn
    case error

    init?(_ word: String) {
        guard let level = Self.allCases.first(where: { "\($0.word)" == word }) else { return nil }
        self = level
    }

    var word: StaticString {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warn: "warn"
        case .error: "error"
        }
    }

    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

enum LogFormat: Sendable {
    case json
    case standard
}

/// What a field of an event may be. There is no case for a header, a body or "anything": what may be a secret has
/// no way in.
enum EventValue: Sendable {
    case text(String)
    case word(StaticString)
    case number(Int64)
    case duration(Nanoseconds)
    case flag(Bool)
    case address(SocketAddress)
    case failure(SystemError)
}

struct EventField: Sendable {
    var name: StaticString
    var value: EventValue

    init(_ name: StaticString, _ value: EventValue) {
        self.name = name
        self.value = value
    }
}

/// What the writer takes in one go: whole lines, and where those behind them go.
struct EventBatch {
    var lines: [UInt8] = []
    var turn: LogOutlet?
}

final class EventLog: @unchecked Sendable {
    // Guard: `state` is behind its lock, `threshold` and `dropped` are atomic.
    private struct State {
        var isQueued = false
        var isJSON = false
        var queue: [Entry] = []
        var fold = EventFold()
    }

    private enum Entry {
        case line([UInt8])
        /// Lines behind it go there.
        case turn(LogOutlet)
    }

    private let state = Locked(State())
    private let threshold: Atomic<UInt8>
    private let dropped = Atomic<Int>(0)
    private let clock: @Sendable () -> WallTime
    /// Where lines go before the writer takes over and after it has stopped.
    private let direct: CInt

    init(
        level: EventLevel = .info,
        direct: CInt = 2,
        clock: @escaping @Sendable () -> WallTime = { Clock.wall() }
    ) {
        threshold = Atomic(level.rawValue)
        self.direct = direct
        self.clock = clock
    }

    var droppedLines: Int { dropped.load(ordering: .relaxed) }

    /// What the configuration says; also on reload, where `outlet` is the new destination if there is one: what was
    /// logged before goes to the old one, as it was spelled. A terminal gets text whatever the format.
    func configure(
        level: EventLevel,
        format: LogFormat,
        target: LogTarget,
        outlet: LogOutlet? = nil
    ) {
        threshold.store(level.rawValue, ordering: .relaxed)
        let isJSON = format == .json && !target.isTerminal
        let now = clock()
        state.withLock { state in
            take(state.fold.due(at: nil), into: &state, at: now)
            state.isJSON = isJSON
            if let outlet { state.queue.append(.turn(outlet)) }
        }
    }

    @inline(__always)
    func isOn(_ level: EventLevel) -> Bool { level.rawValue >= threshold.load(ordering: .relaxed) }

    func debug(_ event: StaticString, _ fields: EventField...) { log(.debug, event, fields) }
    func info(_ event: StaticString, _ fields: EventField...) { log(.info, event, fields) }
    func warn(_ event: StaticString, _ fields: EventField...) { log(.warn, event, fields) }
    func error(_ event: StaticString, _ fields: EventField...) { log(.error, event, fields) }

    func log(_ level: EventLevel, _ event: StaticString, _ fields: [EventField]) {
        guard isOn(level) else { return }
        let now = clock()
        state.withLock { state in
            let body = EventLine.body(level, event, fields, isJSON: state.isJSON)
            guard state.isQueued else {
                return writeDirectly(EventLine.whole(body, at: now, isJSON: state.isJSON))
            }
            take(state.fold.due(at: now.seconds), into: &state, at: now)
            switch state.fold.admit(body, at: now.seconds) {
            case .write: enqueue(EventLine.whole(body, at: now, isJSON: state.isJSON), in: &state)
            case .hold: break
            case .suppress: dropped.wrappingAdd(1, ordering: .relaxed)
            }
        }
    }

    // MARK: The writer's side

    /// From now on lines wait to be taken.
    func beginQueueing() { state.withLock { $0.isQueued = true } }

    /// Lines go to standard error again, what still waits first.
    func endQueueing() {
        let now = clock()
        state.withLock { state in
            take(state.fold.due(at: nil), into: &state, at: now)
            for case .line(let line) in state.queue { writeDirectly(line) }
            state.queue = []
            state.isQueued = false
        }
    }

    /// Everything that waits up to the next turn, as one piece of whole lines. `isFinal` brings what the current
    /// second holds back.
    func takeLines(isFinal: Bool = false) -> EventBatch {
        let now = clock()
        return state.withLock { state in
            take(state.fold.due(at: isFinal ? nil : now.seconds), into: &state, at: now)
            var batch = EventBatch()
            var taken = 0
            for entry in state.queue {
                taken += 1
                switch entry {
                case .line(let line): batch.lines += line
                case .turn(let outlet): batch.turn = outlet
                }
                if batch.turn != nil { break }
            }
            state.queue.removeFirst(taken)
            return batch
        }
    }

    func countDropped(_ lines: Int) { dropped.wrappingAdd(lines, ordering: .relaxed) }

    // MARK: Inside

    private func take(_ due: EventFold.Due, into state: inout State, at now: WallTime) {
        for repetition in due.repeated {
            let line = EventLine.whole(
                repetition.body,
                at: now,
                isJSON: state.isJSON,
                repeated: repetition.count
            )
            enqueue(line, in: &state)
        }
        if due.suppressed > 0 {
            let count = EventField("lines", .number(Int64(due.suppressed)))
            let body = EventLine.body(.warn, "events_suppressed", [count], isJSON: state.isJSON)
            enqueue(EventLine.whole(body, at: now, isJSON: state.isJSON), in: &state)
        }
    }

    private func enqueue(_ line: [UInt8], in state: inout State) {
        guard state.queue.count < Limits.eventQueueLines else {
            dropped.wrappingAdd(1, ordering: .relaxed)
            return
        }
        state.queue.append(.line(line))
    }

    /// A line is short: what standard error does not take at once is lost and counted.
    private func writeDirectly(_ line: [UInt8]) {
        let result = line.withUnsafeBytes { bytes in
            Syscall.io { Glibc.write(direct, bytes.baseAddress, bytes.count) }
        }
        if result != .bytes(line.count) { dropped.wrappingAdd(1, ordering: .relaxed) }
    }
}
