// A few threads for what may sleep in the kernel: opening and reading files, resolving names.
//
// A job runs on some thread of the pool and its answer comes back to the asking loop as a letter. The queue is
// bounded: a full one refuses the job, and the asker turns that into a worded 503. In the simulator jobs run at
// once on the one thread there is, and their answers still come as letters, one tick later.

final class BlockingPool: Sendable {
    typealias Job = @Sendable () -> Void

    private struct Queue {
        var jobs: [Job] = []
        var next = 0
        var isClosed = false

        private static let nothing: Job = {}

        var isEmpty: Bool { next == jobs.count }
        var count: Int { jobs.count - next }

        mutating func take() -> Job? {
            guard next < jobs.count else { return nil }
            let job = jobs[next]
            // A taken job may hold a chunk or a file: nothing of it stays in the queue.
            jobs[next] = Queue.nothing
            next += 1
            if next == jobs.count || next >= 1024 {
                jobs.removeFirst(next)
                next = 0
            }
            return job
        }
    }

    private let queue = Locked(Queue())
    private let threads: [Thread]

    /// With no threads at all jobs run in the caller's thread.
    init(threads count: Int) throws(Thread.StartFailure) {
        var started: [Thread] = []
        let queue = self.queue
        for index in 0..<count {
            started.append(
                try Thread.start(name: "edged-disk-\(index)") { Self.work(off: queue) }
            )
        }
        threads = started
    }

    /// False if the queue is full: nothing will run.
    func run(_ job: @escaping Job) -> Bool {
        guard !threads.isEmpty else {
            job()
            return true
        }
        return queue.withLockNotifyingOne { queue in
            guard queue.count < Limits.blockingJobsQueued, !queue.isClosed else { return false }
            queue.jobs.append(job)
            return true
        }
    }

    /// Runs what is queued and ends the threads.
    func close() {
        queue.withLockNotifying { $0.isClosed = true }
        for thread in threads { thread.join() }
    }

    private static func work(off queue: Locked<Queue>) {
        while true {
            let job = queue.withLock(
                waitingAtMost: nil,
                until: { !$0.isEmpty || $0.isClosed },
                { $0.take() }
            )
            guard let job else { return }
            job()
        }
    }
}
