// A million records: what the index costs and how long recovery takes. Printed, not asserted: times belong to machines.
//
//   EDGED_SOAK_SECONDS=n   runs it (`make soak`)

import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct DiskMillionTests {
    @Test func aMillionRecords() throws {
        guard getenv("EDGED_SOAK_SECONDS") != nil else { return }
        let scratch = DiskScratch()
        var settings = try DiskSettings(
            folder: scratch.path,
            bytesMax: 2 << 30,
            writeBytesPerSecond: 0
        )
        settings.isThreaded = false
        let count = 1_000_000
        let payload = DiskBench.payload(1, 500)
        var tier: DiskTier? = try DiskTier.open(settings) { _ in }
        var began = Clock.monotonic()
        for number in 0..<count {
            #expect(tier?.put(DiskBench.record(DiskBench.key(number), payload: payload)) == true)
            if number % 1000 == 0 { tier?.settle() }
        }
        tier?.settle()
        Self.tell("written", since: began)
        let bytes = (tier?.indexBytes ?? 0) / count
        #expect(bytes <= 64)
        print("index: \(bytes) bytes a record")
        // Not closed: the last segment is scanned.
        tier = nil
        began = Clock.monotonic()
        tier = try DiskTier.open(settings) { _ in }
        Self.tell("recovered after a kill", since: began)
        #expect(tier?.recordCount == count)
        tier?.close()
        tier = nil
        began = Clock.monotonic()
        tier = try DiskTier.open(settings) { _ in }
        Self.tell("recovered after a clean end", since: began)
        #expect(tier?.recordCount == count)
    }

    private static func tell(_ what: String, since began: Nanoseconds) {
        print("a million records \(what) in \((Clock.monotonic() - began) / 1_000_000) ms")
    }
}
