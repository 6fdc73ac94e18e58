// What `/status` says, as a value: the server fills it in, this file writes it as JSON and as a table for people.

struct ServerStatus {
    enum State {
        case starting
        case serving
        case draining

        var word: StaticString {
            switch self {
            case .starting: "starting"
            case .serving: "serving"
            case .draining: "draining"
            }
        }
    }

    struct Listener {
        var address: String
        var isTLS: Bool
    }

    struct Worker {
        var connections: Int64 = 0
        var exchanges: Int64 = 0
        var bufferedBytes: Int64 = 0
        /// Millionths of its time.
        var busy: Int64 = 0
    }

    struct Server {
        var address: String
        var condition: HealthMachine.Condition
    }

    struct Origin {
        enum Kind {
            case servers
            case files
            case bucket

            var word: StaticString {
                switch self {
                case .servers: "servers"
                case .files: "files"
                case .bucket: "bucket"
                }
            }
        }

        var name: String
        var kind: Kind
        var servers: [Server] = []
        var connections: Int64 = 0
        var idle: Int64 = 0
        var requests: Int64 = 0
    }

    struct Function {
        var name: String
        var runs: Int64 = 0
        /// Those that counted, by word.
        var failures: [(word: String, count: Int64)] = []
        /// Attachments, each loop's for itself.
        var parked: Int64 = 0
        var instructions: Int64 = 0
        var fetches: Int64 = 0
        var fetchFailures: Int64 = 0
    }

    var version = ""
    var pid: Int32 = 0
    var state = State.starting
    /// Seconds since 1970.
    var started: Int64 = 0
    var uptime: Int64 = 0
    var generation: UInt64 = 0
    var configuration = ""
    var listeners: [Listener] = []
    var workers: [Worker] = []
    var requests: Int64 = 0
    var tunnels: Int64 = 0
    var cache = CacheFacts()
    var origins: [Origin] = []
    var functions: [Function] = []
    /// Those that counted, by word.
    var sheds: [(word: String, count: Int64)] = []
    var accessLinesDropped = 0
    var eventLinesDropped = 0
    var certificates: [CertificateFacts] = []

    private func total(_ part: (Worker) -> Int64) -> Int64 { workers.reduce(0) { $0 + part($1) } }

    var connections: Int64 { total(\.connections) }
    var exchanges: Int64 { total(\.exchanges) }
    var bufferedBytes: Int64 { total(\.bufferedBytes) }

    func daysLeft(_ certificate: CertificateFacts) -> Int64 {
        (certificate.notAfter - started - uptime) / 86_400
    }
}

// MARK: JSON

extension ServerStatus {
    var json: String {
        let fields: [(String, String)] = [
            ("version", Self.quoted(version)), ("state", Self.quoted("\(state.word)")),
            ("pid", "\(pid)"), ("started", "\(started)"), ("uptime_seconds", "\(uptime)"),
            ("generation", "\(generation)"), ("configuration", Self.quoted(configuration)),
            (
                "listeners",
                Self.list(
                    listeners.map {
                        Self.object([
                            ("address", Self.quoted($0.address)), ("tls", "\($0.isTLS)"),
                        ])
                    }
                )
            ),
            ("connections", "\(connections)"), ("exchanges", "\(exchanges)"),
            ("tunnels", "\(tunnels)"), ("requests", "\(requests)"),
            ("buffered_bytes", "\(bufferedBytes)"),
            ("workers", Self.list(workers.map(Self.object))),
            ("cache", Self.object(cache)),
            ("origins", Self.list(origins.map(Self.object))),
            ("functions", Self.list(functions.map(Self.object))),
            ("sheds", Self.object(sheds.map { ($0.word, "\($0.count)") })),
            (
                "log",
                Self.object([
                    ("access_lines_dropped", "\(accessLinesDropped)"),
                    ("event_lines_dropped", "\(eventLinesDropped)"),
                ])
            ),
            (
                "certificates",
                Self.list(
                    certificates.map { certificate in
                        Self.object([
                            ("file", Self.quoted(certificate.file)),
                            ("names", Self.list(certificate.names.map(Self.quoted))),
                            ("expires", "\(certificate.notAfter)"),
                            ("days_left", "\(daysLeft(certificate))"),
                        ])
                    }
                )
            ),
        ]
        return Self.object(fields) + "\n"
    }

    private static func object(_ worker: Worker) -> String {
        object([
            ("connections", "\(worker.connections)"), ("exchanges", "\(worker.exchanges)"),
            ("buffered_bytes", "\(worker.bufferedBytes)"),
            ("busy", MetricsPage.decimal(millionths: worker.busy)),
        ])
    }

    private static func object(_ cache: CacheFacts) -> String {
        let disk = cache.disk.map { disk in
            object([
                ("bytes", "\(disk.bytes)"), ("bytes_max", "\(disk.bytesMax)"),
                ("records", "\(disk.records)"), ("hits", "\(disk.hits)"),
                ("misses", "\(disk.misses)"), ("written", "\(disk.written)"),
                ("dropped", "\(disk.dropped)"), ("faults", "\(disk.faults)"),
                ("failing", disk.failure.map(quoted) ?? "null"),
            ])
        }
        return object([
            ("bytes", "\(cache.bytes)"), ("objects", "\(cache.objects)"),
            ("disk", disk ?? "null"),
        ])
    }

