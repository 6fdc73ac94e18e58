// The operators' door: HTTP/1.1 on a Unix socket, and on a TCP address if one is configured. It lives on the control
// loop, so it answers when every worker is busy, and no viewer's listener leads here.
//
// Who may ask: on the Unix socket root and the user that runs the server, as the kernel names the peer (the mode of
// the socket keeps others out already; the credentials hold when a folder is shared wrongly). On TCP who shows the
// token. Without a token, which the configuration allows on loopback addresses only, a page in an operator's
// browser must not be able to ask in their name: requests with `Origin`, or for another host than a loopback one,
// are refused.

import CLinux
import Glibc

enum AdminTrust {
    /// The kernel says who it is.
    case peerCredentials
    case token([UInt8])
    case loopback
}

final class AdminServer {
    let desk: AdminDesk
    let events: EventLog
    private let loop: EventLoop
    private var listeners: [AdminListener] = []

    /// Opens the sockets; throws which address could not be had.
    init(
        loop: EventLoop,
        settings: AdminSettings,
        desk: AdminDesk,
        events: EventLog
    ) throws(OpenFailure) {
        self.loop = loop
        self.desk = desk
        self.events = events
        adopt(try prepare(settings))
    }

    struct OpenFailure: Error {
        let address: String
        let error: SystemError
    }

    /// What `settings` ask for, the sockets that are new bound already. Those that nobody adopts are closed again.
    final class Change {
        fileprivate var doors: [(address: SocketAddress, trust: AdminTrust)] = []
        fileprivate var opened: [SocketAddress: SocketHandle] = [:]
        private let reactor: Reactor

        fileprivate init(_ reactor: Reactor) { self.reactor = reactor }

        deinit {
            for (address, handle) in opened {
                reactor.close(handle)
                if let path = address.unixPath { _ = unlink(path) }
            }
        }
    }

    func prepare(_ settings: AdminSettings) throws(OpenFailure) -> Change {
        let change = Change(loop.reactor)
        guard let socket = SocketAddress(unixPath: settings.socketPath) else {
            throw OpenFailure(
                address: settings.socketPath,
                error: SystemError("bind", ENAMETOOLONG)
            )
        }
        change.doors = [(socket, .peerCredentials)]
        if let address = settings.address {
            change.doors.append((address, settings.token.map { .token($0.value) } ?? .loopback))
        }
        for (address, _) in change.doors where !listeners.contains(where: { $0.address == address })
        {
            if let path = address.unixPath { Self.makeFolders(above: path) }
            change.opened[address] = try open(address)
        }
        return change
    }

    /// Connections that stand stay, and are trusted as they were.
    func adopt(_ change: Change) {
        for listener in listeners {
            if let door = change.doors.first(where: { $0.address == listener.address }) {
                listener.trust = door.trust
            } else {
                listener.close()
            }
        }
        listeners.removeAll { listener in
            !change.doors.contains { $0.address == listener.address }
        }
        for (address, trust) in change.doors {
            guard let handle = change.opened.removeValue(forKey: address) else { continue }
            listeners.append(
                AdminListener(
                    server: self,
                    loop: loop,
                    address: address,
                    handle: handle,
                    trust: trust
                )
            )
        }
    }

    private func open(_ address: SocketAddress) throws(OpenFailure) -> SocketHandle {
        var options = ListenOptions()
        options.sharesPort = false
        options.backlog = Int32(Limits.adminConnections)
        options.socketMode = 0o600
        do throws(SystemError) {
            return try loop.reactor.listen(address, options: options)
        } catch {
            throw OpenFailure(address: address.unixPath ?? address.description, error: error)
        }
    }

    /// What cannot be made is told by the bind that follows.
    private static func makeFolders(above path: String) {
        let parts = path.split(separator: "/").dropLast()
        var folder = path.hasPrefix("/") ? "" : "."
        for part in parts {
            folder += "/" + part
            _ = mkdir(folder, 0o755)
        }
    }

    /// Nobody gets in any more, and the socket's file is gone.
    func close() {
        for listener in listeners { listener.close() }
        listeners = []
    }
}

final class AdminListener: LoopMember {
    private unowned let server: AdminServer
    let address: SocketAddress
    private let handle: SocketHandle
    fileprivate var trust: AdminTrust
    /// Counted for each door: strangers at one of them keep nobody out of the other.
    fileprivate var connectionCount = 0

    init(
        server: AdminServer,
        loop: EventLoop,
        address: SocketAddress,
        handle: SocketHandle,
        trust: AdminTrust
    ) {
        self.server = server
        self.address = address
        self.handle = handle
        self.trust = trust
        super.init(loop: loop)
        loop.add(self)
        loop.reactor.watchLevel(handle, token)
    }

    /// With the file of its socket.
    func close() {
        loop.reactor.close(handle)
        if let path = address.unixPath { _ = unlink(path) }
        loop.remove(self)
    }

    override func ready(_ readiness: Readiness) {
        for _ in 0..<Limits.adminAcceptsPerTick {
            switch loop.reactor.accept(handle) {
            case .wouldBlock: return
            case .failed(let code):
                server.events.error(
                    "admin_accept_failed",
                    EventField("reason", .failure(SystemError("accept", code)))
                )
                return
            case .accepted(let socket, let peer):
                guard connectionCount < Limits.adminConnections,
                    let asker = asker(socket, peer)
                else {
                    server.events.warn("admin_refused", EventField("peer", .address(peer)))
                    loop.reactor.close(socket)
                    continue
                }
                connectionCount += 1
                _ = AdminConnection(
                    server: server,
                    door: self,
                    loop: loop,
                    handle: socket,
                    trust: trust,
                    asker: asker
                )
            }
        }
    }

    /// Nil: not one who may ask.
    private func asker(_ socket: SocketHandle, _ address: SocketAddress) -> AdminAsker? {
        guard case .peerCredentials = trust else { return .address(address) }
        var peer = edge_peer_credentials()
        guard edge_peer_credentials(socket, &peer) == 0 else { return nil }
        return peer.uid == 0 || peer.uid == geteuid() ? .user(peer.uid) : nil
    }
}

extension AdminListener {
    func connectionClosed() { connectionCount -= 1 }
}

extension Configuration {
    /// Where commands find the server that runs this configuration.
    package var adminSocketPath: String { settings.admin.socketPath }
}
