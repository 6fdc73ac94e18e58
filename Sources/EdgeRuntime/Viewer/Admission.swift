// Who may connect: connections in all and per address, counted over all loops.
//
// The total is one atomic. Addresses are counted in a few locked tables by hash, because accepts are rare beside
// requests; an entry goes when its last connection does, so the tables are bounded by the connections.

import Synchronization

final class Admission: Sendable {
    enum Refusal: Equatable {
        case connectionLimit
        case addressLimit
    }

    /// A place that was given; to be released once.
    struct Pass {
        fileprivate let admission: Admission
        fileprivate var address: IPAddress?

        func release() { admission.release(address) }

        /// Who it is for, where only a proxy could say so. False: that address has its share already.
        mutating func assign(_ viewer: IPAddress, limits: EdgeLimits) -> Bool {
            guard address == nil else { return true }
            guard admission.count(viewer, limits) else { return false }
            address = viewer
            return true
        }
    }

    private static let shardCount = 16

    private let total = Atomic<Int>(0)
    private let shards: [Locked<[IPAddress: Int]>]

    /// What the process has descriptors for, whatever the configuration allows.
    let ceiling: Int

    init(ceiling: Int = .max) {
        self.ceiling = ceiling
        shards = (0..<Self.shardCount).map { _ in Locked([:]) }
    }

    var connectionCount: Int { total.load(ordering: .relaxed) }

    /// A trusted proxy is nobody's viewer: those are counted who speak through it, once it has said who they are.
    func admit(
        _ peer: SocketAddress,
        limits: EdgeLimits,
        isProxy: Bool = false
    ) -> Result<Pass, RefusalError> {
        let most = min(limits.connections, ceiling)
        guard total.wrappingAdd(1, ordering: .relaxed).newValue <= most else {
            total.wrappingSubtract(1, ordering: .relaxed)
            return .failure(RefusalError(reason: .connectionLimit))
        }
        guard let address = peer.ip, !isProxy else {
            return .success(Pass(admission: self, address: nil))
        }
        guard count(address, limits) else {
            total.wrappingSubtract(1, ordering: .relaxed)
            return .failure(RefusalError(reason: .addressLimit))
        }
        return .success(Pass(admission: self, address: address))
    }

    private func count(_ address: IPAddress, _ limits: EdgeLimits) -> Bool {
        shard(address).withLock { counts in
            let count = counts[address, default: 0]
            guard count < limits.connectionsPerAddress else { return false }
            counts[address] = count + 1
            return true
        }
    }

    struct RefusalError: Error {
        let reason: Refusal
    }

    private func release(_ address: IPAddress?) {
        total.wrappingSubtract(1, ordering: .relaxed)
        guard let address else { return }
        shard(address).withLock { counts in
            let count = counts[address, default: 1]
            counts[address] = count > 1 ? count - 1 : nil
        }
    }

    private func shard(_ address: IPAddress) -> Locked<[IPAddress: Int]> {
        shards[abs(address.hashValue % Self.shardCount)]
    }
}
