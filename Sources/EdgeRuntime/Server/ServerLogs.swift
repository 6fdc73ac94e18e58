// The log files of a server: one ring for each loop, one writer thread, and the events beside them.

final class ServerLogs {
    private let writer: LogWriter
    private let rings: [LogRing]
    private let format: LogFormat
    private let isOff: Bool

    init(_ settings: LogSettings, loops: Int, events: EventLog) throws(StartFailure) {
        let signal = LogSignal()
        rings = (0..<loops).map { _ in LogRing(signal: signal) }
        format = settings.format == .json ? .json : .standard
        isOff = settings.access == .off
        let target = Self.target(settings.events)
        events.configure(level: Self.level(settings.level), format: format, target: target)
        writer = LogWriter(
            access: Self.target(settings.access),
            header: AccessLog.header(of: format),
            rings: rings,
            eventTarget: target,
            events: events,
            signal: signal
        )
        do throws(LogWriter.OpenFailure) { try writer.open() } catch {
            throw StartFailure("cannot write the log \(error.target): \(error.error.reason)")
        }
    }

    /// The threads begin only once everything that can fail has succeeded.
    func start() throws(StartFailure) {
        do throws(Thread.StartFailure) { try writer.start() } catch {
            throw StartFailure("cannot start a thread: error \(error.code)")
        }
    }

    /// Nil where no access log is wanted.
    func accessLog(of loop: Int, location: String) -> AccessLog? {
        isOff ? nil : AccessLog(ring: rings[loop], format: format, location: location)
    }

    var accessLines: Int { writer.accessLines }
    var accessLinesDropped: Int { writer.accessLinesDropped }

    func reopen() { writer.reopen() }

    func stop() { _ = writer.stop(withinMilliseconds: Limits.logFlushMilliseconds) }

    private static func target(_ destination: LogSettings.Destination) -> LogTarget {
        switch destination {
        case .stdout: LogTarget("stdout")
        case .stderr: LogTarget("stderr")
        case .off: LogTarget("off")
        case .file(let path): LogTarget(path)
        }
    }

    private static func level(_ level: LogSettings.Level) -> EventLevel {
        switch level {
        case .debug: .debug
        case .info: .info
        case .warning: .warn
        case .error: .error
        }
    }
}
