// A JSON Web Token in its compact form (RFC 7519, RFC 7515 §3.1), taken apart but not believed:
//
//   base64url(header) . base64url(claims) . base64url(signature)
//   └────────── what is signed ─────────┘
//
// Nothing in here is true until a `JWTVerifier` has said so.

struct JWT {
    var algorithm: JWTAlgorithm
    /// `kid`: which key the signer says it used.
    var keyID: [UInt8]?
    /// JSON, a table.
    var header: [UInt8]
    /// JSON, a table.
    var claims: [UInt8]
    var signature: [UInt8]
    /// How many bytes of the token are signed.
    var signedCount: Int

    static func parse(_ token: Span<UInt8>) throws(JWTRefusal) -> JWT {
        guard token.count <= Limits.jwtBytesMax else { throw .tooLong }
        guard let first = token.firstIndex(of: UInt8(ascii: ".")),
            let second = token.firstIndex(of: UInt8(ascii: "."), from: first + 1)
        else { throw .malformed }
        let header = try decode(token.extracting(first: first))
        let claims = try decode(token.extracting((first + 1)..<second))
        // A third dot is no digit: the five parts of an encrypted token end here.
        let signature = try decode(token.extracting((second + 1)...))
        let (algorithm, keyID) = try readHeader(header.span)
        // The same check that reads the claims later, so that a token is a token from here on.
        _ = try JWTClaims.parse(claims.span)
        return JWT(
            algorithm: algorithm,
            keyID: keyID,
            header: header,
            claims: claims,
            signature: signature,
            signedCount: second
        )
    }

    private static func decode(_ part: Span<UInt8>) throws(JWTRefusal) -> [UInt8] {
        do throws(TextCodeError) {
            return try Base64.decode(part, .urlSafe, .forbidden)
        } catch {
            throw .malformed
        }
    }

    private static func readHeader(
        _ text: Span<UInt8>
    ) throws(JWTRefusal) -> (JWTAlgorithm, keyID: [UInt8]?) {
        var members = JWTMembers()
        var algorithm: [UInt8]?
        var keyID: [UInt8]?
        while let member = try members.next(text) {
            if member.name.equals("alg", in: text) {
                try assign(member, text, &algorithm)
            } else if member.name.equals("kid", in: text) {
                try assign(member, text, &keyID)
            } else if member.name.equals("crit", in: text) {
                throw .criticalHeader
            }
        }
        guard let algorithm else { throw .malformed }
        guard let known = JWTAlgorithm(name: algorithm.span) else {
            throw algorithm.span.equalsIgnoringCase("none") ? .algorithmNone : .algorithmUnknown
        }
        return (known, keyID)
    }

    private static func assign(
        _ member: JWTMembers.Member,
        _ text: Span<UInt8>,
        _ target: inout [UInt8]?
    ) throws(JWTRefusal) {
        guard target == nil else { throw .repeatedMember }
        guard case .string(let string) = member.value else { throw .malformed }
        target = string.bytes(of: text)
    }
}

/// The registered claims (RFC 7519 §4.1) that say whether a token counts here and now. Times are seconds since 1970.
struct JWTClaims: Equatable {
    var expiry: Double?
    var notBefore: Double?
    var issuedAt: Double?
    var issuer: [UInt8]?
    var subject: [UInt8]?
    /// A single string is a list of one.
    var audiences: [[UInt8]]?

    static func parse(_ text: Span<UInt8>) throws(JWTRefusal) -> Self {
        var claims = Self()
        var members = JWTMembers()
        while let member = try members.next(text) {
            if member.name.equals("exp", in: text) {
                try assign(member.value, &claims.expiry)
            } else if member.name.equals("nbf", in: text) {
                try assign(member.value, &claims.notBefore)
            } else if member.name.equals("iat", in: text) {
                try assign(member.value, &claims.issuedAt)
            } else if member.name.equals("iss", in: text) {
                try assign(member.value, text, &claims.issuer)
            } else if member.name.equals("sub", in: text) {
                try assign(member.value, text, &claims.subject)
            } else if member.name.equals("aud", in: text) {
                guard claims.audiences == nil else { throw .repeatedMember }
                claims.audiences = try audiences(member.value, text, &members)
            }
        }
        return claims
    }

    private static func assign(
        _ value: JSONEvent,
        _ target: inout Double?
    ) throws(JWTRefusal) {
        guard target == nil else { throw .repeatedMember }
        switch value {
        case .integer(let seconds): target = Double(seconds)
        case .number(let seconds): target = seconds
        case .string, .boolean, .null, .beginList, .beginTable: throw .badClaim
        case .endList, .endTable, .name: preconditionFailure("no value")
        }
    }

    private static func assign(
        _ value: JSONEvent,
        _ text: Span<UInt8>,
        _ target: inout [UInt8]?
    ) throws(JWTRefusal) {
        guard target == nil else { throw .repeatedMember }
        guard case .string(let string) = value else { throw .badClaim }
        target = string.bytes(of: text)
    }

    private static func audiences(
        _ value: JSONEvent,
        _ text: Span<UInt8>,
        _ members: inout JWTMembers
    ) throws(JWTRefusal) -> [[UInt8]] {
        if case .string(let one) = value { return [one.bytes(of: text)] }
        guard value == .beginList else { throw .badClaim }
        var found: [[UInt8]] = []
        while let item = try members.nextItem(text) {
            guard case .string(let one) = item, found.count < Limits.jwtAudiencesMax else {
                throw .badClaim
            }
            found.append(one.bytes(of: text))
        }
        return found
    }
}

/// The members of a table, one after another; what a value holds is passed over unless it is asked for.
struct JWTMembers {
    struct Member {
        var name: JSONString
        var value: JSONEvent
    }

    private var scanner = JSONScanner(
        depthMax: Limits.jwtDepthMax,
        bytesMax: Limits.jwtBytesMax
    )
    private var hasBegun = false

    /// nil when the table and with it the text is over.
    mutating func next(_ text: Span<UInt8>) throws(JWTRefusal) -> Member? {
        if !hasBegun {
            guard try event(text) == .beginTable else { throw .malformed }
            hasBegun = true
        }
        while scanner.depth > 1 { _ = try event(text) }
        guard let first = try event(text), case .name(let name) = first else {
            guard try event(text) == nil else { throw .malformed }
            return nil
        }
        guard let value = try event(text) else { throw .malformed }
        return Member(name: name, value: value)
    }

    /// The next item of the list that is the current member's value; nil after the last.
    mutating func nextItem(_ text: Span<UInt8>) throws(JWTRefusal) -> JSONEvent? {
        guard let item = try event(text), item != .endList else { return nil }
        return item
    }

    private mutating func event(_ text: Span<UInt8>) throws(JWTRefusal) -> JSONEvent? {
        do throws(JSONError) {
            return try scanner.next(text)
        } catch {
            throw .malformed
        }
    }
}
