// The last step of every exchange, failed or not: counters, the line in the log, and letting go of the fetch.

enum FinishStep {
    static func run(_ exchange: Exchange) {
        let context = exchange.context
        exchange.times.ended = context.loop.now
        exchange.functions.run?.giveUp()
        exchange.dropFetch()
        exchange.dropObject()
        exchange.endBackground()
        count(exchange, context.metrics)
        if let log = context.accessLog { write(exchange, to: log) }
    }

    private static func count(_ exchange: Exchange, _ metrics: LoopMetrics) {
        metrics.countRequest(status: status(exchange), result: exchange.result)
        if let place = exchange.cache.verdict.place { metrics.add(.cacheVerdicts, place) }
        metrics.add(.viewerReceivedBytes, by: Int(exchange.bytesReceived))
        metrics.add(.viewerSentBytes, by: Int(exchange.bytesSent))
        let times = exchange.times
        metrics.observe(.requestTime, nanoseconds: times.ended - times.started)
        if times.headSent > 0 {
            metrics.observe(.firstByteTime, nanoseconds: times.headSent - times.started)
        }
        if exchange.isUpgraded, times.headSent > 0 { metrics.add(.tunnels, by: -1) }
    }

    /// What the viewer saw: nothing, if it left before the head.
    private static func status(_ exchange: Exchange) -> UInt16 {
        exchange.times.headSent > 0 ? exchange.response.status : 0
    }

    private static func write(_ exchange: Exchange, to log: AccessLog) {
        var record = AccessRecord()
        let times = exchange.times
        record.started = times.startedWall
        record.timeTaken = times.ended - times.started
        if times.headSent > 0 { record.firstByteTime = times.headSent - times.started }
        record.receivedBytes = UInt64(max(0, exchange.bytesReceived))
        record.sentBytes = UInt64(max(0, exchange.bytesSent))
        record.status = status(exchange)
        if case .length(let length) = exchange.responseFraming { record.contentLength = length }
        // Over a Unix socket nobody has an address, unless a proxy told one.
        let viewer = exchange.viewer.address
        record.viewer = exchange.viewer.peer == nil && viewer == .anyIPv4 ? nil : viewer
        record.viewerPort = exchange.viewer.port
        record.tls = exchange.viewer.tls
        record.isWebSocket = exchange.isUpgraded
        record.result = exchange.result
        record.cache = exchange.cache.verdict.word
        record.responseResult = exchange.resultAtHead
        record.error = exchange.error
        record.id = exchange.id
        record.trace = exchange.trace
        record.connection = exchange.viewer.connectionID
        record.connectionRequest = UInt32(truncatingIfNeeded: exchange.viewer.requestNumber)
        record.generation = exchange.generation.number
        if !exchange.functions.failed.isEmpty { record.failedFunction = exchange.functions.failed }
        if !exchange.functions.notes.isEmpty { record.notes = exchange.functions.notes }
        if let distribution = exchange.distribution { record.distribution = distribution.name }
        let path =
            exchange.replaced == nil
            ? exchange.behavior?.path : exchange.replaced?.behavior?.path
        if let path { record.behavior = path }
        if let fetch = exchange.fetchFacts {
            let configuration = exchange.generation.configuration
            record.origin = configuration.origins[fetch.origin].name
            record.retries = UInt8(clamping: max(0, fetch.attempts - 1))
            if fetch.times.connected > 0 {
                record.originConnectTime = fetch.times.connected - fetch.times.started
            }
            if fetch.times.headReceived > 0 {
                record.originFirstByteTime = fetch.times.headReceived - fetch.times.started
            }
            if fetch.times.ended > 0 {
                record.originLastByteTime = fetch.times.ended - fetch.times.started
            }
        }
        log.write(
            record,
            request: exchange.request,
            response: exchange.response,
            requestArena: exchange.arena,
            responseArena: exchange.arena
        )
    }
}
