// How long an origin may take, by what it owes. Pure.
//
//   owed      what has to come                    until
//   ────      ────────────────                    ─────
//   nothing   it is the viewer's turn             never
//   goAhead   `100 Continue`                      continuePatience after it was first owed
//   intake    room for more of the request        response_timeout after the last byte it took
//   head      the whole final head                response_timeout after the request was out
//   body      more of the body                    response_timeout after the last byte that came
//   tunnel    a byte of either side               tunnelIdle after the last one
//
// A head and a word to go on are one thing each, so pieces of them buy no time: an origin that sends a byte now and
// then would otherwise hold its viewer for as long as it likes.

struct OriginPatience {
    enum Owed: Equatable {
        case nothing
        case goAhead
        case intake
        case head
        case body
        case tunnel
    }

    private var owed = Owed.nothing
    private var since: Nanoseconds = 0
    private var movedThen: Int64 = 0

    /// `moved` counts the bytes whose coming or going moves the deadline of what is owed.
    mutating func deadline(
        for owed: Owed,
        moved: Int64,
        responseTimeout: Nanoseconds,
        now: Nanoseconds
    ) -> Nanoseconds {
        if owed != self.owed || (moved != movedThen && Self.isMoved(owed)) {
            self.owed = owed
            since = now
            movedThen = moved
        }
        switch owed {
        case .nothing: return .never
        case .goAhead: return since + Limits.continuePatience
        case .intake, .head, .body: return since + responseTimeout
        case .tunnel: return since + Limits.tunnelIdle
        }
    }

    private static func isMoved(_ owed: Owed) -> Bool {
        switch owed {
        case .intake, .body, .tunnel: true
        case .nothing, .goAhead, .head: false
        }
    }
}
