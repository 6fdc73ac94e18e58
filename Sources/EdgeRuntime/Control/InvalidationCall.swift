// What `edged invalidate` asks of a running server, and what it makes of the answer.

package struct InvalidationCall {
    private let distribution: String
    private let batch: InvalidationBatch

    package init(
        distribution: String,
        paths: [String],
        tags: [String],
        everything: Bool,
        soft: Bool,
        reference: String?
    ) {
        self.distribution = distribution
        batch = InvalidationBatch(
            paths: paths,
            tags: tags,
            isEverything: everything,
            isSoft: soft,
            reference: reference
        )
    }

    /// A name that no distribution can have is looked for as it is, and not found.
    package var target: String {
        var name: [UInt8] = []
        PercentText.encode(distribution.utf8.span, .component, into: &name)
        return "/distributions/\(String(decoding: name, as: UTF8.self))/invalidations"
    }

    package var body: [UInt8] { Array(InvalidationAnswer.json(of: batch).utf8) }

    package enum Outcome: Equatable {
        case done(String)
        /// What was asked for is wrong.
        case refused(String)
        case failed(String)
    }

    package func outcome(of answer: AdminClient.Answer) -> Outcome {
        let tree = Self.tree(answer.body)
        switch answer.status {
        case 200, 201:
            guard let id = tree?["Invalidation"]?.text("Id") else { break }
            let warning = tree?.text("Warning").map { "\nwarning: \($0)" } ?? ""
            return .done(
                answer.status == 201
                    ? "\(id): purged \(what)\(warning)" : "\(id): known, made before"
            )
        case 400, 404, 413:
            guard let message = tree?["Error"]?.text("Message") else { break }
            return .refused(message)
        default: break
        }
        return .failed("the server answered \(answer.status)")
    }

    /// `2 paths and 1 tag of shop`.
    private var what: String {
        let parts = [Self.count(batch.paths.count, "path"), Self.count(batch.tags.count, "tag")]
        let named = parts.compactMap(\.self).joined(separator: " and ")
        let what = batch.isEverything ? "everything" : named
        return "\(what) of \(distribution)" + (batch.isSoft ? ", softly" : "")
    }

    private static func count(_ count: Int, _ noun: String) -> String? {
        count == 0 ? nil : count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
    }

    /// Nil: this is not JSON, so it does not come from a server of this kind.
    private static func tree(_ body: [UInt8]) -> ConfigNode? {
        do throws(Diagnostic) { return try JSONReader.read(body, file: "answer") } catch {
            return nil
        }
    }
}
