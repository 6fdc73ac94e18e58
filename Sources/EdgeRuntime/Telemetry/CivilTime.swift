// Seconds since 1970 as people write them, in UTC. Days are counted from the first of March of the year 0, so that
// the leap day is the last of its year and a month's start is a linear function (Howard Hinnant's method).

struct CivilTime: Equatable {
    var year: Int64
    var month: Int64
    var day: Int64
    var hour: Int64
    var minute: Int64
    var second: Int64

    init(_ seconds: Int64) {
        let day = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        let rest = seconds - day * 86_400
        hour = rest / 3600
        minute = rest / 60 % 60
        second = rest % 60
        // 719468 days lie between 0000-03-01 and 1970-01-01; an era is 400 years.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `2026-11-21T06:10:00.123Z`. Date and time stand alone at 0..<10 and 11..<19.
    func text(nanoseconds: Int32 = 0) -> InlineArray<24, UInt8> {
        var text = InlineArray<24, UInt8>(repeating: 0x2d)
        Self.put(year, digits: 4, at: 0, into: &text)
        Self.put(month, digits: 2, at: 5, into: &text)
        Self.put(day, digits: 2, at: 8, into: &text)
        text[10] = 0x54
        Self.put(hour, digits: 2, at: 11, into: &text)
        text[13] = 0x3a
        Self.put(minute, digits: 2, at: 14, into: &text)
        text[16] = 0x3a
        Self.put(second, digits: 2, at: 17, into: &text)
        text[19] = 0x2e
        Self.put(Int64(nanoseconds / 1_000_000), digits: 3, at: 20, into: &text)
        text[23] = 0x5a
        return text
    }

    private static func put(
        _ value: Int64,
        digits: Int,
        at start: Int,
        into text: inout InlineArray<24, UInt8>
    ) {
        var rest = value.magnitude
        for index in stride(from: start + digits - 1, through: start, by: -1) {
            text[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
