// A folder of its own, small segments, no threads unless asked for: what the tests of the disk tier share.

import Glibc
import Testing

@testable import EdgeRuntime

/// Removed with everything in it when the last holder lets go.
final class DiskScratch: Sendable {
    let path: String

    init() { path = TestFile.folder() + "/cache" }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
        rmdir(String(path.dropLast("/cache".count)))
    }

    var names: [String] {
        guard let listing = opendir(path) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    var segments: [String] { names.filter { $0.hasSuffix(".segment") } }

    func bytes(of name: String) -> [UInt8] {
        guard let file = fopen("\(path)/\(name)", "r") else { return [] }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: ftell(file))
        rewind(file)
        let count = fread(&bytes, 1, bytes.count, file)
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    func write(_ bytes: [UInt8], to name: String) {
        guard let file = fopen("\(path)/\(name)", "w") else { return }
        defer { fclose(file) }
        _ = fwrite(bytes, 1, bytes.count, file)
    }

    /// Everything as it is, for later.
    var content: [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: names.map { ($0, bytes(of: $0)) })
    }

    func restore(_ content: [String: [UInt8]]) {
        for name in names { unlink("\(path)/\(name)") }
        for (name, bytes) in content { write(bytes, to: name) }
    }

    /// What `du` says, in bytes.
    var usedBytes: Int {
        names.reduce(0) { sum, name in
            var status = stat()
            guard stat("\(path)/\(name)", &status) == 0 else { return sum }
            return sum + Int(status.st_blocks) * 512
        }
    }
}

/// Events, as they were told.
final class DiskEvents: Sendable {
    private let list = Locked<[DiskEvent]>([])

    func tell(_ event: DiskEvent) { list.withLock { $0.append(event) } }
    var all: [DiskEvent] { list.withLock { $0 } }
}

enum DiskBench {
    static let forever: Int64 = 1 << 40

    static func settings(
        _ scratch: DiskScratch,
        segments: Int = 16,
        segmentBytes: Int = 64 << 10,
        journalBytes: Int = 8 << 10,
        files: DiskFiles = .system
    ) -> DiskSettings {
        var settings = DiskSettings(
            folder: scratch.path,
            bytesMax: segments * segmentBytes + Limits.diskProbeBytes + Limits.diskFolderBytes
                + 2 * journalBytes,
            segmentBytes: segmentBytes,
            journalBytesMax: journalBytes
        )
        settings.isThreaded = false
        settings.retryMilliseconds = 0
        settings.files = files
        return settings
    }

    static func key(_ number: Int) -> CacheKey {
        var random = Random(seed: UInt64(number))
        return CacheKey(high: random.next(), low: random.next())
    }

    /// Bytes that no other record has.
    static func payload(_ number: Int, _ count: Int) -> [UInt8] {
        var random = Random(seed: UInt64(number) << 20 | UInt64(count))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { bytes.append(number: random.next()) }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    static func record(
        _ key: CacheKey,
        part: UInt32 = 0,
        version: UInt64 = 1,
        asOf: UInt64 = 0,
        expiry: Int64 = forever,
        facts: [UInt8] = [],
        payload: [UInt8]
    ) -> DiskRecord {
        // In two pieces, as a body comes.
        let half = payload.count / 2
        let chunk = Chunk(payload.span)
        return DiskRecord(
            key: key,
            part: part,
            version: version,
            asOf: asOf,
            expiry: expiry,
            facts: facts,
            payload: [
                ChunkRange(chunk: chunk, start: 0, end: half),
                ChunkRange(chunk: chunk, start: half, end: payload.count),
            ]
        )
    }
}

extension DiskTier {
    /// The payload of what is found, nil if nothing is.
    func payload(_ key: CacheKey, part: UInt32 = 0, version: UInt64? = nil) -> [UInt8]? {
        guard let extent = find(key, part: part, version: version) else { return nil }
        return payload(extent)
    }

    func payload(_ extent: DiskExtent) -> [UInt8]? {
        switch read(extent, into: Chunk(capacity: extent.bytes)) {
        case .record(let record): record.payload.array
        case .gone, .torn, .failed: nil
        }
    }

    /// Does all that waits.
    func settle() {
        while pass() {}
    }
}

extension ChunkRange {
    var array: [UInt8] { bytes.withUnsafeBufferPointer { Array($0) } }
}
