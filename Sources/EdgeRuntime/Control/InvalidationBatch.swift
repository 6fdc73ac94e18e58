// What an operator's batch of invalidations says, read from JSON. Pure; the names are the contract's (§5.3), and
// below the line ours.
//
//   Paths            { Quantity, Items }   each begins with a slash; a `*` stands for any bytes
//   CallerReference  text                  who sends it again with the same paths gets the earlier one
//   ───
//   Tags             { Quantity, Items }   of `Surrogate-Key` and its like
//   Everything       true                  instead of paths and tags
//   Soft             true                  stale instead of gone
//
// A key that is none of these is refused: one that is misspelled would leave out what somebody wanted purged.

struct InvalidationBatch: Equatable {
    var paths: [String] = []
    var tags: [String] = []
    var isEverything = false
    var isSoft = false
    var reference: String?

    var strength: PurgeStrength { isSoft ? .soft : .hard }

    var targets: [InvalidationRules.Target] {
        if isEverything { return [.everything] }
        return paths.map { .path(Array($0.utf8)) } + tags.map { .tag(Array($0.utf8)) }
    }

    /// Whether somebody who sends this again means the other one. The order of paths says nothing.
    func asks(theSameAs other: Self) -> Bool {
        isEverything == other.isEverything && isSoft == other.isSoft
            && paths.sorted() == other.paths.sorted() && tags.sorted() == other.tags.sorted()
    }

    /// What remembering it costs.
    var byteCount: Int {
        (paths + tags).reduce(reference?.utf8.count ?? 0) { $0 + $1.utf8.count + 16 }
    }
}

/// Why a batch, or a question about one, is not answered with what was asked for.
struct InvalidationRefusal: Error, Equatable {
    enum Code: CaseIterable {
        case missingBody
        case invalidArgument
        case inconsistentQuantities
        case batchTooLarge
        case batchAlreadyExists
        case noSuchDistribution
        case noSuchInvalidation

        var word: StaticString {
            switch self {
            case .missingBody: "MissingBody"
            case .invalidArgument: "InvalidArgument"
            case .inconsistentQuantities: "InconsistentQuantities"
            case .batchTooLarge: "BatchTooLarge"
            case .batchAlreadyExists: "InvalidationBatchAlreadyExists"
            case .noSuchDistribution: "NoSuchDistribution"
            case .noSuchInvalidation: "NoSuchInvalidation"
            }
        }

        var status: UInt16 {
            switch self {
            case .missingBody, .invalidArgument, .inconsistentQuantities, .batchAlreadyExists: 400
            case .noSuchDistribution, .noSuchInvalidation: 404
            case .batchTooLarge: 413
            }
        }
    }

    var code: Code
    var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

// MARK: Reading

extension InvalidationBatch {
    private typealias Refusal = InvalidationRefusal

    static func read(_ bytes: [UInt8]) throws(InvalidationRefusal) -> Self {
        guard !bytes.isEmpty else {
            throw Refusal(.missingBody, "send the batch as JSON in the request's body")
        }
        var batch = Self()
        for entry in try entries(tree(bytes)?.value, of: "the batch") {
            switch entry.key {
            case "Paths": batch.paths = try list(entry)
            case "Tags": batch.tags = try list(entry)
            case "CallerReference": batch.reference = try reference(entry)
            case "Everything": batch.isEverything = try flag(entry)
            case "Soft": batch.isSoft = try flag(entry)
            default: throw unknown(entry.key, among: Self.keys)
            }
        }
        try batch.check()
        return batch
    }

    private static let keys = ["Paths", "Tags", "CallerReference", "Everything", "Soft"]

    private static func tree(_ bytes: [UInt8]) throws(InvalidationRefusal) -> ConfigNode? {
        do throws(Diagnostic) {
            return try JSONReader.read(bytes, file: "body")
        } catch {
            let place = error.position.map { "line \($0.line), column \($0.column): " } ?? ""
            throw Refusal(.invalidArgument, "\(place)\(error.message): \(error.remedy)")
        }
    }

    private static func entries(
        _ value: ConfigNode.Value?,
        of name: String
    ) throws(InvalidationRefusal) -> [ConfigEntry] {
        guard case .table(let entries) = value else {
            throw Refusal(.invalidArgument, "\(name) is a JSON object")
        }
        return entries
    }

