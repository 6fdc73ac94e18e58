import CLinux
import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::0001", "2001:db8::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("::ffff:10.1.2.3", "10.1.2.3"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ])
    func addressesPrintAsRFC5952(text: String, printed: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == printed)
        #expect(IPAddress(printed) == address)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.", ".1.2.3", "1..2.3",
        "a.b.c.d",
        ":", ":::", "1:2", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g", "1:", ":1", "::1%eth0",
        "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "[::1]", "::1.2.3", " ::1", "1:2:3:4:5:6:7:8::",
    ])
    func whatIsNotAnAddressIsRefused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1:8080"), ("[::1]:443", "[::1]:443"), (":8080", "[::]:8080"),
        ("unix:run/edge.sock", "unix:run/edge.sock"), ("0.0.0.0:0", "0.0.0.0:0"),
        ("10.0.0.1:65535", "10.0.0.1:65535"),
    ])
    func socketAddressesReadAndPrint(text: String, printed: String) throws {
        let address = try #require(SocketAddress(text))
        #expect(address.description == printed)
        let arena = Arena()
        #expect(arena[address.append(to: arena)].text == printed)
    }

    @Test(arguments: [
        "", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80", "[::1]",
        "[::1]80",
        "[127.0.0.1]:80", "localhost:80", "unix:", "[]:80", "]:80", "[:80", "[1:80", "[]]:80",
    ])
    func whatIsNotASocketAddressIsRefused(text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test(arguments: ["127.0.0.1:8080", "[2001:db8::7]:443", "unix:run/edge.sock"])
    func kernelFormsComeBack(text: String) throws {
        let address = try #require(SocketAddress(text))
        let back = address.withSockaddr { SocketAddress($0, length: $1) }
        #expect(back == address)
        let family = address.withSockaddr { pointer, _ in CInt(pointer.pointee.sa_family) }
        #expect(family == address.family)
    }

    @Test func pathsThatTheKernelCannotHoldAreRefused() {
        #expect(SocketAddress(unixPath: String(repeating: "a", count: 107)) != nil)
        #expect(SocketAddress(unixPath: String(repeating: "a", count: 108)) == nil)
    }

    @Test func mappedAddressesAreTheirIPv4() throws {
        let mapped = try #require(SocketAddress("[2001:db8::7]:443")?.ip)
        #expect(!mapped.isIPv4)
        #expect(try #require(IPAddress("::ffff:192.0.2.1")).isIPv4)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false),
        ("10.1.2.3/8", "10.0.0.1", true), ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "::1", false), ("::/0", "::1", true), ("::/0", "8.8.8.8", false),
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
        ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
        ("2001:db8::1/128", "2001:db8::1", true),
    ])
    func prefixes(prefix: String, address: String, contains: Bool) throws {
        let prefix = try #require(AddressPrefix(prefix))
        #expect(prefix.contains(try #require(IPAddress(address))) == contains)
        #expect(AddressPrefix(prefix.description) == prefix)
    }

    @Test(arguments: ["10.0.0.0/33", "::/129", "10.0.0.0/", "/8", "10.0.0/8", "10.0.0.0/-1", "x"])
    func badPrefixes(text: String) {
        #expect(AddressPrefix(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("10.0.0.1", true), ("172.16.0.1", true), ("172.32.0.1", false),
        ("192.168.1.1", true), ("169.254.169.254", true), ("100.64.0.1", true), ("8.8.8.8", false),
        ("::1", true), ("::", true), ("fd00::1", true), ("fe80::1", true), ("2600::1", false),
        ("::ffff:10.0.0.1", true), ("224.0.0.1", true), ("0.0.0.0", true), ("192.0.1.1", false),
        ("::127.0.0.1", true), ("64:ff9b::127.0.0.1", true), ("64:ff9b::8.8.8.8", false),
        ("2002:7f00:1::", true), ("2002:808:808::1", false), ("fec0::1", true),
    ])
    func privateAddresses(text: String, isPrivate: Bool) throws {
        #expect(try #require(IPAddress(text)).isPrivate == isPrivate)
    }
}
