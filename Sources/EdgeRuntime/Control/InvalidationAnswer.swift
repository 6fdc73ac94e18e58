// Invalidations as JSON, in the contract's names (§5.3).

enum InvalidationAnswer {
    /// `warning`: what the disk did not take.
    static func created(_ entry: InvalidationBook.Entry, warning: String?) -> AdminAnswer {
        var answer = AdminAnswer(201, json: whole(entry, warning))
        answer.location = "/distributions/\(entry.distribution)/invalidations/\(entry.id)"
        return answer
    }

    static func shown(_ entry: InvalidationBook.Entry) -> AdminAnswer {
        AdminAnswer(json: whole(entry))
    }

    static func page(
        _ page: InvalidationBook.Page,
        after marker: String?,
        atMost limit: Int
    ) -> AdminAnswer {
        var fields = ["\"Marker\":\(quoted(marker ?? ""))"]
        if page.isTruncated, let last = page.entries.last {
            fields.append("\"NextMarker\":\(quoted(last.id))")
        }
        fields.append("\"MaxItems\":\(limit)")
        fields.append("\"IsTruncated\":\(page.isTruncated)")
        fields.append("\"Quantity\":\(page.entries.count)")
        let rows = page.entries.map { "{\(summary($0))}" }
        fields.append("\"Items\":[\(rows.joined(separator: ","))]")
        return AdminAnswer(json: "{\"InvalidationList\":{\(fields.joined(separator: ","))}}\n")
    }

    static func refusal(_ refusal: InvalidationRefusal) -> AdminAnswer {
        AdminAnswer(
            refusal.code.status,
            json: "{\"Error\":{\"Type\":\"Sender\",\"Code\":\"\(refusal.code.word)\","
                + "\"Message\":\(quoted(refusal.message))}}\n"
        )
    }

    private static func whole(
        _ entry: InvalidationBook.Entry,
        _ warning: String? = nil
    ) -> String {
        let warning = warning.map { ",\"Warning\":\(quoted($0))" } ?? ""
        return "{\"Invalidation\":{\(summary(entry)),"
            + "\"InvalidationBatch\":\(json(of: entry.batch))}\(warning)}\n"
    }

    /// All loops look at the rules before they show anything, so an invalidation is complete once it is made.
    private static func summary(_ entry: InvalidationBook.Entry) -> String {
        let time = CivilTime(entry.created.seconds).text(nanoseconds: entry.created.nanoseconds)
        return "\"Id\":\(quoted(entry.id)),\"CreateTime\":\"\(time.span.text)\","
            + "\"Status\":\"Completed\""
    }

    static func json(of batch: InvalidationBatch) -> String {
        var fields: [String] = []
        if batch.isEverything { fields.append("\"Everything\":true") }
        if !batch.paths.isEmpty { fields.append("\"Paths\":\(list(batch.paths))") }
        if !batch.tags.isEmpty { fields.append("\"Tags\":\(list(batch.tags))") }
        if batch.isSoft { fields.append("\"Soft\":true") }
        if let reference = batch.reference {
            fields.append("\"CallerReference\":\(quoted(reference))")
        }
        return "{\(fields.joined(separator: ","))}"
    }

    private static func list(_ items: [String]) -> String {
        "{\"Quantity\":\(items.count),"
            + "\"Items\":[\(items.map(quoted).joined(separator: ","))]}"
    }

    private static func quoted(_ text: String) -> String { ConfigDump.quoted(text) }
}
