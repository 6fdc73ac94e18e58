import Testing

@testable import EdgeRuntime

@Suite struct DecimalDigitsTests {
    @Test(arguments: [0, 1, 9, 10, 99, 100, 200, 65_535, 1_000_000_007, .max])
    func digitsAreThoseThatPeopleWrite(value: Int64) {
        let digits = DecimalDigits(value)
        let text = digits.span.text
        #expect(text == "\(value)")
    }
}
