// Who of this loop waits for what in the cache: for the end of a fetch that somebody else does, or for more of a body.
// What changes on other loops comes in by the ear, once a tick.

final class CacheDesk {
    let index: CacheIndex
    let ear: LoopEar
    private var waiting: [UInt64: [Exchange]] = [:]
    private var reading: [UInt64: [Token]] = [:]
    private unowned(unsafe) let loop: EventLoop
    private(set) var waitingCount = 0

    init(index: CacheIndex, loop: EventLoop) {
        self.index = index
        self.loop = loop
        let door = Door()
        let mailbox = loop.mailbox
        ear = LoopEar { mailbox.send { _ in door.desk?.listen() } }
        door.desk = self
    }

    /// How a letter finds the desk.
    private final class Door: @unchecked Sendable {
        // Guard: read in letters, which run on the desk's own loop, and written before there are any.
        weak var desk: CacheDesk?
    }

    // MARK: Waiting for a head

    /// Nil: the exchange will hear of it.
    func wait(_ exchange: Exchange, for fill: Fill) -> Fill.Outcome? {
        if let outcome = index.outcome(of: fill, for: ear) { return outcome }
        exchange.cache.fill = fill
        waiting[fill.id, default: []].append(exchange)
        waitingCount += 1
        return nil
    }

    var isFull: Bool { waitingCount >= Limits.cacheWaitersMax }

    // MARK: Waiting for more

    func watch(_ body: StoredBody, _ host: Token) {
        let last = reading[body.id]?.last
        guard last != host else { return }
        reading[body.id, default: []].append(host)
    }

    // MARK: News

    private func listen() {
        for id in ear.take() { tell(id) }
    }

    private func tell(_ id: UInt64) {
        if let hosts = reading.removeValue(forKey: id) {
            for host in hosts { loop.touch(host) }
        }
        guard let exchanges = waiting.removeValue(forKey: id) else { return }
        waitingCount -= exchanges.count
        for exchange in exchanges {
            // It may have left, and even serve somebody else by now.
            guard let fill = exchange.cache.fill, fill.id == id else { continue }
            exchange.cache.fill = nil
            guard let outcome = index.outcome(of: fill, for: ear) else {
                preconditionFailure("news of a fill that goes on")
            }
            exchange.fillEnded(outcome)
        }
    }
}
