// Codes a body as it streams: pieces go in, what came of them goes to a flow, nothing is called back.
//
//   push ─▶ ┌──────────┐
//   flush ─▶│ library  │─▶ chunks of the pool ─▶ BodyFlow
//   finish ─▶└──────────┘
//
// An encoder may hold back what it got until `flush` or `finish`. Brotli works in blocks, which it would let grow to
// half a megabyte and write in one go, 5 to 7 ms: it is made to end one every `Limits.brotliBlockBytes`. Whoever pushes
// gives each tick its share (`Limits.encodedBytesPerTick`).
//
// Levels and windows are measured in docs/decisions/0012: gzip 6 and brotli 5 take about the same time per byte, and an
// object is coded once and sent often. What brotli's memory hangs on is its window.
//
// Encoders are not kept for reuse: making one costs less than coding a kilobyte does, and one that waits in a stock
// would hold its megabytes for nothing.

import CBrotli
import CZlib

final class ContentEncoder {
    private enum Engine {
        case deflate(UnsafeMutablePointer<z_stream>)
        case brotli(OpaquePointer)
        case closed
    }

    private enum Operation {
        case push
        case flush
        case finish
    }

    private static let deflateLevel: CInt = 6
    /// 2¹⁵ bytes of window, the format's largest; zlib's usual tables, 264 KiB with it.
    private static let deflateWindowBits: CInt = 15
    private static let deflateMemoryLevel: CInt = 8
    private static let brotliQuality: UInt32 = 5
    private static let brotliWindowBits: UInt32 = 18
    /// With this window brotli uses tables of half the size; for what fits into it nothing is lost.
    private static let brotliSmallWindowBits: UInt32 = 16

    let coding: ContentCoding
    private let memory: CoderMemory
    private var engine: Engine
    private var output: CoderOutput
    /// What brotli's block has.
    private var blockBytes = 0

    /// `bodyBytes` helps to choose tables; nothing depends on its being right.
    /// Throws `bufferLimit` if the loop has not the memory: then the body goes as it is.
    init(_ coding: ContentCoding, bodyBytes: Int64?, pool: ChunkPool) throws(EdgeError) {
        self.coding = coding
        output = CoderOutput(pool)
        switch coding {
        case .gzip, .deflate:
            memory = try CoderMemory(Limits.deflateBytesMax, of: pool)
            // 16 more asks for gzip's head and checksum (zlib.h).
            let format: CInt = coding == .gzip ? 16 : 0
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            stream.pointee.zalloc = CoderMemory.allocateItems
            stream.pointee.zfree = CoderMemory.free
            stream.pointee.opaque = memory.opaque
            let status = edge_deflateInit2(
                stream,
                Self.deflateLevel,
                Self.deflateWindowBits + format,
                Self.deflateMemoryLevel
            )
            guard status == Z_OK else {
                stream.deallocate()
                throw .bufferLimit
            }
            engine = .deflate(stream)
        case .brotli:
            memory = try CoderMemory(Limits.brotliEncoderBytesMax, of: pool)
            let made = BrotliEncoderCreateInstance(
                CoderMemory.allocate,
                CoderMemory.free,
                memory.opaque
            )
            guard let made else { throw .bufferLimit }
            let fitsSmall = bodyBytes.map { $0 <= 1 << Int64(Self.brotliSmallWindowBits) } ?? false
            let hint = UInt32(clamping: bodyBytes ?? 0)
            let window = fitsSmall ? Self.brotliSmallWindowBits : Self.brotliWindowBits
            for (parameter, value) in [
                (BROTLI_PARAM_QUALITY, Self.brotliQuality), (BROTLI_PARAM_LGWIN, window),
                (BROTLI_PARAM_SIZE_HINT, hint),
            ] {
                let isTaken = BrotliEncoderSetParameter(made, parameter, value)
                precondition(isTaken != 0, "brotli knows no such parameter")
            }
            engine = .brotli(made)
        }
    }

    deinit { close() }

    /// What the library holds now, and the most that it held.
    var memoryBytes: (live: Int, peak: Int) { (memory.liveBytes, memory.peakBytes) }

    func push(_ bytes: Span<UInt8>, into flow: inout BodyFlow) throws(EdgeError) {
        guard bytes.count > 0 else { return }
        try run(bytes, .push, &flow)
    }

