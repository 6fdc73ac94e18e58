// Two streams and the wire between them, in memory: what the TLS tests are written with.

import CLinux

@testable import EdgeRuntime

enum Fixture {
    /// `#filePath` is Tests/EdgeRuntimeTests/Wire/TLS/TLSPair.swift.
    static let folder: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(4)
        return parts.joined(separator: "/") + "/Fixtures/tls/"
    }()

    static func path(_ file: String) -> String { folder + file }

    static func identity(_ name: String, ocsp: String? = nil) -> TLSIdentity {
        TLSIdentity(
            certificate: path(name + ".pem"),
            key: path(name + ".key"),
            ocsp: ocsp.map(path)
        )
    }

    static func server(
        _ names: String...,
        tickets: TicketKeys = TicketKeys(now: 0),
        _ change: (inout TLSServerSettings) -> Void = { _ in }
    ) throws -> TLSContext {
        var settings = TLSServerSettings(identities: names.map { identity($0) })
        change(&settings)
        return try TLSContext.server(settings, tickets: tickets)
    }

    static func client(
        authorities: String? = "ca.pem",
        _ change: (inout TLSClientSettings) -> Void = { _ in }
    ) throws -> TLSContext {
        var settings = TLSClientSettings()
        settings.authorities = authorities.map(path)
        change(&settings)
        return try TLSContext.client(settings)
    }
}

/// One end: a stream, its pool, and what it has read so far.
final class TLSEnd {
    let pool = ChunkPool()
    let stream: TLSStream
    private var queue: WriteQueue
    var text: [UInt8] = []
    private(set) var last = TLSProgress.wantsInput

    init(
        _ context: TLSContext,
        _ role: TLSStream.Role,
        now: Int64? = nil,
        resuming: TLSSession? = nil
    ) {
        stream = TLSStream(context, role: role, pool: pool, now: now, resuming: resuming)
        queue = WriteQueue(pool: pool)
    }

    /// Everything that the stream has to send.
    func sent() -> [UInt8] {
        stream.drainOutput(into: &queue)
        var bytes: [UInt8] = []
        _ = queue.flush { vectors, count in
            var total = 0
            for index in 0..<count {
                bytes.append(
                    contentsOf: UnsafeRawBufferPointer(
                        start: vectors[index].iov_base,
                        count: vectors[index].iov_len
                    )
                )
                total += vectors[index].iov_len
            }
            return total
        }
        return bytes
    }

    /// Feeds ciphertext in pieces and reads through a target of `capacity` bytes.
    func take(_ bytes: [UInt8], pieces: () -> Int, capacity: Int = 4096) {
        var rest = bytes.span
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { target in
            guard let base = target.baseAddress else { return }
            repeat {
                let piece = rest.extracting(first: min(max(1, pieces()), rest.count))
                rest = rest.extracting(droppingFirst: piece.count)
                last = stream.receive(piece, into: base, capacity: capacity)
                while case .bytes(let count) = last {
                    text.append(contentsOf: UnsafeBufferPointer(rebasing: target[..<count]))
                    last = stream.read(into: base, capacity: capacity)
                }
            } while rest.count > 0
        }
    }

    func end() {
        stream.receiveEnd()
        take([], pieces: { 1 })
    }

    @discardableResult
    func write(_ text: String) -> TLSProgress { stream.write(Array(text.utf8).span) }
}

struct TLSPair {
    let client: TLSEnd
    let server: TLSEnd

    init(
        client: TLSContext,
        server: TLSContext,
        name: String = "shop.example.com",
        verify: String? = nil,
        now: Int64? = nil,
        resuming: TLSSession? = nil
    ) {
        self.client = TLSEnd(
            client,
            .client(serverName: name, verifyName: verify ?? name),
            now: now,
            resuming: resuming
        )
        self.server = TLSEnd(server, .server, now: now)
    }

    /// Carries bytes both ways until neither end has more to say.
    func run(pieces: () -> Int = { 1 << 16 }, capacity: Int = 4096) {
        _ = client.stream.handshake()
        while true {
            let up = client.sent()
            if !up.isEmpty { server.take(up, pieces: pieces, capacity: capacity) }
            let down = server.sent()
            if !down.isEmpty { client.take(down, pieces: pieces, capacity: capacity) }
            if up.isEmpty, down.isEmpty { return }
        }
    }

    var isEstablished: Bool { client.stream.isEstablished && server.stream.isEstablished }
}
