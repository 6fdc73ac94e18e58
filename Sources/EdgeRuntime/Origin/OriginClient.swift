// Who talks to an origin over a connection: a fetch, or a health probe.
//
// The client owns the two heads and their arena. A connection asks it for the request's body and whether there is
// room for more of the response, and tells it what arrives. Exactly one of `originEnded` and `originFailed` ends an
// exchange that a connection had begun; `originRefused` ends one that never got a connection.

class OriginClient {
    /// Where this client stands with its pool; the pool's own note, nobody else's business.
    enum Lease {
        case none
        case waiting(PoolMachine.WaiterID)
        case opening(PoolMachine.ConnectionID)
        case using(OriginConnection)
    }

    /// How much of a request had left when it failed: decides whether it may be sent again.
    struct Progress: Equatable {
        var wasReused: Bool
        var sentAnything: Bool
        var receivedAnything: Bool
    }

    final let heads: Heads
    /// That of the heads.
    final let arena: Arena
    var request: RequestHead {
        _read { yield heads.request }
        _modify { yield &heads.request }
    }
    var response: ResponseHead {
        _read { yield heads.response }
        _modify { yield &heads.response }
    }
    var requestTrailers = HeaderFields()
    var responseTrailers = HeaderFields()
    var requestFraming = OutgoingFraming.none
    var expectsContinue = false
    /// The protocols that `Upgrade` offers, if the request asks for a change.
    var upgrade: Slice?
    /// Those of them that the origin has changed to.
    var upgradeAgreed: Slice?
    /// The end of the client's patience with the whole exchange.
    var totalDeadline = Nanoseconds.never
    var lease = Lease.none

    init() {
        heads = Heads()
        arena = heads.arena
    }

    var hasRequestBody: Bool {
        switch requestFraming {
        case .none, .length(0): false
        case .length, .chunked, .untilClose: true
        }
    }

    // MARK: Asked by a connection

    func pullRequestBody() -> BodyFlow.Pull { .ended }
    /// The request's body has ended: `requestTrailers` is to be filled in.
    func fillRequestTrailers() {}
    var isRoomForResponse: Bool { true }

    // MARK: Told by a pool or a connection

    func originRefused(_ error: EdgeError) {}
    func originAccepted(isReused: Bool) {}
    /// What an exchange that a connection had begun moved, just before its end.
    func originCarried(sent: Int64, received: Int64) {}
    func originWantsBody() {}
    /// A head before the final one is in `response`, and will be replaced there.
    func originInformational() {}
    func originHead(framing: BodyFraming) {}
    func originBytes(_ range: ChunkRange) {}
    /// The body is whole; `responseTrailers` has what came behind it.
    func originEnded() {}
    func originFailed(_ error: EdgeError, _ progress: Progress) {}
}
