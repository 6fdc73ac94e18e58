// Whether a token counts: algorithm, key, signature, and only then the claims, in this order, so that nothing of a
// forged token is ever weighed.
//
// The algorithm is chosen by the caller's list; a key serves the algorithms of its kind and no other, so a public key
// can never be taken for the secret of an HMAC. Time is an argument.

/// A key of an issuer.
struct JWTKey {
    enum Material {
        case secret([UInt8])
        case publicKey(PublicKey)
    }

    /// `kid`. A key without one is tried for every token.
    var id: [UInt8]?
    var material: Material

    func verifies(_ token: Span<UInt8>, _ jwt: borrowing JWT) -> Bool {
        let message = token.extracting(first: jwt.signedCount)
        let signature = jwt.signature.span
        switch material {
        case .secret(let secret):
            guard let hash = jwt.algorithm.macHash else { return false }
            let code = MAC.of(message, key: secret.span, hash)
            return ConstantTime.equal(code.bytes, signature)
        case .publicKey(let key):
            guard let scheme = jwt.algorithm.scheme else { return false }
            return Signature.verify(signature, of: message, by: key, scheme) == .genuine
        }
    }

    /// An empty secret is the secret that everybody knows.
    func fits(_ jwt: borrowing JWT) -> Bool {
        if let id, let wanted = jwt.keyID, id != wanted { return false }
        switch material {
        case .secret(let secret): return jwt.algorithm.macHash != nil && !secret.isEmpty
        case .publicKey(let key): return jwt.algorithm.fits(key.kind)
        }
    }
}

extension JWTAlgorithm {
    /// For algorithms with a shared secret.
    var macHash: HashAlgorithm? {
        switch self {
        case .hs256: .sha256
        case .hs384: .sha384
        case .hs512: .sha512
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512, .es256, .es384, .edDSA: nil
        }
    }

    /// For algorithms with a public key.
    var scheme: Signature.Scheme? {
        switch self {
        case .hs256, .hs384, .hs512: nil
        case .rs256: .pkcs1(.sha256)
        case .rs384: .pkcs1(.sha384)
        case .rs512: .pkcs1(.sha512)
        case .ps256: .pss(.sha256)
        case .ps384: .pss(.sha384)
        case .ps512: .pss(.sha512)
        case .es256: .ecdsaPair(.sha256)
        case .es384: .ecdsaPair(.sha384)
        case .edDSA: .ed25519
        }
    }

    func fits(_ kind: PublicKey.Kind) -> Bool {
        switch (self, kind) {
        case (.rs256, .rsa), (.rs384, .rsa), (.rs512, .rsa), (.ps256, .rsa), (.ps384, .rsa),
            (.ps512, .rsa), (.es256, .p256), (.es384, .p384), (.edDSA, .ed25519):
            true
        case (_, .rsa), (_, .p256), (_, .p384), (_, .ed25519): false
        }
    }
}

struct JWTVerifier {
    var algorithms: JWTAlgorithmSet
    var keys: [JWTKey]
    /// nil: any issuer, or none.
    var issuers: [[UInt8]]?
    /// nil: any audience, or none. Else one of the token's must be one of these.
    var audiences: [[UInt8]]?
    /// Seconds by which two clocks may differ.
    var leeway: Double = 0
    /// Whether a token that never ends is refused.
    var requiresExpiry = false

    init(algorithms: JWTAlgorithmSet, keys: [JWTKey]) {
        precondition(keys.count <= Limits.jwtKeysMax, "more keys than are tried")
        self.algorithms = algorithms
        self.keys = keys
    }

    /// `now` in seconds since 1970.
    func verify(
        _ token: Span<UInt8>,
        now: Double
    ) throws(JWTRefusal) -> (JWT, JWTClaims) {
        let jwt = try JWT.parse(token)
        guard algorithms.allows(jwt.algorithm) else { throw .algorithmNotAllowed }
        var hasKey = false
        var isGenuine = false
        for key in keys where key.fits(jwt) {
            hasKey = true
            isGenuine = key.verifies(token, jwt)
            if isGenuine { break }
        }
        guard hasKey else { throw .keyUnknown }
        guard isGenuine else { throw .badSignature }
        let claims = try JWTClaims.parse(jwt.claims.span)
        try check(claims, now: now)
        return (jwt, claims)
    }

    func check(_ claims: JWTClaims, now: Double) throws(JWTRefusal) {
        if let expiry = claims.expiry {
            // RFC 7519 §4.1.4: at its expiry a token is expired.
            guard now - leeway < expiry else { throw .expired }
        } else if requiresExpiry {
            throw .expiryMissing
        }
        if let notBefore = claims.notBefore, now + leeway < notBefore { throw .notYetValid }
        if let issuedAt = claims.issuedAt, now + leeway < issuedAt { throw .issuedInFuture }
        if let issuers {
            guard let issuer = claims.issuer, issuers.contains(issuer) else { throw .wrongIssuer }
        }
        if let audiences {
            guard let named = claims.audiences, named.contains(where: audiences.contains) else {
                throw .wrongAudience
            }
        }
    }
}
