// Which member of an origin gets the next request: smooth weighted round robin.
//
// Each turn every candidate gains its weight, the richest one is chosen and pays the sum of the weights of the
// candidates. Weights 5, 1, 1 give a a b a c a a, not a a a a a b c. One machine per loop and origin; the seed
// gives every loop its own start, so that eight loops do not all begin with the first member. Weight 0 is a member
// that the operator has taken out: it gets nothing, whoever else fails.

struct MemberChoice {
    private let weights: [Int32]
    /// Who has a weight at all, a bit each.
    private let shareholders: UInt64
    private var credit: [Int32]

    init(weights: [Int32], seed: UInt64) {
        precondition(
            !weights.isEmpty && weights.count <= Limits.originMembersMax
                && weights.allSatisfy { $0 >= 0 && $0 <= 1 << 16 }
                && weights.contains { $0 > 0 },
            "checked by config"
        )
        self.weights = weights
        shareholders = weights.indices.reduce(0) { $0 | (weights[$1] > 0 ? 1 << UInt64($1) : 0) }
        credit = Array(repeating: 0, count: weights.count)
        let all = HealthVerdict.allServe.candidates(of: weights.count)
        for _ in 0..<Int(seed % UInt64(weights.count)) {
            _ = pick(from: all & shareholders)
        }
    }

    var count: Int { weights.count }

    /// nil when every member that serves has been tried.
    mutating func choose(verdict: HealthVerdict, tried: UInt64) -> Int? {
        let candidates = candidates(verdict, tried)
        guard candidates != 0 else { return nil }
        if weights.count == 1 { return 0 }
        return pick(from: candidates)
    }

    func isChoosable(verdict: HealthVerdict, tried: UInt64) -> Bool {
        candidates(verdict, tried) != 0
    }

    private func candidates(_ verdict: HealthVerdict, _ tried: UInt64) -> UInt64 {
        verdict.candidates(of: weights.count) & ~tried & shareholders
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
