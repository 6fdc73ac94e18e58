// The signature algorithms of JSON Web Tokens (RFC 7518 §3.1, RFC 8037 §3.1) that can be asked for. `none` is not among
// them.

enum JWTAlgorithm: UInt8, CaseIterable, Sendable {
    case hs256
    case hs384
    case hs512
    case rs256
    case rs384
    case rs512
    case ps256
    case ps384
    case ps512
    case es256
    case es384
    case edDSA

    var name: StaticString {
        switch self {
        case .hs256: "HS256"
        case .hs384: "HS384"
        case .hs512: "HS512"
        case .rs256: "RS256"
        case .rs384: "RS384"
        case .rs512: "RS512"
        case .ps256: "PS256"
        case .ps384: "PS384"
        case .ps512: "PS512"
        case .es256: "ES256"
        case .es384: "ES384"
        case .edDSA: "EdDSA"
        }
    }

    /// Names are compared with case (RFC 7515 §4.1.1).
    init?(name: Span<UInt8>) {
        for algorithm in Self.allCases where name.equals(algorithm.name) {
            self = algorithm
            return
        }
        return nil
    }
}

/// What the caller allows. A token's own word chooses among these and can never widen them.
struct JWTAlgorithmSet: OptionSet, Sendable {
    var rawValue: UInt16

    init(rawValue: UInt16) { self.rawValue = rawValue }

    init(_ algorithms: JWTAlgorithm...) {
        rawValue = algorithms.reduce(0) { $0 | 1 << UInt16($1.rawValue) }
    }

    func allows(_ algorithm: JWTAlgorithm) -> Bool { contains(Self(algorithm)) }
}

/// Why a token is refused.
enum JWTRefusal: UInt8, Error, CaseIterable {
    case tooLong
    /// Not three parts in base 64, or a header or claims that are no JSON table.
    case malformed
    /// A registered name that is there twice (RFC 7519 §4).
    case repeatedMember
    case algorithmNone
    case algorithmUnknown
    case algorithmNotAllowed
    /// `crit`: an extension that must be understood; none is.
    case criticalHeader
    /// No key of this name and kind.
    case keyUnknown
    case badSignature
    /// A registered claim of the wrong type.
    case badClaim
    case expired
    case expiryMissing
    case notYetValid
    case issuedInFuture
    case wrongIssuer
    case wrongAudience

    var word: StaticString {
        switch self {
        case .tooLong: "too-long"
        case .malformed: "malformed"
        case .repeatedMember: "repeated-member"
        case .algorithmNone: "algorithm-none"
        case .algorithmUnknown: "algorithm-unknown"
        case .algorithmNotAllowed: "algorithm-not-allowed"
        case .criticalHeader: "critical-header"
        case .keyUnknown: "key-unknown"
        case .badSignature: "bad-signature"
        case .badClaim: "bad-claim"
        case .expired: "expired"
        case .expiryMissing: "expiry-missing"
        case .notYetValid: "not-yet-valid"
        case .issuedInFuture: "issued-in-future"
        case .wrongIssuer: "wrong-issuer"
        case .wrongAudience: "wrong-audience"
        }
    }
}
