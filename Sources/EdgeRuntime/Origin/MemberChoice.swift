// Which member of an origin gets the next request: smooth weighted round robin.
//
// Each turn every candidate gains its weight, the richest one is chosen and pays the sum of the weights of the
// candidates. Weights 5, 1, 1 give a a b a c a a, not a a a a a b c. One machine per loop and origin; the seed
// gives every loop its own start, so that eight loops do not all begin with the first member.

struct MemberChoice {
    private let weights: [Int32]
    private var credit: [Int32]

    init(weights: [Int32], seed: UInt64) {
        precondition(
            !weights.isEmpty && weights.count <= Limits.originMembersMax
                && weights.allSatisfy { $0 > 0 && $0 <= 1 << 16 },
            "checked by config"
        )
        self.weights = weights
        credit = Array(repeating: 0, count: weights.count)
        let all = HealthVerdict.allServe.candidates(of: weights.count)
        for _ in 0..<Int(seed % UInt64(weights.count)) {
            _ = pick(from: all)
        }
    }

    var count: Int { weights.count }

    /// nil when every member that serves has been tried.
    mutating func choose(verdict: HealthVerdict, tried: UInt64) -> Int? {
        let candidates = verdict.candidates(of: weights.count) & ~tried
        guard candidates != 0 else { return nil }
        if weights.count == 1 { return 0 }
        return pick(from: candidates)
    }

    private mutating func pick(from candidates: UInt64) -> Int {
        var best = -1
        var total: Int32 = 0
        var rest = candidates
        while rest != 0 {
            let index = rest.trailingZeroBitCount
            rest &= rest - 1
            total += weights[index]
            credit[index] += weights[index]
            if best < 0 || credit[index] > credit[best] { best = index }
        }
        credit[best] -= total
        return best
    }
}
