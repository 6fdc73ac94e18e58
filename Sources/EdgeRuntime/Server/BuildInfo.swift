// Which program this is.

import CBuild

package enum BuildInfo {
    package static let version = "0.1.0"

    /// As `make` found it, else "unknown".
    package static var commit: String { String(cString: edged_commit()) }

    package static var compiler: String {
        #if compiler(>=6.3)
            "Swift 6.3"
        #else
            "Swift, older than 6.3"
        #endif
    }
}
