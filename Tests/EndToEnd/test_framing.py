"""What may not be read in two ways is refused: by the edge, before anything reaches an origin."""

import wire
from harness import Suite, behavior, check, equal, eventually

POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"
GET = b"GET /echo HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

# word → request. Each is answered 400, and the connection closed.
REFUSED = [
    ("length_with_transfer_encoding", POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("length_with_transfer_encoding", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("different_content_lengths", POST + b"Content-Length: 6\r\nContent-Length: 5\r\n\r\n"),
    ("content_length_repeated", POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    (None, POST + b"Content-Length: 5, 5\r\n\r\nhello"),
    (None, POST + b"Content-Length: 5, 6\r\n\r\nhello"),
    ("bad_content_length", POST + b"Content-Length: +5\r\n\r\nhello"),
    ("bad_content_length", POST + b"Content-Length: -5\r\n\r\nhello"),
    ("bad_content_length", POST + b"Content-Length: 0x5\r\n\r\nhello"),
    ("bad_content_length", POST + b"Content-Length: 5 5\r\n\r\nhello"),
    ("bad_content_length", POST + b"Content-Length: \r\n\r\nhello"),
    ("bad_content_length", POST + b"Content-Length: 99999999999999999999999\r\n\r\nhello"),
    ("bad_transfer_encoding", POST + b"Transfer-Encoding: gzip\r\n\r\n"),
    ("bad_transfer_encoding", POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n"),
    ("bad_transfer_encoding", POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n"),
    ("bad_transfer_encoding", POST + b"Transfer-Encoding: xchunked\r\n\r\n"),
    ("bad_transfer_encoding", POST + b"Transfer-Encoding: identity\r\n\r\n"),
    ("bad_transfer_encoding", POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n"),
    ("bad_transfer_encoding", POST + b"Transfer-Encoding: \"chunked\"\r\n\r\n"),
    ("bad_transfer_encoding", POST + b"Transfer-Encoding:\r\n\r\n"),
    (None, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (None, POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    ("space_before_colon", POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    ("space_before_colon", POST + b"Content-Length : 5\r\n\r\nhello"),
    ("obs_fold", GET + b"X-A: 1\r\n Content-Length: 5\r\n\r\n"),
    ("obs_fold", GET + b"X-A: 1\r\n\tb\r\n\r\n"),
    ("bare_lf", b"GET /echo HTTP/1.1\nHost: a\n\n"),
    ("bare_lf", GET + b"X-A: 1\nTransfer-Encoding: chunked\r\n\r\n"),
    ("bare_lf", GET + b"\n"),
    ("bare_cr", GET + b"X-A: 1\rX-B: 2\r\n\r\n"),
    ("nul_in_head", GET + b"X-A: 1\x002\r\n\r\n"),
    ("nul_in_head", b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_field_value", GET + b"X-A: 1\x012\r\n\r\n"),
    ("bad_field_value", GET + b"X-A: 1\x7f2\r\n\r\n"),
    ("bad_field_name", GET + b"X A: 1\r\n\r\n"),
    ("bad_field_name", GET + b"X(A: 1\r\n\r\n"),
    ("bad_field_name", GET + b": 1\r\n\r\n"),
    ("bad_field_name", GET + b"X-\xe9: 1\r\n\r\n"),
    ("bad_field_name", GET + b"no colon\r\n\r\n"),
    (None, b"GET  /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_request_line", b"GET /echo\r\nHost: a\r\n\r\n"),
    (None, b"GET /echo HTTP/1.1 \r\nHost: a\r\n\r\n"),
    (None, b"GET /ec ho HTTP/1.1\r\nHost: a\r\n\r\n"),
    (None, b" GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_method", b"G(T /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_target", b"GET echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad_target", b"GET /echo#fragment HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("host_missing", b"GET /echo HTTP/1.1\r\n\r\n"),
    ("host_repeated", b"GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("bad_host", b"GET /echo HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    ("transfer_encoding_in_http10", b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("bad_request_line", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n"),
]

# After a good head: the origin may see the request, but never a whole body and nothing behind it.
REFUSED_BODIES = [
    ("bad_chunk_size", b"zz\r\nhello\r\n0\r\n\r\n"),
    ("bad_chunk_size", b"-5\r\nhello\r\n0\r\n\r\n"),
    ("bad_chunk_size", b"+5\r\nhello\r\n0\r\n\r\n"),
    ("bad_chunk_size", b"0x5\r\nhello\r\n0\r\n\r\n"),
    ("bad_chunk_size", b" 5\r\nhello\r\n0\r\n\r\n"),
    ("bad_chunk_size", b"\r\nhello\r\n0\r\n\r\n"),
    ("bad_chunk_size", b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    (None, b"5\nhello\r\n0\r\n\r\n"),
    (None, b"5\r\nhelloX\r\n0\r\n\r\n"),
    (None, b"5\r\nhello\n0\r\n\r\n"),
    (None, b"5\r\nhello\r\n0\r\n\n"),
    (None, b"5;" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n\r\n"),
    (None, b"5\r\nhello\r\n0\r\nX A: 1\r\n\r\n"),
    (None, b"5\r\nhello\r\n0\r\nX-A: 1\r\n folded\r\n\r\n"),
]


class Framing(Suite):
    def setup(self):
        self.app = self.origin()
        self.edge = self.proxy(self.app)

    def refused(self, data):
        with self.edge.connect() as connection:
            connection.send(data)
            response = connection.response()
            equal((response.status, response["Connection"]), (400, "close"), data[:200])
            check(connection.is_ended(), "the connection goes on after", data[:200])

    def test_the_catalogue_is_refused_with_a_word(self):
        for word, data in REFUSED:
            before = len(self.edge.access())
            self.refused(data)
            lines = eventually(lambda: self.edge.access()[before:], "a line in the log")
            check(lines[0]["x-edge-reason"] and lines[0]["sc-status"] == 400, lines)
            if word:
                equal(lines[0]["x-edge-reason"], word, data[:200])
        equal(self.app.requests, [], "what reached the origin")

    def test_the_same_behind_a_good_request(self):
        for word, data in REFUSED:
            with self.edge.connect() as connection:
                connection.send(connection.head("GET", "/fixed/1") + data)
                equal(connection.response().status, 200)
                equal(connection.response().status, 400, data[:200])
                check(connection.is_ended(), "the connection goes on after", data[:200])
        check(all(request.path == "/fixed/1" for request in self.app.requests), self.app.requests)
        self.app.requests.clear()

    def test_the_same_byte_by_byte(self):
        for word, data in REFUSED[:12]:
            with self.edge.connect() as connection:
                try:
                    for byte in data:
                        connection.send(bytes([byte]))
                except OSError:
                    pass
                equal(connection.response().status, 400, data[:200])

    def test_broken_bodies(self):
        for word, body in REFUSED_BODIES:
            with self.edge.connect() as connection:
                connection.send(CHUNKED + body + SMUGGLED)
                try:
                    response = connection.response()
                    check(response.status in (400, 431), response, body[:100])
                    check(connection.is_ended(), "the connection goes on after", body[:100])
                except wire.Closed:
                    check(False, "no answer to", body[:100])
            if word:
                self.edge.reasoned(word)
        check(all(request.path != "/smuggled" and not request.is_read or not request.digest
                  for request in self.app.requests if request.path == "/echo"), "a broken body was completed")
        equal(self.app.asked("/smuggled"), [])

    def test_connections_still_work(self):
        equal(self.edge.get("/fixed/5").status, 200)


class OriginFraming(Suite):
    """The same strictness towards origins."""

    WORDS = {"length-and-chunked": None, "two-lengths": None, "fold": None, "line-feeds": None,
             "huge-head": "origin_head_too_large", "space-before-colon": None, "coding": None, "no-http": None, "nul": None,
             "many-hints": "too_many_informational"}

    def setup(self):
        self.app = self.origin()
        self.edge = self.proxy(self.app)

    def test_what_cannot_be_trusted_is_502(self):
        for kind, word in self.WORDS.items():
            response = self.edge.get("/bad/" + kind)
            equal(response.status, 502, kind)
            line = self.edge.logged("/bad/" + kind)
            check(line["x-edge-reason"], "no word for", kind)
            party = "OriginHeaderTooBigError" if kind == "huge-head" else "OriginInvalidResponseError"
            equal((line["x-edge-detailed-result-type"], line["x-edge-origin"]), (party, "app"), kind)
            if word:
                equal(line["x-edge-reason"], word)

    def test_a_broken_chunk_is_a_visible_end(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("GET", "/bad/chunk-size"))
            try:
                response = connection.response()
                equal(response.status, 502)
            except wire.Closed:
                pass

    def test_nothing_of_it_sticks_to_the_next_answer(self):
        for kind in self.WORDS:
            with self.edge.connect() as connection:
                connection.ask("GET", "/bad/" + kind)
            equal(len(self.edge.get("/fixed/11").body), 11, kind)


class Limits(Suite):
    def setup(self):
        self.app = self.origin()
        self.edge = self.proxy(self.app, limits={"request_line": 1024, "head": 4096, "fields": 16, "body": 10_000})

    def send(self, data):
        with self.edge.connect() as connection:
            connection.send(data)
            response = connection.response()
            if response.status >= 400:
                equal(response["Connection"], "close")
            return response.status

    def test_a_request_line(self):
        def line(size):
            return b"GET /echo?" + b"a" * (size - len("GET /echo? HTTP/1.1")) + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        equal(self.send(line(1000)), 200)
        equal(self.send(line(2000)), 414)
        equal(self.send(line(100_000)), 414)
        self.edge.reasoned("request_line_too_long")

    def test_a_head(self):
        equal(self.send(GET + b"X-A: " + b"a" * 3000 + b"\r\n\r\n"), 200)
        equal(self.send(GET + b"X-A: " + b"a" * 5000 + b"\r\n\r\n"), 431)
        equal(self.send(GET + b"X-A: " + b"a" * 500_000), 431)
        self.edge.reasoned("head_too_large")

    def test_fields(self):
        equal(self.send(GET + b"X-A: a\r\n" * 15 + b"\r\n"), 200)
        equal(self.send(GET + b"X-A: a\r\n" * 16 + b"\r\n"), 431)
        self.edge.reasoned("too_many_fields")

    def test_a_body_of_declared_length(self):
        equal(self.edge.ask("POST", "/echo", body=b"x" * 10_000).status, 200)
        with self.edge.connect() as connection:
            connection.send(POST + b"Content-Length: 10001\r\n\r\n")
            equal(connection.response().status, 413)
        self.edge.reasoned("body_too_large")

    def test_a_chunked_body(self):
        equal(self.edge.ask("POST", "/echo/fits", body=b"x" * 10_000, chunked=True).status, 200)
        response = self.edge.ask("POST", "/echo/too-large", body=b"x" * 30_000, chunked=True)
        equal(response.status, 413)
        self.edge.logged("/echo/too-large", **{"x-edge-reason": "body_too_large", "sc-status": 413})
        check(all(not request.digest for request in self.app.asked("/echo/too-large")), "the body was completed")

    def test_a_413_arrives_although_the_viewer_still_sends(self):
        body = wire.pattern(2_000_000)
        equal(self.edge.ask("POST", "/echo", body=body).status, 413)
