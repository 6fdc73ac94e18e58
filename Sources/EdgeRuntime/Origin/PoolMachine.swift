// Who gets which connection: the decisions of one loop's pool for one member of an origin.
//
//                lease                      ready
//   (free) ──────────────▶ opening(owned) ─────────▶ leased ◀──────────────┐
//     ▲                      │ abandon                 │ returned,          │ lease: the most
//     │                      ▼                         │ reusable           │ recently idle one
//     │                  opening(unowned) ─ready─▶ a waiter, or ─▶ idle ────┘
//     │ failed               │ failed                              │ closed, or
//     └──────────────────────┴─────────────────────────────────────┘ its time is over
//
// Choices:
// - A connection that is being opened belongs to the request that asked for it, so a failed connect has one
//   owner who may retry elsewhere. Requests past the bound wait in one queue and are served in order.
// - Every waiter gets the same patience and every idle connection the same rest, so both lists are ordered by
//   deadline and expiry looks only at their ends. A request's own deadline is its exchange's business: it cancels.
// - Idle connections are reused last in, first out: the pool shrinks to what the load needs.
//
// Slots are linked by index. The tables grow to their high-water mark and never past the bounds, so the steady
// state allocates nothing. An id carries its slot's generation: an event of a connection that is gone traps,
// because only our own drivers can send one; `isLive` is there to ask.
//
// Times are nanoseconds of the loop's monotonic clock.

struct PoolMachine {
    struct Settings: Equatable {
        var connectionsMax: Int
        var waitersMax = Limits.poolWaitersMax
        var queueNanoseconds = Limits.poolQueueNanoseconds
        var idleNanoseconds: Int64
    }

    struct ConnectionID: Hashable {
        var slot: UInt32
        var generation: UInt32
    }

    struct WaiterID: Hashable {
        var slot: UInt32
        var generation: UInt32
    }

    enum Refusal: Equatable {
        case queueFull
        case queueTimeout
    }

    /// What a request that asks for a connection gets.
    enum Lease: Equatable {
        case use(ConnectionID)
        case open(ConnectionID)
        /// All are busy, but an idle one was not wanted: close `old`, open `new` in its place.
        case replace(old: ConnectionID, new: ConnectionID)
        case wait(WaiterID)
        case refuse(Refusal)
    }

    /// What follows from an event of a connection or of time.
    enum Action: Equatable {
        case nothing
        /// Hand the connection to the request that waited longest.
        case grant(WaiterID, ConnectionID)
        /// Open a connection for the request that waited longest; it owns it from now on.
        case open(ConnectionID, for: WaiterID)
        case close(ConnectionID)
        case refuse(WaiterID, Refusal)
    }

    private enum Phase: Equatable {
        case free
        case opening(owned: Bool)
        case leased
        case idle(deadline: Int64)
    }

    private struct ConnectionSlot: LinkedSlot {
        var phase = Phase.free
        var generation: UInt32 = 0
        var links = SlotLinks()
        /// How many times it was leased: 1 means that it is fresh.
        var leases: UInt32 = 0
    }

    private struct WaiterSlot: LinkedSlot {
        var isWaiting = false
        var generation: UInt32 = 0
        var deadline: Int64 = 0
        var links = SlotLinks()
    }

    let settings: Settings
    private var connections: [ConnectionSlot] = []
    private var freeConnections = SlotList()
    private var idle = SlotList()
    private var waiters: [WaiterSlot] = []
    private var freeWaiters = SlotList()
    private var queue = SlotList()
    private(set) var isRetired = false
    /// Open and opening connections, idle ones included.
    private(set) var connectionCount = 0

    init(settings: Settings) {
        precondition(settings.connectionsMax > 0, "a pool of nothing")
        self.settings = settings
    }

    var idleCount: Int { idle.count }
    var waiterCount: Int { queue.count }

