// What a behaviour does to the header of every response it sends (§2.13 of the contract), compiled to bytes.
//
// Order: remove, then CORS, then the security fields and the operator's own, which share one list because they
// differ only in where they were written. An entry that overrides replaces the origin's field; one that does not is
// added only where the origin sent none.

struct HeaderPolicy: Sendable {
    struct Field: Sendable {
        /// Lower case.
        let name: [UInt8]
        let value: [UInt8]
        let overrides: Bool

        init(_ name: String, _ value: String, overrides: Bool = true) {
            self.name = Array(name.utf8).map(\.lowercased)
            self.value = Array(value.utf8)
            self.overrides = overrides
        }
    }

    var removes: NameSet
    var cors: CORSPolicy?
    var fields: [Field]

    static let none = Self(removes: .empty, cors: nil, fields: [])

    var isEmpty: Bool { removes.isEmpty && cors == nil && fields.isEmpty }
}

struct CORSPolicy: Sendable {
    enum AllowedOrigin: Sendable {
        case any
        /// A whole origin, as in `https://app.example.com`.
        case exact([UInt8])
        /// `https://*.example.org`: what stands before the star, and after it (with its dot).
        case wildcard(before: [UInt8], after: [UInt8])
    }

    /// What to say about one request's `Origin`.
    enum Decision: Equatable, Sendable {
        /// Say nothing: the browser will refuse.
        case refuse
        /// `Access-Control-Allow-Origin: *`
        case any
        /// Repeat the request's origin, and `Vary: Origin`, since the answer differs by it.
        case echo
    }

    var origins: [AllowedOrigin]
    /// Joined with commas, ready to send. `nil` where the operator said nothing; `*` repeats what was asked for.
    var methods: [UInt8]?
    var headers: [UInt8]?
    var exposes: [UInt8]?
    var allowsCredentials: Bool
    /// In seconds, ready to send; preflight only.
    var maxAge: [UInt8]?
    /// Whether the origin's own CORS fields are replaced.
    var overrides: Bool

    func decide(origin: Span<UInt8>) -> Decision {
        guard origin.count > 0 else { return .refuse }
        for index in origins.indices {
            switch origins[index] {
            case .any:
                // Browsers refuse `*` together with credentials, so the origin is named then.
                return allowsCredentials ? .echo : .any
            case .exact(let known):
                if known.span.equalsIgnoringCase(origin) { return .echo }
            case .wildcard(let before, let after):
                // The star stands for at least one byte and never for a scheme or a port.
                guard origin.count > before.count + after.count,
                    origin.extracting(first: before.count).equalsIgnoringCase(before.span),
                    origin.extracting(last: after.count).equalsIgnoringCase(after.span)
                else { continue }
                let middle = origin.extracting(before.count..<(origin.count - after.count))
                if Self.isHostPart(middle) { return .echo }
            }
        }
        return .refuse
    }

    private static func isHostPart(_ text: Span<UInt8>) -> Bool {
        for index in text.indices {
            switch text[index].lowercased {
            case 0x61...0x7a, 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"):
                continue
            default: return false
            }
        }
        return true
    }
}
