"""A scripted origin: one thread for each connection, a behaviour for each first word of the path.

    /echo                       the request, as JSON           /status/N     N and a short body
    /fixed/N  /chunked/N        N bytes, so framed             /until-close/N
    /slow/SECONDS               answers late                   /stall/N      N bytes of 2N, then nothing more
    /cut/N  /cut-chunked/N      N bytes of 2N, then the end    /reset        a reset instead of an answer
    /hints                      103, then 200                  /trailers     chunked with trailers
    /expect/continue            100, then echo                 /expect/N     N at once; /expect/silent: nothing, then echo
    /early/N                    N before the body was read     /upgrade      a tunnel that echoes
    /gzip                       a coded body                   /bad/WORD     an answer that is not HTTP as we know it

Tests add their own with `on`. What was asked is kept in `requests`.
"""

import gzip
import hashlib
import json
import socket
import ssl
import threading
import time

import wire

BAD = {
    "length-and-chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "fold": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "line-feeds": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "huge-head": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 300_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "space-before-colon": b"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 0\r\n\r\n",
    "coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
    "no-http": b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    "nul": b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "chunk-size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "many-hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 200 + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "switch": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n",
}


class Request:
    def __init__(self, line, fields, head, connection):
        self.method, self.target, self.version = (line.split(" ") + ["", ""])[:3]
        self.path = self.target.partition("?")[0]
        self.query = self.target.partition("?")[2]
        self.words = self.path.strip("/").split("/")
        self.fields, self.head, self.connection = fields, head, connection
        self.trailers = wire.Fields()
        self.length, self.digest, self.framing = 0, "", "none"
        self.body = b""
        self.is_read = False

    def __getitem__(self, name):
        return self.fields.get(name)


class Served(wire.Connection):
    """The origin's end of a connection."""

    def __init__(self, connected, origin, number):
        self.socket, self.origin, self.number, self.buffer = connected, origin, number, b""
        connected.settimeout(60)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self):
        try:
            line = self.until(b"\r\n")
        except wire.Closed:
            return None
        fields = self.fields()
        head = line + "".join(f"{n}: {v}\r\n" for n, v in fields).encode("latin-1")
        return Request(line[:-2].decode("latin-1"), fields, head, self.number)

    def read_body(self, request):
        if request.is_read:
            return
        request.is_read = True
        state, kept = hashlib.sha256(), []

        def took(part):
            state.update(part)
            request.length += len(part)
            if request.length <= 1 << 20:
                kept.append(part)

        if "Transfer-Encoding" in request.fields:
            request.framing = "chunked"
            while size := int(self.until(b"\r\n").split(b";")[0], 16):
                took(self.exactly(size))
                self.until(b"\r\n")
            request.trailers = self.fields()
        elif "Content-Length" in request.fields:
            request.framing = "length"
            left = int(request["Content-Length"])
            while left:
                part = self.exactly(min(left, 1 << 16))
                took(part)
                left -= len(part)
        request.digest, request.body = state.hexdigest(), b"".join(kept)

    def answer(self, status=200, body=b"", fields=(), length=True):
        lines = [f"HTTP/1.1 {status} Whatever"]
        if length and status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in fields]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)


