// What the server says of itself: the counters of its loops and the facts of the process, put together when somebody
// asks. Nothing here stops a loop: it reads atomics, and the health of origins behind its lock.

import Glibc

extension EdgeServer {
    var metricsPage: [UInt8] {
        var facts = ProcessFacts()
        facts.version = BuildInfo.version
        facts.commit = BuildInfo.commit
        facts.compiler = BuildInfo.compiler
        facts.startTime = started
        facts.generation = published.number
        facts.certificates = published.certificates.map {
            ProcessFacts.Certificate(name: $0.file, expires: $0.notAfter)
        }
        facts.accessLogLines = UInt64(logs.accessLines)
        facts.accessLogLinesDropped = UInt64(logs.accessLinesDropped)
        facts.eventLogLinesDropped = UInt64(events.droppedLines)
        facts.cache = shared.cache.facts
        return MetricsPage.render(loops: metrics.all, facts: facts)
    }

    var status: ServerStatus {
        var status = ServerStatus()
        status.version = BuildInfo.version
        status.pid = getpid()
        status.state = state
        status.started = started
        status.uptime = max(0, Clock.wall().seconds - started)
        status.generation = published.number
        status.configuration = configPath
        status.listeners = published.configuration.settings.listen.map {
            ServerStatus.Listener(address: "\($0.address)", isTLS: $0.tls != nil)
        }
        status.workers = metrics.all.enumerated().map { index, loop in
            ServerStatus.Worker(
                connections: loop.value(.viewerConnections),
                exchanges: loop.value(.exchanges),
                bufferedBytes: loop.value(.bufferedBytes),
                busy: loop.value(.loopBusy, index)
            )
        }
        status.tunnels = metrics.total(.tunnels)
        status.cache = shared.cache.facts
        for statusClass in StatusClass.allCases {
            for result in RequestResult.allCases {
                status.requests += metrics.total(
                    .requests,
                    Int(statusClass.rawValue),
                    Int(result.rawValue)
                )
            }
        }
        status.origins = published.configuration.origins.map(origin)
        status.functions = published.functions.library.metricIndices.sorted { $0.key < $1.key }
            .map(function)
        status.sheds = ShedReason.allCases.compactMap { reason in
            let count = metrics.total(.sheds, Int(reason.rawValue))
            return count > 0 ? (word: "\(reason.word)", count: count) : nil
        }
        status.accessLinesDropped = logs.accessLinesDropped
        status.eventLinesDropped = events.droppedLines
        status.certificates = published.certificates
        return status
    }

    private func function(_ name: String, _ index: Int) -> ServerStatus.Function {
        ServerStatus.Function(
            name: name,
            runs: metrics.total(.functionRuns, index),
            failures: FunctionFailureReason.allCases.compactMap { reason in
                let count = metrics.total(.functionFailures, index, Int(reason.rawValue))
                return count > 0 ? (word: "\(reason.word)", count: count) : nil
            },
            parked: metrics.total(.functionParked, index),
            instructions: metrics.total(.functionInstructions, index),
            fetches: metrics.total(.functionFetches, index),
            fetchFailures: metrics.total(.functionFetchFailures, index)
        )
    }

    private func origin(_ settings: OriginSettings) -> ServerStatus.Origin {
        switch settings.source {
        case .files: return ServerStatus.Origin(name: settings.name, kind: .files)
        case .bucket: return ServerStatus.Origin(name: settings.name, kind: .bucket)
        case .servers(let servers):
            var origin = ServerStatus.Origin(name: settings.name, kind: .servers)
            guard case .servers(let health, _) = published.origins.assets[settings.index],
                let index = published.vocabulary.index(ofOrigin: settings.name)
            else { return origin }
            origin.servers = servers.enumerated().map { member, server in
                ServerStatus.Server(
                    address: server.authority,
                    condition: health.decide { $0.condition(of: member) }
                )
            }
            let state = OriginConnectionState.self
            origin.connections = metrics.total(
                .originConnections,
                index,
                Int(state.open.rawValue)
            )
            origin.idle = metrics.total(.originConnections, index, Int(state.idle.rawValue))
            origin.requests = metrics.total(.originRequests, index)
            return origin
        }
    }
}
