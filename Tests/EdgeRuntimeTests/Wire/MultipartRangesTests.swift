import Testing

@testable import EdgeRuntime

@Suite struct MultipartRangesTests {
    private let content = Array("0123456789abcdefghij".utf8)

    /// The body as it would be sent, and the plan's two promises about it.
    private func body(
        _ ranges: [Range<Int64>],
        type: String
    ) throws -> (text: String, type: String, length: Int64) {
        let arena = Arena()
        var list = RangeList()
        for range in ranges {
            let fits = list.append(range)
            #expect(fits)
        }
        let partType = Array(type.utf8)
        let boundary = Array("B0UNDARY".utf8)
        let plan = try MultipartRanges(
            list,
            of: Int64(content.count),
            partType: partType.span,
            boundary: boundary.span,
            in: arena
        )
        var text = ""
        for index in 0..<plan.count {
            text += arena[plan.head(index)].text
            let range = plan.ranges[index]
            text += String(
                decoding: content[Int(range.lowerBound)..<Int(range.upperBound)],
                as: UTF8.self
            )
        }
        text += arena[plan.closing].text
        return (text, arena[plan.contentType].text, plan.contentLength)
    }

    @Test func partsAndClosing() throws {
        let sent = try body([0..<2, 10..<20], type: "text/plain")
        #expect(
            sent.text
                == "--B0UNDARY\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/20\r\n\r\n"
                + "01\r\n--B0UNDARY\r\nContent-Type: text/plain\r\n"
                + "Content-Range: bytes 10-19/20\r\n\r\nabcdefghij\r\n--B0UNDARY--\r\n"
        )
        #expect(sent.type == "multipart/byteranges; boundary=B0UNDARY")
        #expect(sent.length == Int64(sent.text.utf8.count))
    }

    @Test func aPartWithoutTypeSaysNone() throws {
        let sent = try body([0..<1, 1..<2, 19..<20], type: "")
        #expect(!sent.text.contains("Content-Type"))
        #expect(sent.text.hasPrefix("--B0UNDARY\r\nContent-Range: bytes 0-0/20\r\n\r\n0\r\n--"))
        #expect(sent.length == Int64(sent.text.utf8.count))
    }

    @Test func theLengthHoldsForEveryCount() throws {
        for count in 2...Limits.rangesMax {
            let ranges = (0..<Int64(count)).map { $0..<$0 + 1 }
            let sent = try body(ranges, type: "video/mp4")
            #expect(sent.length == Int64(sent.text.utf8.count))
            #expect(sent.text.split(separator: "--B0UNDARY").count == count + 1)
        }
    }

    @Test func aFullArenaIsAnError() {
        #expect(throws: EdgeError.arenaOverflow) {
            try body([0..<1, 2..<3], type: String(repeating: "x", count: Limits.arenaBytesMax))
        }
    }
}
