// Every metric once: the page, its documentation (docs/metrics.md) and the layout of the counters come from here.
//
// A label is a dimension with a vocabulary that is known before traffic comes, so a counter is a place in an array.
// Origins and functions are the only words that a reload adds; they keep their index for the life of the process
// (see `MetricVocabulary.adding`), so an exchange of an older generation still counts in the right place.

/// What a label ranges over.
enum MetricDimension: UInt8, CaseIterable {
    case statusClass
    case result
    case origin
    case connectionState
    case failure
    case close
    case handshake
    case handshakeFailure
    case shed
    case loop
    case function
    case functionFailure
    case verdict

    var label: StaticString {
        switch self {
        case .statusClass: "class"
        case .result: "result"
        case .origin: "origin"
        case .connectionState: "state"
        case .failure, .close, .handshakeFailure, .shed, .functionFailure: "reason"
        case .function: "function"
        case .handshake: "kind"
        case .loop: "loop"
        case .verdict: "verdict"
        }
    }
}

/// The words of every dimension, in the order of their indices.
struct MetricVocabulary: Sendable {
    private(set) var origins: [String]
    private(set) var functions: [String] = []
    let loops: Int
    let failures: [StaticString]
    let handshakeFailures: [StaticString]
    let verdicts: [StaticString]

    init(
        origins: [String],
        loops: Int,
        failures: [StaticString],
        handshakeFailures: [StaticString],
        verdicts: [StaticString]
    ) {
        self.origins = []
        self.loops = loops
        self.failures = failures
        self.handshakeFailures = handshakeFailures
        self.verdicts = verdicts
        add(origins)
    }

    /// The vocabulary of the next generation: what it knew keeps its index, also if no longer configured.
    func adding(origins: [String] = [], functions: [String] = []) -> Self {
        var next = self
        next.add(origins)
        for name in functions where !next.functions.contains(name) { next.functions.append(name) }
        return next
    }

    /// Whether words were added to it.
    func isNarrower(than other: Self) -> Bool {
        origins.count < other.origins.count || functions.count < other.functions.count
    }

    func index(ofOrigin name: String) -> Int? { origins.firstIndex(of: name) }

    private mutating func add(_ names: [String]) {
        for name in names where !origins.contains(name) { origins.append(name) }
    }

    func count(of dimension: MetricDimension) -> Int {
        switch dimension {
        case .statusClass: StatusClass.allCases.count
        case .result: RequestResult.allCases.count
        case .origin: origins.count
        case .connectionState: OriginConnectionState.allCases.count
        case .failure: failures.count
        case .close: CloseReason.allCases.count
        case .handshake: HandshakeKind.allCases.count
        case .handshakeFailure: handshakeFailures.count
        case .shed: ShedReason.allCases.count
        case .loop: loops
        case .function: functions.count
        case .functionFailure: FunctionFailureReason.allCases.count
        case .verdict: verdicts.count
        }
    }

    func word(_ index: Int, of dimension: MetricDimension) -> String {
        switch dimension {
        case .statusClass: "\(StatusClass.allCases[index].word)"
        case .result: "\(RequestResult.allCases[index].word)"
        case .origin: origins[index]
        case .connectionState: "\(OriginConnectionState.allCases[index].word)"
        case .failure: "\(failures[index])"
        case .close: "\(CloseReason.allCases[index].word)"
        case .handshake: "\(HandshakeKind.allCases[index].word)"
        case .handshakeFailure: "\(handshakeFailures[index])"
        case .shed: "\(ShedReason.allCases[index].word)"
        case .loop: "\(index)"
        case .function: functions[index]
        case .functionFailure: "\(FunctionFailureReason.allCases[index].word)"
        case .verdict: "\(verdicts[index])"
        }
    }
}

struct MetricRow {
    enum Kind {
        case counter
        case gauge
        case histogram

        var word: StaticString {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    /// What a stored integer counts; the page always speaks base units.
    enum Unit {
        case count
        case bytes
        /// Stored as microseconds.
        case seconds
        /// Stored as millionths.
        case ratio
        case timestamp

        var word: StaticString {
            switch self {
            case .count: "count"
            case .bytes: "bytes"
            case .seconds: "seconds"
            case .ratio: "ratio"
            case .timestamp: "seconds since 1970"
            }
        }
    }

    var name: StaticString
    var kind: Kind
    var unit: Unit
    var help: StaticString
    var labels: [MetricDimension]

    fileprivate init(
        _ kind: Kind,
        _ unit: Unit,
        _ name: StaticString,
        by labels: [MetricDimension] = [],
        _ help: StaticString
    ) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.help = help
        self.labels = labels
    }
}

/// What loops count. Facts of the whole process (build, generation, certificates, log lines) are in `ProcessMetric`.
enum Metric: UInt8, CaseIterable {
    case requests
    case exchanges
    case requestTime
    case firstByteTime
    case viewerReceivedBytes
    case viewerSentBytes
    case viewerConnections
    case viewerConnectionsAccepted
    case viewerConnectionsClosed
    case tunnels
    case tunnelsOpened
    case handshakes
    case handshakesFailed
    case originRequests
    case originFailures
    case originRetries
    case originReceivedBytes
    case originSentBytes
    case originConnections
    case originEjected
    case originConnectTime
    case originFirstByteTime
    case originTime
    case sheds
    case bufferedBytes
    case loopLag
    case loopBusy
    case functionRuns
    case functionFailures
    case functionInstructions
    case functionParked
    case functionFetches
    case functionFetchFailures
    case cacheVerdicts

