@testable import EdgeRuntime

// The same questions asked with strings: a span cannot appear inside `#expect`.

extension HostIndex {
    func index(for host: String) -> Int? { index(for: host.utf8.span) }
}

extension PathIndex {
    func firstMatch(_ path: String) -> Int? { firstMatch(path.utf8.span) }
}

extension Glob {
    static func matches(_ pattern: String, _ text: String) -> Bool {
        matches(pattern.utf8.span, text.utf8.span)
    }
}

extension NameSet {
    func contains(_ name: String) -> Bool { contains(name.utf8.span) }
}

extension MethodSet {
    func allows(_ method: String) -> Bool { allows(method.utf8.span) }
}

extension OriginRequestPolicy {
    func keepsHeader(_ name: String) -> Bool { keepsHeader(name.utf8.span) }
    func keepsCookie(_ name: String) -> Bool { keepsCookie(name.utf8.span) }
    func keepsQueryName(_ name: String) -> Bool { keepsQueryName(name.utf8.span) }
}

extension CORSPolicy {
    func decide(origin: String) -> Decision { decide(origin: origin.utf8.span) }
}
