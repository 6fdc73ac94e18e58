// A socket as its connection sees it: bytes in, bytes out, with TLS in between or not.
//
// Readiness comes in edges, so what was not used up is remembered here. Reading stops being worthwhile after a
// short answer, unless the peer's end is on its way. What is sent is queued in `output` and leaves with `flush`.
//
//   plain   read ◀── socket              output ──▶ socket
//   TLS     read ◀── TLS ◀── socket      output ──▶ TLS ──▶ ciphertext ──▶ socket

struct Transport: ~Copyable {
    enum Read: Equatable {
        case bytes(Int)
        case wouldBlock
        case ended
        /// TLS only: the socket ended and the peer had not said that it would. Whether that was the end is for those
        /// to say who know where the message ends; between two messages it harms nobody.
        case cut
        case failed(EdgeError)
    }

    enum Flush: Equatable {
        case drained
        case blocked
        case failed
    }

    enum Handshake: Equatable {
        case wantsInput
        case established
        case failed(TLSFailure)
    }

    let handle: SocketHandle
    private let reactor: Reactor
    private let scratch: Chunk
    var output: WriteQueue
    private(set) var tls: TLSStream?
    private var ciphertext: WriteQueue
    private var socketMayRead = false
    private var mayWrite = false
    private var isEnding = false
    private var endsAfterOutput = false
    private var hasEnded = false
    /// Bytes of the messages, in clear.
    private(set) var bytesIn: Int64 = 0
    private(set) var bytesOut: Int64 = 0

    init(handle: SocketHandle, loop: EventLoop) {
        self.handle = handle
        reactor = loop.reactor
        scratch = loop.scratch
        output = WriteQueue(pool: loop.chunks)
        ciphertext = WriteQueue(pool: loop.chunks)
    }

    /// Whether a read is worth its while.
    var mayRead: Bool {
        @inline(__always) get { socketMayRead || (tls?.hasUnreadInput ?? false) }
    }

    /// Everything is out, encrypted or not.
    var isFlushed: Bool { output.isEmpty && ciphertext.isEmpty }

    @inline(__always)
    mutating func note(_ readiness: Readiness) {
        if readiness.contains(.readable) { socketMayRead = true }
        if readiness.contains(.writable) { mayWrite = true }
        if readiness.contains(.ending) { isEnding = true }
    }

    /// From now on everything passes through `tls`; `early` was read before that was known.
    mutating func startTLS(_ tls: TLSStream, early: Span<UInt8>) {
        precondition(self.tls == nil, "TLS begins once")
        self.tls = tls
        if early.count > 0 { tls.receive(early) }
    }

    /// The peer speaks in clear after all: so does what is queued from now on.
    mutating func stopTLS() {
        tls = nil
        ciphertext.clear()
    }

    // MARK: Reading

    /// Reads behind what `chunk` already holds.
    @inline(__always)
    mutating func read(into chunk: Chunk) -> Read {
        precondition(chunk.room > 0, "nowhere to read to")
        if let tls { return read(through: tls, into: chunk) }
        let room = chunk.room
        switch reactor.read(handle, into: chunk.base + chunk.filled, room) {
        case .bytes(0):
            socketMayRead = false
            return .ended
        case .bytes(let count):
            chunk.didFill(count)
            bytesIn &+= Int64(count)
            if count < room, !isEnding { socketMayRead = false }
            return .bytes(count)
        case .wouldBlock:
            socketMayRead = false
            return .wouldBlock
        case .failed:
            socketMayRead = false
            return .failed(.clientReset)
        }
    }

    private mutating func read(through tls: TLSStream, into chunk: Chunk) -> Read {
        var progress = tls.read(into: chunk.base + chunk.filled, capacity: chunk.room)
        while progress == .wantsInput {
            guard socketMayRead else { return .wouldBlock }
            switch reactor.read(handle, into: scratch.base, scratch.capacity) {
            case .bytes(0):
                // OpenSSL is not told: it would take the cut for a failure of our half too, and a viewer that has
                // only ended its own still waits for its answer.
                socketMayRead = false
                return .cut
            case .bytes(let count):
                if count < scratch.capacity, !isEnding { socketMayRead = false }
                let bytes = Span(_unsafeStart: UnsafePointer(scratch.base), count: count)
                progress = tls.receive(
                    bytes,
                    into: chunk.base + chunk.filled,
                    capacity: chunk.room
                )
            case .wouldBlock:
                socketMayRead = false
                return .wouldBlock
            case .failed:
                socketMayRead = false
                return .failed(.clientReset)
            }
        }
        switch progress {
        case .bytes(let count):
            chunk.didFill(count)
            bytesIn &+= Int64(count)
            return .bytes(count)
        case .wantsInput, .outputFull: return .wouldBlock
        case .closed: return .ended
        case .failed: return .failed(.tlsHandshake)
        }
    }