    var row: MetricRow { Self.rows[Int(rawValue)] }

    /// In the order of the cases.
    private static let rows: [MetricRow] = [
        MetricRow(
            .counter,
            .count,
            "edged_requests_total",
            by: [.statusClass, .result],
            "Finished requests by status class and result (x-edge-result-type)."
        ),
        MetricRow(
            .gauge,
            .count,
            "edged_requests_in_flight",
            "Requests that are being served."
        ),
        MetricRow(
            .histogram,
            .seconds,
            "edged_request_seconds",
            "From the first byte of a request to the last byte of its response."
        ),
        MetricRow(
            .histogram,
            .seconds,
            "edged_first_byte_seconds",
            "From the first byte of a request to the first byte of its response."
        ),
        MetricRow(
            .counter,
            .bytes,
            "edged_viewer_received_bytes_total",
            "Bytes of requests, heads included."
        ),
        MetricRow(
            .counter,
            .bytes,
            "edged_viewer_sent_bytes_total",
            "Bytes of responses, heads included."
        ),
        MetricRow(
            .gauge,
            .count,
            "edged_viewer_connections",
            "Connections of viewers that are open, tunnels included."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_viewer_connections_accepted_total",
            "Connections of viewers that were accepted."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_viewer_connections_closed_total",
            by: [.close],
            "Connections of viewers that ended, and why."
        ),
        MetricRow(
            .gauge,
            .count,
            "edged_tunnels",
            "Upgraded connections (WebSocket and others) that are open."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_tunnels_opened_total",
            "Connections that were upgraded."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_tls_handshakes_total",
            by: [.handshake],
            "TLS handshakes with viewers that succeeded."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_tls_handshakes_failed_total",
            by: [.handshakeFailure],
            "TLS handshakes with viewers that failed, and why."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_origin_requests_total",
            by: [.origin],
            "Requests sent to an origin, retries included."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_origin_failures_total",
            by: [.origin, .failure],
            "Requests to an origin that failed, and why."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_origin_retries_total",
            by: [.origin],
            "Requests that were sent to an origin again, or to it instead of another."
        ),
        MetricRow(
            .counter,
            .bytes,
            "edged_origin_received_bytes_total",
            by: [.origin],
            "Bytes received from an origin, heads included."
        ),
        MetricRow(
            .counter,
            .bytes,
            "edged_origin_sent_bytes_total",
            by: [.origin],
            "Bytes sent to an origin, heads included."
        ),
        MetricRow(
            .gauge,
            .count,
            "edged_origin_connections",
            by: [.origin, .connectionState],
            "Connections to an origin: open (idle ones included), and idle."
        ),
        MetricRow(
            .gauge,
            .count,
            "edged_origin_ejected",
            by: [.origin],
            "Servers of an origin that are held for failed and get no requests."
        ),
        MetricRow(
            .histogram,
            .seconds,
            "edged_origin_connect_seconds",
            by: [.origin],
            "From the decision to connect to a usable connection, TLS included."
        ),
        MetricRow(
            .histogram,
            .seconds,
            "edged_origin_first_byte_seconds",
            by: [.origin],
            "From the first byte sent to an origin to the first byte of its response."
        ),
        MetricRow(
            .histogram,
            .seconds,
            "edged_origin_seconds",
            by: [.origin],
            "From the first byte sent to an origin to the last byte of its response."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_sheds_total",
            by: [.shed],
            "Connections and requests refused because a limit was reached."
        ),
        MetricRow(
            .gauge,
            .bytes,
            "edged_buffered_bytes",
            "Memory that heads and bodies in flight hold."
        ),
        MetricRow(
            .histogram,
            .seconds,
            "edged_loop_lag_seconds",
            "How late timers fire: what one tick makes all others wait."
        ),
        MetricRow(
            .gauge,
            .ratio,
            "edged_loop_busy_ratio",
            by: [.loop],
            "Part of the last second that a loop spent working."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_function_runs_total",
            by: [.function],
            "Calls of a function, for events and of its own accord."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_function_failures_total",
            by: [.function, .functionFailure],
            "Calls of a function that failed or were refused, and why."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_function_instructions_total",
            by: [.function],
            "Instructions that a function ran, roughly, and what else draws on its limit."
        ),
        MetricRow(
            .gauge,
            .count,
            "edged_function_parked",
            by: [.function],
            "Attachments of a function that are parked because they only failed, each loop's for itself."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_function_fetches_total",
            by: [.function],
            "Requests that a function sent by edge.fetch."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_function_fetch_failures_total",
            by: [.function],
            "Requests of edge.fetch that were not answered."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_cache_verdicts_total",
            by: [.verdict],
            "Finished requests of caching behaviours by what the cache made of them."
        ),
    ]
}

/// What belongs to the process and is read when the page is asked for.
enum ProcessMetric: UInt8, CaseIterable {
    case buildInfo
    case startTime
    case generation
    case certificateExpiry
    case accessLogLines
    case accessLogLinesDropped
    case eventLogLinesDropped
    case cacheBytes
    case cacheObjects
    case cacheEvictions
    case cacheFills
    case cachePurges
    case cachePurgeRules
    case diskBytes
    case diskRecords
    case diskHits
    case diskMisses
    case diskWritten
    case diskWrittenBytes
    case diskDropped
    case diskFaults
    case diskFailing

