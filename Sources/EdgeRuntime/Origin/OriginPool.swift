// The connections of one loop to one server: runs `PoolMachine`, and opens, hands out and closes what it says.
//
//   lease ─▶ idle connection? ─▶ start
//         └▶ resolve the name ─▶ Connector ─▶ OriginConnection ─▶ start
//         └▶ wait for either

final class OriginPool: LoopMember {
    let settings: OriginSettings
    let server: OriginServer
    /// What `Host` says to this server.
    let authority: [UInt8]
    let headLimits: HeadLimits
    private let tls: TLSContext?
    private let resolver: Resolver
    /// Whoever named the server is not trusted with the network that this machine sits in.
    private let refusesPrivate: Bool
    private var name: Resolver.Name
    private var machine: PoolMachine
    private var connections: [OriginConnection?] = []
    private var connectors: [Connector?] = []
    private var openers: [OriginClient?] = []
    private var waiters: [OriginClient?] = []

    init(
        loop: EventLoop,
        settings: OriginSettings,
        server: OriginServer,
        connectionsMax: Int,
        headLimits: HeadLimits,
        tls: TLSContext?,
        resolver: Resolver,
        refusesPrivate: Bool = false
    ) {
        self.settings = settings
        self.server = server
        authority = Array(server.authority.utf8)
        self.headLimits = headLimits
        self.tls = tls
        self.resolver = resolver
        self.refusesPrivate = refusesPrivate
        name = resolver.name(server.host, port: server.port)
        machine = PoolMachine(
            settings: .init(
                connectionsMax: connectionsMax,
                idleNanoseconds: settings.idleTimeout
            )
        )
        super.init(loop: loop)
        loop.add(self)
    }

    var openCount: Int { machine.connectionCount }
    var idleCount: Int { machine.idleCount }
    var waiterCount: Int { machine.waiterCount }
    var isInUse: Bool { machine.connectionCount > machine.idleCount || machine.waiterCount > 0 }

    // MARK: Clients

    /// Gives the client a connection, now or later; `fresh` refuses one that was used before.
    func lease(_ client: OriginClient, fresh: Bool) {
        switch machine.lease(now: loop.now, fresh: fresh) {
        case .use(let id): start(client, on: id)
        case .open(let id): open(id, for: client)
        case .replace(let old, let new):
            connections[Int(old.slot)]?.close()
            connections[Int(old.slot)] = nil
            open(new, for: client)
        case .wait(let waiter):
            client.lease = .waiting(waiter)
            set(&waiters, waiter.slot, client)
        case .refuse(let refusal): client.originRefused(Self.error(for: refusal))
        }
        rearm()
    }

    /// The client is gone, wherever it stands.
    func cancel(_ client: OriginClient) {
        switch client.lease {
        case .none: break
        case .waiting(let waiter):
            machine.cancel(waiter)
            waiters[Int(waiter.slot)] = nil
        case .opening(let id):
            machine.abandon(id)
            openers[Int(id.slot)] = nil
        case .using(let connection): connection.abandon()
        }
        client.lease = .none
        rearm()
    }

    /// The generation is over: idle connections close now, the others when their exchange has ended.
    func retire() {
        machine.retire()
        expireAll()
    }

    /// Nothing is left to wait for.
    var isDrained: Bool {
        machine.isRetired && machine.connectionCount == 0 && machine.waiterCount == 0
    }

    // MARK: Connections

    func connectionReady(_ connection: OriginConnection) {
        let id = connection.id
        let owner = openers[Int(id.slot)]
        openers[Int(id.slot)] = nil
        perform(machine.ready(id, now: loop.now))
        if let owner { start(owner, on: id) }
        rearm()
    }

    func connectionFailed(_ connection: OriginConnection, _ error: EdgeError) {
        connections[Int(connection.id.slot)] = nil
        openFailed(connection.id, error)
    }

    func connectionReturned(_ connection: OriginConnection, reusable: Bool) {
        if !reusable { connections[Int(connection.id.slot)] = nil }
        perform(machine.returned(connection.id, reusable: reusable, now: loop.now))
        rearm()
    }

    func connectionClosedWhileIdle(_ connection: OriginConnection) {
        connections[Int(connection.id.slot)] = nil
        machine.closedWhileIdle(connection.id)
        rearm()
    }

