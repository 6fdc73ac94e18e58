// Where a socket listens or connects: an internet address with its port, or a path in the file system.
//
// A value that kernel structures are made from and read into at the last moment. A Unix path lies on the heap;
// the addresses that a request touches (peers, origins) do not.

import CLinux
import Glibc

struct SocketAddress: Hashable, Sendable {
    enum Host: Hashable, Sendable {
        case ip(IPAddress)
        /// Bytes of the path, without the closing zero.
        case unix([UInt8])
    }

    let host: Host
    let port: UInt16
    /// The interface of a link-local address as the kernel numbers it; 0 elsewhere.
    let scope: UInt32

    /// `sun_path` has 108 bytes, one of them the closing zero.
    static let unixPathBytesMax = 107

    init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
        host = .ip(address)
        self.port = port
        self.scope = scope
    }

    /// `nil` for a path that the kernel's structure cannot hold.
    init?(unixPath path: String) {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.unixPathBytesMax, !bytes.contains(0) else {
            return nil
        }
        self.init(unix: bytes)
    }

    private init(unix path: [UInt8]) {
        host = .unix(path)
        port = 0
        scope = 0
    }

    var ip: IPAddress? {
        guard case .ip(let address) = host else { return nil }
        return address
    }

    var unixPath: String? {
        guard case .unix(let bytes) = host else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What `socket` is asked for.
    var family: CInt {
        switch host {
        case .ip(let address): address.isIPv4 ? AF_INET : AF_INET6
        case .unix: AF_UNIX
        }
    }
}

// MARK: Reading

extension SocketAddress {
    /// Reads `127.0.0.1:8080`, `[::1]:8080`, `unix:run/edge.sock`, and `:8080`, which is every address of both
    /// families: `[::]:8080` on a socket that is not confined to IPv6.
    init?(_ text: String) {
        if text.hasPrefix("unix:") {
            self.init(unixPath: String(text.dropFirst(5)))
            return
        }
        let bytes = text.utf8.span
        var colon = bytes.count - 1
        while colon >= 0, bytes[colon] != UInt8(ascii: ":") { colon -= 1 }
        guard colon >= 0,
            let number = bytes.extracting(droppingFirst: colon + 1).decimal,
            let port = UInt16(exactly: number)
        else { return nil }
        if colon == 0 {
            self.init(.anyIPv6, port: port)
            return
        }
        if bytes[0] == UInt8(ascii: "[") {
            guard bytes[colon - 1] == UInt8(ascii: "]"), colon >= 4,
                let address = IPAddress(bytes.extracting(1..<(colon - 1))), !address.isIPv4
            else { return nil }
            self.init(address, port: port)
            return
        }
        guard let address = IPAddress(bytes.extracting(first: colon)), address.isIPv4 else {
            return nil
        }
        self.init(address, port: port)
    }

    /// What the kernel said about a peer or a socket. `nil` for a family that we never ask for.
    init?(_ storage: sockaddr_storage, length: socklen_t) {
        var storage = storage
        switch CInt(storage.ss_family) {
        case AF_INET:
            let inner = withUnsafeBytes(of: &storage) { $0.load(as: sockaddr_in.self) }
            self.init(
                IPAddress(ipv4: UInt32(bigEndian: inner.sin_addr.s_addr)),
                port: UInt16(bigEndian: inner.sin_port)
            )
        case AF_INET6:
            let inner = withUnsafeBytes(of: &storage) { $0.load(as: sockaddr_in6.self) }
            let (high, low) = withUnsafeBytes(of: inner.sin6_addr) {
                ($0.load(as: UInt64.self), $0.load(fromByteOffset: 8, as: UInt64.self))
            }
            self.init(
                IPAddress(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low)),
                port: UInt16(bigEndian: inner.sin6_port),
                scope: inner.sin6_scope_id
            )
        case AF_UNIX:
            // A client's end of a Unix socket has no name: only the family is filled in.
            let count = max(0, min(Int(length), MemoryLayout<sockaddr_un>.size) - 2)
            let path = withUnsafeBytes(of: &storage) { bytes in
                Array(bytes[2..<(2 + count)].prefix { $0 != 0 })
            }
            self.init(unix: path)
        default:
            return nil
        }
    }

    init?(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
        var storage = sockaddr_storage()
        let count = min(Int(length), MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: count))
        }
        self.init(storage, length: length)
    }
}

// MARK: Writing

extension SocketAddress: CustomStringConvertible {
    /// `127.0.0.1:8080`, `[::1]:8080` or `unix:run/edge.sock`.
    func write(into put: (UInt8) -> Void) {
        switch host {
        case .ip(let address):
            if !address.isIPv4 { put(UInt8(ascii: "[")) }
            address.write(into: put)
            if !address.isIPv4 { put(UInt8(ascii: "]")) }
            put(UInt8(ascii: ":"))
            writeDecimal(port, into: put)
        case .unix(let path):
            for byte in "unix:".utf8 { put(byte) }
            for byte in path { put(byte) }
        }
    }

    func append(to arena: Arena) -> Slice {
        let mark = arena.used
        write { arena.append(byte: $0) }
        return arena.slice(since: mark)
    }

    var description: String {
        var bytes: [UInt8] = []
        write { bytes.append($0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Lends the kernel's form of this address.
    func withSockaddr<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) rethrows -> Result {
        var storage = sockaddr_storage()
        let length = fill(&storage)
        return try withUnsafePointer(to: &storage) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { try body($0, length) }
        }
    }

    private func fill(_ storage: inout sockaddr_storage) -> socklen_t {
        switch host {
        case .ip(let address) where address.isIPv4:
            var inner = sockaddr_in()
            inner.sin_family = sa_family_t(AF_INET)
            inner.sin_port = port.bigEndian
            inner.sin_addr.s_addr = address.ipv4.bigEndian
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: inner, as: sockaddr_in.self) }
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        case .ip(let address):
            var inner = sockaddr_in6()
            inner.sin6_family = sa_family_t(AF_INET6)
            inner.sin6_port = port.bigEndian
            inner.sin6_scope_id = scope
            withUnsafeMutableBytes(of: &inner.sin6_addr) {
                $0.storeBytes(of: address.high.bigEndian, as: UInt64.self)
                $0.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: inner, as: sockaddr_in6.self) }
            return socklen_t(MemoryLayout<sockaddr_in6>.size)
        case .unix(let path):
            withUnsafeMutableBytes(of: &storage) { bytes in
                bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
                bytes[2...].copyBytes(from: path)
            }
            return socklen_t(2 + path.count + 1)
        }
    }
}
