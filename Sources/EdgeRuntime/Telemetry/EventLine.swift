// How an event is written. The body is everything but the time, so that events can be compared and told again.

import Glibc

enum EventLine {
    static func body(
        _ level: EventLevel,
        _ event: StaticString,
        _ fields: [EventField],
        isJSON: Bool
    ) -> [UInt8] {
        render { line in
            if isJSON {
                line.put("\"level\":")
                line.put(json: level.word)
                line.put(",\"event\":")
                line.put(json: event)
            } else {
                line.put(level.word)
                line.put(0x20)
                line.put(event)
            }
            for field in fields {
                line.put(isJSON ? ",\"" : " ")
                line.put(field.name)
                line.put(isJSON ? "\":" : "=")
                put(field.value, isJSON: isJSON, into: &line)
            }
        }
            // More than a line holds: the event itself still says what happened.
            ?? (fields.isEmpty ? [] : body(level, event, [], isJSON: isJSON))
    }

    static func whole(
        _ body: [UInt8],
        at time: WallTime,
        isJSON: Bool,
        repeated: Int = 0
    ) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(body.count + 64)
        let stamp = CivilTime(time.seconds).text(nanoseconds: time.nanoseconds)
        if isJSON { line.append(contentsOf: "{\"time\":\"".utf8) }
        for index in stamp.indices { line.append(stamp[index]) }
        line.append(contentsOf: (isJSON ? "\"," : " ").utf8)
        line.append(contentsOf: body)
        if repeated > 0 {
            line.append(contentsOf: (isJSON ? ",\"repeated\":" : " repeated=").utf8)
            line.append(contentsOf: "\(repeated)".utf8)
        }
        line.append(contentsOf: (isJSON ? "}\n" : "\n").utf8)
        return line
    }

    /// Nil if it was more than a line holds.
    private static func render(_ fill: (inout LogLine) -> Void) -> [UInt8]? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Limits.logLineBytesMax) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            var line = LogLine(base: base, limit: buffer.count)
            fill(&line)
            return line.isBroken ? nil : Array(buffer[..<line.count])
        }
    }

    private static func put(_ value: EventValue, isJSON: Bool, into line: inout LogLine) {
        switch value {
        case .text(let text): put(text, isJSON: isJSON, into: &line)
        case .word(let word): isJSON ? line.put(json: word) : line.put(word)
        case .number(let number):
            if number < 0 { line.put(0x2d) }
            line.put(decimal: number.magnitude)
        case .duration(let time): line.put(seconds: time)
        case .flag(let flag): line.put(flag ? "true" : "false")
        case .address(let address): put(address.description, isJSON: isJSON, into: &line)
        case .failure(let error): put(error.description, isJSON: isJSON, into: &line)
        }
    }

    private static func put(_ text: String, isJSON: Bool, into line: inout LogLine) {
        let isBare =
            !isJSON && !text.isEmpty
            && text.utf8.allSatisfy {
                $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x3d && $0 != 0x5c
            }
        let bytes = text.utf8.span
        if isBare, bytes.count <= Limits.logValueBytesMax {
            line.put(bytes)
        } else {
            line.put(json: bytes)
        }
    }
}