    /// All that was pushed can be decoded from what is in the flow then. Each costs some bytes.
    func flush(into flow: inout BodyFlow) throws(EdgeError) {
        try run(Span(), .flush, &flow)
    }

    /// The coding ends and its memory is given back. The flow stays open: its end is its owner's to say.
    func finish(into flow: inout BodyFlow) throws(EdgeError) {
        try run(Span(), .finish, &flow)
        close()
    }

    private func run(
        _ bytes: Span<UInt8>,
        _ operation: Operation,
        _ flow: inout BodyFlow
    ) throws(EdgeError) {
        let isDone = bytes.withUnsafeBufferPointer { input in
            switch engine {
            case .deflate(let stream):
                deflate(stream, input, operation, &flow)
                return true
            case .brotli(let encoder):
                return compressBlocks(encoder, input, operation, &flow)
            case .closed: preconditionFailure("a coding has one end")
            }
        }
        if !isDone {
            close()
            throw .bufferLimit
        }
    }

    private func deflate(
        _ stream: UnsafeMutablePointer<z_stream>,
        _ input: UnsafeBufferPointer<UInt8>,
        _ operation: Operation,
        _ flow: inout BodyFlow
    ) {
        let mode =
            switch operation {
            case .push: Z_NO_FLUSH
            case .flush: Z_SYNC_FLUSH
            case .finish: Z_FINISH
            }
        stream.pointee.next_in = input.baseAddress
        stream.pointee.avail_in = UInt32(input.count)
        var isFull = true
        while isFull {
            let chunk = output.room()
            let room = chunk.room
            stream.pointee.next_out = chunk.base + chunk.filled
            stream.pointee.avail_out = UInt32(room)
            let status = CZlib.deflate(stream, mode)
            // No progress is no error: the call before has left nothing to do.
            precondition(
                status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR,
                "zlib was used wrongly"
            )
            isFull = stream.pointee.avail_out == 0 && status != Z_STREAM_END
            output.push(room - Int(stream.pointee.avail_out), of: chunk, into: &flow)
        }
        precondition(stream.pointee.avail_in == 0, "zlib has left input")
        stream.pointee.next_in = nil
    }

    /// False: memory was refused, the only way in which it can fail.
    private func compressBlocks(
        _ encoder: OpaquePointer,
        _ input: UnsafeBufferPointer<UInt8>,
        _ operation: Operation,
        _ flow: inout BodyFlow
    ) -> Bool {
        var rest = input[...]
        while blockBytes + rest.count >= Limits.brotliBlockBytes {
            let piece = rest.prefix(Limits.brotliBlockBytes - blockBytes)
            guard compress(encoder, .init(rebasing: piece), .flush, &flow) else { return false }
            rest = rest.dropFirst(piece.count)
            blockBytes = 0
        }
        blockBytes += rest.count
        return compress(encoder, .init(rebasing: rest), operation, &flow)
    }

    private func compress(
        _ encoder: OpaquePointer,
        _ input: UnsafeBufferPointer<UInt8>,
        _ operation: Operation,
        _ flow: inout BodyFlow
    ) -> Bool {
        let mode =
            switch operation {
            case .push: BROTLI_OPERATION_PROCESS
            case .flush: BROTLI_OPERATION_FLUSH
            case .finish: BROTLI_OPERATION_FINISH
            }
        var from = input.baseAddress
        var left = input.count
        repeat {
            let chunk = output.room()
            let room = chunk.room
            var into: UnsafeMutablePointer<UInt8>? = chunk.base + chunk.filled
            var roomLeft = room
            guard
                BrotliEncoderCompressStream(encoder, mode, &left, &from, &roomLeft, &into, nil)
                    != 0
            else {
                precondition(memory.hasRefused, "brotli was used wrongly")
                return false
            }
            output.push(room - roomLeft, of: chunk, into: &flow)
        } while left > 0 || BrotliEncoderHasMoreOutput(encoder) != 0
        return true
    }

    private func close() {
        switch engine {
        case .deflate(let stream):
            // It says that bytes were left where a body was broken off.
            _ = deflateEnd(stream)
            stream.deallocate()
        case .brotli(let encoder): BrotliEncoderDestroyInstance(encoder)
        case .closed: return
        }
        engine = .closed
        output.close()
    }
}
