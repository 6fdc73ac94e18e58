// Bounds of logs. The relations between them are asserted in `LogLineTests`.

extension Limits {
    /// A loop's lines that wait to be written: at 600 bytes a line, 1,700 of them. The writer comes every 50 ms and is
    /// woken at half, so a loop has room for 85,000 lines a second before the disk is asked to keep up.
    static let logRingBytes = 1 << 20
    /// One value as it is written, escapes included; a longer one is cut and marked. Signed URLs and cookies fit.
    static let logValueBytesMax = 2048
    /// A whole line: twelve values that a peer may make long, and all names, numbers and words besides.
    static let logLineBytesMax = 32 << 10
    static let logValuesMax = 12
    static let logFixedBytesMax = 4096
    /// How long a line may lie in a ring before it is written.
    static let logPollMilliseconds = 50
    /// A destination that cannot be opened is tried again this often.
    static let logOpenRetryMilliseconds = 1000
    /// Events that wait to be written. They are rare; a burst past this is a flood.
    static let eventQueueLines = 1024
    /// Lines of events in one second, all names together. More would fill a disk and tell nobody anything.
    static let eventLinesPerSecond = 200
    /// Different events that are watched for repetition at a time.
    static let eventFoldsMax = 32
}
