// Where a generation is built and checked aside, while the one before it serves.
//
//   read ─▶ check ─▶ published (keys, certificates, folders) ─▶ logs ─▶ admin ─▶ listeners ─▶ swap
//     └─────────┴──────────┴─────────────────────────────────────┴────────┴────────┴─▶ refused: every reason
//
// A step only takes what it can give back: until the swap nothing that serves has noticed, and a generation that is not
// adopted closes what it opened. Listeners come last, because whoever connects to one is waiting for the swap; behind
// them nothing may fail. What belongs to a generation besides its configuration is loaded and checked in `build`.

import Glibc

struct NextGeneration {
    let published: Published
    let logs: ServerLogs.Change
    let admin: AdminServer.Change?
    let sockets: ListenerSockets
    let warnings: [Diagnostic]

    /// What the building needs to know of the server as it runs.
    struct Standing {
        var published: Published
        var logs: ServerLogs
        var admin: AdminServer?
        var tickets: TicketKeys
        var workers: Int
    }

    struct Refused: Error {
        var cause: ReloadRefusal.Cause
        var reasons: [Diagnostic]
        var files: Set<String> = []
    }

    static func build(
        _ loaded: LoadResult,
        replacing standing: Standing
    ) throws(Refused) -> NextGeneration {
        let configuration = try check(loaded)
        do throws(StartFailure) {
            return try NextGeneration(loaded, configuration, standing)
        } catch {
            throw Refused(
                cause: .unattainable,
                reasons: error.reasons,
                files: error.files
            )
        }
    }

    private static func check(_ loaded: LoadResult) throws(Refused) -> Configuration {
        let errors = loaded.diagnostics.filter { $0.severity == .error }
        guard let configuration = loaded.configuration, errors.isEmpty else {
            throw Refused(cause: .mistakes, reasons: errors)
        }
        guard configuration.unavailable.isEmpty else {
            throw Refused(cause: .mistakes, reasons: configuration.unavailable)
        }
        return configuration
    }

    private init(
        _ loaded: LoadResult,
        _ configuration: Configuration,
        _ standing: Standing
    ) throws(StartFailure) {
        let settings = configuration.settings
        let places = ConfigPlaceFinder(tree: loaded.tree)
        var reasons: [Diagnostic] = []
        var files: Set<String> = []
        func collect<Part>(_ make: () throws(StartFailure) -> Part) -> Part? {
            do throws(StartFailure) { return try make() } catch {
                reasons += error.reasons
                files.formUnion(error.files)
                return nil
            }
        }
        let published = collect { () throws(StartFailure) in
            try Published(
                number: standing.published.number + 1,
                configuration: configuration,
                tickets: standing.tickets,
                vocabulary: standing.published.vocabulary,
                tree: loaded.tree,
                replacing: standing.published,
                loops: standing.workers,
                now: Clock.monotonic()
            )
        }
        let logs = collect { () throws(StartFailure) in
            try StartFailure.explaining(settings.log, places) {
                () throws(LogWriter.OpenFailure) in try standing.logs.prepare(settings.log)
            }
        }
        let admin = collect { () throws(StartFailure) in
            try StartFailure.explainingAdmin(places) { () throws(AdminServer.OpenFailure) in
                try standing.admin?.prepare(settings.admin)
            }
        }
        let old = standing.published.bindings
        let added = settings.listen.enumerated().filter { old[$1.address] == nil }
        // Whoever connects now would be turned away again.
        guard let published, let logs, let admin, reasons.isEmpty else {
            throw StartFailure(reasons: reasons, files: files)
        }
        self.published = published
        self.logs = logs
        self.admin = admin
        warnings = loaded.diagnostics + published.functions.warnings
        sockets = try ListenerSockets(
            added.map { ($1, places.listener($0)) },
            workers: standing.workers,
            beside: Array(old.keys)
        )
    }
}

extension StartFailure {
    static func explaining<Part>(
        _ settings: LogSettings,
        _ places: ConfigPlaceFinder,
        _ make: () throws(LogWriter.OpenFailure) -> Part
    ) throws(StartFailure) -> Part {
        do throws(LogWriter.OpenFailure) { return try make() } catch {
            let isAccess = settings.access == .file(error.target.name)
            let place = places.setting("log", isAccess ? "access" : "events")
            throw StartFailure(reasons: [
                place.error("cannot write the log \(error.target.name): \(error.error.reason)")
            ])
        }
    }

    static func explainingAdmin<Part>(
        _ places: ConfigPlaceFinder,
        _ make: () throws(AdminServer.OpenFailure) -> Part
    ) throws(StartFailure) -> Part {
        do throws(AdminServer.OpenFailure) { return try make() } catch {
            let remedy =
                switch error.error.code {
                case EADDRINUSE:
                    "another edged answers there; stop it, or give this one a socket of its own"
                case ENOTSOCK: "a file is there that is no socket; choose another place"
                default: "choose a place that this user may write to"
                }
            let place = places.setting("admin", error.address.hasPrefix("/") ? "socket" : "address")
            throw StartFailure(reasons: [
                place.error(
                    "cannot open the admin socket \(error.address): \(error.error.reason)",
                    "\(remedy) with admin = { socket = \"…\" }"
                )
            ])
        }
    }
}
