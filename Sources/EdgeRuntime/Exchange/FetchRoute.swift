// Where a fetch goes and has been: the origin, its member, and what was tried before. The steps read and write it;
// what follows a failure is `RetryPlan`'s to say.

struct FetchRoute {
    /// Place in the group's members; 0 without a group.
    var groupPosition = 0
    var origin = 0
    /// The member of a server set that is asked now, and those that were.
    var member = 0
    var tried: UInt64 = 0
    /// Requests that were sent to the current origin.
    var attempts = 0
    var group: Int?
    var servers: ServerSet?
    var pool: OriginPool?
    /// The viewer's `Host` goes on instead of the origin's own name.
    var forwardsHost = false
    /// `Host` as it was before functions saw it.
    var authority = Slice.empty
    /// Part of the viewer's body is gone, so the request cannot be sent again.
    var didPullBody = false
    var wantsFreshConnection = false
    var progress = OriginClient.Progress(
        wasReused: false,
        sentAnything: false,
        receivedAnything: false
    )
    var lastError: EdgeError?
    /// Why the embedded origin's answer is a refusal.
    var refusal: EdgeError?
    var plan: RetryPlan?

    /// The origin to ask now: the behaviour's own, or the current member of its group.
    mutating func choose(_ target: Behavior.Target, in configuration: Configuration) {
        switch target {
        case .origin(let index):
            origin = index
            group = nil
        case .group(let index):
            group = index
            origin = configuration.originGroups[index].members[groupPosition]
        }
    }

    /// A function asks another origin than the behaviour does.
    mutating func redirect(to origin: Int) {
        self.origin = origin
        group = nil
        tried = 0
        pool = nil
        servers = nil
    }

    /// Goes on to the next origin of the group, which has been tried by nobody yet.
    mutating func advance() {
        groupPosition += 1
        tried = 0
        attempts = 0
        pool = nil
        servers = nil
        wantsFreshConnection = false
    }
}
