import Testing

@testable import EdgeRuntime

/// What the comments at the bounds promise about one another. Those of the logs are in `LogLineTests`.
@Suite struct LimitsTests {
    @Test func anArenaHoldsAnExchange() {
        #expect(Limits.arenaBytesMax >= 4 * Limits.headBytesMax)
        #expect(Limits.arenaFirstBlockBytes <= Limits.arenaBytesKept)
        #expect(Limits.arenaBytesKept <= Limits.arenaBytesMax)
        // A typical head, below 2 KiB, and its copy.
        #expect(2 * 2048 <= Limits.arenaFirstBlockBytes)
        #expect(Limits.arenaBytesMax + Limits.arenaReserveBytes <= Int(UInt32.max))
    }

    @Test func headsFitTheirDefaultsAndTheirChunks() {
        #expect(Limits.requestLineBytes <= Limits.headBytes)
        #expect(Limits.headBytes <= Limits.headBytesMax)
        #expect(Limits.fieldCount <= Limits.fieldCountMax)
        #expect(2048 <= Limits.chunkSmallBytes - Limits.readRoomMin)
        #expect(Limits.headBytes <= Limits.chunkLargeBytes)
        #expect(Limits.filePathBytesMax <= Limits.requestLineBytes)
        #expect(Limits.hostBytes < Limits.headBytes)
        #expect(Limits.trailerBytes <= Limits.headBytes)
        #expect(Limits.trailerCount <= Limits.fieldCount)
        #expect(Limits.connectionOptions <= Limits.fieldCount)
        #expect(Limits.forwardedBytesMax <= Limits.headBytes)
        let adminHead = Limits.adminHead
        #expect(adminHead.requestLine <= adminHead.head && adminHead.head <= Limits.headBytes)
        #expect(Limits.proxyLineBytes <= Limits.proxyHeaderBytes)
        #expect(Limits.proxyHeaderBytes <= Limits.chunkLargeBytes)
        #expect(Limits.chunkLineBytes < Limits.chunkSmallBytes - Limits.readRoomMin)
    }

    @Test func chunksAreWorthAReadAndSmallerThanWhatABodyMayHold() {
        #expect(Limits.readRoomMin < Limits.chunkSmallBytes)
        #expect(Limits.chunkSmallBytes < Limits.chunkLargeBytes)
        #expect(Limits.copiedPieceBytes < Limits.chunkSmallBytes)
        #expect(Limits.flowBytesMin <= Limits.chunkSmallBytes)
        #expect(Limits.flowBytesMin <= Limits.flowBytes)
        #expect(Limits.chunkLargeBytes <= Limits.flowBytes)
        #expect(Limits.outputBytes <= Limits.flowBytes)
        #expect(Limits.finishedBytes == 2 * Limits.chunkLargeBytes)
        #expect(Limits.fileReadAheadBytes <= Limits.flowBytes)
    }

    /// Two bodies, their queues, what the queues have not let go, and a chunk being filled at each end.
    @Test func anExchangeInBothDirectionsStaysBelowAMebibyte() {
        let direction =
            Limits.flowBytes + Limits.outputBytes + Limits.chunkLargeBytes
        #expect(2 * direction <= 1 << 20)
        #expect(Limits.finishedBytes <= Limits.outputBytes)
    }

    @Test func theBudgetFeedsEveryBodyAtItsLeast() {
        // At the full budget one body gets all that it may have.
        #expect(Limits.bufferedBytes / Limits.flowShare >= Limits.flowBytes)
        let pool = ChunkPool()
        pool.budget = 0
        #expect(pool.allowance == Limits.flowBytesMin)
        pool.budget = Limits.bufferedBytes
        #expect(pool.allowance == Limits.flowBytes)
    }

