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
    private let socketPath: String
    private var listeners: [AdminListener] = []
    fileprivate(set) var connectionCount = 0

    /// Opens the sockets; throws which address could not be had.
    init(
        loop: EventLoop,
        settings: AdminSettings,
        desk: AdminDesk,
        events: EventLog
    ) throws(OpenFailure) {
        self.desk = desk
        self.events = events
        socketPath = settings.socketPath
        guard let address = SocketAddress(unixPath: socketPath) else {
            throw OpenFailure(address: socketPath, error: SystemError("bind", ENAMETOOLONG))
        }
        Self.makeFolders(above: socketPath)
        try listen(on: address, .peerCredentials, loop)
        guard let address = settings.address else { return }
        let trust = settings.token.map { AdminTrust.token($0.value) } ?? .loopback
        do throws(OpenFailure) { try listen(on: address, trust, loop) } catch {
            close()
            throw error
        }
    }

    struct OpenFailure: Error {
        let address: String
        let error: SystemError
    }

    private func listen(
        on address: SocketAddress,
        _ trust: AdminTrust,
        _ loop: EventLoop
    ) throws(OpenFailure) {
        var options = ListenOptions()
        options.sharesPort = false
        options.backlog = Int32(Limits.adminConnections)
        options.socketMode = 0o600
        do throws(SystemError) {
            let handle = try loop.reactor.listen(address, options: options)
            listeners.append(AdminListener(server: self, loop: loop, handle: handle, trust: trust))
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
        _ = unlink(socketPath)
    }
}

final class AdminListener: LoopMember {
    private unowned let server: AdminServer
    private let handle: SocketHandle
    private let trust: AdminTrust

    init(server: AdminServer, loop: EventLoop, handle: SocketHandle, trust: AdminTrust) {
        self.server = server
        self.handle = handle
        self.trust = trust
        super.init(loop: loop)
        loop.add(self)
        loop.reactor.watchLevel(handle, token)
    }

    func close() {
        loop.reactor.close(handle)
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
                guard server.connectionCount < Limits.adminConnections, isKnown(socket) else {
                    server.events.warn("admin_refused", EventField("peer", .address(peer)))
                    loop.reactor.close(socket)
                    continue
                }
                server.connectionCount += 1
                _ = AdminConnection(server: server, loop: loop, handle: socket, trust: trust)
            }
        }
    }

    private func isKnown(_ socket: SocketHandle) -> Bool {
        guard case .peerCredentials = trust else { return true }
        var peer = edge_peer_credentials()
        guard edge_peer_credentials(socket, &peer) == 0 else { return false }
        return peer.uid == 0 || peer.uid == geteuid()
    }
}

extension AdminServer {
    func connectionClosed() { connectionCount -= 1 }
}

extension Configuration {
    /// Where commands find the server that runs this configuration.
    package var adminSocketPath: String { settings.admin.socketPath }
}
