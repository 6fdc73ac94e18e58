// Work of functions that no request waits for, and when it is to be done.

/// A function that runs without an event.
struct BackgroundTask {
    enum Cause: UInt8 {
        case start
        case period
        case deferred

        /// The name under which a user knows it.
        var word: StaticString {
            switch self {
            case .start: "init"
            case .period: "every"
            case .deferred: "defer"
            }
        }
    }

    var cause: Cause
    /// Its place among the hooks of the machine.
    var hook: Int
    /// Nil: once.
    var period: Nanoseconds?
    /// Before the first period is over.
    var startsNow = false
    /// On one loop of the process instead of on each.
    var isOncePerProcess = false
}

/// When each task of a generation is due. Pure; time is an argument.
///
///   waiting ── due ──▶ running ── ended ──▶ waiting for the next period, or done
///                        │ due again: skipped, a task never runs twice at once
///                        └──┘
struct BackgroundPlan {
    private struct Row {
        var task: BackgroundTask
        var due: Nanoseconds
        var isRunning = false
    }

    private var rows: [Row] = []

    var isEmpty: Bool { rows.isEmpty }

    init() {}

    init(_ tasks: [BackgroundTask], isFirstLoop: Bool, now: Nanoseconds) {
        rows = tasks.filter { isFirstLoop || !$0.isOncePerProcess }.map { task in
            let wait = task.startsNow ? 0 : task.period ?? 0
            return Row(task: task, due: now + wait)
        }
    }

    var next: Nanoseconds { rows.lazy.map(\.due).min() ?? .never }

    /// The tasks that begin now, as places for `ended`.
    mutating func takeDue(now: Nanoseconds) -> [(place: Int, task: BackgroundTask)] {
        var due: [(place: Int, task: BackgroundTask)] = []
        for place in rows.indices where rows[place].due <= now {
            if !rows[place].isRunning {
                rows[place].isRunning = true
                due.append((place, rows[place].task))
            }
            if let period = rows[place].task.period {
                // Periods that went by unseen (a stopped machine) are not made up for.
                let passed = (now - rows[place].due) / period + 1
                rows[place].due += passed * period
            } else {
                rows[place].due = .never
            }
        }
        return due
    }

    mutating func ended(_ place: Int) { rows[place].isRunning = false }
}
