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
        fileprivate let address: IPAddress?

        func release() { admission.release(address) }
    }

    private static let shardCount = 16

    private let total = Atomic<Int>(0)
    private let shards: [Locked<[IPAddress: Int]>]

    init() { shards = (0..<Self.shardCount).map { _ in Locked([:]) } }

    var connectionCount: Int { total.load(ordering: .relaxed) }

    func admit(_ peer: SocketAddress, limits: EdgeLimits) -> Result<Pass, RefusalError> {
        guard total.wrappingAdd(1, ordering: .relaxed).newValue <= limits.connections else {
            total.wrappingSubtract(1, ordering: .relaxed)
            return .failure(RefusalError(reason: .connectionLimit))
        }
        guard let address = peer.ip else { return .success(Pass(admission: self, address: nil)) }
        let isAdmitted = shard(address).withLock { counts in
            let count = counts[address, default: 0]
            guard count < limits.connectionsPerAddress else { return false }
            counts[address] = count + 1
            return true
        }
        guard isAdmitted else {
            total.wrappingSubtract(1, ordering: .relaxed)
            return .failure(RefusalError(reason: .addressLimit))
        }
        return .success(Pass(admission: self, address: address))
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