    // MARK: Writing

    /// Sends what is queued as far as the socket takes it.
    @inline(__always)
    mutating func flush() -> Flush {
        if tls != nil { return flushTLS() }
        guard !output.isEmpty else { return ended(.drained) }
        guard mayWrite else { return .blocked }
        return ended(Self.send(&output, handle, reactor, &mayWrite, &bytesOut))
    }

    private mutating func flushTLS() -> Flush {
        guard let tls else { return .drained }
        while true {
            tls.drainOutput(into: &ciphertext)
            if !ciphertext.isEmpty {
                guard mayWrite else { return .blocked }
                var sent: Int64 = 0
                let outcome = Self.send(&ciphertext, handle, reactor, &mayWrite, &sent)
                guard outcome == .drained else { return outcome }
            }
            guard !output.isEmpty else { return ended(.drained) }
            switch encrypt(tls) {
            case .bytes(let count):
                output.didSend(count)
                bytesOut &+= Int64(count)
            case .outputFull: continue
            case .wantsInput: return .blocked
            case .closed, .failed: return .failed
            }
        }
    }

    /// Encrypts from the front of the queue. Small pieces become one record: a head and its short body cost one.
    private mutating func encrypt(_ tls: TLSStream) -> TLSProgress {
        guard let front = output.front else { return .bytes(0) }
        guard front.count < output.pendingBytes, front.count < Limits.tlsRecordBytes else {
            return tls.write(front.bytes)
        }
        let count = output.copyFront(to: scratch.base, Limits.tlsRecordBytes)
        return tls.write(Span(_unsafeStart: UnsafePointer(scratch.base), count: count))
    }

    private static func send(
        _ queue: inout WriteQueue,
        _ handle: SocketHandle,
        _ reactor: Reactor,
        _ mayWrite: inout Bool,
        _ total: inout Int64
    ) -> Flush {
        var isBroken = false
        let sent = queue.flush { vectors, count in
            switch reactor.write(handle, vectors, count) {
            case .bytes(let count): return count
            case .wouldBlock: return 0
            case .failed:
                isBroken = true
                return 0
            }
        }
        total &+= Int64(sent)
        guard !isBroken else { return .failed }
        guard queue.isEmpty else {
            mayWrite = false
            return .blocked
        }
        return .drained
    }

    /// Drives the handshake; what it has to say leaves at once.
    mutating func handshake() -> Handshake {
        guard let tls else { return .established }
        while true {
            let progress = tls.handshake()
            switch progress {
            case .bytes: break
            case .failed(let failure):
                _ = flushTLS()
                return .failed(failure)
            case .closed:
                _ = flushTLS()
                return .failed(.closedInHandshake)
            case .wantsInput, .outputFull:
                if flushTLS() == .failed { return .failed(.closedInHandshake) }
            }
            if tls.isEstablished { return .established }
            guard socketMayRead else { return .wantsInput }
            switch reactor.read(handle, into: scratch.base, scratch.capacity) {
            case .bytes(0):
                socketMayRead = false
                tls.receiveEnd()
            case .bytes(let count):
                if count < scratch.capacity, !isEnding { socketMayRead = false }
                tls.receive(Span(_unsafeStart: UnsafePointer(scratch.base), count: count))
            case .wouldBlock: socketMayRead = false
            case .failed: return .failed(.closedInHandshake)
            }
        }
    }

    // MARK: Ending

    /// Ends our half once the output is out.
    mutating func endAfterOutput() { endsAfterOutput = true }

    private mutating func ended(_ outcome: Flush) -> Flush {
        if endsAfterOutput, !hasEnded, outcome == .drained { shutdownWrite() }
        return outcome
    }

    mutating func shutdownWrite() {
        guard !hasEnded else { return }
        hasEnded = true
        if let tls {
            tls.closeNotify()
            tls.drainOutput(into: &ciphertext)
            if mayWrite {
                var sent: Int64 = 0
                _ = Self.send(&ciphertext, handle, reactor, &mayWrite, &sent)
            }
        }
        reactor.shutdownWrite(handle)
    }

    mutating func close(abortively: Bool = false) {
        if !abortively, tls != nil { shutdownWrite() }
        output.clear()
        ciphertext.clear()
        tls = nil
        reactor.close(handle, abortively: abortively)
    }
}
