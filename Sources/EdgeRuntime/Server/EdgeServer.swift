// Assembles the server: sockets first, then loops, then the control loop that waits for signals. No logic of its
// own: what a request goes through is in the folders to the left.

import CLinux
import Glibc

package final class EdgeServer {
    private let configuration: Configuration
    private let events = EventLog()
    private let shared: SharedParts
    private let tickets: TicketKeys
    private var published: Published
    private var workers: [Worker] = []
    private let control: EventLoop
    private var signals: SignalSource?
    private let logs: ServerLogs
    private let configPath: String
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
        shared = SharedParts(name: Self.name(configuration), events: events)
        tickets = TicketKeys(now: Clock.wall().seconds)
        published = try Published(
            number: 1,
            configuration: configuration,
            tickets: tickets,
            now: Clock.monotonic()
        )
        control = try Self.loop(blocking: Self.blockingPool(0))
        let workerCount = count ?? configuration.settings.workers ?? Self.processors
        logs = try ServerLogs(configuration.settings.log, loops: workerCount, events: events)
        try raiseDescriptorLimit()
        let sockets = try openSockets(workerCount)
        try buildWorkers(workerCount, sockets)
    }

    /// Serves until a signal ends it.
    package func run() throws(StartFailure) {
        do throws(SystemError) {
            signals = try SignalSource(loop: control) { [unowned self] in received($0) }
        } catch { throw StartFailure("\(error)") }
        try logs.start()
        for worker in workers {
            do throws(Thread.StartFailure) { try worker.start() } catch {
                throw StartFailure("cannot start a thread: error \(error.code)")
            }
        }
        for listen in configuration.settings.listen {
            events.info("listening", EventField("address", .address(listen.address)))
        }
        Self.notifySystemd("READY=1")
        control.run()
        for worker in workers { worker.join() }
        events.info("stopped")
        logs.stop()
    }

    // MARK: Signals

    private func received(_ word: SignalWord) {
        switch word {
        case .terminate, .interrupt:
            terminations += 1
            guard terminations == 1 else { exit(word == .interrupt ? 130 : 143) }
            stop(within: configuration.settings.limits.drainTimeout)
        case .quit: stop(within: 0)
        case .user1:
            logs.reopen()
            events.info("logs_reopened")
        case .hangup: reload()
        case .user2: break
        }
    }

    /// Builds the next version aside and hands it to the loops, or keeps the old one and says why.
    private func reload() {
        let loaded = ConfigCheck.load(path: configPath)
        do throws(StartFailure) {
            guard let next = loaded.configuration, !loaded.hasErrors else {
                let first = loaded.diagnostics.first { $0.severity == .error }
                throw StartFailure(first.map(\.description) ?? "the configuration is wrong")
            }
            if let missing = next.unavailable.first { throw StartFailure(missing.description) }
            guard Set(next.settings.listen.map(\.address)) == Set(published.bindings.keys) else {
                throw StartFailure("listeners changed: that needs a restart")
            }
            let number = published.number + 1
            let now = Clock.monotonic()
            published = try Published(
                number: number,
                configuration: next,
                tickets: tickets,
                now: now
            )
        } catch {
            events.error("reload_refused", EventField("reason", .text(error.description)))
            return
        }
        let published = self.published
        for worker in workers { worker.mailbox.send { _ in worker.publish(published) } }
        events.info("reloaded", EventField("generation", .number(Int64(published.number))))
    }

    private func stop(within patience: Nanoseconds) {
        Self.notifySystemd("STOPPING=1")
        events.info("draining", EventField("at_most", .duration(patience)))
        for worker in workers {
            worker.mailbox.send { loop in worker.drain(until: loop.now + patience) }
        }
        control.stop()
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

    private func buildWorkers(_ count: Int, _ sockets: [[SocketHandle]]) throws(StartFailure) {
        let blocking = try Self.blockingPool(Limits.blockingThreads)
        let vocabulary = MetricVocabulary(
            origins: configuration.origins.map(\.name),
            loops: count,
            failures: EdgeError.Kind.allCases.map { EdgeError($0).word },
            handshakeFailures: TLSFailure.allCases.map(\.word)
        )
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
                ),
                metrics: LoopMetrics(vocabulary)
            )
            for (place, handle) in sockets[index].enumerated() {
                let address = configuration.settings.listen[place].address
                guard let binding = published.bindings[address] else { continue }
                worker.listen(on: handle, binding)
            }
            workers.append(worker)
        }
    }

    // MARK: systemd

    private static func notifySystemd(_ text: String) {
        guard let path = getenv("NOTIFY_SOCKET") else { return }
        let name = String(cString: path)
        guard let address = SocketAddress(unixPath: name) else { return }
        let socket = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
        guard socket >= 0 else { return }
        defer { _ = Glibc.close(socket) }
        let bytes = Array(text.utf8)
        _ = address.withSockaddr { sendto(socket, bytes, bytes.count, 0, $0, $1) }
    }
}
