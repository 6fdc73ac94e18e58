// The log files of a server: one ring for each loop, one writer thread, and the events beside them. A reload opens what
// it changes aside, then adopts it.

final class ServerLogs {
    private var settings: LogSettings
    private let location: String
    private let writer: LogWriter
    private let events: EventLog
    private let signal = LogSignal()
    /// By loop; nil where no access log is wanted.
    private(set) var accessLogs: [AccessLog?]

    /// What is different, opened already. Nothing is written to it until it is adopted.
    struct Change {
        fileprivate var settings: LogSettings
        /// `nil`: as it is.
        fileprivate var access: Access?
        fileprivate var events: LogOutlet?
    }

    fileprivate struct Access {
        var lane: LogLane?
        var logs: [AccessLog?]
    }

    init(
        _ settings: LogSettings,
        loops: Int,
        location: String,
        events: EventLog
    ) throws(LogWriter.OpenFailure) {
        self.settings = settings
        self.location = location
        self.events = events
        let access = Self.access(settings, loops: loops, location: location, signal)
        accessLogs = access.logs
        events.configure(
            level: settings.eventLevel,
            format: settings.lineFormat,
            target: LogTarget(settings.events)
        )
        writer = LogWriter(
            access: access.lane,
            events: events,
            to: LogOutlet(LogTarget(settings.events)),
            signal: signal
        )
        try writer.open()
    }

    /// The threads begin only once everything that can fail has succeeded.
    func start() throws(Thread.StartFailure) { try writer.start() }

    /// Throws what cannot be written.
    func prepare(_ next: LogSettings) throws(LogWriter.OpenFailure) -> Change {
        var change = Change(settings: next)
        if next.access != settings.access || next.format != settings.format {
            let loops = accessLogs.count
            let access = Self.access(next, loops: loops, location: location, signal)
            try access.lane?.outlet.open()
            change.access = access
        }
        if next.events != settings.events {
            let outlet = LogOutlet(LogTarget(next.events))
            try outlet.open()
            change.events = outlet
        }
        return change
    }

    /// The loops are to be handed `accessLogs` next.
    func adopt(_ change: Change) {
        settings = change.settings
        if let access = change.access {
            if let lane = access.lane { writer.add(lane) }
            accessLogs = access.logs
        }
        events.configure(
            level: settings.eventLevel,
            format: settings.lineFormat,
            target: LogTarget(settings.events),
            outlet: change.events
        )
    }

    var accessLines: Int { writer.accessLines }
    var accessLinesDropped: Int { writer.accessLinesDropped }

    func reopen() { writer.reopen() }

    func stop() { _ = writer.stop(withinMilliseconds: Limits.logFlushMilliseconds) }

    private static func access(
        _ settings: LogSettings,
        loops: Int,
        location: String,
        _ signal: LogSignal
    ) -> Access {
        guard settings.access != .off else {
            return Access(lane: nil, logs: Array(repeating: nil, count: loops))
        }
        let format = settings.lineFormat
        let rings = (0..<loops).map { _ in LogRing(signal: signal) }
        let outlet = LogOutlet(LogTarget(settings.access), header: AccessLog.header(of: format))
        return Access(
            lane: LogLane(outlet, rings: rings),
            logs: rings.map { AccessLog(ring: $0, format: format, location: location) }
        )
    }
}

extension LogTarget {
    fileprivate init(_ destination: LogSettings.Destination) {
        switch destination {
        case .stdout: self.init("stdout")
        case .stderr: self.init("stderr")
        case .off: self.init("off")
        case .file(let path): self.init(path)
        }
    }
}

extension LogSettings {
    fileprivate var lineFormat: LogFormat {
        switch format {
        case .json: .json
        case .standard: .standard
        }
    }

    fileprivate var eventLevel: EventLevel {
        switch level {
        case .debug: .debug
        case .info: .info
        case .warning: .warn
        case .error: .error
        }
    }
}
