import CLinux
import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct InputBufferTests {
    private func receive(_ text: String, _ input: inout InputBuffer, _ pool: ChunkPool) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let chunk = input.makeRoom(in: pool, streaming: false)
            let count = min(chunk.room, bytes.count - sent)
            chunk.append(bytes.span.extracting(sent..<(sent + count)))
            sent += count
        }
    }

    @Test func aConnectionThatIsServedAgainAndAgainAllocatesOnce() {
        let pool = ChunkPool()
        var input = InputBuffer()
        var output = WriteQueue(pool: pool)
        var live = 0
        for round in 0..<50 {
            receive("GET / HTTP/1.1\r\n\r\n", &input, pool)
            input.consume(input.unreadCount)
            output.append("HTTP/1.1 200 OK\r\n\r\n")
            _ = output.flush { vectors, count in
                (0..<count).reduce(0) { $0 + vectors[$1].iov_len }
            }
            input.releaseIfEmpty(to: pool)
            if round == 0 { live = pool.ledger.liveBytes }
        }
        #expect(pool.ledger.liveBytes == live)
        #expect(pool.leasedBytes == 0)
    }

    @Test func aHeadThatOutgrowsItsChunkStaysInOnePiece() {
        let pool = ChunkPool()
        var input = InputBuffer()
        let head = String(repeating: "x", count: 100_000)
        receive("consumed", &input, pool)
        input.consume(8)
        receive(head, &input, pool)
        let isWhole = input.withUnread { $0.text == head }
        #expect(isWhole)
        input.consume(100_000)
        input.releaseIfEmpty(to: pool)
        #expect(pool.leasedBytes == 0)
    }

    @Test func aSharedRangeIsNeverWrittenOver() {
        let pool = ChunkPool()
        var input = InputBuffer()
        receive("first", &input, pool)
        let range = input.range(0..<5)
        input.consume(5)
        input.releaseIfEmpty(to: pool)
        receive("other", &input, pool)
        #expect(range?.bytes.text == "first")
    }
}
