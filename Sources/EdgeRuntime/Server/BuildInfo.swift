// Which program this is.

package enum BuildInfo {
    package static let version = "0.1.0"

    package static var compiler: String {
        #if compiler(>=6.3)
            "Swift 6.3"
        #else
            "Swift, older than 6.3"
        #endif
    }
}
