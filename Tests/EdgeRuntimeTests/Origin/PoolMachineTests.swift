import Testing

@testable import EdgeRuntime

@Suite struct PoolMachineTests {
    private func pool(_ connections: Int, waiters: Int = 2) -> PoolMachine {
        PoolMachine(
            settings: .init(
                connectionsMax: connections,
                waitersMax: waiters,
                queueNanoseconds: 100,
                idleNanoseconds: 1000
            )
        )
    }

    private func opened(_ lease: PoolMachine.Lease) -> PoolMachine.ConnectionID {
        guard case .open(let id) = lease else { fatalError("expected open, got \(lease)") }
        return id
    }

    private func waiting(_ lease: PoolMachine.Lease) -> PoolMachine.WaiterID {
        guard case .wait(let id) = lease else { fatalError("expected wait, got \(lease)") }
        return id
    }

    @Test func theMostRecentlyIdleConnectionIsReused() {
        var pool = pool(4)
        let first = opened(pool.lease(now: 0))
        let second = opened(pool.lease(now: 0))
        #expect(pool.ready(first, now: 1) == .nothing)
        #expect(pool.ready(second, now: 1) == .nothing)
        #expect(!pool.isReused(first))
        #expect(pool.returned(second, reusable: true, now: 2) == .nothing)
        #expect(pool.returned(first, reusable: true, now: 3) == .nothing)
        #expect(pool.lease(now: 4) == .use(first))
        #expect(pool.isReused(first))
        #expect(pool.lease(now: 4) == .use(second))
        #expect(pool.connectionCount == 2)
    }

    @Test func aFreshOneIsOpenedBesideIdleOnesOrInPlaceOfTheOldest() {
        var pool = pool(2)
        let first = opened(pool.lease(now: 0))
        _ = pool.ready(first, now: 0)
        _ = pool.returned(first, reusable: true, now: 1)
        let second = opened(pool.lease(now: 2, fresh: true))
        _ = pool.ready(second, now: 2)
        let lease = pool.lease(now: 3, fresh: true)
        guard case .replace(let old, let new) = lease else {
            Issue.record("expected replace, got \(lease)")
            return
        }
        #expect(old == first)
        #expect(!pool.isLive(first))
        #expect(pool.isLive(new))
        #expect(pool.connectionCount == 2)
    }

    @Test func thoseWhoWaitAreServedInOrderAndNotWithoutEnd() {
        var pool = pool(1)
        let connection = opened(pool.lease(now: 0))
        _ = pool.ready(connection, now: 0)
        let first = waiting(pool.lease(now: 1))
        let second = waiting(pool.lease(now: 2))
        #expect(pool.lease(now: 3) == .refuse(.queueFull))
        #expect(pool.returned(connection, reusable: true, now: 4) == .grant(first, connection))
        #expect(pool.returned(connection, reusable: true, now: 5) == .grant(second, connection))
        #expect(pool.returned(connection, reusable: true, now: 6) == .nothing)
        #expect(pool.idleCount == 1)
    }

    @Test func whoWaitsTooLongIsRefused() {
        var pool = pool(1)
        _ = opened(pool.lease(now: 0))
        let first = waiting(pool.lease(now: 10))
        let second = waiting(pool.lease(now: 20))
        #expect(pool.nextDeadline == 110)
        #expect(pool.expire(now: 109) == .nothing)
        #expect(pool.expire(now: 110) == .refuse(first, .queueTimeout))
        #expect(pool.expire(now: 110) == .nothing)
        pool.cancel(second)
        #expect(pool.nextDeadline == nil)
    }

    @Test func aPlaceThatBecomesFreeIsOpenedForTheFirstWaiter() {
        var pool = pool(1)
        let broken = opened(pool.lease(now: 0))
        let first = waiting(pool.lease(now: 1))
        let second = waiting(pool.lease(now: 1))
        guard case .open(let next, for: let owner) = pool.failed(broken) else {
            Issue.record("a failed connect frees its place")
            return
        }
        #expect(owner == first)
        #expect(pool.ready(next, now: 2) == .nothing)
        guard case .open(_, for: let other) = pool.returned(next, reusable: false, now: 3) else {
            Issue.record("a closed connection frees its place")
            return
        }
        #expect(other == second)
        #expect(pool.connectionCount == 1)
    }

