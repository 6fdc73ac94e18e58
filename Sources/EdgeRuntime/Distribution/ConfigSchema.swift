// Every setting of `edge.lua`, one row each: name, type, bounds, default, sentence.

enum ConfigSchema {
    private static let any = 0...Int.max
    private static let some = 1...Int.max
    private static func bytes(_ low: Int64, _ high: Int64) -> SettingType { .size(low...high) }
    private static func time(_ low: Nanoseconds, _ high: Nanoseconds) -> SettingType {
        .duration(low...high)
    }
    private static let day: Nanoseconds = .seconds(86_400)
    private static let timeout = time(.milliseconds(1), day)
    private static let tera: Int64 = 1 << 40
    private static let prefixes: SettingType = .list(.text(.prefix), any)
    private static let names: SettingType = .list(.text(.identifier), any)

    static let root: [Setting] = [
        Setting(
            "workers",
            .either([.word(["auto"]), .integer(1...1024)]),
            #""auto""#,
            "Loops that serve requests; auto is one per core."
        ),
        Setting("listen", .list(.record(listen), any), "[]", "Where viewers connect."),
        Setting(
            "trusted_proxies",
            prefixes,
            "[]",
            "Peers whose X-Forwarded-For names the viewer."
        ),
        Setting("admin", .record(admin), "{}", "Where operators ask for health, status, metrics."),
        Setting("log", .record(log), "{}", "Where requests and events are written."),
        Setting("limits", .record(limits), "{}", "What viewers may take."),
        Setting(
            "secrets",
            .map(.identifier, .record(secret)),
            "{}",
            "Values that are never printed, by name."
        ),
        Setting("geo", .record(geo), "{}", .passive, "Databases that tell where an address is."),
        Setting(
            "kv",
            .map(.identifier, .record(store)),
            "{}",
            "Key-value stores of functions, by name; all loops share them."
        ),
        Setting(
            "key_groups",
            .map(.identifier, .list(.record(key), some)),
            "{}",
            .passive,
            "Public keys of signed URLs and cookies."
        ),
        Setting(
            "encryption",
            .map(.identifier, .record(encryption)),
            "{}",
            .passive,
            "Field-level encryption, by name."
        ),
        Setting("functions", .record(functions), "{}", .passive, "Hooks: folder and limits."),
        Setting("recording", .record(recording), nil, .later, "Exchanges kept for replay."),
        Setting("reload", .record(reload), "{}", "What a reload must pass."),
        Setting("explain", .record(explain), "{}", .passive, "Who may ask why."),
        Setting("uploads", .record(uploads), "{}", .passive, "Where uploads wait."),
        Setting("cache", .record(cache), "{}", "Where objects are kept."),
        Setting(
            "origins",
            .map(.identifier, .record(origin)),
            "{}",
            "Servers, folders and buckets that content comes from."
        ),
        Setting(
            "origin_groups",
            .map(.identifier, .record(group)),
            "{}",
            "Origins that stand in for one another."
        ),
        Setting(
            "distributions",
            .map(.identifier, .record(distribution)),
            "{}",
            "Sites: their domains and behaviours."
        ),
    ]