    /// When `expire` has something to do, at the earliest.
    var nextDeadline: Int64? {
        let waiter = queue.first.map { waiters[Int($0)].deadline }
        let resting = idle.first.map { idleDeadline(Int($0)) }
        guard let waiter else { return resting }
        guard let resting else { return waiter }
        return min(waiter, resting)
    }

    func isLive(_ id: ConnectionID) -> Bool {
        Int(id.slot) < connections.count
            && connections[Int(id.slot)].generation == id.generation
            && connections[Int(id.slot)].phase != .free
    }

    /// Whether an earlier request was carried by it: then its death may have nothing to do with this one.
    func isReused(_ id: ConnectionID) -> Bool { connections[live(id)].leases > 1 }

    // MARK: What requests do

    /// `fresh` asks for a new connection: the retry of a request that a reused one failed.
    mutating func lease(now: Int64, fresh: Bool = false) -> Lease {
        // Whoever waits was first. (An idle connection and a waiter do not exist at the same time.)
        if !fresh, let slot = idle.popLast(in: &connections) {
            connections[Int(slot)].phase = .leased
            connections[Int(slot)].leases &+= 1
            return .use(id(of: slot))
        }
        if connectionCount < settings.connectionsMax {
            return .open(openSlot())
        }
        if fresh, let slot = idle.popFirst(in: &connections) {
            let old = id(of: slot)
            release(slot)
            return .replace(old: old, new: openSlot())
        }
        guard queue.count < settings.waitersMax else { return .refuse(.queueFull) }
        return .wait(enqueue(deadline: now &+ settings.queueNanoseconds))
    }

    /// The request is gone before its turn came.
    mutating func cancel(_ waiter: WaiterID) {
        let slot = waiting(waiter)
        queue.remove(UInt32(slot), in: &waiters)
        releaseWaiter(UInt32(slot))
    }

    /// The request is gone before its connection was ready; whoever needs one next takes it.
    mutating func abandon(_ connection: ConnectionID) {
        let slot = live(connection)
        precondition(
            connections[slot].phase == .opening(owned: true),
            "only who waits for a connect can abandon it"
        )
        connections[slot].phase = .opening(owned: false)
    }

    // MARK: What connections do

    /// The connection stands. `.nothing` means that its owner goes on with it, or that it rests.
    mutating func ready(_ connection: ConnectionID, now: Int64) -> Action {
        let slot = live(connection)
        switch connections[slot].phase {
        case .opening(owned: true):
            connections[slot].phase = .leased
            connections[slot].leases = 1
            return .nothing
        case .opening(owned: false):
            return offer(UInt32(slot), now: now)
        case .free, .leased, .idle:
            preconditionFailure("ready twice")
        }
    }

    /// The connect failed; its owner, if there is one, has been told by the driver.
    mutating func failed(_ connection: ConnectionID) -> Action {
        let slot = live(connection)
        switch connections[slot].phase {
        case .opening:
            release(UInt32(slot))
            return openForWaiter()
        case .free, .leased, .idle:
            preconditionFailure("only a connect fails; what stands is closed or returned")
        }
    }

    /// The exchange is over. A connection that cannot be reused has been closed by the driver.
    mutating func returned(_ connection: ConnectionID, reusable: Bool, now: Int64) -> Action {
        let slot = live(connection)
        precondition(connections[slot].phase == .leased, "returned without a lease")
        guard reusable else {
            release(UInt32(slot))
            return openForWaiter()
        }
        return offer(UInt32(slot), now: now)
    }

    /// The peer closed (or wrote to) a connection that nobody used; the driver has closed it.
    mutating func closedWhileIdle(_ connection: ConnectionID) {
        let slot = live(connection)
        guard case .idle = connections[slot].phase else {
            preconditionFailure("not idle: what is leased is returned")
        }
        idle.remove(UInt32(slot), in: &connections)
        release(UInt32(slot))
    }

    // MARK: What time does

