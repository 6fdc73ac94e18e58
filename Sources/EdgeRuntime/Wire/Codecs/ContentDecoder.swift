// Undoes a coding as the body streams. A few bytes may say very many, so each push says how much may come of it, and
// the whole has two bounds: a number of bytes, and a ratio beyond what costs nothing to decode.
//
//   push(bytes, room) ─▶ taken, and whether it stopped for want of room: then the rest is pushed again, later
//   finish            ─▶ the coding has come to its end, else it was cut
//
// What is accepted: gzip with any number of members (RFC 1952 §2.2); `deflate` in zlib's format, and bare, as some
// servers have always sent it: what does not begin like zlib's head is taken for that; brotli with windows of up to 16 MiB (RFC
// 7932), never the larger ones of its extension. A body without a byte is taken for what it is. Bytes behind the end
// are an error, zeros as well: whoever put them there meant something else than we would show.

import CBrotli
import CZlib

final class ContentDecoder {
    struct Progress: Equatable {
        /// How many of the bytes are used up.
        var taken: Int
        /// There may be more output even if all bytes are taken.
        var isFull: Bool
    }

    private enum Engine {
        case inflate(UnsafeMutablePointer<z_stream>)
        case brotli(OpaquePointer)
        case closed
    }

    /// What one call of a library came to.
    private enum Step {
        case wantsInput
        case wantsRoom
        case ended
        case failed(EdgeError)
    }

    let coding: ContentCoding
    private let bytesMax: Int64
    private let memory: CoderMemory
    private var engine: Engine
    private var output: CoderOutput
    /// Two bytes tell the formats of `deflate` apart: the first, if it came alone.
    private var firstByte: UInt8?
    private var isFormatKnown: Bool
    private var hasEnded = false
    private var isFull = false
    private(set) var bytesIn: Int64 = 0
    private(set) var bytesOut: Int64 = 0

    /// Throws `bufferLimit` if the loop has not the memory.
    init(
        _ coding: ContentCoding,
        bytesMax: Int64 = Limits.decodedBytesMax,
        pool: ChunkPool
    ) throws(EdgeError) {
        self.coding = coding
        self.bytesMax = bytesMax
        isFormatKnown = coding != .deflate
        output = CoderOutput(pool)
        switch coding {
        case .gzip, .deflate:
            memory = try CoderMemory(Limits.inflateBytesMax, of: pool)
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            stream.pointee.zalloc = CoderMemory.allocateItems
            stream.pointee.zfree = CoderMemory.free
            stream.pointee.opaque = memory.opaque
            guard edge_inflateInit2(stream, coding == .gzip ? Format.gzip : Format.zlib) == Z_OK
            else {
                stream.deallocate()
                throw .bufferLimit
            }
            engine = .inflate(stream)
        case .brotli:
            memory = try CoderMemory(Limits.brotliDecoderBytesMax, of: pool)
            let made = BrotliDecoderCreateInstance(
                CoderMemory.allocate,
                CoderMemory.free,
                memory.opaque
            )
            guard let made else { throw .bufferLimit }
            engine = .brotli(made)
        }
    }

    deinit { close() }

    /// zlib's numbers for what it is to expect: the largest window, and the format by offset or sign (zlib.h).
    private enum Format {
        static let zlib: CInt = 15
        static let gzip: CInt = 15 + 16
        static let bare: CInt = -15
    }

    /// What the library holds now, and the most that it held.
    var memoryBytes: (live: Int, peak: Int) { (memory.liveBytes, memory.peakBytes) }

    /// At most `room` bytes are decoded. Errors are written for a client: `blaming` makes them the origin's.
    func push(
        _ bytes: Span<UInt8>,
        room: Int,
        into flow: inout BodyFlow
    ) throws(EdgeError) -> Progress {
        var taken = 0
        var left = room
        isFull = false
        if !isFormatKnown {
            taken = try findFormat(bytes)
            guard isFormatKnown else { return Progress(taken: taken, isFull: false) }
        }
        while true {
            if hasEnded {
                guard taken < bytes.count else { break }
                try beginMember(bytes[taken])
            }
            guard left > 0 else {
                isFull = true
                break
            }
            let rest = bytes.extracting(taken..<bytes.count)
            let before = (bytesIn, bytesOut)
            let step = step(rest, room: left, &flow)
            taken += Int(bytesIn - before.0)
            left -= Int(bytesOut - before.1)
            try checkBounds()
            switch step {
            case .failed(let error): throw fail(error)
            case .ended: hasEnded = true
            case .wantsRoom: continue
            case .wantsInput:
                guard taken < bytes.count else { return Progress(taken: taken, isFull: false) }
            }
        }
        return Progress(taken: taken, isFull: isFull)
    }

    /// After the last push; its output must have found room.
    func finish() throws(EdgeError) {
        precondition(!isFull, "there is more in it")
        let isWhole = hasEnded || (bytesIn == 0 && firstByte == nil)
        close()
        if !isWhole { throw .codingTruncated }
    }

    // MARK: Formats