    @Test func recordsFitTheScratch() {
        #expect(2 * Limits.tlsRecordBytes <= Limits.scratchBytes)
        #expect(Limits.tlsRecordBytes <= Limits.tlsInputBytesMax)
        #expect(Limits.tlsRecordBytes <= Limits.tlsOutputBytesMax)
        #expect(Limits.scratchBytes <= Limits.tlsInputBytesMax)
    }

    @Test func aTickIsShared() {
        #expect(Limits.acceptsPerTick <= Limits.eventsPerTick)
        #expect(Limits.adminAcceptsPerTick <= Limits.adminConnections)
        #expect(Limits.chorePeriod < Limits.sleepMax && Limits.gaugePeriod < Limits.sleepMax)
        #expect(Limits.chorePeriod < Limits.pulsePatience)
        #expect(Limits.continuePatience < Limits.tunnelIdle)
        #expect(Limits.connectionsPerAddress <= Limits.connections)
    }

    @Test func theFarSideKeepsWhatItPromises() {
        // One bit for each member in a word.
        #expect(Limits.originMembersMax <= UInt64.bitWidth)
        #expect(Limits.nameNegativeNanoseconds < Limits.namePositiveNanoseconds)
        #expect(Limits.namePositiveNanoseconds < Limits.nameStaleNanoseconds)
        #expect(Limits.ejectionFirstNanoseconds < Limits.ejectionLongestNanoseconds)
        #expect(Limits.healthPoll < Limits.ejectionFirstNanoseconds)
        #expect(Limits.fileCacheEntries & (Limits.fileCacheEntries - 1) == 0)
        #expect(Limits.fileCachedBytesMax < Limits.fileCacheBytes)
    }

    @Test func exchangesKeptCostWhatTheirCommentSays() {
        #expect(Limits.exchangesKept * 2 * (6 << 10) < 7 << 20)
        #expect(Limits.chunksSmallKept * Limits.chunkSmallBytes <= 2 << 20)
        #expect(Limits.chunksLargeKept * Limits.chunkLargeBytes <= 2 << 20)
    }

    @Test func ticketsOutliveTheirKeyOnce() {
        #expect(Int64(Limits.ticketLifetimeSeconds) <= 2 * Limits.ticketKeySeconds)
    }

    @Test func remindersComeBeforeTheEnd() {
        #expect(.seconds(Limits.stapleWarningSeconds) > Limits.certificateReminder)
        #expect(.seconds(Limits.certificateWarningSeconds) > Limits.certificateReminder)
    }

    @Test func textsFitWhatReadsThem() {
        // One bit for each open list or table.
        #expect(Limits.jsonDepthMax <= UInt128.bitWidth)
        #expect(Limits.configDepthMax <= Limits.jsonDepthMax)
        #expect(Limits.jwtDepthMax <= Limits.jsonDepthMax)
        #expect(Limits.configFileBytesMax <= Limits.jsonBytesMax)
        #expect(2 * Limits.jwtBytesMax <= Limits.headBytes)
        #expect(Limits.urlBytesMax >= Limits.headBytesMax)
        #expect(Limits.cookieAttributeBytesMax < Limits.cookieBytesMax)
        // OpenSSL counts in `int`.
        #expect(Limits.sealedBytesMax + AEAD.tagBytes <= Int(CInt.max))
        #expect(Limits.randomBytesMax <= Int(CInt.max))
        #expect(Limits.publicKeyBytesMax <= Int(CInt.max))
    }

    @Test func codersFitTheirLoop() {
        #expect(Limits.compressedBytesMin < Limits.compressedBytesMax)
        // A tick's share ends one block at most.
        #expect(Limits.encodedBytesPerTick <= Limits.brotliBlockBytes)
        #expect(Limits.decodedBytesFree < Limits.decodedBytesMax)
        #expect(Limits.deflateBytesMax <= Limits.brotliEncoderBytesMax)
        #expect(Limits.inflateBytesMax <= Limits.brotliDecoderBytesMax)
        // Several of the largest at once.
        #expect(4 * Limits.brotliDecoderBytesMax <= Limits.bufferedBytes)
    }
}
