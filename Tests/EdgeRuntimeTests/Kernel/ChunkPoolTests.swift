import Testing

@testable import EdgeRuntime

@Suite struct ChunkPoolTests {
    @Test func oneBodyMayHoldLessTheMoreAllHold() {
        let pool = ChunkPool()
        #expect(pool.allowance == Limits.flowBytes)
        pool.budget = 64 << 20
        #expect(pool.allowance == 64 << 20 / Limits.flowShare)
        var held: [Chunk] = []
        var last = pool.allowance
        for _ in 0..<900 {
            held.append(pool.leaseLarge())
            #expect(pool.allowance <= last)
            last = pool.allowance
        }
        #expect(last < Limits.chunkLargeBytes)
        #expect(last >= Limits.flowBytesMin)
    }

    /// Bodies that take their allowance whenever they may never fill the budget, however many they are.
    @Test(arguments: [10, 1000, 3000]) func manyBodiesStayBelowTheBudget(bodies: Int) {
        let pool = ChunkPool()
        pool.budget = 32 << 20
        var held = [Int](repeating: 0, count: bodies)
        var kept: [Chunk] = []
        for _ in 0..<64 {
            for index in held.indices where held[index] < pool.allowance {
                let chunk = pool.leaseForStreaming()
                held[index] += chunk.capacity
                kept.append(chunk)
            }
        }
        #expect(pool.leasedBytes <= pool.budget)
    }
}
