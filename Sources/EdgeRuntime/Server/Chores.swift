// What the control loop does unasked, once a second: certificates that end, loops that are stuck. A timer of its own
// renews the keys of session tickets.

final class Chores: LoopMember {
    private unowned let server: EdgeServer
    private let systemd: Systemd
    private let period: Nanoseconds
    private var nextReminder = Nanoseconds.never
    private var stuck: Set<Int> = []

    init(server: EdgeServer, loop: EventLoop, systemd: Systemd) {
        self.server = server
        self.systemd = systemd
        period = min(Limits.chorePeriod, systemd.watchdogPeriod ?? .never)
        super.init(loop: loop)
        loop.add(self)
        loop.setDeadline(self, at: loop.now + period)
    }

    override func expired() {
        if loop.now >= nextReminder { warnOfCertificates() }
        lookAfterLoops()
        if systemd.watchdogPeriod != nil, stuck.isEmpty { systemd.alive() }
        loop.setDeadline(self, at: loop.now + period)
    }

    // MARK: Certificates

    func warnOfCertificates() {
        nextReminder = loop.now + Limits.certificateReminder
        let now = Clock.wall().seconds
        for certificate in server.published.certificates {
            if let warning = certificate.warning(at: now) {
                server.events.warn("certificate_invalid", EventField("reason", .text(warning)))
            } else if certificate.notAfter - now < Limits.certificateWarningSeconds {
                server.events.warn(
                    "certificate_ends_soon",
                    EventField("file", .text(certificate.file)),
                    EventField("days", .number((certificate.notAfter - now) / 86_400))
                )
            }
        }
        for staple in server.published.staples {
            if let warning = staple.warning(at: now) {
                server.events.warn("ocsp_response_invalid", EventField("reason", .text(warning)))
            } else if let left = staple.notAfter.map({ $0 - now }),
                left < Limits.stapleWarningSeconds
            {
                server.events.warn(
                    "ocsp_response_ends_soon",
                    EventField("file", .text(staple.file)),
                    EventField("hours", .number(left / 3600))
                )
            }
        }
    }

    // MARK: Loops

    /// Each is told of once when it stops, and once when it goes on. A loop that drains may have ended.
    private func lookAfterLoops() {
        guard server.state == .serving else { return }
        let patience = max(Limits.pulsePatience, systemd.watchdogPeriod ?? 0)
        for worker in server.workers {
            let pulse = Nanoseconds(worker.pulse.value)
            let isStuck = pulse > 0 && loop.now - pulse > patience
            guard isStuck != stuck.contains(worker.index) else { continue }
            let index = EventField("loop", .number(Int64(worker.index)))
            if isStuck {
                stuck.insert(worker.index)
                server.events.error("loop_stuck", index)
            } else {
                stuck.remove(worker.index)
                server.events.info("loop_goes_on", index)
            }
        }
    }
}

/// Renews the keys of session tickets when they are due. Apart from the server, so that it runs in the simulator.
final class TicketTimer: LoopMember {
    private let tickets: TicketKeys
    private let events: EventLog

    init(tickets: TicketKeys, events: EventLog, loop: EventLoop) {
        self.tickets = tickets
        self.events = events
        super.init(loop: loop)
        loop.add(self)
        loop.setDeadline(self, at: loop.now + Limits.chorePeriod)
    }

    override func expired() {
        if tickets.rotate(now: loop.clock.wall.seconds) { events.debug("ticket_key_rotated") }
        loop.setDeadline(self, at: loop.now + Limits.chorePeriod)
    }
}
