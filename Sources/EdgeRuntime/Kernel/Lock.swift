// Mutual exclusion over `pthread_mutex`. Not `Synchronization.Mutex`: the thread sanitizer does not know its futex
// and reports races that are none, and a report that may be false is a report that nobody reads.
//
// `Locked` is the type to use: what it guards can only be reached inside `withLock`. It can also wait, with a
// time limit on the monotonic clock, until what it guards says something. Critical sections are short and call
// nothing that blocks.

import CLinux
import Glibc

/// A mutex alone, for guards that span more than one value.
final class Lock: @unchecked Sendable {
    // Guard: the mutex is its own; its address never changes because it is allocated.
    fileprivate let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        let result = pthread_mutex_init(mutex, nil)
        precondition(result == 0, "pthread_mutex_init: \(result)")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    @inline(__always)
    func lock() {
        let result = pthread_mutex_lock(mutex)
        precondition(result == 0, "pthread_mutex_lock")
    }

    @inline(__always)
    func unlock() {
        let result = pthread_mutex_unlock(mutex)
        precondition(result == 0, "pthread_mutex_unlock")
    }

    @inline(__always)
    func withLock<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock()
        defer { unlock() }
        return try body()
    }
}

/// A value and the lock that guards it.
final class Locked<Value: ~Copyable>: @unchecked Sendable {
    // Guard: `value` is touched only between `lock` and `unlock`.
    private let guardian = Lock()
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var value: Value

    init(_ value: consuming Value) {
        self.value = value
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        // The wall clock may jump; a wait of 50 ms must stay one.
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        let result = pthread_cond_init(condition, &attributes)
        precondition(result == 0, "pthread_cond_init: \(result)")
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
    }

    @inline(__always)
    func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guardian.lock()
        defer { guardian.unlock() }
        return try body(&value)
    }

    /// Changes the value and wakes whoever waits for it to say something.
    func withLockNotifying<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guardian.lock()
        defer {
            pthread_cond_broadcast(condition)
            guardian.unlock()
        }
        return try body(&value)
    }

    /// The same for a value that only one of those who wait can use.
    func withLockNotifyingOne<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guardian.lock()
        defer {
            pthread_cond_signal(condition)
            guardian.unlock()
        }
        return try body(&value)
    }

    /// Waits until `isReady` says so or the time is over (`nil`: for ever), then runs `body` either way.
    func withLock<Result: ~Copyable>(
        waitingAtMost milliseconds: Int?,
        until isReady: (borrowing Value) -> Bool,
        _ body: (inout Value) -> Result
    ) -> Result {
        guardian.lock()
        defer { guardian.unlock() }
        if let milliseconds {
            var deadline = Self.deadline(after: milliseconds)
            while !isReady(value) {
                let result = pthread_cond_timedwait(condition, guardian.mutex, &deadline)
                if result == ETIMEDOUT { break }
            }
        } else {
            while !isReady(value) { pthread_cond_wait(condition, guardian.mutex) }
        }
        return body(&value)
    }

    private static func deadline(after milliseconds: Int) -> timespec {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let nanoseconds = now.tv_nsec + (milliseconds % 1000) * 1_000_000
        return timespec(
            tv_sec: now.tv_sec + milliseconds / 1000 + nanoseconds / 1_000_000_000,
            tv_nsec: nanoseconds % 1_000_000_000
        )
    }
}
