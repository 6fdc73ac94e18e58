// A system call that failed: which one, and errno. A value, so that it can be thrown typed and compared in tests.

import Glibc

package struct SystemError: Error, Equatable {
    package let call: StaticString
    package let code: Int32

    package init(_ call: StaticString, _ code: Int32) {
        self.call = call
        self.code = code
    }

    package static func == (left: Self, right: Self) -> Bool { left.code == right.code }

    /// What the kernel calls it: "Address already in use".
    package var reason: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            // The XSI form, which fills the buffer, is what Glibc's module offers.
            guard strerror_r(code, base, buffer.count) == 0 else { return "error \(code)" }
            return String(cString: base)
        }
    }
}

extension SystemError: CustomStringConvertible {
    package var description: String { "\(call): \(reason)" }
}
