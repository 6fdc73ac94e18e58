// Names of origins to addresses, off the loop: runs `NameCache` and asks the system's resolver on a blocking thread.
//
// The simulator and tests bring a table of their own, so that no test depends on a name service.

import CLinux
import Glibc

/// How a name becomes addresses; called on a blocking thread.
typealias NameLookup = @Sendable (_ host: String, _ port: UInt16) -> [SocketAddress]?

final class Resolver {
    /// A name that a pool keeps: its place in the cache, and the port that goes with every address.
    struct Name {
        fileprivate let host: String
        fileprivate let port: UInt16
        fileprivate let literal: SocketAddress?
        fileprivate var id: NameCache<[SocketAddress]>.NameID?
    }

    private unowned let loop: EventLoop
    private let lookup: NameLookup
    private var cache = NameCache<[SocketAddress]>()
    private var waiting: [UInt64: ([SocketAddress]?) -> Void] = [:]
    private var nextToken: UInt64 = 0

    init(loop: EventLoop, lookup: @escaping NameLookup = Resolver.askSystem) {
        self.loop = loop
        self.lookup = lookup
    }

    func name(_ host: String, port: UInt16) -> Name {
        let literal = IPAddress(host).map { SocketAddress($0, port: port) }
        return Name(host: host, port: port, literal: literal, id: nil)
    }

    /// Calls back with the addresses: at once if they are known, else when they are. Nil: it does not resolve.
    func resolve(_ name: inout Name, _ then: @escaping ([SocketAddress]?) -> Void) {
        if let literal = name.literal {
            then([literal])
            return
        }
        if name.id.map({ !cache.isLive($0) }) ?? true {
            // Names that differ in their port are different names here.
            let key = "\(name.host):\(name.port)"
            name.id = cache.enter(key.utf8.span, now: loop.now)
        }
        guard let id = name.id else {
            then(nil)
            return
        }
        nextToken += 1
        switch cache.lookup(id, token: nextToken, now: loop.now) {
        case .answer(let addresses, let refresh):
            if refresh { ask(id, name) }
            then(addresses)
        case .wait(_, let resolve):
            waiting[nextToken] = then
            if resolve { ask(id, name) }
        case .unresolvable, .refuse: then(nil)
        }
    }

    private func ask(_ id: NameCache<[SocketAddress]>.NameID, _ name: Name) {
        let lookup = self.lookup
        let host = name.host
        let port = name.port
        let isAsked = loop.offload(
            { lookup(host, port) },
            then: { [self] addresses in answered(id, addresses) }
        )
        if !isAsked { answered(id, nil) }
    }

    private func answered(_ id: NameCache<[SocketAddress]>.NameID, _ addresses: [SocketAddress]?) {
        cache.resolved(id, addresses, now: loop.now)
        let outcome = cache.outcome(id)
        while let token = cache.nextWaiter(of: id) {
            waiting.removeValue(forKey: token)?(outcome)
        }
    }

    /// getaddrinfo: hosts file, DNS, whatever the machine is set up for.
    static let askSystem: NameLookup = { host, port in
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return nil }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = list
        while let current = entry, addresses.count < Limits.addressesPerNameMax {
            if let raw = current.pointee.ai_addr,
                let address = SocketAddress(raw, length: current.pointee.ai_addrlen)
            {
                addresses.append(address)
            }
            entry = current.pointee.ai_next
        }
        return addresses.isEmpty ? nil : addresses
    }
}
