// `kill -9` at random moments of a heavy story, then everything is read and compared.
//
// The child is this test program once more, told by its environment to do nothing but the story: puts, removals and purges
// as fast as they go. It says through a pipe what it was promised: written, removed, purged. The parent kills it, opens
// the folder and holds the tier to that.
//
//   EDGED_SOAK_SECONDS=n   200 rounds instead of 10 (`make soak`)

import CLinux
import Glibc
import Testing

@testable import EdgeRuntime

@Suite(.serialized) struct DiskCrashTests {
    private static let pipeNumber: CInt = 3
    private static let keys = 300

    private static func settings(_ folder: String) -> DiskSettings {
        var settings = DiskSettings(
            folder: folder,
            bytesMax: 24 * (64 << 10) + Limits.diskProbeBytes + Limits.diskFolderBytes + (32 << 10),
            segmentBytes: 64 << 10,
            journalBytesMax: 16 << 10
        )
        settings.judge = { _, asOf, facts in
            facts.number(at: 8, as: UInt64.self) % 5 == 0 ? nil : asOf
        }
        return settings
    }

    private static func setting(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// A put's payload follows from its step alone.
    private static func payload(_ step: UInt64) -> [UInt8] {
        var random = Random(seed: step)
        return DiskBench.payload(Int(step), Int(random.next(below: 7000)))
    }

    // MARK: The child

    @Test func story() throws {
        guard let folder = Self.setting("EDGED_DISK_STORY"),
            let seed = Self.setting("EDGED_DISK_SEED").flatMap(UInt64.init)
        else { return }
        let tier = try DiskTier.open(Self.settings(folder)) { _ in }
        let purged = Locked(tier.lastInvalidation)
        var random = Random(seed: seed)
        var sequence = tier.lastInvalidation
        var step = seed << 32
        Self.say("ready")
        while true {
            step += 1
            let number = random.next(below: UInt64(Self.keys))
            let key = DiskBench.key(Int(number))
            switch random.next(below: 100) {
            case 0..<3:
                guard tier.remove(key) else { continue }
                tier.flush()
                Self.say("removed \(number) \(step)")
            case 3..<8:
                sequence += 1
                let mine = sequence
                var rule: [UInt8] = []
                rule.append(number: number)
                tier.invalidate(DiskInvalidation(sequence: mine, rule: rule)) { fault in
                    guard fault == nil else { return }
                    purged.withLock { $0 = max($0, mine) }
                    Self.say("purged \(number) \(mine)")
                }
            case 8..<30:
                _ = tier.payload(key)
            default:
                var facts: [UInt8] = []
                facts.append(number: number)
                facts.append(number: step)
                // The fetch began some purges ago.
                let asOf = sequence - min(sequence, random.next(below: 4))
                let record = DiskBench.record(
                    key,
                    version: step,
                    asOf: asOf,
                    facts: facts,
                    payload: Self.payload(step)
                )
                guard tier.put(record), random.next(below: 10) == 0 else { continue }
                tier.flush()
                // It may know too few purges to be written at all.
                guard tier.find(key, part: 0, version: step) != nil else { continue }
                Self.say("written \(number) \(step)")
            }
        }
    }

    private static func say(_ line: String) {
        // Below the size that a pipe takes as one, so lines of two threads do not mix.
        let written = Glibc.write(pipeNumber, line + "\n", line.utf8.count + 1)
        // Nobody listens: the parent is gone.
        if written < 0 { exit(1) }
    }

    // MARK: The parent

    /// What the child was promised.
    private struct Promises {
        /// The step of the last removal of a key, and of the last write that was waited for.
        var removed: [UInt64: UInt64] = [:]
        var written: [UInt64: UInt64] = [:]
        var purged: [UInt64: UInt64] = [:]
        var lines = 0

        mutating func take(_ line: Substring) {
            let words = line.split(separator: " ")
            guard words.count == 3, let number = UInt64(words[1]), let value = UInt64(words[2])
            else { return }
            lines += 1
            switch words[0] {
            case "removed": removed[number] = value
            case "written": written[number] = value
            case "purged": purged[number] = max(purged[number] ?? 0, value)
            default: break
            }
        }
    }

    @Test func everyPromiseIsKeptAfterAKill() throws {
        guard Self.setting("EDGED_DISK_STORY") == nil else { return }
        let rounds = Self.setting("EDGED_SOAK_SECONDS") == nil ? 10 : 200
        let scratch = DiskScratch()
        var random = Random()
        var promises = Promises()
        var found = 0
        for round in 1...rounds {
            try Self.live(
                scratch.path,
                seed: UInt64(round),
                milliseconds: random.next(below: 150),
                &promises
            )
            // Nothing of this opening is closed: the next child finds what the last one left.
            var settings = Self.settings(scratch.path)
            settings.isThreaded = false
            let tier = try DiskTier.open(settings) { event in
                Issue.record("round \(round): \(event)")
            }
            found += try Self.check(tier, promises, round)
            #expect(scratch.usedBytes <= settings.bytesMax)
        }
        #expect(promises.lines > rounds && found > rounds, "\(promises.lines), \(found)")
        print("\(rounds) kills: \(promises.lines) promises, \(found) records read")
    }

    private static func check(
        _ tier: DiskTier,
        _ promises: Promises,
        _ round: Int
    ) throws -> Int {
        var found = 0
        let rules = tier.invalidations
        for number in 0..<UInt64(keys) {
            guard let extent = tier.find(DiskBench.key(Int(number)), part: 0) else { continue }
            let reading = tier.read(extent, into: Chunk(capacity: extent.bytes))
            guard case .record(let record) = reading else {
                Issue.record("round \(round): \(number) is found, and not readable: \(reading)")
                continue
            }
            found += 1
            let step = record.version
            #expect(record.payload.array == payload(step), "round \(round)")
            let facts = record.facts.array
            #expect(facts.span.number(at: 0, as: UInt64.self) == number)
            #expect(facts.span.number(at: 8, as: UInt64.self) == step)
            #expect(step > promises.removed[number] ?? 0, "round \(round): a removed one is back")
            #expect(step >= promises.written[number] ?? 0, "round \(round): an older one is back")
            if let purge = promises.purged[number], record.asOf < purge {
                // It may be there, but must be known to be purged.
                let isKnown = rules.contains { rule in
                    rule.sequence == purge
                        && rule.rule.span.number(at: 0, as: UInt64.self) == number
                }
                #expect(isKnown, "round \(round): purge \(purge) is forgotten")
            }
        }
        return found
    }

    /// Starts the story, waits until it has begun and a while longer, kills it.
    private static func live(
        _ folder: String,
        seed: UInt64,
        milliseconds: UInt64,
        _ promises: inout Promises
    ) throws {
        var ends: [CInt] = [0, 0]
        #expect(pipe2(&ends, O_CLOEXEC) == 0)
        let child = try spawn(folder, seed, ends[1])
        close(ends[1])
        defer { close(ends[0]) }
        var text: [UInt8] = []
        var isKilled = false
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(ends[0], &buffer, buffer.count)
            guard count > 0 else { break }
            text.append(contentsOf: buffer[..<count])
            if !isKilled {
                usleep(UInt32(milliseconds) * 1000)
                kill(child, SIGKILL)
                isKilled = true
            }
        }
        var status: CInt = 0
        #expect(waitpid(child, &status, 0) == child)
        #expect(isKilled && status & 0x7f == SIGKILL, "it ended by itself: \(status)")
        // A line that the kill has cut is no promise.
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.first == "ready")
        for line in lines.dropLast(text.last == 0x0a ? 0 : 1) { promises.take(line) }
    }

    private static func spawn(_ folder: String, _ seed: UInt64, _ pipe: CInt) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipe, pipeNumber)
        let words =
            CommandLine.arguments.prefix(1) + [
                "--testing-library", "swift-testing", "--filter", "DiskCrashTests/story",
            ]
        let settings = [
            "EDGED_DISK_STORY=\(folder)", "EDGED_DISK_SEED=\(seed)",
            "LD_LIBRARY_PATH=\(setting("LD_LIBRARY_PATH") ?? "")",
            "PATH=\(setting("PATH") ?? "")",
        ]
        var arguments = words.map { strdup($0) } + [nil]
        var environment = settings.map { strdup($0) } + [nil]
        defer { for word in arguments + environment { free(word) } }
        var child: pid_t = 0
        let result = posix_spawn(
            &child,
            "/proc/self/exe",
            &actions,
            nil,
            &arguments,
            &environment
        )
        try #require(result == 0, "posix_spawn: \(result)")
        return child
    }
}
