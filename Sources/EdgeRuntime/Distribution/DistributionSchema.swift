// Rows of origins, groups and distributions.

extension ConfigSchema {
    private static let any = 0...Int.max
    private static let some = 1...Int.max
    private static let day: Nanoseconds = .seconds(86_400)
    private static let timeout = SettingType.duration(.milliseconds(1)...day)
    private static let lifetime = SettingType.duration(0...(10 * 365 * day))
    static let errorStatuses = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]
    static let failoverStatuses = [400, 403, 404, 416, 429, 500, 502, 503, 504]

    static let origin: [Setting] = [
        Setting("url", .text(.url), "One server: scheme, name, port."),
        Setting("urls", .list(.text(.url), 1...256), "Servers that share the load."),
        Setting("files", .text(.folder), "A folder of this machine."),
        Setting("s3", .record(bucket), nil, .later, "A bucket."),
        Setting("weights", .list(.integer(0...1000), some), "Shares of urls, in their order."),
        Setting("path", .text(.originPath), #""""#, "Put before every path."),
        Setting("host", .text(.domain), "What Host says; its own name if left out."),
        Setting(
            "headers",
            .map(.fieldName, .secretText),
            "{}",
            "Set on every request, over the viewer's."
        ),
        Setting("protocol", .word(["http/1.1", "h2"]), #""http/1.1""#, "Spoken to the origin."),
        Setting("connect_timeout", timeout, #""3s""#, "For one attempt to connect."),
        Setting(
            "connect_attempts",
            .integer(1...10),
            "3",
            "Tries of one request in all. A server that was silent is not asked again."
        ),
        Setting(
            "response_timeout",
            timeout,
            #""30s""#,
            "To the whole head, once the request is out; then between two reads."
        ),
        Setting("total_timeout", timeout, "For the whole exchange."),
        Setting("idle_timeout", timeout, #""60s""#, "Of a kept connection."),
        Setting("connections", .integer(1...1_000_000), "256", "To one server."),
        Setting("tls", .record(originTLS), "{}", "How an https origin is trusted."),
        Setting("health", .record(health), "Active checks."),
    ]
    static let originTLS: [Setting] = [
        Setting("verify", .boolean, "true", "Whether the certificate must be good."),
        Setting("authorities", .text(.file), "PEM; the system's if left out."),
        Setting("server_name", .text(.domain), "SNI and name to verify."),
        Setting("certificate", .text(.file), "PEM client certificate."),
        Setting("key", .text(.file), "Its PEM key."),
    ]
    static let health: [Setting] = [
        Setting("path", .text(.urlPath), #""/""#, "What is asked for."),
        Setting("interval", .duration(.milliseconds(100)...day), #""10s""#, "Between checks."),
        Setting("unhealthy", .integer(1...100), "3", "Failures that take a server out."),
        Setting("healthy", .integer(1...100), "2", "Successes that bring it back."),
    ]
    static let bucket: [Setting] = [
        Setting("bucket", .text(.identifier), required: true, "Its name."),
        Setting("region", .text(.identifier), required: true, "Its region."),
        Setting("endpoint", .text(.url), "A server other than Amazon's."),
        Setting("path_style", .boolean, "false", "Bucket in the path instead of the name."),
        Setting("sign", .boolean, "true", "Whether requests are signed."),
        Setting("access_key", .secretText, "Access key."),
        Setting("secret_key", .secretText, "Secret key."),
    ]
    static let group: [Setting] = [
        Setting(
            "members",
            .list(.text(.identifier), 2...8),
            required: true,
            "Origins, in the order they are tried."
        ),
        Setting(
            "failover",
            .list(.integer(100...599), any),
            "[500,502,503,504]",
            "Statuses that hand over to the next."
        ),
    ]

    static let distribution: [Setting] = [
        Setting("enabled", .boolean, "true", "Whether it serves."),
        Setting("domains", .list(.text(.domain), 1...10_000), required: true, "Hosts it serves."),
        Setting("default_root_object", .text(.rootObject), "What / stands for."),
        Setting("geo", .record(countries), nil, .later, "Countries that are served."),
        Setting("error_pages", .map(.status, .record(errorPage)), "{}", "By status."),
        Setting("upload", .record(upload), nil, .later, "Transfer acceleration."),
        Setting(
            "behaviors",
            .list(.record(behavior), 1...1000),
            required: true,
            "First match wins; the last is *."
        ),
    ]
    static let countries: [Setting] = [
        Setting("allow", .list(.text(.country), 1...300), "Only these."),
        Setting("deny", .list(.text(.country), 1...300), "All but these."),
    ]
    static let errorPage: [Setting] = [
        Setting("path", .text(.urlPath), "Page that is sent instead."),
        Setting("status", .integer(200...599), "Status that the viewer is told."),
        Setting("ttl", lifetime, #""10s""#, "How long the error is kept."),
    ]
    static let upload: [Setting] = [
        Setting("origin", .text(.identifier), required: true, "Where uploads go."),
        Setting("mode", .word(["pass", "resign", "spool"]), #""pass""#, "How they go."),
        Setting("resumable", .list(.word(["tus", "ietf"]), any), "[]", "Protocols offered."),
        Setting("size", .size(1...(1 << 50)), #""5TB""#, "Largest upload."),
        Setting("per_viewer", .integer(1...1000), "8", "At once."),
        Setting(
            "parts",
            .either([.word(["auto"]), .size((5 << 20)...(5 << 30))]),
            #""auto""#,
            "Size of a part."
        ),
    ]
    static let filter: SettingType = .either([
        .word(["none", "keyed", "all"]), .list(.text(.plain), any),
        .record([Setting("except", .list(.text(.plain), some), required: true, "All but these.")]),
    ])
    static let keyFilter: SettingType = .either([
        .word(["none", "all"]), .list(.text(.plain), any),
        .record([Setting("except", .list(.text(.plain), some), required: true, "All but these.")]),
    ])
    static let behavior: [Setting] = [
        Setting("path", .text(.pattern), required: true, "Pattern: * any, ? one byte."),
        Setting("origin", .text(.identifier), required: true, "An origin or a group."),
        Setting("methods", .word(["read", "options", "all"]), #""all""#, "What is let in."),
        Setting(
            "viewer_protocol",
            .word(["any", "redirect", "https"]),
            #""any""#,
            "What happens over plain HTTP."
        ),
        Setting("compress", .boolean, "false", "Whether the edge compresses what it keeps."),
        Setting(
            "cache",
            .either([.word(["off"]), .record(cacheRule)]),
            "{}",
            "off, or how objects are kept."
        ),
        Setting("origin_request", .record(originRequest), "{}", "What goes on to the origin."),
        Setting("response_headers", .record(responseHeaders), "{}", "Changes on the way out."),
        Setting("functions", .record(attachments), "{}", "Hooks by stage."),
        Setting("encrypt", .text(.identifier), nil, .later, "Name in encryption."),
        Setting(
            "signed_by",
            .list(.text(.identifier), some),
            nil,
            .later,
            "Groups of keys; a request must be signed by one."
        ),
        Setting("geo", .record(countries), nil, .later, "The behaviour's own."),
        Setting("allow_addresses", .list(.text(.prefix), some), "Only these."),
        Setting("deny_addresses", .list(.text(.prefix), some), "None of these."),
        Setting("referers", .list(.text(.domain), some), nil, .later, "Hosts that may refer."),
        Setting("rate", .record(rate), nil, .later, "Requests per time."),
    ]
    static let cacheRule: [Setting] = [
        Setting("min_ttl", lifetime, #""0s""#, "Kept at least as long."),
        Setting("default_ttl", lifetime, #""24h""#, "Where the origin says nothing."),
        Setting("max_ttl", lifetime, #""365d""#, "Kept at most as long."),
        Setting("error_ttl", lifetime, #""10s""#, "Errors."),
        Setting(
            "viewer_directives",
            .word(["ignore", "honour"]),
            #""ignore""#,
            "Cache-Control of viewers."
        ),
        Setting("block", .size((64 << 10)...(64 << 20)), #""1MB""#, "Ranges are fetched by it."),
        Setting("key", .record(cacheKey), "{}", "What is part of the key."),
        Setting("vary", .word(["standard", "ignore"]), #""standard""#, "Variants by Vary."),
    ]
    static let cacheKey: [Setting] = [
        Setting("headers", .list(.text(.fieldName), any), "[]", "Header fields."),
        Setting("cookies", keyFilter, #""none""#, "Cookies."),
        Setting("query", keyFilter, #""all""#, "Query arguments."),
    ]
    static let originRequest: [Setting] = [
        Setting("headers", filter, "Header fields; all where cache is off, else keyed."),
        Setting("cookies", filter, "Cookies; all where cache is off, else keyed."),
        Setting("query", filter, "Query arguments; all where cache is off, else keyed."),
    ]
    static let responseHeaders: [Setting] = [
        Setting(
            "set",
            .map(
                .fieldName,
                .either([
                    .text(.fieldValue),
                    .record([
                        Setting("value", .text(.fieldValue), required: true, "What it says."),
                        Setting("override", .boolean, "true", "Over the origin's."),
                    ]),
                ])
            ),
            "{}",
            "Fields and their values."
        ),
        Setting("remove", .list(.text(.fieldName), any), "[]", "Fields that are dropped."),
        Setting("cors", .record(cors), "Cross-origin requests."),
        Setting("security", .record(security), "Fields that browsers obey."),
    ]
    static let cors: [Setting] = [
        Setting("origins", .list(.text(.corsOrigin), some), required: true, "Who may ask."),
        Setting(
            "methods",
            .list(
                .word(["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE", "ALL"]),
                some
            ),
            "Told to preflights."
        ),
        Setting("headers", .list(.text(.plain), some), "Told to preflights; * is any."),
        Setting("expose", .list(.text(.fieldName), some), "Fields that scripts may read."),
        Setting("credentials", .boolean, "false", "Whether cookies go along."),
        Setting("max_age", .duration(0...day), "How long a preflight holds."),
        Setting("override", .boolean, "true", "Over the origin's."),
    ]
    static let security: [Setting] = [
        Setting("strict_transport_security", .text(.fieldValue), "The field's value."),
        Setting("content_type_options", .boolean, "false", "nosniff."),
        Setting("frame_options", .word(["DENY", "SAMEORIGIN"]), "Who may frame."),
        Setting(
            "referrer_policy",
            .word([
                "no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin",
                "same-origin", "strict-origin", "strict-origin-when-cross-origin", "unsafe-url",
            ]),
            "What Referer says."
        ),
        Setting("xss_protection", .text(.fieldValue), "The field's value."),
        Setting("content_security_policy", .text(.fieldValue), "The field's value."),
        Setting("override", .boolean, "true", "Over the origin's."),
    ]
    static let attachments: [Setting] = [
        "viewer_request", "origin_request", "origin_response", "viewer_response",
    ].map { Setting($0, .list(attachment, any), "[]", "Functions of this stage, in order.") }
    static let attachment: SettingType = .either([
        .text(.plain),
        .record([
            Setting("name", .text(.plain), required: true, "Name in the folder or on the shelf."),
            Setting("options", .anything, "What it finds as event.options."),
            Setting("secrets", .list(.text(.identifier), any), "[]", "Secrets it may read."),
            Setting("on_error", .word(["closed", "open"]), #""closed""#, "Refuse or go on."),
            Setting("timeout", timeout, "Waiting included."),
        ]),
    ])
    static let rate: [Setting] = [
        Setting(
            "key",
            .either([
                .word(["address"]),
                .record([Setting("header", .text(.fieldName), required: true, "Its value.")]),
            ]),
            #""address""#,
            "What is counted."
        ),
        Setting("requests", .integer(1...1_000_000_000), required: true, "In each period."),
        Setting("per", .duration(.milliseconds(100)...day), #""1s""#, "The period."),
        Setting("burst", .integer(1...1_000_000_000), "At once; requests if left out."),
    ]
}
