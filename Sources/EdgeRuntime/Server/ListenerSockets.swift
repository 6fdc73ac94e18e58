// Sockets for viewers, bound and listening before any loop knows of them: at the start for every address, at a reload
// for those that are new. What nobody adopts is closed again.

import CLinux
import Glibc

final class ListenerSockets {
    struct Row: Sendable {
        var address: SocketAddress
        var handle: SocketHandle
    }

    /// By worker: one socket of each address, for the kernel to spread connections over. A Unix socket cannot be
    /// shared and goes to the first.
    private var rows: [[Row]]
    private let opener: EpollReactor
    private var isAdopted = false

    /// Throws what is wrong with each of `places`. An address that overlaps one of `ours` is not probed.
    init(
        _ places: [(listen: ListenSettings, place: ConfigPlace)],
        workers: Int,
        beside ours: [SocketAddress] = []
    ) throws(StartFailure) {
        rows = Array(repeating: [], count: workers)
        do throws(SystemError) { opener = try EpollReactor() } catch {
            throw StartFailure("\(error)")
        }
        var reasons: [Diagnostic] = []
        for (listen, place) in places {
            let address = listen.address
            do throws(SystemError) { try open(address, ours) } catch {
                reasons.append(
                    place.error(
                        "cannot listen on \(address): \(error.reason)",
                        Self.remedy(error)
                    )
                )
            }
        }
        guard reasons.isEmpty else { throw StartFailure(reasons: reasons) }
    }

    deinit {
        guard !isAdopted else { return }
        for row in rows.joined() { opener.close(row.handle, abortively: false) }
    }

    /// From now on they belong to the loops.
    func adopt() -> [[Row]] {
        isAdopted = true
        return rows
    }

    private func open(_ address: SocketAddress, _ ours: [SocketAddress]) throws(SystemError) {
        // Alone first: a port that another process shares with itself would otherwise be shared with us.
        let isOurs = ours.contains { $0.ip != nil && $0.port == address.port }
        if address.ip != nil, !isOurs {
            let probe = try opener.listen(address, options: ListenOptions(sharesPort: false))
            opener.close(probe, abortively: false)
        }
        for index in 0..<(address.ip == nil ? 1 : rows.count) {
            let handle = try opener.listen(address, options: ListenOptions())
            rows[index].append(Row(address: address, handle: handle))
        }
    }

    private static func remedy(_ error: SystemError) -> String {
        switch error.code {
        case EADDRINUSE:
            "another process has this address, or another row of listen; choose another port"
        case ENOTSOCK: "a file is there that is no socket; move it, or choose another path"
        case EACCES: "ports below 1024 need the capability CAP_NET_BIND_SERVICE"
        case EADDRNOTAVAIL: "no interface of this machine has this address"
        case ENOENT: "the folder does not exist"
        default: ""
        }
    }
}