    private static func object(_ origin: Origin) -> String {
        object([
            ("name", quoted(origin.name)), ("kind", quoted("\(origin.kind.word)")),
            (
                "servers",
                list(
                    origin.servers.map {
                        object([
                            ("address", quoted($0.address)),
                            ("state", quoted("\($0.condition.word)")),
                        ])
                    }
                )
            ),
            ("connections", "\(origin.connections)"), ("idle", "\(origin.idle)"),
            ("requests", "\(origin.requests)"),
        ])
    }

    private static func object(_ function: Function) -> String {
        object([
            ("name", quoted(function.name)), ("runs", "\(function.runs)"),
            ("failures", object(function.failures.map { ($0.word, "\($0.count)") })),
            ("parked", "\(function.parked)"), ("instructions", "\(function.instructions)"),
            ("fetches", "\(function.fetches)"), ("fetch_failures", "\(function.fetchFailures)"),
        ])
    }

    private static func quoted(_ text: String) -> String { ConfigDump.quoted(text) }

    private static func object(_ fields: [(String, String)]) -> String {
        "{" + fields.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }

    private static func list(_ items: [String]) -> String {
        "[" + items.joined(separator: ",") + "]"
    }
}

// MARK: Text

extension ServerStatus {
    var text: String {
        var rows = [
            [
                "edged",
                "\(version), \(state.word), pid \(pid), up \(Self.span(uptime)), "
                    + "generation \(generation)",
            ],
            ["configuration", configuration],
            [
                "listeners",
                listeners.map { $0.address + ($0.isTLS ? " (TLS)" : "") }.joined(separator: ", "),
            ],
            [
                "viewers",
                "\(connections) connected, \(exchanges) requests in flight, "
                    + "\(requests) served, \(tunnels) tunnels",
            ],
            [
                "workers",
                workers.map { "\(($0.busy + 5_000) / 10_000)%" }.joined(separator: " ") + " busy",
            ],
            ["buffered", Self.size(bufferedBytes)],
            ["cache", "\(Self.size(Int64(cache.bytes))) in memory, \(cache.objects) objects"],
            [
                "sheds",
                sheds.isEmpty
                    ? "none" : sheds.map { "\($0.word) \($0.count)" }.joined(separator: ", "),
            ],
            [
                "log", "\(accessLinesDropped) access and \(eventLinesDropped) event lines dropped",
            ],
        ]
        if let disk = cache.disk {
            let state = disk.failure.map { "FAILING (\($0)), " } ?? ""
            rows.append([
                "disk",
                "\(state)\(Self.size(Int64(disk.bytes))) of \(Self.size(Int64(disk.bytesMax))), "
                    + "\(disk.records) records, \(disk.hits) hits, \(disk.dropped) dropped",
            ])
        }
        for certificate in certificates {
            let names = certificate.names.joined(separator: " ")
            rows.append(["certificate", "\(names), \(Self.left(daysLeft(certificate)))"])
        }
        var text = Self.table(rows)
        guard !origins.isEmpty else { return text }
        var table = [["ORIGIN", "REQUESTS", "CONNECTIONS", "SERVERS"]]
        for origin in origins {
            let servers = origin.servers.map { "\($0.address) \($0.condition.word)" }
            table.append([
                origin.name, origin.kind == .servers ? "\(origin.requests)" : "-",
                origin.kind == .servers ? "\(origin.connections), \(origin.idle) idle" : "-",
                servers.isEmpty ? "\(origin.kind.word)" : servers.joined(separator: ", "),
            ])
        }
        text += "\n" + Self.table(table)
        guard !functions.isEmpty else { return text }
        table = [["FUNCTION", "RUNS", "FAILURES", "FETCHES"]]
        for function in functions {
            var failures = function.failures.map { "\($0.word) \($0.count)" }
            if function.parked > 0 { failures.append("PARKED") }
            var fetches = function.fetches > 0 ? "\(function.fetches)" : "-"
            if function.fetchFailures > 0 { fetches += ", \(function.fetchFailures) failed" }
            table.append([
                function.name, "\(function.runs)",
                failures.isEmpty ? "none" : failures.joined(separator: ", "), fetches,
            ])
        }
        text += "\n" + Self.table(table)
        return text
    }

    private static func left(_ days: Int64) -> String {
        days < 0 ? "expired" : days == 1 ? "1 day left" : "\(days) days left"
    }

    /// The two largest units: `3d 4h`, `5m 10s`, `12s`.
    static func span(_ seconds: Int64) -> String {
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60)
        if days > 0 { return "\(days)d \(hours)h" }
        if hours > 0 { return "\(hours)h \(minutes)m" }
        return minutes > 0 ? "\(minutes)m \(seconds % 60)s" : "\(seconds)s"
    }

    static func size(_ bytes: Int64) -> String {
        if bytes < 10 << 10 { return "\(bytes) B" }
        return bytes < 10 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
    }

    /// Columns two blanks apart, none behind the last.
    private static func table(_ rows: [[String]]) -> String {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                guard column < row.count - 1 else { continue }
                line += String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            return line + "\n"
        }.joined()
    }
}
