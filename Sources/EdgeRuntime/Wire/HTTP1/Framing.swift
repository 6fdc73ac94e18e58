// Which body follows a head, and what happens to the connection after it: the one place for RFC 9112 §6 and §9.
//
// Smuggling needs two parties that disagree about where a body ends. So whatever could be read in two ways is refused,
// of clients and origins alike, also where RFC 9112 §6.3 would let us repair it:
//
//   Transfer-Encoding with Content-Length     lengthWithTransferEncoding
//   Transfer-Encoding that is not `chunked`   badTransferEncoding (a list, a parameter, a second field, another coding)
//   Transfer-Encoding in HTTP/1.0             transferEncodingInHTTP10
//   Content-Length twice                      contentLengthRepeated, differentContentLengths
//   Content-Length that is not digits         badContentLength (a list, a sign, blanks inside, beyond 63 bits)

enum BodyFraming: Equatable {
    case none
    case length(Int64)
    case chunked
    /// Responses only: the body ends where the connection does.
    case untilClose
    /// No message any more: bytes pass both ways (101, and 2xx to CONNECT).
    case tunnel
}

enum Framing {
    @inline(__always)
    static func request(
        _ head: borrowing RequestHead,
        _ arena: Arena
    ) throws(EdgeError) -> BodyFraming {
        try declared(head.fields, head.version, arena) ?? .none
    }

    /// `method` is that of the request which is answered. The fields are checked even where no body can follow, for
    /// they are passed on.
    static func response(
        _ head: borrowing ResponseHead,
        _ arena: Arena,
        to method: Method
    ) throws(EdgeError) -> BodyFraming {
        let framing: BodyFraming?
        do throws(EdgeError) {
            framing = try declared(head.fields, head.version, arena)
        } catch {
            throw error.blaming(.origin)
        }
        if head.status == 101 { return .tunnel }
        if method == .connect, head.status / 100 == 2 { return .tunnel }
        if method == .head || Status.isBodiless(head.status) { return .none }
        return framing ?? .untilClose
    }

    /// Whether the viewer wants the connection to go on after this exchange (RFC 9112 §9.3).
    @inline(__always)
    static func keepAlive(_ head: borrowing RequestHead, _ arena: Arena) -> Bool {
        keepAlive(head.fields, head.version, arena)
    }

    /// Whether the origin lets the connection go on. A body until close ends it anyway, and an answer that declares
    /// bytes which its status forbids leaves it unknown what comes next: neither is reused.
    static func keepAlive(_ head: borrowing ResponseHead, _ arena: Arena) -> Bool {
        if Status.isInformational(head.status) || head.status == 204 {
            guard !head.fields.contains(.transferEncoding) else { return false }
            if let length = head.fields.value(of: .contentLength), arena[length].decimal != 0 {
                return false
            }
        }
        return keepAlive(head.fields, head.version, arena)
    }

    /// The protocols asked for, when `Connection: upgrade` vouches for them. HTTP/1.0 cannot upgrade (RFC 9110 §7.8).
    ///
    /// HTTP and TLS are not among them: in a tunnel of either a viewer would speak to the origin behind the edge's
    /// back, in requests that no rule has seen. A list that names one is ignored whole, as §7.8 lets us.
    static func upgrade(_ head: borrowing RequestHead, _ arena: Arena) -> Slice? {
        guard let offered = upgrade(head.fields, head.version, arena) else { return nil }
        let list = arena[offered]
        var position = 0
        while let element = FieldSyntax.nextElement(list, &position) {
            let `protocol` = list.extracting(element)
            let slash = `protocol`.firstIndex(of: UInt8(ascii: "/")) ?? `protocol`.count
            let name = `protocol`.extracting(first: slash)
            if name.equalsIgnoringCase("h2c") || name.equalsIgnoringCase("h2")
                || name.equalsIgnoringCase("http") || name.equalsIgnoringCase("tls")
            {
                return nil
            }
        }
        return offered
    }

    /// What the origin has agreed to change to: nil if it names nothing, or something that was not `offered`.
    static func upgrade(
        _ head: borrowing ResponseHead,
        _ arena: Arena,
        offered: Slice
    ) -> Slice? {
        guard let agreed = upgrade(head.fields, head.version, arena) else { return nil }
        let list = arena[agreed]
        var position = 0
        while let element = FieldSyntax.nextElement(list, &position) {
            guard isListed(list.extracting(element), in: arena[offered]) else { return nil }
        }
        return agreed
    }

    private static func isListed(_ name: Span<UInt8>, in list: Span<UInt8>) -> Bool {
        var position = 0
        while let element = FieldSyntax.nextElement(list, &position) {
            if list.extracting(element).equalsIgnoringCase(name) { return true }
        }
        return false
    }

    /// Other expectations than this one are passed on; in HTTP/1.0 it is ignored (RFC 9110 §10.1.1).
    @inline(__always)
    static func expectsContinue(_ head: borrowing RequestHead, _ arena: Arena) -> Bool {
        guard head.version != .http10, let index = head.fields.firstIndex(of: .expect) else {
            return false
        }
        return arena[head.fields[index].value].equalsIgnoringCase("100-continue")
    }

    @inline(__always)
    private static func declared(
        _ fields: borrowing HeaderFields,
        _ version: Version,
        _ arena: Arena
    ) throws(EdgeError) -> BodyFraming? {
        if let index = fields.firstIndex(of: .transferEncoding) {
            guard version != .http10 else { throw .transferEncodingInHTTP10 }
            guard !fields.contains(.contentLength) else { throw .lengthWithTransferEncoding }
            guard arena[fields[index].value].equalsIgnoringCase("chunked"),
                fields.firstIndex(of: .transferEncoding, from: index &+ 1) == nil
            else { throw .badTransferEncoding }
            return .chunked
        }
        guard let index = fields.firstIndex(of: .contentLength) else { return nil }
        guard let length = arena[fields[index].value].decimal else { throw .badContentLength }
        if let second = fields.firstIndex(of: .contentLength, from: index &+ 1) {
            guard let other = arena[fields[second].value].decimal else { throw .badContentLength }
            throw other == length ? .contentLengthRepeated : .differentContentLengths
        }
        return .length(length)
    }

    @inline(__always)
    private static func keepAlive(
        _ fields: borrowing HeaderFields,
        _ version: Version,
        _ arena: Arena
    ) -> Bool {
        guard fields.contains(.connection) else { return version != .http10 }
        if hasConnectionOption("close", fields, arena) { return false }
        return version != .http10 || hasConnectionOption("keep-alive", fields, arena)
    }

    private static func upgrade(
        _ fields: borrowing HeaderFields,
        _ version: Version,
        _ arena: Arena
    ) -> Slice? {
        guard version == .http11, let value = fields.value(of: .upgrade), !value.isEmpty,
            hasConnectionOption("upgrade", fields, arena)
        else { return nil }
        return value
    }

    private static func hasConnectionOption(
        _ option: StaticString,
        _ fields: borrowing HeaderFields,
        _ arena: Arena
    ) -> Bool {
        var from = 0
        while let index = fields.firstIndex(of: .connection, from: from) {
            if FieldSyntax.list(arena[fields[index].value], contains: option) { return true }
            from = index + 1
        }
        return false
    }
}
