import Testing

@testable import EdgeRuntime

@Suite struct HostIndexTests {
    private let index = HostIndex(domains: [
        ["shop.example.com", "*.shop.example.com"],
        ["*.example.com", "example.com"],
        ["*"],
        ["*.eu.shop.example.com"],
        ["[::1]", "192.0.2.1"],
    ])

    @Test(arguments: [
        ("shop.example.com", 0), ("SHOP.Example.COM", 0), ("shop.example.com.", 0),
        ("a.shop.example.com", 0), ("b.a.shop.example.com", 0), ("eu.shop.example.com", 0),
        ("a.eu.shop.example.com", 3), ("b.a.eu.shop.example.com", 3), ("www.example.com", 1),
        ("xshop.example.com", 1), ("example.com", 1), ("example.org", 2), ("com", 2), ("", 2),
        (".", 2),
        (".example.com", 1), ("..", 2), ("[::1]", 4), ("192.0.2.1", 4), ("2.1", 2),
    ])
    func mostSpecificWins(host: String, expected: Int) {
        let found = index.index(for: host.utf8.span)
        #expect(found == expected)
    }

    @Test func withoutAFallbackStrangersFindNothing() {
        let index = HostIndex(domains: [["a.example"], ["*.b.example"]])
        for (host, expected) in [("a.example", 0), ("x.b.example", 1)] {
            #expect(index.index(for: host) == expected)
        }
        for host in ["b.example", "x.a.example", "example", "", "a.example.b.example.c"] {
            #expect(index.index(for: host) == nil)
        }
    }

    @Test func thousandsOfNamesAreAllFound() {
        let names = (0..<5000).map { ["h\($0).example", "*.w\($0).example"] }
        let index = HostIndex(domains: names)
        for number in 0..<5000 {
            #expect(index.index(for: "h\(number).example") == number)
            #expect(index.index(for: "a.b.w\(number).example") == number)
            #expect(index.index(for: "w\(number).example") == nil)
        }
    }
}