    /// Label names that are not dimensions.
    var labels: [StaticString] {
        switch self {
        case .buildInfo: ["version", "commit", "compiler"]
        case .certificateExpiry: ["certificate"]
        case .startTime, .generation, .accessLogLines, .accessLogLinesDropped,
            .eventLogLinesDropped, .cacheBytes, .cacheObjects, .cacheEvictions, .cacheFills,
            .cachePurges, .cachePurgeRules, .diskBytes, .diskRecords, .diskHits, .diskMisses,
            .diskWritten, .diskWrittenBytes, .diskDropped, .diskFaults, .diskFailing:
            []
        }
    }

    var row: MetricRow { Self.rows[Int(rawValue)] }

    private static let rows: [MetricRow] = [
        MetricRow(.gauge, .count, "edged_build_info", "Always 1; the labels say what is running."),
        MetricRow(.gauge, .timestamp, "edged_start_time_seconds", "When the process started."),
        MetricRow(
            .gauge,
            .count,
            "edged_generation",
            "The generation of the configuration that new requests use."
        ),
        MetricRow(
            .gauge,
            .timestamp,
            "edged_certificate_expiry_timestamp_seconds",
            "When a certificate stops being valid."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_access_log_lines_total",
            "Lines of the access log that were handed over to be written."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_access_log_dropped_lines_total",
            "Lines of the access log that were lost: no room to wait in, or not writable."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_event_log_dropped_lines_total",
            "Lines of the event log that were lost."
        ),
        MetricRow(
            .gauge,
            .bytes,
            "edged_cache_memory_bytes",
            "Memory that stored objects take, with what they cost besides their bytes."
        ),
        MetricRow(.gauge, .count, "edged_cache_objects", "Stored objects, each variant by itself."),
        MetricRow(
            .counter,
            .count,
            "edged_cache_evictions_total",
            "Objects, or blocks of large ones, that were thrown out for want of memory."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_cache_fills_total",
            "Requests to origins on behalf of the cache, however many viewers waited for each."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_cache_purges_total",
            "Rules of invalidation that were written down."
        ),
        MetricRow(
            .gauge,
            .count,
            "edged_cache_purge_rules",
            "Rules that not every stored object has been compared with yet."
        ),
        MetricRow(.gauge, .bytes, "edged_cache_disk_bytes", "What the cache takes on disk."),
        MetricRow(
            .gauge,
            .count,
            "edged_cache_disk_records",
            "Heads and blocks of objects on disk."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_cache_disk_hits_total",
            "Objects and blocks that were not in memory and came from disk."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_cache_disk_misses_total",
            "Objects and blocks that were neither in memory nor, whole and not purged, on disk."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_cache_disk_written_records_total",
            "Records that were written to disk."
        ),
        MetricRow(
            .counter,
            .bytes,
            "edged_cache_disk_written_bytes_total",
            "Bytes that were written to disk."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_cache_disk_dropped_records_total",
            "Records that were not written: too many waited, or the disk failed."
        ),
        MetricRow(
            .counter,
            .count,
            "edged_cache_disk_faults_total",
            "Reads of the disk that failed, or did not give what was written."
        ),
        MetricRow(
            .gauge,
            .count,
            "edged_cache_disk_failing",
            "1 while the disk takes nothing; what can be read of it is read."
        ),
    ]
}
