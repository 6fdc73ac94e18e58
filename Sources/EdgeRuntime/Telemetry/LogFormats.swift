// The two spellings of an access line. Both have the same fields in the same order; a format only says how a value
// of each kind looks and what stands before it.

/// One way to spell the values of a line. Names come as JSON writes them, separator and colon included.
protocol LineFormat {
    /// A field begins that is not the first of its line.
    static func field(_ name: StaticString, _ line: inout LogLine)
    static func missing(_ line: inout LogLine)
    /// From a peer or the configuration: escaped, and cut if too long.
    static func text(_ bytes: Span<UInt8>, _ line: inout LogLine)
    /// Our own words, safe in both formats.
    static func word(_ text: StaticString, _ line: inout LogLine)
    static func safe(_ bytes: Span<UInt8>, _ line: inout LogLine)
    /// Stands before and behind what is safe and comes in pieces.
    static func quote(_ line: inout LogLine)
}

enum JSONFormat: LineFormat {
    @inline(__always)
    static func field(_ name: StaticString, _ line: inout LogLine) { line.put(name) }

    @inline(__always)
    static func missing(_ line: inout LogLine) { line.put("null") }

    @inline(__always)
    static func text(_ bytes: Span<UInt8>, _ line: inout LogLine) { line.put(json: bytes) }

    @inline(__always)
    static func word(_ text: StaticString, _ line: inout LogLine) {
        line.put(0x22)
        line.put(text)
        line.put(0x22)
    }

    @inline(__always)
    static func safe(_ bytes: Span<UInt8>, _ line: inout LogLine) {
        line.put(0x22)
        line.put(bytes)
        line.put(0x22)
    }

    @inline(__always)
    static func quote(_ line: inout LogLine) { line.put(0x22) }
}

enum StandardFormat: LineFormat {
    @inline(__always)
    static func field(_ name: StaticString, _ line: inout LogLine) { line.put(0x09) }

    @inline(__always)
    static func missing(_ line: inout LogLine) { line.put(0x2d) }

    @inline(__always)
    static func text(_ bytes: Span<UInt8>, _ line: inout LogLine) {
        bytes.count == 0 ? line.put(0x2d) : line.put(percent: bytes)
    }

    @inline(__always)
    static func word(_ text: StaticString, _ line: inout LogLine) { line.put(text) }

    @inline(__always)
    static func safe(_ bytes: Span<UInt8>, _ line: inout LogLine) { line.put(bytes) }

    @inline(__always)
    static func quote(_ line: inout LogLine) {}
}