    // MARK: Connecting

    private func open(_ id: PoolMachine.ConnectionID, for client: OriginClient) {
        client.lease = .opening(id)
        set(&openers, id.slot, client)
        set(&connections, id.slot, nil)
        set(&connectors, id.slot, nil)
        resolver.resolve(&name) { [self] addresses in
            guard machine.isLive(id) else { return }
            guard let addresses, !addresses.isEmpty else {
                openFailed(id, .originNameUnresolved)
                return
            }
            // What is connected to is what was looked at: a name that changes its mind later changes nothing.
            let reached =
                refusesPrivate ? addresses.filter { $0.ip?.isPrivate == false } : addresses
            guard !reached.isEmpty else {
                openFailed(id, .addressNotAllowed)
                return
            }
            let connector = Connector(
                pool: self,
                id: id,
                addresses: reached,
                deadline: loop.now + settings.connectTimeout
            )
            connectors[Int(id.slot)] = connector
            connector.start()
        }
    }

    func connected(_ connector: Connector, handle: SocketHandle) {
        let id = connector.id
        connectors[Int(id.slot)] = nil
        let connection = OriginConnection(pool: self, id: id, handle: handle)
        connections[Int(id.slot)] = connection
        connection.open(
            tls: tls.map {
                TLSStream(
                    $0,
                    role: .client(
                        serverName: IPAddress(serverName) == nil ? serverName : nil,
                        verifyName: settings.tls.verifies ? serverName : nil
                    ),
                    pool: loop.chunks,
                    now: loop.clock.wall.seconds
                )
            },
            until: loop.now + settings.connectTimeout
        )
    }

    func connectFailed(_ connector: Connector, _ error: EdgeError) {
        connectors[Int(connector.id.slot)] = nil
        openFailed(connector.id, error)
    }

    private func openFailed(_ id: PoolMachine.ConnectionID, _ error: EdgeError) {
        let owner = openers[Int(id.slot)]
        openers[Int(id.slot)] = nil
        perform(machine.failed(id))
        rearm()
        owner?.lease = .none
        owner?.originRefused(error)
    }

    private var serverName: String { settings.tls.serverName ?? server.host }

    // MARK: Inside

    private func start(_ client: OriginClient, on id: PoolMachine.ConnectionID) {
        guard let connection = connections[Int(id.slot)] else {
            preconditionFailure("a live id has its connection")
        }
        connection.start(client, isReused: machine.isReused(id))
    }

    private func perform(_ action: PoolMachine.Action) {
        switch action {
        case .nothing: break
        case .grant(let waiter, let id):
            if let client = takeWaiter(waiter) { start(client, on: id) }
        case .open(let id, let waiter):
            if let client = takeWaiter(waiter) { open(id, for: client) }
        case .close(let id):
            connections[Int(id.slot)]?.close()
            connections[Int(id.slot)] = nil
        case .refuse(let waiter, let refusal):
            guard let client = takeWaiter(waiter) else { return }
            client.lease = .none
            client.originRefused(Self.error(for: refusal))
        }
    }

    override func expired() { expireAll() }

    /// Its connections hold it.
    override func dissolved() {
        connections = []
        connectors = []
    }

    private func expireAll() {
        while true {
            let action = machine.expire(now: loop.now)
            guard action != .nothing else { break }
            perform(action)
        }
        rearm()
    }

    private func rearm() { loop.setDeadline(self, at: machine.nextDeadline ?? .never) }

    private func takeWaiter(_ waiter: PoolMachine.WaiterID) -> OriginClient? {
        let client = waiters[Int(waiter.slot)]
        waiters[Int(waiter.slot)] = nil
        return client
    }

    /// Grows with the machine's tables, which are bounded.
    private func set<Element>(_ table: inout [Element?], _ slot: UInt32, _ value: Element?) {
        while table.count <= Int(slot) { table.append(nil) }
        table[Int(slot)] = value
    }

    private static func error(for refusal: PoolMachine.Refusal) -> EdgeError {
        switch refusal {
        case .queueFull: .queueFull
        case .queueTimeout: .queueTimeout
        }
    }
}