    @Test func anAbandonedConnectServesTheNextOrRests() {
        var pool = pool(1)
        let connection = opened(pool.lease(now: 0))
        let waiter = waiting(pool.lease(now: 0))
        pool.abandon(connection)
        #expect(pool.ready(connection, now: 1) == .grant(waiter, connection))
        #expect(!pool.isReused(connection))
        _ = pool.returned(connection, reusable: false, now: 2)
        let other = opened(pool.lease(now: 3))
        pool.abandon(other)
        #expect(pool.ready(other, now: 4) == .nothing)
        #expect(pool.idleCount == 1)
        #expect(pool.lease(now: 5) == .use(other))
        #expect(!pool.isReused(other))
    }

    @Test func idleConnectionsAreClosedWhenTheirTimeIsOver() {
        var pool = pool(2)
        let first = opened(pool.lease(now: 0))
        let second = opened(pool.lease(now: 0))
        _ = pool.ready(first, now: 0)
        _ = pool.ready(second, now: 0)
        _ = pool.returned(first, reusable: true, now: 10)
        _ = pool.returned(second, reusable: true, now: 20)
        #expect(pool.nextDeadline == 1010)
        #expect(pool.expire(now: 1010) == .close(first))
        #expect(pool.expire(now: 1010) == .nothing)
        pool.closedWhileIdle(second)
        #expect(pool.connectionCount == 0)
        #expect(!pool.isLive(second))
        #expect(pool.nextDeadline == nil)
    }

    @Test func aRetiredPoolServesWhoeverIsLeftAndKeepsNothing() {
        var pool = pool(2)
        let first = opened(pool.lease(now: 0))
        let second = opened(pool.lease(now: 0))
        _ = pool.ready(first, now: 0)
        _ = pool.ready(second, now: 0)
        let waiter = waiting(pool.lease(now: 0))
        pool.retire()
        #expect(pool.expire(now: 0) == .nothing)
        #expect(pool.returned(second, reusable: true, now: 1) == .grant(waiter, second))
        #expect(pool.returned(second, reusable: true, now: 2) == .close(second))
        #expect(pool.returned(first, reusable: false, now: 2) == .nothing)
        #expect(pool.connectionCount == 0)
        let retry = opened(pool.lease(now: 3))
        _ = pool.ready(retry, now: 3)
        #expect(pool.returned(retry, reusable: true, now: 4) == .close(retry))
        #expect(pool.connectionCount == 0)
    }

    @Test func aRetiredPoolClosesWhatRests() {
        var pool = pool(2)
        let resting = opened(pool.lease(now: 0))
        _ = pool.ready(resting, now: 0)
        _ = pool.returned(resting, reusable: true, now: 0)
        pool.retire()
        #expect(pool.expire(now: 0) == .close(resting))
        #expect(pool.expire(now: 0) == .nothing)
    }

    // MARK: Against a model

    /// The same rules said naively: arrays in order, and no links to get wrong.
    private struct Model {
        var opening: [PoolMachine.ConnectionID: Bool] = [:]
        var leased: Set<PoolMachine.ConnectionID> = []
        var idle: [(id: PoolMachine.ConnectionID, deadline: Int64)] = []
        var queue: [(id: PoolMachine.WaiterID, deadline: Int64)] = []
        var total: Int { opening.count + leased.count + idle.count }

        /// An event freed something: what must the machine have said?
        mutating func check(_ action: PoolMachine.Action) {
            switch action {
            case .open(let id, for: let waiter):
                #expect(queue.first?.id == waiter)
                queue.removeFirst()
                #expect(opening.updateValue(true, forKey: id) == nil)
            case .grant(let waiter, let id):
                #expect(queue.first?.id == waiter)
                queue.removeFirst()
                #expect(leased.insert(id).inserted)
            case .nothing, .close, .refuse: break
            }
        }
    }

