"""An HTTP/1.1 client that hides nothing: raw bytes out, every part of the answer in."""

import hashlib
import random
import socket
import ssl

PATIENCE = 20.0

_block = random.Random(7).randbytes(1 << 16)


def pattern(size):
    """`size` bytes that do not repeat at any small distance."""
    return (_block * (size // len(_block) + 1))[:size]


def pieces(size, piece=1 << 16):
    for start in range(0, size, piece):
        yield _block[: min(piece, size - start)]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def digest_of_pieces(size):
    state = hashlib.sha256()
    for piece in pieces(size):
        state.update(piece)
    return state.hexdigest()


class Closed(Exception):
    """The peer ended the connection where more was due."""

    def __init__(self, how, partial=b""):
        super().__init__(f"{how} after {len(partial)} bytes {partial[:80]!r}")
        self.how, self.partial = how, partial


class Fields(list):
    """(name, value) in order, as received."""

    def all(self, name):
        return [value for key, value in self if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return ", ".join(values) if values else default

    def __contains__(self, name):
        return bool(self.all(name))


class Response:
    def __init__(self):
        self.version = self.reason = ""
        self.status = 0
        self.fields = Fields()
        self.trailers = Fields()
        self.informational = []
        self.body = b""
        self.framing = "none"
        self.head = b""

    def __getitem__(self, name):
        return self.fields.get(name)

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:200]!r}>"

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")


class Connection:
    def __init__(self, address, timeout=PATIENCE, tls=None, server_name=None, first=b"", buffer=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(address)
            if family == socket.AF_INET:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if first:
                self.socket.sendall(first)
            if tls:
                self.socket = tls.wrap_socket(self.socket, server_hostname=server_name)
        except BaseException:
            self.socket.close()
            raise
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends with a reset instead of a close."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def end(self):
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    @staticmethod
    def head(method, target, fields=(), version="HTTP/1.1"):
        fields = list(fields)
        if version == "HTTP/1.1" and not any(name.lower() == "host" for name, _ in fields):
            fields.insert(0, ("Host", "test.example"))
        lines = [f"{method} {target} {version}"] + [f"{name}: {value}" for name, value in fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def ask(self, method, target, fields=(), body=None, version="HTTP/1.1", chunked=False, trailers=()):
        fields = list(fields)
        if body is not None:
            fields.append(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", len(body)))
        data = self.head(method, target, fields, version)
        if body is not None and chunked:
            data += b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + 7000]), body[at:at + 7000])
                             for at in range(0, len(body), 7000))
            data += b"0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in trailers).encode() + b"\r\n"
        elif body is not None:
            data += body
        self.send(data)
        return self.response(method)

    # Reading

    def more(self):
        try:
            data = self.socket.recv(1 << 16)
        except (ConnectionResetError, BrokenPipeError):
            raise Closed("reset", self.buffer) from None
        except ssl.SSLEOFError:
            raise Closed("cut", self.buffer) from None
        except ssl.SSLError as error:
            raise Closed(f"TLS {error.reason}", self.buffer) from None
        if not data:
            raise Closed("end", self.buffer)
        self.buffer += data

    def until(self, mark):
        while mark not in self.buffer:
            self.more()
        at = self.buffer.index(mark) + len(mark)
        found, self.buffer = self.buffer[:at], self.buffer[at:]
        return found

    def exactly(self, count):
        parts, left = [], count
        while left:
            if not self.buffer:
                try:
                    self.more()
                except Closed as closed:
                    raise Closed(closed.how, b"".join(parts)) from None
            part, self.buffer = self.buffer[:left], self.buffer[left:]
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def rest(self):
        parts = []
        while True:
            parts.append(self.buffer)
            self.buffer = b""
            try:
                self.more()
            except Closed as closed:
                if closed.how != "end":
                    raise Closed(closed.how, b"".join(parts)) from None
                return b"".join(parts)

    def fields(self):
        fields = Fields()
        while (line := self.until(b"\r\n")) != b"\r\n":
            name, _, value = line[:-2].decode("latin-1").partition(":")
            fields.append((name, value.strip(" \t")))
        return fields

    def response_head(self):
        response = Response()
        line = self.until(b"\r\n")[:-2].decode("latin-1")
        response.version, status, response.reason = (line + "  ").split(" ", 2)
        response.status, response.reason = int(status), response.reason.strip()
        response.fields = self.fields()
        return response

    def response(self, method="GET"):
        informational = []
        while True:
            response = self.response_head()
            if response.status >= 200 or response.status == 101:
                break
            informational.append(response)
        response.informational = informational
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        self.body(response)
        return response

    def body(self, response):
        if "Transfer-Encoding" in response.fields:
            response.framing = "chunked"
            parts = []
            while size := int(self.until(b"\r\n").split(b";")[0], 16):
                try:
                    parts.append(self.exactly(size))
                    self.until(b"\r\n")
                except Closed as closed:
                    raise Closed(closed.how, b"".join(parts) + closed.partial) from None
            response.body = b"".join(parts)
            response.trailers = self.fields()
        elif "Content-Length" in response.fields:
            response.framing = "length"
            response.body = self.exactly(int(response["Content-Length"]))
        else:
            response.framing = "close"
            response.body = self.rest()

    def is_ended(self):
        """Whether the peer ends the connection now, without saying more."""
        try:
            self.more()
            return False
        except Closed:
            return True
