// Takes batches of invalidations, carries them out, remembers them, and tells the event log who wanted what. On the
// control loop.

final class InvalidationDesk {
    private let index: CacheIndex
    private let events: EventLog
    private let isDistribution: (String) -> Bool
    private let clock: () -> WallTime
    private var random: Random
    private var book = InvalidationBook()

    init(
        index: CacheIndex,
        events: EventLog,
        random: Random = Random(),
        clock: @escaping () -> WallTime = { Clock.wall() },
        isDistribution: @escaping (String) -> Bool
    ) {
        self.index = index
        self.events = events
        self.random = random
        self.clock = clock
        self.isDistribution = isDistribution
    }

    func create(_ distribution: String, _ request: AdminRequest) -> AdminAnswer {
        do throws(InvalidationRefusal) {
            try check(distribution)
            let batch = try InvalidationBatch.read(request.body)
            if let earlier = try earlier(batch, of: distribution) {
                tell("invalidation_repeated", request, [EventField("id", .text(earlier.id))])
                return InvalidationAnswer.shown(earlier)
            }
            let (entry, warning) = carryOut(batch, of: distribution, request)
            return InvalidationAnswer.created(entry, warning: warning)
        } catch {
            tell(
                "invalidation_refused",
                request,
                [EventField("reason", .word(error.code.word))]
            )
            return InvalidationAnswer.refusal(error)
        }
    }

    func list(_ distribution: String, _ request: AdminRequest) -> AdminAnswer {
        do throws(InvalidationRefusal) {
            try check(distribution)
            let query = try InvalidationQuery.read(request.query)
            let limit = query.maxItems
            guard let page = book.page(of: distribution, after: query.marker, atMost: limit) else {
                throw InvalidationRefusal(
                    .invalidArgument,
                    "Marker names no invalidation of \(distribution) that is remembered"
                )
            }
            return InvalidationAnswer.page(page, after: query.marker, atMost: limit)
        } catch {
            return InvalidationAnswer.refusal(error)
        }
    }

    func show(_ id: String, of distribution: String) -> AdminAnswer {
        do throws(InvalidationRefusal) {
            try check(distribution)
            guard let entry = book.entry(id, of: distribution) else {
                throw InvalidationRefusal(
                    .noSuchInvalidation,
                    "\(distribution) has no such invalidation; the last"
                        + " \(Limits.invalidationsKept) of all distributions are remembered"
                )
            }
            return InvalidationAnswer.shown(entry)
        } catch {
            return InvalidationAnswer.refusal(error)
        }
    }

    private func check(_ distribution: String) throws(InvalidationRefusal) {
        guard isDistribution(distribution) else {
            throw InvalidationRefusal(
                .noSuchDistribution,
                "there is no distribution of this name; it is the key in 'distributions'"
            )
        }
    }

    private func earlier(
        _ batch: InvalidationBatch,
        of distribution: String
    ) throws(InvalidationRefusal) -> InvalidationBook.Entry? {
        guard let reference = batch.reference,
            let entry = book.entry(referredToAs: reference, of: distribution)
        else { return nil }
        guard entry.batch.asks(theSameAs: batch) else {
            throw InvalidationRefusal(
                .batchAlreadyExists,
                "\(entry.id) has this CallerReference and asked for something else"
            )
        }
        return entry
    }

    private func carryOut(
        _ batch: InvalidationBatch,
        of distribution: String,
        _ request: AdminRequest
    ) -> (InvalidationBook.Entry, warning: String?) {
        let order = PurgeOrder(
            distribution: distribution,
            targets: batch.targets,
            strength: batch.strength
        )
        // Nothing but operators' questions waits meanwhile.
        let warning = order.carryOutForGood(on: index)
        let entry = InvalidationBook.Entry(
            id: makeID(),
            distribution: distribution,
            created: clock(),
            batch: batch
        )
        book.add(entry)
        tell("invalidated", request, [EventField("id", .text(entry.id))] + order.facts)
        return (entry, warning)
    }

    private func tell(_ event: StaticString, _ request: AdminRequest, _ fields: [EventField]) {
        events.log(.info, event, [EventField("by", .word("admin")), request.asker.field] + fields)
    }

    /// As the contract's look: a letter, then capitals and digits.
    private func makeID() -> String {
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
        var rest = random.next()
        var id = "I"
        for _ in 0..<13 {
            id.append(alphabet[Int(rest & 31)])
            rest >>= 5
        }
        return id
    }
}

/// `?Marker=ID&MaxItems=N` of the list.
struct InvalidationQuery: Equatable {
    var marker: String?
    var maxItems = Limits.invalidationsPerPage

    static func read(_ query: [UInt8]) throws(InvalidationRefusal) -> Self {
        var result = Self()
        for argument in query.split(separator: UInt8(ascii: "&")) {
            let parts = argument.split(
                separator: UInt8(ascii: "="),
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            let value = Array(parts.count == 2 ? parts[1] : [])
            switch String(decoding: parts[0], as: UTF8.self) {
            case "Marker":
                result.marker = value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
            case "MaxItems":
                guard let count = value.span.decimal, count > 0,
                    count <= Int64(Limits.invalidationsKept)
                else {
                    throw InvalidationRefusal(
                        .invalidArgument,
                        "MaxItems is a number from 1 to \(Limits.invalidationsKept)"
                    )
                }
                result.maxItems = Int(count)
            case let name:
                throw InvalidationRefusal(
                    .invalidArgument,
                    "the list knows no '\(name.prefix(50))'; it takes Marker and MaxItems"
                )
            }
        }
        return result
    }
}
