// What the check knows of a value without running anything: enough to follow an event to the places where it is used.
//
//   unseen ─▶ view, edge, group, library, store, function ─▶ unknown
//
// A value only moves to the right, when another use says something else of it; about both ends nothing is reported.

enum LintValue: Equatable {
    /// Nobody has said anything yet: the parameter of a function that nobody was seen to call.
    case unseen
    /// A view of the event, in the stages from which it comes here.
    case view(ViewKind, StageSet)
    case edge
    /// `edge.json` and the like.
    case group(String)
    /// `string` and the like.
    case library(String)
    /// What `edge.kv.store` gives.
    case store
    /// A function of this file, by the place where it begins.
    case function(LuaPosition)
    case unknown

    func joined(_ other: Self) -> Self {
        switch (self, other) {
        case (.unseen, let value), (let value, .unseen): value
        case (.view(let kind, let stages), .view(let other, let more)) where kind == other:
            .view(kind, stages.union(more))
        case _ where self == other: self
        default: .unknown
        }
    }
}

/// What is wrong with one use of a name.
struct LintFault: Equatable {
    var severity = Diagnostic.Severity.error
    var message: String
    var remedy: String

    /// `known` in words, unless one of them was meant.
    init(_ message: String, meant word: String, among known: [String], else remedy: String? = nil) {
        self.message = message
        let near = Suggestion.nearest(to: word, among: known)
        self.remedy =
            near.map { "did you mean '\($0)'?" } ?? remedy
            ?? (known.isEmpty ? "it has no names" : "there are \(known.joined(separator: ", "))")
    }

    init(_ message: String, _ remedy: String) {
        self.message = message
        self.remedy = remedy
    }
}

extension StageSet {
    init(_ stage: Stage) { self.init(rawValue: 1 << stage.rawValue) }

    /// `origin_response and viewer_response`.
    var words: String {
        let names = Stage.allCases.filter(contains).map(\.name)
        guard let last = names.last, names.count > 1 else { return names.first ?? "no stage" }
        return "\(names.dropLast().joined(separator: ", ")) and \(last)"
    }
}

// MARK: Views

extension ViewKind {
    fileprivate var fields: [ViewField] { ViewField.allCases.filter { $0.row.kind == self } }
    fileprivate var methods: [ViewMethod] { ViewMethod.allCases.filter { $0.kinds.contains(self) } }

    fileprivate func field(_ name: String) -> ViewField? {
        fields.first { "\($0.row.name)" == name }
    }

    var isHeaders: Bool { self == .requestHeaders || self == .responseHeaders }

    /// What was sent to the origin already when a response is there.
    private var isOfRequest: Bool {
        switch self {
        case .request, .requestHeaders, .query, .requestCookies, .requestBody: true
        case .event, .response, .responseHeaders, .responseCookies, .responseBody, .viewer, .tls,
            .origin, .log, .cache, .null:
            false
        }
    }

    /// Reading a name of it.
    func read(_ name: String, in stages: StageSet) -> (LintValue, LintFault?) {
        guard !isMap else { return (.unknown, nil) }
        guard let field = field(name) else {
            guard !methods.contains(where: { "\($0.name)" == name }) else { return (.unknown, nil) }
            return (.unknown, unknown(name))
        }
        let readable = field.row.readable
        guard !readable.isDisjoint(with: stages) else {
            let fault = LintFault(
                "\(field.path) does not exist in \(stages.words)",
                "it is there in \(readable.words)"
            )
            return (.unknown, fault)
        }
        return (field.shown.map { .view($0, stages.intersection(readable)) } ?? .unknown, nil)
    }

    private func unknown(_ name: String) -> LintFault {
        let known = fields.map { "\($0.row.name)" } + methods.map { "\($0.name)" }
        return LintFault("\(self.name) has no '\(name)'", meant: name, among: known)
    }

    func assign(_ name: String, in stages: StageSet) -> LintFault? {
        guard !isMap else { return change(in: stages) }
        guard let field = field(name) else { return unknown(name) }
        let row = field.row
        guard row.writable.isDisjoint(with: stages) else { return nil }
        guard !row.writable.isEmpty else {
            let remedy =
                field.shown == nil ? "it can only be read" : "assign to the names that it has"
            return LintFault("\(field.path) cannot be assigned", remedy)
        }
        return LintFault(
            "\(field.path) cannot be assigned in \(stages.words)",
            "do it in \(row.writable.words)"
        )
    }

    /// A map of a request that was sent.
    private func change(in stages: StageSet) -> LintFault? {
        guard isOfRequest, StageSet.request.isDisjoint(with: stages) else { return nil }
        return LintFault(
            "\(name) cannot change in \(stages.words): it was sent",
            "do it in \(StageSet.request.words)"
        )
    }

    func call(_ method: String, in stages: StageSet) -> LintFault? {
        let known = methods.map { "\($0.name)" }
        guard known.contains(method) else {
            let none = known.isEmpty ? "it has no methods" : nil
            let message = "\(name) has no method '\(method)'"
            return LintFault(message, meant: method, among: known, else: none)
        }
        return method == "\(ViewMethod.add.name)" ? change(in: stages) : nil
    }
}

extension ViewField {
    /// What asking for it gives, where that is another view, also where it may be nil.
    fileprivate var shown: ViewKind? {
        switch self {
        case .eventOrigin: .origin
        case .viewerTLS: .tls
        case .eventCache: .cache
        default: view
        }
    }
}
