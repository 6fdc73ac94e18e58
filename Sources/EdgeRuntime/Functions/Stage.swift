// The four places of a request's way at which functions run (§1.1 of the contract), and what each may do.

enum Stage: UInt8, CaseIterable, Sendable {
    case viewerRequest
    case originRequest
    case originResponse
    case viewerResponse

    /// As it is spelled in a function's table, in the configuration and in logs.
    var word: StaticString {
        switch self {
        case .viewerRequest: "viewer_request"
        case .originRequest: "origin_request"
        case .originResponse: "origin_response"
        case .viewerResponse: "viewer_response"
        }
    }

    var name: String { "\(word)" }

    var isOrigin: Bool { self == .originRequest || self == .originResponse }
    /// The response stages see a response; the request stages may make one.
    var hasResponse: Bool { self == .originResponse || self == .viewerResponse }
}

struct StageSet: OptionSet, Sendable {
    let rawValue: UInt8
    static let viewerRequest = Self(rawValue: 1)
    static let originRequest = Self(rawValue: 2)
    static let originResponse = Self(rawValue: 4)
    static let viewerResponse = Self(rawValue: 8)
    static let request: Self = [.viewerRequest, .originRequest]
    static let response: Self = [.originResponse, .viewerResponse]
    static let all: Self = [.request, .response]

    func contains(_ stage: Stage) -> Bool { rawValue >> stage.rawValue & 1 == 1 }
}

extension FunctionAttachments {
    func chain(_ stage: Stage) -> [FunctionAttachment] {
        switch stage {
        case .viewerRequest: viewerRequest
        case .originRequest: originRequest
        case .originResponse: originResponse
        case .viewerResponse: viewerResponse
        }
    }
}
