import CLinux
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
        queue.append(decimal: 120)
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