    static let listen: [Setting] = [
        Setting(
            "address",
            .text(.address),
            required: true,
            "Address and port, or unix: and a path."
        ),
        Setting(
            "tls",
            .list(.record(certificate), some),
            "Certificates, chosen by SNI; the first is the default."
        ),
        Setting("minimum_version", .word(["1.2", "1.3"]), #""1.2""#, "Oldest TLS version."),
        Setting("client_certificates", .record(clientCertificates), "Mutual TLS."),
        Setting(
            "protocols",
            .list(.word(["h2", "http/1.1"]), 1...2),
            #"["http/1.1"]"#,
            "Offered by ALPN, in order."
        ),
        Setting(
            "proxy_protocol_from",
            prefixes,
            "[]",
            "Peers that send the PROXY protocol first."
        ),
    ]
    static let certificate: [Setting] = [
        Setting("certificate", .text(.file), required: true, "PEM chain, leaf first."),
        Setting("key", .text(.file), required: true, "PEM private key."),
        Setting("ocsp", .text(.file), "DER response to staple."),
    ]
    static let clientCertificates: [Setting] = [
        Setting("authorities", .text(.file), required: true, "PEM of accepted authorities."),
        Setting("required", .boolean, "true", "Whether a viewer without one is refused."),
    ]
    static let admin: [Setting] = [
        Setting("socket", .text(.path), #""run/edged.sock""#, "Unix socket."),
        Setting("address", .text(.address), "TCP address besides the socket."),
        Setting("token", .secretText, "What callers over TCP present."),
    ]
    static let log: [Setting] = [
        Setting("access", .text(.plain), #""stdout""#, "stdout, stderr, off, or a path."),
        Setting("format", .word(["json", "standard"]), #""json""#, "Shape of access lines."),
        Setting("events", .text(.plain), #""stderr""#, "stdout, stderr, off, or a path."),
        Setting(
            "level",
            .word(["debug", "info", "warning", "error"]),
            #""info""#,
            "Least severe event that is written."
        ),
    ]
    static let limits: [Setting] = [
        Setting("request_line", bytes(256, 64 << 10), #""8KB""#, "Longest request line."),
        Setting(
            "head",
            bytes(1024, Int64(Limits.headBytesMax)),
            #""32KB""#,
            "Largest head, request line included."
        ),
        Setting("fields", .integer(8...Int64(Limits.fieldCountMax)), "128", "Header fields."),
        Setting("body", bytes(0, 1 << 50), #""20GB""#, "Largest request body."),
        Setting("connections", .integer(1...10_000_000), "100000", "Viewer connections in all."),
        Setting(
            "connections_per_address",
            .integer(1...10_000_000),
            "1000",
            "Viewer connections from one address."
        ),
        Setting("buffered", bytes(1 << 20, tera), #""256MB""#, "Bytes in flight, in all."),
        Setting(
            "requests_per_connection",
            .integer(1...1_000_000_000),
            "10000",
            "Then the connection is closed."
        ),
        Setting(
            "write_rate",
            bytes(0, 1 << 30),
            #""1KB""#,
            "A viewer that reads slower than this per second for write_timeout is dropped."
        ),
        Setting("head_timeout", timeout, #""10s""#, "For a whole request head."),
        Setting("body_timeout", timeout, #""60s""#, "Between two parts of a request body."),
        Setting("write_timeout", timeout, #""60s""#, "Without progress while answering."),
        Setting("idle_timeout", timeout, #""60s""#, "Between two requests."),
        Setting("drain_timeout", timeout, #""30s""#, "For what is in flight at the end."),
    ]
    static let secret: [Setting] = [
        Setting("env", .text(.plain), "Environment variable that holds it."),
        Setting("file", .text(.file), "File that holds it; one closing line break is dropped."),
    ]
    static let geo: [Setting] = [
        Setting("city", .text(.file), "Database of cities or countries (mmdb)."),
        Setting("asn", .text(.file), "Database of networks (mmdb)."),
    ]
    static let store: [Setting] = [
        Setting(
            "file",
            .text(.file),
            "JSON object that the store holds: read again when it changes, never written."
        ),
        Setting("entries", .integer(1...1_000_000_000), "100000", "Entries at most."),
        Setting(
            "size",
            bytes(1 << 10, tera),
            #""64MB""#,
            "Of all entries together, with some 160 bytes for each."
        ),
    ]
    static let key: [Setting] = [
        Setting("id", .text(.identifier), required: true, "Key-Pair-Id of signed URLs."),
        Setting("public_key", .text(.file), required: true, "PEM public key."),
    ]
    static let encryption: [Setting] = [
        Setting(
            "content_types",
            .map(.mediaType, .word(["form", "json"])),
            "{}",
            "How a body of each media type is read."
        ),
        Setting(
            "on_unknown_content_type",
            .word(["forward", "refuse"]),
            #""refuse""#,
            "What happens to other bodies."
        ),
        Setting("profile", .text(.identifier), "Profile where no query argument chooses one."),
        Setting(
            "query_argument",
            .map(.plain, .text(.identifier)),
            "Values of fle-profile and their profiles."
        ),
        Setting(
            "profiles",
            .map(.identifier, .list(.record(encryptionRow), some)),
            required: true,
            "Which fields are encrypted with which key."
        ),
    ]
    static let encryptionRow: [Setting] = [
        Setting("provider", .text(.identifier), required: true, "Provider in the envelope."),
        Setting("key", .text(.identifier), required: true, "Key name in the envelope."),
        Setting("public_key", .text(.file), required: true, "PEM public key."),
        Setting(
            "fields",
            .list(.text(.fieldPattern), 1...10),
            required: true,
            "Field names; a closing * matches a prefix."
        ),
    ]
    static let functions: [Setting] = [
        Setting("folder", .text(.path), #""functions""#, "Where functions are found by name."),
        Setting("limits", .record(functionLimits), "{}", "What one run may take."),
        Setting("fetch", .record(functionFetch), "{}", "Where functions may fetch from."),
    ]
    static let functionLimits: [Setting] = [
        Setting("instructions", .integer(1000...10_000_000_000), "5000000", "Per run."),
        Setting("memory", bytes(64 << 10, 4 << 30), #""8MB""#, "Growth in one run."),
        Setting("state_memory", bytes(1 << 20, 64 << 30), #""128MB""#, "Per loop."),
        Setting("viewer_timeout", timeout, #""5s""#, "Viewer stages, waiting included."),
        Setting("origin_timeout", timeout, #""30s""#, "Origin stages, waiting included."),
        Setting(
            "body",
            bytes(0, 1 << 30),
            #""1MB""#,
            "Body that a function reads, or sends to the origin."
        ),
        Setting("response", bytes(0, 1 << 30), #""1MB""#, "Response that a function makes."),
        Setting("fetches", .integer(0...1000), "10", "Per run."),
        Setting("log_lines", .integer(0...100_000), "100", "Per run."),
    ]
    static let functionFetch: [Setting] = [
        Setting("allow", .list(.text(.domain), any), "[]", "Hosts; empty is any public one."),
        Setting("private_addresses", .boolean, "false", "Whether private addresses are reached."),
    ]
    static let recording: [Setting] = [
        Setting("folder", .text(.path), required: true, "Where recordings are written."),
        Setting("one_in", .integer(1...1_000_000_000), "100", "One exchange of so many."),
        Setting("size", bytes(1 << 20, 64 * tera), #""1GB""#, "Of all recordings together."),
        Setting("public_key", .text(.file), "Key that recordings are encrypted for."),
        Setting(
            "redact",
            .list(.text(.fieldName), any),
            #"["authorization","cookie"]"#,
            "Header fields that are blanked."
        ),
    ]
    static let reload: [Setting] = [
        Setting("gate", .text(.folder), nil, .later, "Recordings replayed before a swap."),
        Setting("watch", .boolean, "false", "Reload when files change."),
    ]
    static let explain: [Setting] = [
        Setting(
            "trusted",
            prefixes,
            "[]",
            "Addresses that may purge by `PURGE`, and ask by header."
        )
    ]
    static let uploads: [Setting] = [
        Setting("spool", .text(.path), #""spool""#, "Folder of unfinished uploads."),
        Setting("spool_size", bytes(1 << 20, 1 << 50), #""10GB""#, "Of all of them together."),
        Setting("lifetime", time(.seconds(60), 365 * day), #""7d""#, "Of an unfinished upload."),
    ]
    static let cache: [Setting] = [
        Setting("memory", bytes(1 << 20, 64 * tera), #""256MB""#, "Objects kept in memory."),
        Setting("disk", .record(disk), "Objects kept on disk, over restarts."),
    ]
    static let disk: [Setting] = [
        Setting("folder", .text(.path), required: true, "Nobody else's; made if need be."),
        Setting("size", bytes(64 << 20, 4 * tera), #""10GB""#, "Of all files in it together."),
    ]
}
