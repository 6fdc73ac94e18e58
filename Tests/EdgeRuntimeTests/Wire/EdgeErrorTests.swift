import Testing

@testable import EdgeRuntime

@Suite struct EdgeErrorTests {
    /// `transferEncodingInHTTP10` → `transfer_encoding_in_http10`.
    private func snake(_ name: String) -> String {
        let letters = Array(name)
        var word = ""
        for (index, letter) in letters.enumerated() {
            let before = index > 0 ? letters[index - 1] : "_"
            let after = index + 1 < letters.count ? letters[index + 1] : "_"
            let begins = letter.isUppercase && (!before.isUppercase || after.isLowercase)
            if begins, index > 0 { word += "_" }
            word += letter.lowercased()
        }
        return word
    }

    @Test(arguments: EdgeError.Kind.allCases)
    func theWordIsTheCase(kind: EdgeError.Kind) {
        #expect(EdgeError(kind).word.description == snake("\(kind)"))
    }

    @Test(arguments: EdgeError.Kind.allCases)
    func aStatusIsAnError(kind: EdgeError.Kind) {
        #expect((400...599).contains(EdgeError(kind).status))
    }

    @Test func anOriginsFaultIsABadGateway() {
        let error = EdgeError.bareCR.blaming(.origin)
        #expect(error.status == 502)
        #expect(error.word.description == "bare_cr")
        #expect(error.resultType.description == "OriginInvalidResponseError")
        #expect(EdgeError.headTooLarge.blaming(.origin) == .originHeadTooLarge)
        #expect(EdgeError.tlsHandshake.blaming(.origin) == .originTLS)
        #expect(EdgeError.bareCR.status == 400)
    }
}
