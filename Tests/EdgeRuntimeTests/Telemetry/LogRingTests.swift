import Testing

@testable import EdgeRuntime

@Suite struct LogRingTests {
    private func put(_ count: Int, _ byte: UInt8, into ring: LogRing) -> Bool {
        guard var line = ring.begin() else { return false }
        for _ in 0..<(count - 1) { line.put(byte) }
        line.put(0x0a)
        ring.commit(line)
        return true
    }

    @Test func linesComeOutWholeAndInOrderAcrossManyLaps() {
        let ring = LogRing(signal: LogSignal(), capacity: 2 * Limits.logLineBytesMax)
        var random = Random(seed: 7)
        var expected: [(UInt8, Int)] = []
        var seen = 0
        var dropped = 0
        for round in 0..<4000 {
            let byte = UInt8(0x61 + round % 26)
            let size = 1 + Int(random.next(below: 9000))
            if put(size, byte, into: ring) { expected.append((byte, size)) } else { dropped += 1 }
            guard random.next(below: 3) == 0 else { continue }
            let pending = ring.pending
            var at = 0
            while at < pending.count {
                let (byte, size) = expected[seen]
                seen += 1
                let end = pending.firstIndex(of: 0x0a, from: at) ?? -1
                let isWhole = end - at + 1 == size && (size == 1 || pending[at] == byte)
                #expect(isWhole)
                at = end + 1
            }
            ring.consume(at)
        }
        while ring.pending.count > 0 {
            let pending = ring.pending
            seen += LogSink.lineCount(pending)
            ring.consume(pending.count)
        }
        #expect(seen == expected.count)
        #expect(ring.writtenLines == expected.count)
        #expect(ring.droppedLines == dropped)
        #expect(dropped > 0)
    }

    @Test func aFullRingDropsWholeLinesAndRecovers() {
        let ring = LogRing(signal: LogSignal(), capacity: 2 * Limits.logLineBytesMax)
        var taken = 0
        while put(1000, 0x78, into: ring) { taken += 1 }
        #expect(ring.droppedLines == 1)
        #expect(ring.isHalfFull)
        #expect(ring.pending.count == taken * 1000)
        ring.consume(taken * 1000)
        #expect(put(1000, 0x79, into: ring))
    }

    @Test func aBrokenLineIsDroppedNotCut() {
        let ring = LogRing(signal: LogSignal(), capacity: 2 * Limits.logLineBytesMax)
        if var line = ring.begin() {
            for _ in 0...Limits.logLineBytesMax { line.put(0x78) }
            ring.commit(line)
        }
        #expect(ring.pending.count == 0)
        #expect(ring.droppedLines == 1)
    }

    @Test func crossingHalfWakesTheWriterOnce() {
        let signal = LogSignal()
        let ring = LogRing(signal: signal, capacity: 4 * Limits.logLineBytesMax)
        while !ring.isHalfFull {
            #expect(!signal.wait(atMost: 0).isWoken)
            _ = put(10_000, 0x78, into: ring)
        }
        #expect(signal.wait(atMost: 0).isWoken)
        _ = put(10_000, 0x78, into: ring)
        #expect(!signal.wait(atMost: 0).isWoken)
    }

    @Test func aLoopAndAWriterAtTheSameTime() throws {
        let ring = LogRing(signal: LogSignal(), capacity: 2 * Limits.logLineBytesMax)
        let count = 20_000
        let loop = try Thread.start(name: "loop") {
            for index in 0..<count {
                guard var line = ring.begin() else { continue }
                line.put(decimal: UInt64(index))
                line.put(0x0a)
                ring.commit(line)
            }
        }
        var lines = 0
        var last: Int64 = -1
        while lines + ring.droppedLines < count {
            let pending = ring.pending
            var at = 0
            while at < pending.count {
                let end = pending.firstIndex(of: 0x0a, from: at) ?? pending.count
                let value = pending.extracting(at..<end).decimal ?? -1
                #expect(value > last)
                last = value
                lines += 1
                at = end + 1
            }
            ring.consume(at)
        }
        loop.join()
        #expect(lines == ring.writtenLines)
    }
}
