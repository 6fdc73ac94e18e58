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
    private let configuration: Configuration
    private let shared: SharedParts
    private let tickets: TicketKeys
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
        configuration: Configuration,
        configPath: String,
        workers count: Int? = nil
    )
        throws(StartFailure)
    {
        self.configuration = configuration
        self.configPath = configPath
        SignalSource.blockAll()
        let workerCount = count ?? configuration.settings.workers ?? Self.processors
        tickets = TicketKeys(now: Clock.wall().seconds)
        published = try Published(
            number: 1,
            configuration: configuration,
            tickets: tickets,
            vocabulary: MetricVocabulary(origins: [], loops: workerCount),
            now: Clock.monotonic()
        )
        metrics = Metrics(vocabulary: published.vocabulary)
        shared = SharedParts(name: Self.name(configuration), events: events, metrics: metrics)
        control = try Self.loop(blocking: Self.blockingPool(0))
        logs = try ServerLogs(configuration.settings.log, loops: workerCount, events: events)
        try raiseDescriptorLimit()
        let sockets = try openSockets(workerCount)
        try openAdmin()
        try buildWorkers(workerCount, sockets)
    }

    /// Serves until a signal ends it.
    package func run() throws(StartFailure) {
        do throws(SystemError) {
            signals = try SignalSource(loop: control) { [unowned self] in received($0) }
        } catch { throw StartFailure("\(error)") }
        try logs.start()
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
        for listen in configuration.settings.listen {
            events.info("listening", EventField("address", .address(listen.address)))
        }
        chores = Chores(server: self, loop: control, tickets: tickets, systemd: systemd)
        chores?.warnOfCertificates()
        state = .serving
        systemd.ready()
        control.run()
        for worker in workers { worker.join() }
        admin?.close()
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
        case .hangup: _ = reload()
        case .user2: break
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

    /// Builds the next version aside and hands it to the loops, or keeps the old one and says why.
    func reload() -> ReloadOutcome {
        guard state == .serving else { return .refused(["the server is \(state.word)"]) }
        systemd.reloading(now: Clock.monotonic())
        defer { systemd.ready() }
        do throws(StartFailure) {
            let next = try nextVersion()
            published = next
            for worker in workers { worker.mailbox.send { _ in worker.publish(next) } }
            events.info("reloaded", EventField("generation", .number(Int64(next.number))))
            chores?.warnOfCertificates()
            return .published(generation: next.number)
        } catch {
            for reason in error.reasons {
                events.error("reload_refused", EventField("reason", .text(reason)))
            }
            return .refused(error.reasons)
        }
    }

    private func nextVersion() throws(StartFailure) -> Published {
        let loaded = ConfigCheck.load(path: configPath)
        guard let next = loaded.configuration, !loaded.hasErrors else {
            throw StartFailure(reasons: loaded.diagnostics.map(\.description))
        }
        guard next.unavailable.isEmpty else {
            throw StartFailure(reasons: next.unavailable.map(\.description))
        }
        guard Set(next.settings.listen.map(\.address)) == Set(published.bindings.keys) else {
            throw StartFailure("listeners changed: that needs a restart")
        }
        for diagnostic in loaded.diagnostics {
            events.warn("configuration", EventField("reason", .text(diagnostic.description)))
        }
        return try Published(
            number: published.number + 1,
            configuration: next,
            tickets: tickets,
            vocabulary: published.vocabulary,
            replacing: published,
            now: Clock.monotonic()
        )
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

    private func raiseDescriptorLimit() throws(StartFailure) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// For each listener one socket a worker; Unix sockets cannot be shared and go to the first.
    private func openSockets(_ workerCount: Int) throws(StartFailure) -> [[SocketHandle]] {
        let opener: EpollReactor
        do throws(SystemError) { opener = try EpollReactor() } catch {
            throw StartFailure("\(error)")
        }
        var sockets = [[SocketHandle]](repeating: [], count: workerCount)
        for listen in configuration.settings.listen {
            do throws(SystemError) {
                // Alone first: a port that another process shares with itself would otherwise be shared with us.
                if listen.address.ip != nil {
                    let probe = try opener.listen(
                        listen.address,
                        options: ListenOptions(sharesPort: false)
                    )
                    opener.close(probe, abortively: false)
                }
                let isUnix = listen.address.ip == nil
                for index in 0..<(isUnix ? 1 : workerCount) {
                    sockets[index].append(
                        try opener.listen(listen.address, options: ListenOptions())
                    )
                }
            } catch {
                throw StartFailure(
                    "cannot listen on \(listen.address): \(error.reason)\(Self.remedy(error))"
                )
            }
        }
        return sockets
    }

    private static func remedy(_ error: SystemError) -> String {
        switch error.code {
        case EADDRINUSE: " — another process has this address; stop it or choose another port"
        case EACCES: " — ports below 1024 need the capability CAP_NET_BIND_SERVICE"
        case EADDRNOTAVAIL: " — no interface of this machine has this address"
        case ENOENT: " — the folder does not exist"
        default: ""
        }
    }

    private func openAdmin() throws(StartFailure) {
        let desk = AdminDesk(
            state: { [unowned self] in state },
            status: { [unowned self] in status },
            metrics: { [unowned self] in metricsPage },
            reload: { [unowned self] in reload() }
        )
        do throws(AdminServer.OpenFailure) {
            admin = try AdminServer(
                loop: control,
                settings: configuration.settings.admin,
                desk: desk,
                events: events
            )
        } catch {
            let remedy =
                error.error.code == EADDRINUSE
                ? "another edged answers there; stop it, or give this one a socket of its own"
                : "choose a place that this user may write to"
            throw StartFailure(
                "cannot open the admin socket \(error.address): \(error.error.reason) — "
                    + "\(remedy) with admin = { socket = \"…\" }"
            )
        }
    }

    private func buildWorkers(_ count: Int, _ sockets: [[SocketHandle]]) throws(StartFailure) {
        let blocking = try Self.blockingPool(Limits.blockingThreads)
        for index in 0..<count {
            let worker = Worker(
                index: index,
                loopCount: count,
                loop: try Self.loop(blocking: blocking),
                published: published,
                shared: shared,
                accessLog: logs.accessLog(
                    of: index,
                    location: String(decoding: shared.name, as: UTF8.self)
                )
            )
            for (place, handle) in sockets[index].enumerated() {
                let address = configuration.settings.listen[place].address
                guard let binding = published.bindings[address] else { continue }
                worker.listen(on: handle, binding)
            }
            workers.append(worker)
        }
    }
}
