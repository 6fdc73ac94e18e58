// Bounds of the server as a whole.

extension Limits {
    /// Gauges are for people and scrapers, who look every few seconds.
    static let gaugePeriod = Nanoseconds.seconds(1)
    /// How often the control loop looks after keys and the watchdog.
    static let chorePeriod = Nanoseconds.seconds(1)
    /// A loop that has not shown itself for this long is stuck; the watchdog's own period holds where it is longer.
    static let pulsePatience = Nanoseconds.seconds(5)
    /// From here on the operator is warned of a certificate that ends: two weekly renewals have then failed.
    static let certificateWarningSeconds: Int64 = 14 * 86_400
    /// How long a certificate goes unmentioned after a warning.
    static let certificateReminder = Nanoseconds.seconds(86_400)
    /// OCSP responses live for days. Twice the reminder's period, so that the warning comes before the end.
    static let stapleWarningSeconds: Int64 = 2 * 86_400

    /// Leased memory that has to be free again before the allocator is asked to give it back: the call walks its heap.
    static let memoryGivenBack = 32 << 20

    /// How long a reload waits for every loop to turn to it before it says that one has not: far more than a tick.
    static let swapMilliseconds = 5000

    /// Nothing has stirred for so long: the editor, or the tool that brings a certificate and its key, is done.
    static let watchQuiet = Nanoseconds.milliseconds(200)
    /// Something stirs all the time: look all the same.
    static let watchPatience = Nanoseconds.seconds(2)
    /// How long a file may be away between the two renames of a save.
    static let watchMissing = Nanoseconds.seconds(1)
}