    /// How many bytes were taken to know it.
    private func findFormat(_ bytes: Span<UInt8>) throws(EdgeError) -> Int {
        guard bytes.count > 0 else { return 0 }
        guard let first = firstByte ?? (bytes.count > 1 ? bytes[0] : nil) else {
            firstByte = bytes[0]
            return 1
        }
        let second = firstByte == nil ? bytes[1] : bytes[0]
        // RFC 1950 §2.2: the method is 8, and both bytes as a number are a multiple of 31.
        let isZlib = first & 0x0f == 8 && (Int(first) << 8 | Int(second)) % 31 == 0
        isFormatKnown = true
        guard case .inflate(let stream) = engine else { return 0 }
        if !isZlib {
            let status = inflateReset2(stream, Format.bare)
            precondition(status == Z_OK, "zlib was used wrongly")
        }
        guard firstByte != nil else { return 0 }
        // No byte comes of it: the shortest symbol with its block's head has ten bits.
        let held: InlineArray<1, UInt8> = [first]
        var nothing = BodyFlow()
        if case .failed(let error) = step(held.span, room: 1, &nothing) { throw fail(error) }
        precondition(bytesIn == 1 && bytesOut == 0, "zlib has left its input")
        return 0
    }

    /// Something stands behind the end: another member, or what does not belong there.
    private func beginMember(_ first: UInt8) throws(EdgeError) {
        guard coding == .gzip, first == 0x1f, case .inflate(let stream) = engine else {
            throw fail(.badCoding)
        }
        let status = inflateReset(stream)
        precondition(status == Z_OK, "zlib was used wrongly")
        hasEnded = false
    }

    // MARK: The libraries

    private func step(_ bytes: Span<UInt8>, room: Int, _ flow: inout BodyFlow) -> Step {
        let chunk = output.room()
        let room = min(room, chunk.room)
        return bytes.withUnsafeBufferPointer { input in
            switch engine {
            case .inflate(let stream): inflate(stream, input, room, chunk, &flow)
            case .brotli(let decoder): decompress(decoder, input, room, chunk, &flow)
            case .closed: preconditionFailure("a coding has one end")
            }
        }
    }

    private func inflate(
        _ stream: UnsafeMutablePointer<z_stream>,
        _ input: UnsafeBufferPointer<UInt8>,
        _ room: Int,
        _ chunk: Chunk,
        _ flow: inout BodyFlow
    ) -> Step {
        stream.pointee.next_in = input.baseAddress
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = chunk.base + chunk.filled
        stream.pointee.avail_out = UInt32(room)
        let status = CZlib.inflate(stream, Z_NO_FLUSH)
        count(
            input.count - Int(stream.pointee.avail_in),
            room - Int(stream.pointee.avail_out),
            chunk,
            &flow
        )
        let isRoomLeft = stream.pointee.avail_out > 0
        stream.pointee.next_in = nil
        switch status {
        case Z_STREAM_END: return .ended
        // No progress is no error: it wants more of what it has not.
        case Z_OK, Z_BUF_ERROR: return isRoomLeft ? .wantsInput : .wantsRoom
        case Z_MEM_ERROR: return .failed(.bufferLimit)
        case Z_DATA_ERROR, Z_NEED_DICT: return .failed(.badCoding)
        default: preconditionFailure("zlib was used wrongly")
        }
    }

    private func decompress(
        _ decoder: OpaquePointer,
        _ input: UnsafeBufferPointer<UInt8>,
        _ room: Int,
        _ chunk: Chunk,
        _ flow: inout BodyFlow
    ) -> Step {
        var from = input.baseAddress
        var left = input.count
        var into: UnsafeMutablePointer<UInt8>? = chunk.base + chunk.filled
        var roomLeft = room
        let result = BrotliDecoderDecompressStream(decoder, &left, &from, &roomLeft, &into, nil)
        count(input.count - left, room - roomLeft, chunk, &flow)
        switch result {
        case BROTLI_DECODER_RESULT_SUCCESS: return .ended
        case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: return .wantsInput
        case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return .wantsRoom
        case BROTLI_DECODER_RESULT_ERROR:
            return .failed(memory.hasRefused ? .bufferLimit : .badCoding)
        default: preconditionFailure("brotli has a new answer")
        }
    }

    private func count(_ taken: Int, _ made: Int, _ chunk: Chunk, _ flow: inout BodyFlow) {
        bytesIn += Int64(taken)
        bytesOut += Int64(made)
        output.push(made, of: chunk, into: &flow)
    }

    private func checkBounds() throws(EdgeError) {
        guard bytesOut > Limits.decodedBytesFree || bytesOut > bytesMax else { return }
        if bytesOut > bytesMax || bytesOut / Limits.decodedRatioMax > bytesIn {
            throw fail(.codingTooLarge)
        }
    }

    private func fail(_ error: EdgeError) -> EdgeError {
        close()
        return error
    }

    private func close() {
        switch engine {
        case .inflate(let stream):
            _ = inflateEnd(stream)
            stream.deallocate()
        case .brotli(let decoder): BrotliDecoderDestroyInstance(decoder)
        case .closed: return
        }
        engine = .closed
        output.close()
    }
}
