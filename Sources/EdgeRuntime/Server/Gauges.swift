// What a loop only knows when it looks: once a second it writes its gauges where other threads can read them, and
// by doing so shows that it is alive.
//
// Lag is how late this very timer fires. Busy is the thread's own clock against the wall's: it costs nothing per
// tick, and a loop that sleeps in a system call that should not block shows as lag instead.

import CLinux
import Glibc

final class Gauges: LoopMember {
    private let context: EdgeContext
    private let index: Int
    private let pulse: SharedWord
    private var due: Nanoseconds
    private var worked: Nanoseconds
    private var looked: Nanoseconds
    /// The most that was leased since memory was last given back.
    private var peak = 0

    init(context: EdgeContext, index: Int, pulse: SharedWord) {
        self.context = context
        self.index = index
        self.pulse = pulse
        let now = context.loop.now
        due = now + Limits.gaugePeriod
        worked = Clock.threadTime()
        looked = now
        super.init(loop: context.loop)
        loop.add(self)
        loop.setDeadline(self, at: due)
        pulse.value = UInt64(now)
    }

    override func expired() {
        let now = loop.now
        let metrics = context.metrics
        metrics.observe(.loopLag, nanoseconds: now - due)
        let busy = Clock.threadTime() - worked
        let share = busy * 1_000_000 / max(1, now - looked)
        metrics.set(.loopBusy, index, to: Int(min(share, 1_000_000)))
        metrics.set(.exchanges, to: context.exchangeCount)
        metrics.set(.bufferedBytes, to: loop.chunks.leasedBytes)
        context.dropDrained()
        giveBackMemory()
        lookAtOrigins(metrics)
        lookAtFunctions(metrics)
        pulse.value = UInt64(now)
        worked += busy
        looked = now
        due = now + Limits.gaugePeriod
        loop.setDeadline(self, at: due)
    }

    /// After a flood the allocator holds what the bodies held. The system gets it back, off the loop.
    private func giveBackMemory() {
        let leased = loop.chunks.leasedBytes
        peak = max(peak, leased)
        guard peak - leased > Limits.memoryGivenBack else { return }
        peak = leased
        _ = loop.offload({ malloc_trim(0) }, then: { _ in })
    }

    private func lookAtFunctions(_ metrics: LoopMetrics) {
        var parked = [Int](repeating: 0, count: metrics.layout.vocabulary.functions.count)
        for hook in context.generation.functions?.hooks ?? [] where hook.breaker.isParked {
            if let index = hook.metricIndex { parked[index] += 1 }
        }
        for (index, count) in parked.enumerated() {
            metrics.set(.functionParked, index, to: count)
        }
    }

    /// Also origins that are no longer configured, whose last connections end some time.
    private func lookAtOrigins(_ metrics: LoopMetrics) {
        let count = metrics.layout.vocabulary.origins.count
        var open = [Int](repeating: 0, count: count)
        var idle = open
        var out = open
        context.forEachServerSet { set in
            for pool in set.pools {
                open[set.metricIndex] += pool.openCount
                idle[set.metricIndex] += pool.idleCount
            }
        }
        // What is known to all loops is told by one.
        if index == 0 {
            for case .servers(let set) in context.generation.origins.stations {
                out[set.metricIndex] = set.health.verdict.out.nonzeroBitCount
            }
        }
        for origin in 0..<count {
            let state = OriginConnectionState.self
            metrics.set(.originConnections, origin, Int(state.open.rawValue), to: open[origin])
            metrics.set(.originConnections, origin, Int(state.idle.rawValue), to: idle[origin])
            metrics.set(.originEjected, origin, to: out[origin])
        }
    }
}
