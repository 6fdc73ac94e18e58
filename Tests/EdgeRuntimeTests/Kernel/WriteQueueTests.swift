import CLinux
import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct WriteQueueTests {
    /// Takes at most `step` bytes a call.
    private func drain(_ queue: inout WriteQueue, step: Int) -> String {
        var out: [UInt8] = []
        while !queue.isEmpty {
            _ = queue.flush { vectors, count in
                var left = step
                for index in 0..<count where left > 0 {
                    let take = min(left, vectors[index].iov_len)
                    out.append(
                        contentsOf: UnsafeRawBufferPointer(
                            start: vectors[index].iov_base,
                            count: take
                        )
                    )
                    left -= take
                }
                return step - left
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    @Test(arguments: 1...40) func orderSurvivesPartialWrites(step: Int) {
        let pool = ChunkPool()
        var queue = WriteQueue(pool: pool)
        let body = Array("0123456789".utf8)
        queue.append("HTTP/1.1 200 OK\r\n")
        queue.append(DecimalDigits(120).span)
        queue.append(ChunkRange(chunk: Chunk(body.span), start: 2, end: 8))
        queue.append(byte: 0x21)
        #expect(queue.pendingBytes == 27)
        #expect(drain(&queue, step: step) == "HTTP/1.1 200 OK\r\n120234567!")
    }

    @Test func aLargeAppendIsSpreadOverChunks() {
        let pool = ChunkPool()
        var queue = WriteQueue(pool: pool)
        let text = String(repeating: "abcdefg", count: 30_000)
        let bytes = Array(text.utf8)
        queue.append("head ")
        queue.append(bytes.span)
        #expect(drain(&queue, step: 10_000) == "head " + text)
        #expect(pool.leasedBytes == 0)
    }
}

/// What has passed through a queue that never runs empty must not stay in memory.
@Suite struct PassedBytesTests {
    @Test func aWriteQueueLetsGoOfChunksThatWereSent() {
        let pool = ChunkPool()
        var queue = WriteQueue(pool: pool)
        var mostBytes = 0
        for _ in 0..<100 {
            for _ in 0..<2 {
                let chunk = pool.leaseLarge()
                chunk.didFill(chunk.capacity)
                queue.append(ChunkRange(chunk: chunk, start: 0, end: chunk.capacity))
            }
            queue.didSend(min(queue.pendingBytes - 1, 2 * Limits.chunkLargeBytes))
            mostBytes = max(mostBytes, pool.leasedBytes)
        }
        #expect(mostBytes <= Limits.finishedBytes + 5 * Limits.chunkLargeBytes)
        queue.clear()
        #expect(pool.leasedBytes == 0)
    }

    @Test func aBodyFlowLetsGoOfChunksThatWereTaken() {
        let pool = ChunkPool()
        var flow = BodyFlow()
        var mostBytes = 0
        for round in 0..<100 {
            let chunk = pool.leaseLarge()
            chunk.didFill(chunk.capacity)
            flow.push(ChunkRange(chunk: chunk, start: 0, end: chunk.capacity))
            if round > 1 { _ = flow.pull() }
            mostBytes = max(mostBytes, pool.leasedBytes)
        }
        #expect(mostBytes <= Limits.finishedBytes + 4 * Limits.chunkLargeBytes)
        flow.reset()
        #expect(pool.leasedBytes == 0)
    }

    @Test func aBlockingPoolLetsGoOfJobsThatRan() throws {
        let ledger = ChunkLedger()
        let blocking = try BlockingPool(threads: 1)
        let ran = Locked(0)
        let gate = Locked(false)
        // The queue holds the last job while the others have run.
        for _ in 0..<50 {
            let chunk = Chunk(capacity: 1000, ledger: ledger)
            let isQueued = blocking.run {
                _ = chunk.capacity
                ran.withLockNotifying { $0 += 1 }
            }
            #expect(isQueued)
        }
        let isQueued = blocking.run { gate.withLock(waitingAtMost: nil, until: { $0 }, { _ in }) }
        let isLastQueued = blocking.run {}
        #expect(isQueued && isLastQueued)
        ran.withLock(waitingAtMost: nil, until: { $0 == 50 }, { _ in })
        // The thread drops its own reference between two jobs, a moment after it counted.
        while ledger.liveBytes > 0 { _ = Syscall.retrying { Int(sched_yield()) } }
        #expect(ledger.liveBytes == 0)
        gate.withLockNotifying { $0 = true }
        blocking.close()
    }
}