    /// One thing whose time has come; ask again until it is `.nothing`.
    mutating func expire(now: Int64) -> Action {
        if let first = queue.first, waiters[Int(first)].deadline <= now {
            let waiter = waiterID(of: first)
            queue.remove(first, in: &waiters)
            releaseWaiter(first)
            return .refuse(waiter, .queueTimeout)
        }
        if let first = idle.first, isRetired || idleDeadline(Int(first)) <= now {
            let connection = id(of: first)
            idle.remove(first, in: &connections)
            release(first)
            return .close(connection)
        }
        return .nothing
    }

    /// The generation ended: nothing rests any more. `expire` then names every idle connection, and leased ones close
    /// when they are returned. Requests that began with the generation are served to the last, waiting ones and
    /// retries included: a reload costs nobody an answer.
    mutating func retire() { isRetired = true }

    // MARK: Inside

    /// A connection without an owner: to the first waiter, or to rest.
    private mutating func offer(_ slot: UInt32, now: Int64) -> Action {
        guard let first = queue.popFirst(in: &waiters) else {
            if isRetired {
                let connection = id(of: slot)
                release(slot)
                return .close(connection)
            }
            connections[Int(slot)].phase = .idle(deadline: now &+ settings.idleNanoseconds)
            idle.append(slot, in: &connections)
            return .nothing
        }
        let waiter = waiterID(of: first)
        releaseWaiter(first)
        connections[Int(slot)].phase = .leased
        connections[Int(slot)].leases &+= 1
        return .grant(waiter, id(of: slot))
    }

    /// A place became free.
    private mutating func openForWaiter() -> Action {
        guard let first = queue.popFirst(in: &waiters) else { return .nothing }
        let waiter = waiterID(of: first)
        releaseWaiter(first)
        return .open(openSlot(), for: waiter)
    }

    private mutating func openSlot() -> ConnectionID {
        let slot: UInt32
        if let free = freeConnections.popLast(in: &connections) {
            slot = free
        } else {
            slot = UInt32(connections.count)
            connections.append(ConnectionSlot())
        }
        connections[Int(slot)].phase = .opening(owned: true)
        connections[Int(slot)].leases = 0
        connectionCount += 1
        return id(of: slot)
    }

    private mutating func release(_ slot: UInt32) {
        connections[Int(slot)].phase = .free
        connections[Int(slot)].generation &+= 1
        freeConnections.append(slot, in: &connections)
        connectionCount -= 1
    }

    private mutating func enqueue(deadline: Int64) -> WaiterID {
        let slot: UInt32
        if let free = freeWaiters.popLast(in: &waiters) {
            slot = free
        } else {
            slot = UInt32(waiters.count)
            waiters.append(WaiterSlot())
        }
        waiters[Int(slot)].isWaiting = true
        waiters[Int(slot)].deadline = deadline
        queue.append(slot, in: &waiters)
        return waiterID(of: slot)
    }

    private mutating func releaseWaiter(_ slot: UInt32) {
        waiters[Int(slot)].isWaiting = false
        waiters[Int(slot)].generation &+= 1
        freeWaiters.append(slot, in: &waiters)
    }

    private func id(of slot: UInt32) -> ConnectionID {
        ConnectionID(slot: slot, generation: connections[Int(slot)].generation)
    }

    private func waiterID(of slot: UInt32) -> WaiterID {
        WaiterID(slot: slot, generation: waiters[Int(slot)].generation)
    }

    private func live(_ id: ConnectionID) -> Int {
        precondition(isLive(id), "an event of a connection that is gone")
        return Int(id.slot)
    }

    private func waiting(_ id: WaiterID) -> Int {
        let slot = Int(id.slot)
        precondition(
            slot < waiters.count && waiters[slot].isWaiting
                && waiters[slot].generation == id.generation,
            "a waiter that does not wait"
        )
        return slot
    }

    private func idleDeadline(_ slot: Int) -> Int64 {
        guard case .idle(let deadline) = connections[slot].phase else {
            preconditionFailure("in the idle list without resting")
        }
        return deadline
    }
}
