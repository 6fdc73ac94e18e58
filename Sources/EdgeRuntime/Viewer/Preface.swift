// What comes before HTTP on a viewer's connection: the PROXY protocol from trusted peers, then TLS.
//
//   proxyHeader ─▶ handshake ─▶ over
//        │             │
//        └── failed ◀──┘

struct Preface {
    enum Progress {
        case wait
        case done
        case failed(EdgeError)
    }

    private enum Stage {
        case proxyHeader
        case handshake
        case over
    }

    private let binding: ListenerBinding
    private var stage: Stage
    private var announced: ProxyProtocol.Endpoint?

    init(binding: ListenerBinding, peer: SocketAddress) {
        self.binding = binding
        stage = binding.tls == nil ? .over : .handshake
        if binding.isProxy(peer) { stage = .proxyHeader }
    }

    var isOver: Bool {
        guard case .over = stage else { return false }
        return true
    }

    mutating func advance(
        _ transport: inout Transport,
        _ input: inout InputBuffer,
        _ loop: EventLoop
    ) -> Progress {
        if case .proxyHeader = stage {
            switch readProxyHeader(&transport, &input, loop) {
            case .wait: return .wait
            case .failed(let error): return .failed(error)
            case .done: stage = binding.tls == nil ? .over : .handshake
            }
        }
        if case .handshake = stage {
            if transport.tls == nil, let tls = binding.tls {
                let now = loop.clock.wall.seconds
                let stream = TLSStream(tls, role: .server, pool: loop.chunks, now: now)
                input.withUnread { transport.startTLS(stream, early: $0) }
                input.drop(to: loop.chunks)
            }
            switch transport.handshake() {
            case .wantsInput: return .wait
            case .established: stage = .over
            case .failed(let failure):
                lastFailure = failure
                return .failed(.tlsHandshake)
            }
        }
        return .done
    }

    private(set) var lastFailure: TLSFailure?

    private mutating func readProxyHeader(
        _ transport: inout Transport,
        _ input: inout InputBuffer,
        _ loop: EventLoop
    ) -> Progress {
        while true {
            if !input.isEmpty {
                do throws(EdgeError) {
                    let header = try input.withUnread { (bytes) throws(EdgeError) in
                        try ProxyProtocol.parse(bytes)
                    }
                    if let header {
                        input.consume(header.consumed)
                        announced = header.source
                        return .done
                    }
                } catch {
                    return .failed(error)
                }
            }
            guard transport.mayRead else { return .wait }
            let chunk = input.makeRoom(in: loop.chunks, streaming: false)
            switch transport.read(into: chunk) {
            case .bytes: continue
            case .wouldBlock: return .wait
            case .ended, .cut, .failed: return .failed(.clientClosed)
            }
        }
    }

    /// What the preface found out about the viewer.
    func describe(_ transport: borrowing Transport, into viewer: inout ViewerFacts) {
        if let announced {
            viewer.peer = announced.address
            viewer.port = announced.port
            viewer.address = announced.address
        }
        guard let tls = transport.tls else { return }
        viewer.tls = AccessRecord.TLSFacts(version: tls.version, cipher: tls.cipher)
    }
}