    private static func list(_ entry: ConfigEntry) throws(InvalidationRefusal) -> [String] {
        var quantity: Int64?
        var items: [String] = []
        for part in try entries(entry.node.value, of: entry.key) {
            switch (part.key, part.node.value) {
            case ("Quantity", .integer(let count)): quantity = count
            case ("Quantity", _):
                throw Refusal(.invalidArgument, "\(entry.key).Quantity is a whole number")
            case ("Items", .list(let nodes)):
                for node in nodes {
                    guard case .string(let text) = node.value else {
                        throw Refusal(.invalidArgument, "\(entry.key).Items has \(node.kind)")
                    }
                    items.append(text)
                }
            case ("Items", _):
                throw Refusal(.invalidArgument, "\(entry.key).Items is a list of strings")
            default: throw unknown(part.key, among: ["Quantity", "Items"], in: entry.key)
            }
        }
        guard let quantity else {
            throw Refusal(.invalidArgument, "\(entry.key) has no Quantity: the number of its Items")
        }
        guard quantity == Int64(items.count) else {
            throw Refusal(
                .inconsistentQuantities,
                "\(entry.key).Quantity is \(quantity), and there are \(items.count) Items"
            )
        }
        return items
    }

    private static func reference(_ entry: ConfigEntry) throws(InvalidationRefusal) -> String {
        guard case .string(let text) = entry.node.value, !text.isEmpty,
            text.utf8.count <= Limits.callerReferenceBytes
        else {
            throw Refusal(
                .invalidArgument,
                "CallerReference is a string of 1 to \(Limits.callerReferenceBytes) bytes"
            )
        }
        return text
    }

    private static func flag(_ entry: ConfigEntry) throws(InvalidationRefusal) -> Bool {
        guard case .boolean(let flag) = entry.node.value else {
            throw Refusal(.invalidArgument, "\(entry.key) is true or false")
        }
        return flag
    }

    private static func unknown(
        _ key: String,
        among known: [String],
        in place: String = "a batch"
    ) -> InvalidationRefusal {
        let near = Suggestion.nearest(to: key, among: known).map { "; did you mean '\($0)'?" }
        let names = known.joined(separator: ", ")
        return Refusal(.invalidArgument, "\(place) has no '\(key)'\(near ?? "; it has \(names)")")
    }
}

// MARK: Checking

extension InvalidationBatch {
    private func check() throws(InvalidationRefusal) {
        let count = paths.count + tags.count
        guard !isEverything || count == 0 else {
            throw Refusal(.invalidArgument, "Everything stands alone, without Paths and Tags")
        }
        guard isEverything || count > 0 else {
            throw Refusal(.invalidArgument, "name Paths or Tags, or say Everything")
        }
        guard count <= Limits.invalidationItemsMax else {
            throw Refusal(
                .batchTooLarge,
                "\(count) paths and tags in one batch; \(Limits.invalidationItemsMax) are the most:"
                    + " send several, or use a wildcard or a tag"
            )
        }
        let wildcards = paths.count { $0.utf8.contains(UInt8(ascii: "*")) }
        guard wildcards <= Limits.purgePatternsMax else {
            throw Refusal(
                .batchTooLarge,
                "\(wildcards) wildcards in one batch; \(Limits.purgePatternsMax) are the most:"
                    + " use a shorter one that covers several, or a tag"
            )
        }
        for path in paths { try Self.check(path: path) }
        for tag in tags { try Self.check(tag: tag) }
    }

    static func check(path: String) throws(InvalidationRefusal) {
        let bytes = path.utf8
        guard bytes.first == UInt8(ascii: "/") else {
            let remedy = path.isEmpty ? "" : "; did you mean '/\(shown(path))'?"
            throw Refusal(
                .invalidArgument,
                "path '\(shown(path))': it begins with a slash\(remedy)"
            )
        }
        guard bytes.count <= Limits.invalidationPathBytes else {
            throw Refusal(
                .invalidArgument,
                "path '\(shown(path))': it has \(bytes.count) characters, and"
                    + " \(Limits.invalidationPathBytes) are the most"
            )
        }
        guard bytes.allSatisfy(isSentByViewers) else {
            throw Refusal(
                .invalidArgument,
                "path '\(shown(path))': write it as viewers send it: '\(shown(asSent(path)))'"
            )
        }
    }

    private static func check(tag: String) throws(InvalidationRefusal) {
        let bytes = tag.utf8
        guard !bytes.isEmpty, bytes.count <= Limits.invalidationTagBytes,
            bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: ",") })
        else {
            throw Refusal(
                .invalidArgument,
                "tag '\(shown(tag))': it has 1 to \(Limits.invalidationTagBytes) bytes, without"
                    + " blanks and commas"
            )
        }
    }

    /// Of a target, as it comes out of a request; a fragment never does.
    private static func isSentByViewers(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "#")
    }

    private static func asSent(_ path: String) -> String {
        path.utf8.map { byte in
            guard !isSentByViewers(byte) else { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }

    /// Of what may be megabytes, as much as a message needs.
    private static func shown(_ text: String) -> String {
        text.count <= 100 ? text : text.prefix(100) + "…"
    }
}
