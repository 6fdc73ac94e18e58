// Dates of RFC 9110 §5.6.7: the three forms that recipients must read, and the one that senders write.
//
//   IMF-fixdate   Sun, 06 Nov 1994 08:49:37 GMT
//   RFC 850       Sunday, 06-Nov-94 08:49:37 GMT      a year more than 50 years ahead is a century ago
//   asctime       Sun Nov  6 08:49:37 1994
//
// A date is seconds since 1970. The name of the weekday must be one; it is not compared with the date.

enum HTTPDate {
    /// `now` is only asked for the century of a two-digit year.
    static func parse(_ text: Span<UInt8>, now: Int64) -> Int64? {
        if text.count == 29 { return parseFixed(text) }
        if text.count == 24 { return parseAsctime(text) }
        return parseRFC850(text, now: now)
    }

    static func render(_ seconds: Int64) -> InlineArray<29, UInt8> {
        let days = floorDivide(seconds, 86_400)
        let time = Int(seconds - days * 86_400)
        let (year, month, day) = civil(fromDays: days)
        var text = InlineArray<29, UInt8>(repeating: .space)
        let weekday = Int(days + 4 - floorDivide(days + 4, 7) * 7)
        copy(weekdays, weekday * 3, &text, 0)
        text[3] = .comma
        put(day, &text, 5)
        copy(months, (month - 1) * 3, &text, 8)
        put(year / 100, &text, 12)
        put(year % 100, &text, 14)
        put(time / 3600, &text, 17)
        text[19] = .colon
        put(time / 60 % 60, &text, 20)
        text[22] = .colon
        put(time % 60, &text, 23)
        copy("GMT", 0, &text, 26)
        return text
    }

    private static let weekdays: StaticString = "SunMonTueWedThuFriSat"
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    private static func parseFixed(_ text: Span<UInt8>) -> Int64? {
        guard index(of: text, 0, in: weekdays) != nil, matches(text, 3, ", "), text[7] == .space,
            text[11] == .space, text[16] == .space, matches(text, 25, " GMT"),
            let day = number(text, 5..<7), let month = index(of: text, 8, in: months),
            let year = number(text, 12..<16), let time = timeOfDay(text, 17)
        else { return nil }
        return seconds(year, month + 1, day, time)
    }

    private static func parseAsctime(_ text: Span<UInt8>) -> Int64? {
        guard index(of: text, 0, in: weekdays) != nil, text[3] == .space, text[7] == .space,
            text[10] == .space, text[19] == .space, let month = index(of: text, 4, in: months),
            let day = text[8] == .space ? number(text, 9..<10) : number(text, 8..<10),
            let time = timeOfDay(text, 11), let year = number(text, 20..<24)
        else { return nil }
        return seconds(year, month + 1, day, time)
    }

    private static func parseRFC850(_ text: Span<UInt8>, now: Int64) -> Int64? {
        guard let comma = text.firstIndex(of: .comma), text.count == comma + 24,
            isLongWeekday(text.extracting(first: comma)), matches(text, comma + 1, " "),
            let day = number(text, (comma + 2)..<(comma + 4)), matches(text, comma + 4, "-"),
            let month = index(of: text, comma + 5, in: months), matches(text, comma + 8, "-"),
            let short = number(text, (comma + 9)..<(comma + 11)), matches(text, comma + 11, " "),
            let time = timeOfDay(text, comma + 12), matches(text, comma + 20, " GMT")
        else { return nil }
        let thisYear = civil(fromDays: floorDivide(now, 86_400)).year
        var year = thisYear / 100 * 100 + short
        if year > thisYear + 50 { year -= 100 }
        return seconds(year, month + 1, day, time)
    }

    private static func isLongWeekday(_ text: Span<UInt8>) -> Bool {
        text.equals("Sunday") || text.equals("Monday") || text.equals("Tuesday")
            || text.equals("Wednesday") || text.equals("Thursday") || text.equals("Friday")
            || text.equals("Saturday")
    }

    /// `08:49:37`; 60 is a leap second.
    private static func timeOfDay(_ text: Span<UInt8>, _ at: Int) -> Int64? {
        guard let hour = number(text, at..<(at + 2)), text[at + 2] == .colon,
            let minute = number(text, (at + 3)..<(at + 5)), text[at + 5] == .colon,
            let second = number(text, (at + 6)..<(at + 8)), hour < 24, minute < 60, second <= 60
        else { return nil }
        return Int64(hour * 3600 + minute * 60 + second)
    }

    private static func number(_ text: Span<UInt8>, _ range: Range<Int>) -> Int? {
        text.extracting(range).decimal.map { Int($0) }
    }

    private static func matches(_ text: Span<UInt8>, _ at: Int, _ expected: StaticString) -> Bool {
        text.extracting(at..<(at + expected.utf8CodeUnitCount)).equals(expected)
    }

    /// The place of the three letters at `at` in a table of three-letter names.
    private static func index(of text: Span<UInt8>, _ at: Int, in names: StaticString) -> Int? {
        for place in 0..<(names.utf8CodeUnitCount / 3) {
            let name = names.utf8Start + place * 3
            if text[at] == name[0], text[at + 1] == name[1], text[at + 2] == name[2] {
                return place
            }
        }
        return nil
    }

    private static func copy(
        _ table: StaticString,
        _ from: Int,
        _ text: inout InlineArray<29, UInt8>,
        _ at: Int
    ) {
        for offset in 0..<3 { text[at + offset] = table.utf8Start[from + offset] }
    }

    private static func put(_ value: Int, _ text: inout InlineArray<29, UInt8>, _ at: Int) {
        text[at] = 0x30 + UInt8(truncatingIfNeeded: value / 10 % 10)
        text[at + 1] = 0x30 + UInt8(truncatingIfNeeded: value % 10)
    }

    /// Seconds since 1970 of a day that exists; `time` is counted from its midnight.
    static func seconds(_ year: Int, _ month: Int, _ day: Int, _ time: Int64) -> Int64? {
        guard day >= 1, day <= daysIn(month, year) else { return nil }
        return days(year, month, day) * 86_400 + time
    }

    private static func daysIn(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970 in the proleptic Gregorian calendar. Years begin in March, so that the leap day comes last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let shifted = Int64(month > 2 ? year : year - 1)
        let era = floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = Int64((153 * ((month + 9) % 12) + 2) / 5 + day - 1)
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    private static func civil(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        return (Int(year), Int(civilMonth), Int(day))
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : (value - divisor + 1) / divisor
    }
}

/// A loop's `Date`: rendered when the second has changed, not for every answer.
struct DateCache {
    private var second: Int64 = 0
    private var text = HTTPDate.render(0)

    mutating func update(_ now: Int64) {
        guard now != second else { return }
        second = now
        text = HTTPDate.render(now)
    }

    /// As of the last update.
    var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { text.span }
    }
}
