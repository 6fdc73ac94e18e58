// What is to happen in one exchange, drawn from the seed before anything begins.

@testable import EdgeRuntime

struct Plan {
    enum Fault: Equatable {
        case none
        case resetBeforeHead
        case closeBeforeHead
        case badHead
        /// No answer at all.
        case silence
        /// After so many bytes of the body.
        case truncate(Int)
        case reset(Int)
        case stall(Int)

        /// A body that began and does not come to its end.
        var breaksBody: Bool {
            switch self {
            case .truncate, .reset, .stall: true
            case .none, .resetBeforeHead, .closeBeforeHead, .badHead, .silence: false
            }
        }
    }

    enum Framing {
        case length
        case chunked
        case untilClose
    }

    enum Afterwards {
        case keepsAlive
        case closes
        /// Without a word before: the next request may meet it.
        case closesSilently
    }

    let id: Int
    let seed: UInt64
    var route = "a"
    var method = EdgeRuntime.Method.get
    var isHTTP10 = false
    /// Nil: no body at all.
    var requestBytes: Int?
    var requestIsChunked = false
    var expectsContinue = false
    var status = 200
    var responseBytes = 0
    var framing = Framing.length
    var hints = 0
    var answersEarly = false
    var afterwards = Afterwards.keepsAlive
    var fault = Fault.none
    /// The fault strikes the first so many attempts.
    var faultAttempts = Int.max
    var hasTrailer = false

    init(id: Int, seed: UInt64) {
        self.id = id
        self.seed = seed
    }

    var path: String { "/\(route)/\(id)" }
    var hasBodyInResponse: Bool { method != .head && status != 204 && status != 304 }
    var bytesToCome: Int { hasBodyInResponse ? responseBytes : 0 }

    /// Whether anything else than the origin's whole answer may reach a viewer that stays, on a network that is
    /// slow but loses nothing.
    var mayFail: Bool {
        switch fault {
        case .none: false
        case .truncate, .reset, .stall: hasBodyInResponse
        case .resetBeforeHead, .closeBeforeHead, .badHead, .silence: true
        }
    }

    static func draw(id: Int, faults: Bool, _ random: inout Random) -> Plan {
        var plan = Plan(id: id, seed: random.next())
        plan.route = random.pick(["a", "a", "b"])
        plan.method = random.pick([.get, .get, .get, .head, .post, .post, .put])
        plan.status = random.pick([200, 200, 200, 200, 204, 304, 404, 500])
        plan.responseBytes = size(&random)
        plan.framing = random.pick([.length, .length, .chunked, .chunked, .untilClose])
        plan.isHTTP10 = random.chance(1, in: 12)
        if plan.method == .post || plan.method == .put {
            plan.requestBytes = size(&random)
            plan.requestIsChunked = random.chance(1, in: 3) && !plan.isHTTP10
            plan.expectsContinue = random.chance(1, in: 4) && !plan.isHTTP10
            plan.answersEarly = random.chance(1, in: 8)
        }
        if random.chance(1, in: 6) { plan.hints = 1 + Int(random.next(below: 3)) }
        plan.hasTrailer = plan.framing == .chunked && random.chance(1, in: 3)
        plan.afterwards = random.pick([.keepsAlive, .keepsAlive, .keepsAlive, .closes])
        if plan.framing == .untilClose { plan.afterwards = .closes }
        if faults, random.chance(1, in: 3) { plan.drawFault(&random) }
        return plan
    }

    private mutating func drawFault(_ random: inout Random) {
        let place = responseBytes == 0 ? 0 : Int(random.next(below: UInt64(responseBytes)))
        fault = random.pick([
            .resetBeforeHead, .closeBeforeHead, .badHead, .silence, .truncate(place),
            .reset(place),
            .stall(place), .none,
        ])
        if fault == .none { afterwards = .closesSilently }
        // A body until close that is cut by a clean end is whole to everybody.
        if case .truncate = fault, framing == .untilClose { framing = .length }
        if responseBytes == 0, framing != .chunked, fault.breaksBody { fault = .closeBeforeHead }
        if fault == .silence || fault.isStall { route = "slow" }
        if random.chance(1, in: 2) { faultAttempts = 1 }
    }

    private static func size(_ random: inout Random) -> Int {
        switch random.next(below: 10) {
        case 0: 0
        case 1...4: Int(random.next(below: 2000))
        case 5...7: Int(random.next(below: 20_000))
        case 8: Int(random.next(below: 100_000))
        default: Int(random.next(below: 400_000))
        }
    }
}

extension Plan.Fault {
    fileprivate var isStall: Bool {
        guard case .stall = self else { return false }
        return true
    }
}

extension Random {
    mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[Int(next(below: UInt64(choices.count)))]
    }

    mutating func chance(_ wins: UInt64, in all: UInt64) -> Bool { next(below: all) < wins }

    /// Cuts a length into pieces of random sizes.
    mutating func pieces(_ total: Int, upTo most: Int) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var at = 0
        while at < total {
            let size = min(total - at, 1 + Int(next(below: UInt64(most))))
            pieces.append(at..<at + size)
            at += size
        }
        return pieces
    }
}
