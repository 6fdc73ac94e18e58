// Assembles the server: sockets first, then loops, then the control loop that waits for signals. No logic of its
// own: what a request goes through is in the folders to the left.

import CLinux
import Glibc

package final class EdgeServer: @unchecked Sendable {
    // Guard: everything belongs to the thread that builds the server and then runs the control loop; other threads
    // hold the object only to send that loop a letter.
    let events = EventLog()
    let logs: ServerLogs
    let metrics: Metrics
    let configPath: String
    let started = Clock.wall().seconds
    /// `--workers` stands above the configuration.
    private let isWorkerCountGiven: Bool
    /// So does `--watch`.
    private let isWatchGiven: Bool
    private var watchList: WatchList
    private var watch: ReloadWatch?
    private let storeWatch: StoreWatch
    let shared: SharedParts
    private let tickets: TicketKeys
    /// As they were at the start, and are until the end.
    private let diskSettings: CacheSettings.Disk?
    private let systemd = Systemd()
    private(set) var published: Published
    private(set) var workers: [Worker] = []
    private(set) var state = ServerStatus.State.starting
    private let control: EventLoop
    private var signals: SignalSource?
    private var admin: AdminServer?
    private var chores: Chores?
    private var runningWorkers = 0
    private var terminations = 0

    /// `configPath` is read again on reload.
    package init(
        _ loaded: LoadResult,
        configPath: String,
        workers count: Int? = nil,
        watches: Bool = false
    )
        throws(StartFailure)
    {
        guard let configuration = loaded.configuration else {
            throw StartFailure(reasons: loaded.diagnostics)
        }
        self.configPath = configPath
        isWorkerCountGiven = count != nil
        isWatchGiven = watches
        watchList = WatchList(loaded, path: configPath)
        SignalSource.blockAll()
        let workerCount = count ?? configuration.settings.workers ?? Self.processors
        tickets = TicketKeys(now: Clock.wall().seconds)
        do throws(StartFailure) {
            published = try Published(
                number: 1,
                configuration: configuration,
                tickets: tickets,
                vocabulary: MetricVocabulary(
                    origins: [],
                    loops: workerCount,
                    verdicts: CacheVerdict.words
                ),
                tree: loaded.tree,
                loops: workerCount,
                now: Clock.monotonic()
            )
        } catch {
            var failure = error
            failure.isOfConfiguration = true
            throw failure
        }
        watchList = watchList.union(WatchList(files: published.functions.files))
        metrics = Metrics(vocabulary: published.vocabulary)
        let places = ConfigPlaceFinder(tree: loaded.tree)
        let cache = try Self.cache(configuration.settings.cache, places, events)
        diskSettings = configuration.settings.cache.disk
        shared = SharedParts(
            name: Self.name(configuration),
            events: events,
            metrics: metrics,
            cache: cache,
            connectionsMax: Self.connectionsMax()
        )
        control = try Self.loop(blocking: Self.blockingPool(0))
        storeWatch = StoreWatch(loop: control, events: events)
        logs = try Self.logs(configuration, places, workerCount, shared)
        let sockets = try ListenerSockets(
            configuration.settings.listen.enumerated().map { ($1, places.listener($0)) },
            workers: workerCount
        )
        try openAdmin(places)
        try buildWorkers(sockets.adopt())
    }

    /// What was found in function files at the start, and stops nothing.
    package var functionWarnings: [Diagnostic] { published.functions.warnings }

    deinit { control.dissolve() }

    /// Serves until a signal ends it.
    package func run() throws(StartFailure) {
        do throws(SystemError) {
            signals = try SignalSource(loop: control) { [unowned self] in received($0) }
        } catch { throw StartFailure("\(error)") }
        do throws(Thread.StartFailure) { try logs.start() } catch {
            throw StartFailure("cannot start a thread: error \(error.code)")
        }
        for worker in workers {
            do throws(Thread.StartFailure) {
                try worker.start(published) { [self] in
                    control.mailbox.send { [self] _ in workerEnded() }
                }
            } catch {
                throw StartFailure("cannot start a thread: error \(error.code)")
            }
            runningWorkers += 1
        }
        for listen in published.configuration.settings.listen {
            events.info("listening", EventField("address", .address(listen.address)))
        }
        warnOfDescriptors()
        chores = Chores(server: self, loop: control, systemd: systemd)
        _ = TicketTimer(tickets: tickets, events: events, loop: control)
        chores?.warnOfCertificates()
        state = .serving
        followFiles()
        systemd.ready()
        control.run()
        for worker in workers { worker.join() }
        admin?.close()
        shared.cache.closeDisk(now: Clock.wall().seconds)
        events.info("stopped")
        logs.stop()
    }

    // MARK: Signals

    private func received(_ word: SignalWord) {
        switch word {
        case .terminate, .interrupt:
            terminations += 1
            guard terminations == 1 else { endAtOnce(word == .interrupt ? 130 : 143) }
            stop(within: published.configuration.settings.limits.drainTimeout)
        case .quit: stop(within: .never)
        case .user1:
            logs.reopen()
            events.info("logs_reopened")
        case .hangup: _ = reload(by: .signal)
        case .user2:
            events.warn(
                "upgrade_unavailable",
                EventField(
                    "reason",
                    .text(
                        "USR2 does nothing in this version; drain this server and start the new one"
                    )
                )
            )
        }
    }

    /// Without the handlers of `exit`: loops still run, and must not find libraries taken down under them.
    private func endAtOnce(_ code: CInt) -> Never {
        admin?.close()
        events.warn("ended_at_once")
        logs.stop()
        _exit(code)
    }

    /// The control loop goes on meanwhile: a drain is when operators look.
    private func stop(within patience: Nanoseconds) {
        if state != .draining { systemd.stopping() }
        state = .draining
        if patience == .never {
            events.info("draining")
        } else {
            events.info("draining", EventField("at_most", .duration(patience)))
        }
        for worker in workers {
            worker.mailbox.send { loop in
                worker.drain(until: patience == .never ? .never : loop.now + patience)
            }
        }
    }

    private func workerEnded() {
        runningWorkers -= 1
        if runningWorkers == 0 { control.stop() }
    }

    // MARK: Reload

    /// Who asked for a reload.
    enum ReloadCause {
        case signal
        case admin
        case watch

        var word: StaticString {
            switch self {
            case .signal: "signal"
            case .admin: "admin"
            case .watch: "watch"
            }
        }
    }

    /// Builds the next generation aside and hands it to the loops, or keeps the old one and says why. Everything
    /// that asks for one does so on the control loop: reloads are one after the other.
    func reload(by cause: ReloadCause) -> ReloadOutcome {
        guard state == .serving else {
            return refused(
                cause,
                .state,
                StartFailure("the server is \(state.word): it takes no new configuration").reasons
            )
        }
        systemd.reloading(now: Clock.monotonic())
        defer { systemd.ready() }
        watch?.willRead()
        storeWatch.willRead()
        let loaded = ConfigCheck.load(path: configPath)
        let files = WatchList(loaded, path: configPath)
        defer { followFiles() }
        do throws(NextGeneration.Refused) {
            let next = try NextGeneration.build(
                loaded,
                replacing: NextGeneration.Standing(
                    published: published,
                    logs: logs,
                    admin: admin,
                    tickets: tickets,
                    workers: workers.count
                )
            )
            let report = report(on: next)
            swap(to: next)
            watchList = files.union(WatchList(files: published.functions.files))
            tell(report, cause)
            chores?.warnOfCertificates()
            return .published(report)
        } catch {
            watchList = watchList.union(files).union(WatchList(files: error.files))
            return refused(cause, error.cause, error.reasons)
        }
    }

    private func followFiles() {
        storeWatch.follow(published.stores)
        guard isWatchGiven || published.configuration.settings.reload.watches else {
            watch?.close()
            watch = nil
            return
        }
        if let watch { return watch.follow(watchList) }
        watch = ReloadWatch(loop: control, list: watchList, events: events) {
            [unowned self] files in
            events.info(
                "files_changed",
                EventField("files", .text(files.joined(separator: " ")))
            )
            _ = reload(by: .watch)
        }
    }

    /// Nothing here may fail. It ends when every loop has turned, so that who asked for the reload sees it.
    private func swap(to next: NextGeneration) {
        let old = published
        published = next.published
        logs.adopt(next.logs)
        shared.cache.resize(to: next.published.configuration.settings.cache.memoryBytes)
        if let change = next.admin { admin?.adopt(change) }
        let sockets = next.sockets.adopt()
        let turning = Locked(workers.count)
        for worker in workers {
            let (log, added) = (logs.accessLogs[worker.index], sockets[worker.index])
            worker.mailbox.send { [published = next.published] _ in
                worker.publish(published, accessLog: log, added: added)
                turning.withLockNotifying { $0 -= 1 }
            }
        }
        let late = turning.withLock(
            waitingAtMost: Limits.swapMilliseconds,
            until: { $0 == 0 },
            { $0 }
        )
        if late > 0 {
            events.warn("reload_waits", EventField("loops", .number(Int64(late))))
        }
        for address in next.published.bindings.keys where old.bindings[address] == nil {
            events.info("listening", EventField("address", .address(address)))
        }
        for address in old.bindings.keys where next.published.bindings[address] == nil {
            if let path = address.unixPath { _ = unlink(path) }
            events.info("listener_closed", EventField("address", .address(address)))
        }
    }

    private func report(on next: NextGeneration) -> ReloadReport {
        var report = ReloadReport(from: published.number, to: next.published.number)
        if let old = published.tree, let new = next.published.tree {
            report.change = GenerationChange(
                from: old,
                to: new,
                certificates: (published.certificates, next.published.certificates)
            )
        }
        let wanted = next.published.configuration.settings.workers ?? Self.processors
        if !isWorkerCountGiven, wanted != workers.count {
            report.restarts = ["workers: \(wanted) in the file, \(workers.count) running"]
        }
        if next.published.configuration.settings.cache.disk != diskSettings {
            report.restarts.append("cache.disk: folder and size are those of the start")
        }
        report.warnings = next.warnings
        return report
    }

    private func tell(_ report: ReloadReport, _ cause: ReloadCause) {
        var fields = [
            EventField("generation", .number(Int64(report.to))),
            EventField("by", .word(cause.word)),
        ]
        for part in GenerationChange.Part.allCases where !report.change[part].isEmpty {
            fields.append(EventField(part.word, .text(report.change[part].text)))
        }
        if !report.change.settings.isEmpty {
            fields.append(
                EventField("settings", .text(report.change.settings.joined(separator: " ")))
            )
        }
        events.log(.info, "reloaded", fields)
        for sentence in report.restarts {
            events.warn("needs_restart", EventField("reason", .text(sentence)))
        }
        for warning in report.warnings {
            events.warn("configuration", EventField("reason", .text(warning.description)))
        }
    }

    private func refused(
        _ cause: ReloadCause,
        _ kind: ReloadRefusal.Cause,
        _ reasons: [Diagnostic]
    ) -> ReloadOutcome {
        for reason in reasons.prefix(Limits.reloadReasonsLogged) {
            events.error(
                "reload_refused",
                EventField("by", .word(cause.word)),
                EventField("reason", .text(reason.description))
            )
        }
        let refusal = ReloadRefusal(cause: kind, generation: published.number, reasons: reasons)
        return .refused(refusal)
    }

    // MARK: Assembly

    /// Stays the same over restarts, and differs between two edges also on one machine.
    private static func name(_ configuration: Configuration) -> [UInt8] {
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        var hash: UInt32 = 0x811c_9dc5
        let addresses = configuration.settings.listen.map(\.address.description).joined()
        for byte in host.map({ UInt8(bitPattern: $0) }) + Array(addresses.utf8) {
            hash = (hash ^ UInt32(byte)) &* 0x0100_0193
        }
        return Array("edge-\(String(hash, radix: 16))".utf8)
    }

    private static var processors: Int { max(1, Int(sysconf(CInt(_SC_NPROCESSORS_ONLN)))) }

    private static func blockingPool(_ threads: Int) throws(StartFailure) -> BlockingPool {
        do throws(Thread.StartFailure) { return try BlockingPool(threads: threads) } catch {
            throw StartFailure("cannot start a thread: error \(error.code)")
        }
    }

    private static func loop(blocking: BlockingPool) throws(StartFailure) -> EventLoop {
        do throws(SystemError) {
            return EventLoop(
                reactor: .epoll(try EpollReactor()),
                blocking: blocking,
                random: Random()
            )
        } catch { throw StartFailure("\(error)") }
    }

    /// What there are descriptors for, once the limit is as high as the system lets it be.
    private static func connectionsMax() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return .max
        }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard limit.rlim_cur < rlim_t(Int32.max) else { return .max }
        return max(Limits.connectionsMin, Int(limit.rlim_cur) - Limits.descriptorsKept)
    }

    private func warnOfDescriptors() {
        let wanted = published.configuration.settings.limits.connections
        guard wanted > shared.admission.ceiling else { return }
        events.warn(
            "connections_limited",
            EventField("connections", .number(Int64(shared.admission.ceiling))),
            EventField("configured", .number(Int64(wanted))),
            EventField("remedy", .word("raise the limit of open files (ulimit -n, LimitNOFILE=)"))
        )
    }

    private static func logs(
        _ configuration: Configuration,
        _ places: ConfigPlaceFinder,
        _ loops: Int,
        _ shared: SharedParts
    ) throws(StartFailure) -> ServerLogs {
        let settings = configuration.settings.log
        return try StartFailure.explaining(settings, places) {
            () throws(LogWriter.OpenFailure) in
            try ServerLogs(
                settings,
                loops: loops,
                location: String(decoding: shared.name, as: UTF8.self),
                events: shared.events
            )
        }
    }

    private func openAdmin(_ places: ConfigPlaceFinder) throws(StartFailure) {
        let desk = AdminDesk(
            state: { [unowned self] in state },
            status: { [unowned self] in status },
            metrics: { [unowned self] in metricsPage },
            reload: { [unowned self] in reload(by: .admin) },
            invalidations: InvalidationDesk(index: shared.cache, events: events) {
                [unowned self] name in
                published.configuration.distributions.contains { $0.name == name }
            },
            explain: ExplainDesk(
                configuration: { [unowned self] in published.configuration },
                index: shared.cache
            )
        )
        admin = try StartFailure.explainingAdmin(places) { () throws(AdminServer.OpenFailure) in
            try AdminServer(
                loop: control,
                settings: published.configuration.settings.admin,
                desk: desk,
                events: events
            )
        }
    }

    private func buildWorkers(_ sockets: [[ListenerSockets.Row]]) throws(StartFailure) {
        let blocking = try Self.blockingPool(Limits.blockingThreads)
        for (index, rows) in sockets.enumerated() {
            let worker = Worker(
                index: index,
                loopCount: sockets.count,
                loop: try Self.loop(blocking: blocking),
                published: published,
                shared: shared,
                accessLog: logs.accessLogs[index]
            )
            for row in rows {
                guard let binding = published.bindings[row.address] else { continue }
                worker.listen(on: row.handle, binding)
            }
            workers.append(worker)
        }
    }
}
