// Where lines go: a file that is appended to, standard output or error, or nowhere.
//
// A destination that fails (full disk, closed pipe, broken device) costs lines, never the edge: what could not be
// written is counted, the change of state is reported once, and every later attempt may find that it works again.
// A line that a failure cut in half is ended before the next one, so the lines that are there can be read.
//
// Pipes and terminals are asked first and get at most what a pipe takes without blocking, so a reader that
// stalls holds nobody but its own lines.

import CLinux
import Glibc

enum LogTarget: Equatable, Sendable {
    case off
    case standardOutput
    case standardError
    case file(String)

    init(_ text: String) {
        switch text {
        case "off": self = .off
        case "stdout": self = .standardOutput
        case "stderr": self = .standardError
        default: self = .file(text)
        }
    }

    var name: String {
        switch self {
        case .off: "off"
        case .standardOutput: "stdout"
        case .standardError: "stderr"
        case .file(let path): path
        }
    }

    var isTerminal: Bool {
        switch self {
        case .off, .file: false
        case .standardOutput: isatty(1) == 1
        case .standardError: isatty(2) == 1
        }
    }
}

struct LogSink: ~Copyable {
    /// Readable by the group, so that log collectors need no privileges.
    static let fileMode: mode_t = 0o640
    /// What a pipe that reports itself writable takes without blocking.
    private static let streamBytes = 4096

    enum Change: Equatable {
        case failed(SystemError)
        case recovered
    }

    struct Outcome: Equatable {
        /// Bytes that are done with, written or given up; the rest is to be offered again.
        var taken = 0
        var droppedLines = 0
        var change: Change?
    }

    let target: LogTarget
    /// Lines at the start of every file that is opened.
    private let header: StaticString
    private var file: Descriptor?
    /// The number of `file`, or of a stream that is not ours to close. Nil until it is open.
    private var raw: CInt?
    private var failure: SystemError?
    private var retryAt: Nanoseconds = 0
    private var isStream = false
    /// The last byte that was written belongs to a line whose end was lost.
    private var isInsideLine = false
    private var owesHeader = false

    init(_ target: LogTarget, header: StaticString = "") {
        self.target = target
        self.header = header
    }

    /// Opens, or opens again: after a rename the lines go to a new file. If that fails the old file is let go, or a
    /// file that nobody sees would go on growing.
    mutating func open() throws(SystemError) {
        file = nil
        raw = nil
        failure = nil
        isInsideLine = false
        owesHeader = header.utf8CodeUnitCount > 0
        switch target {
        case .off: return
        case .standardOutput: raw = 1
        case .standardError: raw = 2
        case .file(let path):
            // A pipe that nobody reads would keep whoever opens it; this way it is an error.
            let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK
            do throws(SystemError) {
                let opened = try Syscall.value("open") {
                    Int(Glibc.open(path, flags, Self.fileMode))
                }
                file = Descriptor(owning: CInt(truncatingIfNeeded: opened))
                raw = CInt(truncatingIfNeeded: opened)
            } catch {
                failure = error
                throw error
            }
        }
        isStream = !isRegularFile
    }

    /// Writes what it can. Nothing is taken while a stream's reader stalls.
    mutating func write(_ lines: Span<UInt8>, at now: Nanoseconds) -> Outcome {
        if target == .off { return Outcome(taken: lines.count) }
        let wasFailing = failure != nil
        if raw == nil {
            guard now >= retryAt else { return dropAll(lines, wasFailing) }
            retryAt = now + .milliseconds(Int64(Limits.logOpenRetryMilliseconds))
            do throws(SystemError) { try open() } catch { return dropAll(lines, wasFailing) }
        }
        do throws(Stopped) {
            guard try catchUp() else { return Outcome() }
            let taken = try writeAll(lines)
            if taken > 0 { failure = nil }
            return Outcome(taken: taken, change: wasFailing && taken > 0 ? .recovered : nil)
        } catch {
            failure = error.error
            let lost = lines.extracting(droppingFirst: error.taken)
            if error.taken > 0 { isInsideLine = lines[error.taken - 1] != 0x0a }
            return Outcome(
                taken: lines.count,
                droppedLines: Self.lineCount(lost),
                change: wasFailing ? nil : .failed(error.error)
            )
        }
    }

    // MARK: Inside

    private struct Stopped: Error {
        var taken: Int
        var error: SystemError
    }

    private var isRegularFile: Bool {
        guard let raw else { return false }
        var status = stat()
        return fstat(raw, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    private func dropAll(_ lines: Span<UInt8>, _ wasFailing: Bool) -> Outcome {
        let change: Change? = wasFailing ? nil : failure.map { .failed($0) }
        return Outcome(
            taken: lines.count,
            droppedLines: Self.lineCount(lines),
            change: change
        )
    }

    /// Ends a line that was cut and writes the header that a new file needs. False if the stream stalls.
    private mutating func catchUp() throws(Stopped) -> Bool {
        if isInsideLine {
            let newline: InlineArray<1, UInt8> = [0x0a]
            do throws(Stopped) {
                guard try writeAll(newline.span) == 1 else { return false }
            } catch { throw Stopped(taken: 0, error: error.error) }
            isInsideLine = false
        }
        if owesHeader {
            let span = Span(_unsafeStart: header.utf8Start, count: header.utf8CodeUnitCount)
            do throws(Stopped) {
                guard try writeAll(span) > 0 else { return false }
            } catch {
                isInsideLine = error.taken > 0
                throw Stopped(taken: 0, error: error.error)
            }
            owesHeader = false
        }
        return true
    }

    /// How many bytes were written: all, or fewer if a stream stalls.
    private func writeAll(_ bytes: Span<UInt8>) throws(Stopped) -> Int {
        guard let raw else { return 0 }
        var written = 0
        while written < bytes.count {
            if isStream, !isWritable(raw) { return written }
            let left = bytes.count - written
            let size = isStream ? min(left, Self.streamBytes) : left
            let result = bytes.extracting(written..<(written + size)).withUnsafeBufferPointer {
                part in
                Syscall.io { Glibc.write(raw, part.baseAddress, part.count) }
            }
            switch result {
            case .bytes(let count): written += count
            case .wouldBlock: return written
            case .failed(let code):
                throw Stopped(taken: written, error: SystemError("write", code))
            }
        }
        return written
    }

    private func isWritable(_ raw: CInt) -> Bool {
        var query = pollfd(fd: raw, events: Int16(POLLOUT), revents: 0)
        let result = Syscall.retrying {
            Int(poll(&query, 1, CInt(Limits.logPollMilliseconds)))
        }
        return result > 0
    }

    static func lineCount(_ bytes: Span<UInt8>) -> Int {
        var count = 0
        for index in bytes.indices where bytes[index] == 0x0a { count += 1 }
        return count
    }
}
