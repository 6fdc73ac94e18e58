// Times as RFC 3339 writes them, and durations as the configuration does. HTTP's own dates are `HTTPDate`.

enum TimeText {
    /// `2026-11-21T06:10:00Z`, `…T06:10:00.125+09:00`. Letters of either case; digits past the ninth of a fraction
    /// are dropped. A leap second is the first second of the next minute, as the clock counts it.
    static func parse(_ text: Span<UInt8>) -> WallTime? {
        guard text.count >= 20, text.count <= 64, let year = number(text, 0, 4),
            text[4] == UInt8(ascii: "-"), let month = number(text, 5, 2), (1...12).contains(month),
            text[7] == UInt8(ascii: "-"), let day = number(text, 8, 2),
            text[10].lowercased == UInt8(ascii: "t"), let hour = number(text, 11, 2), hour < 24,
            text[13] == .colon, let minute = number(text, 14, 2), minute < 60,
            text[16] == .colon, let second = number(text, 17, 2), second <= 60,
            let date = HTTPDate.seconds(
                year,
                month,
                day,
                Int64(hour * 3600 + minute * 60 + second)
            )
        else { return nil }
        var at = 19
        var nanoseconds: Int32 = 0
        if text[at] == UInt8(ascii: ".") {
            at += 1
            let start = at
            var weight: Int32 = 100_000_000
            while at < text.count, text[at].isDigit {
                nanoseconds += Int32(text[at] - 0x30) * weight
                weight /= 10
                at += 1
            }
            guard at > start else { return nil }
        }
        guard let offset = zone(text, at) else { return nil }
        return WallTime(seconds: date - offset, nanoseconds: nanoseconds)
    }

    /// Seconds east of Greenwich; it is all that follows.
    private static func zone(_ text: Span<UInt8>, _ at: Int) -> Int64? {
        guard at < text.count else { return nil }
        if text[at].lowercased == UInt8(ascii: "z") { return at + 1 == text.count ? 0 : nil }
        let sign: Int64
        switch text[at] {
        case UInt8(ascii: "+"): sign = 1
        case UInt8(ascii: "-"): sign = -1
        default: return nil
        }
        guard text.count == at + 6, text[at + 3] == .colon, let hours = number(text, at + 1, 2),
            let minutes = number(text, at + 4, 2), hours < 24, minutes < 60
        else { return nil }
        return sign * Int64(hours * 3600 + minutes * 60)
    }

    private static func number(_ text: Span<UInt8>, _ at: Int, _ count: Int) -> Int? {
        guard at + count <= text.count else { return nil }
        return text.extracting(at..<(at + count)).decimal.map { Int($0) }
    }

    /// The years that have four digits.
    static let range: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// In UTC, with as many decimals of the second as are asked for, cut and not rounded. nil outside of `range`.
    static func format(_ time: WallTime, decimals: Int = 0) -> [UInt8]? {
        guard range.contains(time.seconds), (0...9).contains(decimals) else { return nil }
        let civil = CivilTime(time.seconds).text()
        var out: [UInt8] = []
        out.reserveCapacity(30)
        for index in 0..<19 { out.append(civil[index]) }
        if decimals > 0 {
            out.append(UInt8(ascii: "."))
            var rest = time.nanoseconds
            var weight: Int32 = 100_000_000
            for _ in 0..<decimals {
                out.append(0x30 + UInt8(truncatingIfNeeded: rest / weight))
                rest %= weight
                weight = max(1, weight / 10)
            }
        }
        out.append(UInt8(ascii: "Z"))
        return out
    }

    /// `250ms`, `5s`, `10m`, `24h`, `7d`: what durations in `edge.lua` look like.
    static func duration(_ text: Span<UInt8>) -> Nanoseconds? {
        guard text.count <= Limits.durationTextBytesMax else { return nil }
        return try? Quantity.duration(text.text).get()
    }
}
