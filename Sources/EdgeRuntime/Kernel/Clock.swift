// Time, read once per tick. All deadlines are monotonic nanoseconds; wall time is only shown to people.

import CLinux
import Glibc

/// A span of time, or monotonic time since some point in the past: the one unit of all durations and deadlines.
typealias Nanoseconds = Int64

extension Nanoseconds {
    /// A deadline that never comes.
    static let never = Self.max
    static func seconds(_ count: Int64) -> Self { count * 1_000_000_000 }
    static func milliseconds(_ count: Int64) -> Self { count * 1_000_000 }
}

/// Seconds and nanoseconds since 1970.
struct WallTime: Equatable, Sendable {
    var seconds: Int64
    var nanoseconds: Int32
}

/// The two clocks of a loop as of its last reading.
struct Clock {
    private(set) var now: Nanoseconds = 0
    private(set) var wall = WallTime(seconds: 0, nanoseconds: 0)

    mutating func readSystem() {
        now = Self.monotonic()
        wall = Self.wall()
    }

    /// For the simulator: time is what it says.
    mutating func set(now: Nanoseconds, wall: WallTime) {
        self.now = now
        self.wall = wall
    }

    static func monotonic() -> Nanoseconds {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Nanoseconds(time.tv_sec) &* 1_000_000_000 &+ Nanoseconds(time.tv_nsec)
    }

    /// What the calling thread has worked.
    static func threadTime() -> Nanoseconds {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Nanoseconds(time.tv_sec) &* 1_000_000_000 &+ Nanoseconds(time.tv_nsec)
    }

    static func wall() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }
}
