// What remains of a fetch for the log and the metrics when it has gone on to serve another exchange.

/// Moments of a fetch on the loop's clock; zero: it did not come to that.
struct FetchTimes {
    var started: Nanoseconds = 0
    /// When the current attempt asked for a connection.
    var asked: Nanoseconds = 0
    var connected: Nanoseconds = 0
    var headReceived: Nanoseconds = 0
    var ended: Nanoseconds = 0
}

/// What the log says of a fetch.
struct FetchFacts {
    var origin: Int
    var attempts: Int
    var times: FetchTimes
    /// Nil: there was no head.
    var status: UInt16?
    /// Where the origin's metrics lie, if one of its servers was asked.
    var metricIndex: Int?

    init(_ fetch: Fetch) {
        origin = fetch.route.origin
        attempts = fetch.route.attempts
        times = fetch.times
        status = fetch.times.headReceived > 0 ? fetch.response.status : nil
        metricIndex = fetch.route.servers?.metricIndex
    }

    /// Every fetch is measured, whatever became of its answer.
    func observe(_ metrics: LoopMetrics) {
        guard let index = metricIndex, times.headReceived > 0 else { return }
        metrics.observe(
            .originFirstByteTime,
            index,
            nanoseconds: times.headReceived - times.connected
        )
        guard times.ended > 0 else { return }
        metrics.observe(.originTime, index, nanoseconds: times.ended - times.connected)
    }
}
