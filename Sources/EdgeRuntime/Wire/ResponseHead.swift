// The head of a response. Slices name bytes of the exchange's arena.

struct ResponseHead: ~Copyable {
    var status: UInt16 = 200
    /// Empty when none was sent: the writer then uses the usual phrase.
    var reason = Slice.empty
    var version = Version.http11
    var fields = HeaderFields()

    init() {}

    mutating func reset() {
        status = 200
        reason = .empty
        version = .http11
        fields.reset()
    }
}
