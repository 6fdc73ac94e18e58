// The other end of the admin socket, for commands: one request on a blocking socket, the answer read to its end.

import CLinux
import Glibc

package struct AdminClient {
    package struct Answer {
        package var status: Int
        package var body: [UInt8]

        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// In words for the operator.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let path: String

    package init(socket path: String) { self.path = path }

    package func ask(
        _ method: String,
        _ target: String,
        body: [UInt8] = []
    ) throws(Failure) -> Answer {
        let socket = try connect()
        var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        if !body.isEmpty {
            head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n"
        }
        let isSent = send(Array(head.utf8) + Array("\r\n".utf8) + body, to: socket)
        // A server that has closed early has said why, mostly.
        let answer = try receive(from: socket)
        guard isSent || !answer.isEmpty else {
            throw Failure(description: "\(path): the server closed the connection")
        }
        return try Self.parse(answer, from: path)
    }

    private func send(_ request: [UInt8], to socket: borrowing Descriptor) -> Bool {
        let raw = socket.raw
        var sent = 0
        while sent < request.count {
            let count = Syscall.retrying {
                request[sent...].withUnsafeBytes { bytes in
                    Glibc.send(raw, bytes.baseAddress, bytes.count, Self.noSignal)
                }
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private static let noSignal = CInt(MSG_NOSIGNAL)

    private func connect() throws(Failure) -> Descriptor {
        guard let address = SocketAddress(unixPath: path) else {
            throw Failure(description: "\(path): the path is too long for a socket")
        }
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let raw = Glibc.socket(AF_UNIX, type, 0)
        guard raw >= 0 else { throw Failure(description: "socket: no descriptor is left") }
        let socket = Descriptor(owning: raw)
        var patience = timeval(tv_sec: Limits.adminAnswerSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        let result = Syscall.retrying { Int(address.withSockaddr { CLinux.connect(raw, $0, $1) }) }
        guard result >= 0 else { throw refused(Int32(-result)) }
        return socket
    }

    private func refused(_ code: Int32) -> Failure {
        let reason = SystemError("connect", code).reason
        let words =
            switch code {
            case ENOENT, ECONNREFUSED: "no server answers on \(path); is edged running?"
            case EACCES: "\(path): \(reason); ask as root or as the user that runs edged"
            default: "\(path): \(reason)"
            }
        return Failure(description: words)
    }

    private func receive(from socket: borrowing Descriptor) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= Limits.adminAnswerBytes {
            let raw = socket.raw
            let count = Syscall.retrying { recv(raw, &block, block.count, 0) }
            if count == 0 { return bytes }
            guard count > 0 else {
                throw Failure(
                    description: -count == Int(EAGAIN)
                        ? "\(path): the server does not answer"
                        : "\(path): \(SystemError("recv", Int32(-count)).reason)"
                )
            }
            bytes.append(contentsOf: block[..<count])
        }
        throw Failure(description: "\(path): the answer does not end")
    }

    /// The server closes behind its answer, so the body is what follows the head.
    static func parse(_ bytes: [UInt8], from path: String) throws(Failure) -> Answer {
        let head = Array("HTTP/1.1 ".utf8)
        guard bytes.count > 12, bytes.starts(with: head),
            let status = bytes.span.extracting(9..<12).decimal
        else { throw Failure(description: "\(path): this is not edged's admin socket") }
        var end = 12
        while end + 4 <= bytes.count {
            if bytes.span.extracting(end..<(end + 4)).equals("\r\n\r\n") {
                return Answer(status: Int(status), body: Array(bytes[(end + 4)...]))
            }
            end += 1
        }
        throw Failure(description: "\(path): the answer was cut off")
    }
}