class Origin:
    def __init__(self, tls=None, name="", address="127.0.0.1", port=0):
        self.name, self.tls = name, tls
        self.requests, self.handlers = [], {}
        self.accepted = 0
        self.open = set()
        self.failures = []
        self.lock = threading.Lock()
        self.listener = socket.create_server((address, port), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def on(self, word, handler):
        """`handler(connection, request)` answers /word…; true if the connection goes on."""
        self.handlers[word] = handler

    def stop(self):
        # A thread in accept keeps the port open until it is woken.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.drop()

    def drop(self):
        """Ends all connections, as a restart does."""
        with self.lock:
            connections = list(self.open)
        for connection in connections:
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def asked(self, path):
        with self.lock:
            return [request for request in self.requests if request.path == path]

    def accept(self):
        while True:
            try:
                connected, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connected,), daemon=True).start()

    def serve(self, connected):
        try:
            if self.tls:
                connected.settimeout(20)
                connected = self.tls.wrap_socket(connected, server_side=True)
        except (OSError, ssl.SSLError) as error:
            self.failures.append(error)
            connected.close()
            return
        with self.lock:
            self.accepted += 1
            connection = Served(connected, self, self.accepted)
            self.open.add(connection)
        try:
            while request := connection.request():
                with self.lock:
                    self.requests.append(request)
                if not self.answer(connection, request):
                    break
        except (OSError, wire.Closed, ssl.SSLError, ValueError) as error:
            self.failures.append(error)
        finally:
            with self.lock:
                self.open.discard(connection)
            connection.close()

    def answer(self, connection, request):
        word = request.words[0]
        if word in self.handlers:
            goes_on = self.handlers[word](connection, request)
        else:
            handler = getattr(self, "on_" + word.replace("-", "_"), None)
            if handler is None:
                connection.read_body(request)
                connection.answer(404, b"no such behaviour\n")
                return True
            goes_on = handler(connection, request)
        return goes_on and "close" not in (request["Connection"] or "").lower()

    # Behaviours

    def on_echo(self, connection, request):
        connection.read_body(request)
        told = {"method": request.method, "target": request.target, "version": request.version,
                "fields": list(request.fields), "trailers": list(request.trailers),
                "framing": request.framing, "length": request.length, "digest": request.digest,
                "connection": request.connection, "origin": self.name}
        body = json.dumps(told).encode()
        fields = [("Content-Type", "application/json")]
        if request.method == "HEAD":
            connection.send(connection_head(200, [("Content-Length", len(body)), *fields]))
        else:
            connection.answer(200, body, fields)
        return True

    def on_fixed(self, connection, request):
        connection.read_body(request)
        size = int(request.words[1])
        connection.send(connection_head(200, [("Content-Length", size), ("Content-Type", "application/x-pattern")]))
        if request.method != "HEAD":
            for piece in wire.pieces(size):
                connection.send(piece)
        return True

    def on_chunked(self, connection, request):
        connection.read_body(request)
        connection.send(connection_head(200, [("Transfer-Encoding", "chunked")]))
        if request.method != "HEAD":
            for piece in wire.pieces(int(request.words[1]), 10_007):
                connection.send(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
        return True

    def on_until_close(self, connection, request):
        connection.read_body(request)
        connection.send(connection_head(200, []))
        for piece in wire.pieces(int(request.words[1])):
            connection.send(piece)
        return False

    def on_status(self, connection, request):
        connection.read_body(request)
        status = int(request.words[1])
        connection.answer(status, b"" if status in (204, 304) else f"{self.name or 'status'} {status}\n".encode(),
                          [("X-Origin", self.name or "origin")])
        return True

    def on_slow(self, connection, request):
        connection.read_body(request)
        time.sleep(float(request.words[1]))
        connection.answer(200, b"late\n")
        return True

    def on_stall(self, connection, request):
        size = int(request.words[1])
        connection.send(connection_head(200, [("Content-Length", 2 * size)]) + wire.pattern(size))
        connection.is_ended()
        return False

    def on_cut(self, connection, request):
        size = int(request.words[1])
        connection.send(connection_head(200, [("Content-Length", 2 * size)]) + wire.pattern(size))
        return False

    def on_cut_chunked(self, connection, request):
        size = int(request.words[1])
        connection.send(connection_head(200, [("Transfer-Encoding", "chunked")])
                        + b"%x\r\n%s\r\n" % (size, wire.pattern(size)))
        return False

    def on_reset(self, connection, request):
        connection.reset()
        return False

    def on_hints(self, connection, request):
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        connection.answer(200, b"hinted\n")
        return True

    def on_trailers(self, connection, request):
        connection.send(connection_head(200, [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")])
                        + b"5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n")
        return True

    def on_expect(self, connection, request):
        word = request.words[1]
        if word == "continue":
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            return self.on_echo(connection, request)
        if word == "silent":
            return self.on_echo(connection, request)
        connection.answer(int(word), b"not like this\n")
        return False

    def on_early(self, connection, request):
        connection.answer(int(request.words[1]), b"early\n", [("Connection", "close")])
        # Takes what still comes, so that the answer is not destroyed by a reset.
        connection.end()
        try:
            connection.rest()
        except wire.Closed:
            pass
        return False

    def on_upgrade(self, connection, request):
        if request["Upgrade"] is None:
            connection.answer(426, b"upgrade\n", [("Upgrade", "websocket")])
            return True
        connection.send(connection_head(101, [("Connection", "Upgrade"), ("Upgrade", "websocket"),
                                              ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]))
        while True:
            if connection.buffer:
                connection.send(connection.buffer)
                connection.buffer = b""
            try:
                connection.more()
            except wire.Closed as closed:
                if closed.how == "end":
                    connection.send(b"bye")
                return False

    def on_gzip(self, connection, request):
        connection.answer(200, gzip.compress(b"coded " * 1000, mtime=0), [("Content-Encoding", "gzip")])
        return True

    def on_bad(self, connection, request):
        connection.send(BAD[request.words[1]])
        time.sleep(0.2)
        return False


def connection_head(status, fields):
    lines = [f"HTTP/1.1 {status} Whatever"] + [f"{name}: {value}" for name, value in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