    @Test(arguments: 0..<20)
    func randomOperationsAgreeWithTheModel(seed: UInt64) {
        var random = Random(seed: seed)
        let max = Int(random.next() % 5) + 1
        var pool = pool(max, waiters: 3)
        var model = Model()
        var now: Int64 = 0
        for _ in 0..<3000 {
            now += Int64(random.next() % 40)
            switch random.next() % 8 {
            case 0, 1, 2: lease(&pool, &model, now, fresh: random.next() % 8 == 0)
            case 3:
                guard let id = model.opening.keys.min(by: { $0.slot < $1.slot }) else { break }
                let owned = model.opening.removeValue(forKey: id) == true
                if random.next() % 4 == 0 {
                    let action = pool.failed(id)
                    #expect((action == .nothing) == model.queue.isEmpty)
                    model.check(action)
                } else if owned {
                    #expect(pool.ready(id, now: now) == .nothing)
                    #expect(model.leased.insert(id).inserted)
                } else {
                    rest(pool.ready(id, now: now), id, &model, now)
                }
            case 4, 5:
                guard let id = model.leased.min(by: { $0.slot < $1.slot }) else { break }
                model.leased.remove(id)
                if random.next() % 3 == 0 {
                    let action = pool.returned(id, reusable: false, now: now)
                    #expect((action == .nothing) == model.queue.isEmpty)
                    model.check(action)
                } else {
                    rest(pool.returned(id, reusable: true, now: now), id, &model, now)
                }
            case 6:
                if let owned = model.opening.first(where: { $0.value })?.key, random.next() % 2 == 0
                {
                    pool.abandon(owned)
                    model.opening[owned] = false
                } else if !model.idle.isEmpty {
                    let at = Int(random.next() % UInt64(model.idle.count))
                    pool.closedWhileIdle(model.idle.remove(at: at).id)
                } else if !model.queue.isEmpty {
                    let at = Int(random.next() % UInt64(model.queue.count))
                    pool.cancel(model.queue.remove(at: at).id)
                }
            default: expire(&pool, &model, now)
            }
            #expect(pool.connectionCount == model.total)
            #expect(pool.idleCount == model.idle.count)
            #expect(pool.waiterCount == model.queue.count)
            #expect(model.total <= max && model.queue.count <= 3)
            #expect(model.idle.isEmpty || model.queue.isEmpty)
        }
    }

    private func lease(
        _ pool: inout PoolMachine,
        _ model: inout Model,
        _ now: Int64,
        fresh: Bool
    ) {
        switch pool.lease(now: now, fresh: fresh) {
        case .use(let id):
            #expect(model.idle.last?.id == id && !fresh)
            model.idle.removeLast()
            #expect(model.leased.insert(id).inserted)
        case .open(let id):
            #expect(model.opening.updateValue(true, forKey: id) == nil)
        case .replace(let old, let new):
            #expect(fresh && model.idle.first?.id == old)
            model.idle.removeFirst()
            #expect(model.opening.updateValue(true, forKey: new) == nil)
        case .wait(let id):
            #expect(model.total == pool.settings.connectionsMax)
            model.queue.append((id, now + 100))
        case .refuse(let refusal):
            #expect(refusal == .queueFull && model.queue.count == 3)
        }
    }

    private func rest(
        _ action: PoolMachine.Action,
        _ id: PoolMachine.ConnectionID,
        _ model: inout Model,
        _ now: Int64
    ) {
        #expect((action == .nothing) == model.queue.isEmpty)
        if action == .nothing { model.idle.append((id, now + 1000)) }
        model.check(action)
    }

    private func expire(_ pool: inout PoolMachine, _ model: inout Model, _ now: Int64) {
        let earliest = (model.idle.map(\.deadline) + model.queue.map(\.deadline)).min()
        #expect(pool.nextDeadline == earliest)
        while true {
            switch pool.expire(now: now) {
            case .refuse(let waiter, let refusal):
                #expect(refusal == .queueTimeout && model.queue.first?.id == waiter)
                #expect(model.queue.removeFirst().deadline <= now)
            case .close(let id):
                #expect(model.idle.first?.id == id)
                #expect(model.idle.removeFirst().deadline <= now)
            case .nothing:
                #expect(model.idle.allSatisfy { $0.deadline > now })
                #expect(model.queue.allSatisfy { $0.deadline > now })
                return
            case .grant, .open:
                Issue.record("time opens nothing")
                return
            }
        }
    }
}
