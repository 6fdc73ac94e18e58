"""Functions that read, replace and map bodies, while the bodies flow."""

import json
import random
import threading
import time
import zlib

import wire
from harness import Suite, behavior, check, equal, eventually

LARGE = 100_000_000

FUNCTIONS = {
    "flip": """
local other = { a = "b", b = "a" }
local function flip(chunk) return chunk and (chunk:gsub("[ab]", other)) end
return {
  origin_request = function(event) event.request.body = event.request.body:map(flip) end,
  origin_response = function(event) event.response.body = event.response.body:map(flip) end,
  viewer_request = function(event) event.request.body = event.request.body:map(flip) end,
  viewer_response = function(event) event.response.body = event.response.body:map(flip) end,
}""",
    "pass": """
return { origin_response = function(event)
  event.response.body = event.response.body:map(function(chunk) return chunk end)
end }""",
    "frame": """
return { viewer_response = function(event)
  local first, bytes = true, 0
  event.response.body = event.response.body:map(function(chunk)
    if not chunk then return "|" .. bytes end
    bytes = bytes + #chunk
    local text = (first and ">" or "") .. chunk
    first = false
    return text
  end)
end }""",
    "nothing": """
return { viewer_response = function(event)
  event.response.body = event.response.body:map(function(chunk) return nil end)
end }""",
    "naps": """
return { viewer_response = function(event)
  event.response.body = event.response.body:map(function(chunk) edge.sleep(0.01) return chunk end)
end }""",
    "fails": """
return { viewer_response = function(event)
  local bytes, at = 0, tonumber(event.request.query.at)
  event.response.body = event.response.body:map(function(chunk)
    if not chunk and at < 0 then error("at the end") end
    bytes = bytes + #(chunk or "")
    if at >= 0 and bytes > at then error("at " .. at) end
    return chunk
  end)
end }""",
    "wrong": """
return { viewer_response = function(event)
  event.response.body = event.response.body:map(function(chunk) return {} end)
end }""",
    "endless": """
return { viewer_response = function(event)
  event.response.body = event.response.body:map(function(chunk) while true do end end)
end }""",
    "measure": """
local function look(event)
  local text = event.response.body:read()
  event.response.headers["x-length"] = tostring(#text)
  event.response.headers["x-first"] = text:sub(1, 4):gsub("[^%w]", ".")
end
return { origin_response = look, viewer_response = look }""",
    "upload": """
return { viewer_request = function(event)
  local text = event.request.body:read()
  event.request.headers["x-length"] = tostring(#text)
end }""",
    "pieces": """
local function look(event)
  local bytes = 0
  for chunk in event.request.body:chunks() do bytes = bytes + #chunk end
  event.request.headers["x-length"] = tostring(bytes)
  event.request.headers["x-again"] = tostring(#event.request.body:read())
end
return { viewer_request = look, origin_request = look }""",
    "swap": """
local function swap(event)
  event.request.body = "<" .. event.request.body:read() .. ">"
end
return { viewer_request = swap, origin_request = swap }""",
    "blind": """
return { viewer_request = function(event) event.request.body = "instead" end }""",
    "little": """
return { viewer_request = function(event)
  local ok, reason = pcall(event.request.body.read, event.request.body, 10)
  event.request.headers["x-read"] = ok and "yes" or reason:match("event.*")
end }""",
    "ruin": """
return { origin_request = function(event)
  event.request.body = event.request.body:map(function(chunk) error("no") end)
end }""",
    "large": """
return { viewer_response = function(event) event.response.body = ("0123456789"):rep(100000) end }""",
    "headers": """
return { viewer_response = function(event) event.response.headers["x-seen"] = "yes" end }""",
}


def status_of(edge, word):
    with open(f"/proc/{edge.process.pid}/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(word))


def deflated(data, window):
    """zlib's formats by their windows: 15 its own, 31 gzip, -15 bare."""
    coder = zlib.compressobj(6, zlib.DEFLATED, window)
    return coder.compress(data) + coder.flush()


def flipped(data):
    return data.translate(bytes.maketrans(b"ab", b"ba"))


class FunctionBodies(Suite):
    def setup(self):
        self.app = self.origin()
        for name, code in FUNCTIONS.items():
            self.write(f"edge1/functions/{name}.lua", code.encode())
        def attached(path, **stages):
            return behavior(path, "app", functions={stage: [name] for stage, name in stages.items()},
                            methods="all")
        self.edge = self.proxy(
            self.app,
            attached("/fixed/*", origin_response="flip"),
            attached("/chunked/*", viewer_response="flip"),
            attached("/twice/*", origin_response="flip", viewer_response="flip"),
            attached("/pass/*", origin_response="pass"),
            attached("/frame/*", viewer_response="frame"),
            attached("/nothing/*", viewer_response="nothing"),
            attached("/naps/*", viewer_response="naps"),
            attached("/fails/*", viewer_response="fails"),
            attached("/wrong/*", viewer_response="wrong"),
            attached("/endless/*", viewer_response="endless"),
            attached("/status/*", viewer_response="frame"),
            attached("/missing/*", viewer_response="frame"),
            attached("/cut/*", origin_response="pass"),
            attached("/cut-read/*", origin_response="measure"),
            attached("/flood", origin_response="pass"),
            attached("/measure/*", origin_response="measure"),
            attached("/measure-late/*", viewer_response="measure"),
            attached("/measure-mapped/*", origin_response="flip", viewer_response="measure"),
            attached("/plain/*", viewer_response="headers"),
            attached("/coded-map/*", origin_response="flip"),
            attached("/coded-late/*", viewer_response="flip"),
            attached("/coded-read/*", origin_response="measure"),
            attached("/coded-replace/*", origin_response="measure", viewer_response="large"),
            attached("/coded-plain/*", viewer_response="headers"),
            attached("/large", viewer_response="large"),
            attached("/echo/upload", viewer_request="upload"),
            attached("/echo/pieces", viewer_request="pieces", origin_request="pieces"),
            attached("/echo/swap", viewer_request="swap", origin_request="swap"),
            attached("/echo/blind", viewer_request="blind"),
            attached("/echo/little", viewer_request="little"),
            attached("/echo/ruin", origin_request="ruin"),
            attached("/echo/flip", origin_request="flip"),
            attached("/echo/flip-twice", viewer_request="flip", origin_request="flip"),
            attached("/body/flip", origin_request="flip"),
        )
        for word in ("pass", "twice", "frame", "nothing", "naps", "fails", "wrong", "endless", "measure",
                     "measure-late", "measure-mapped", "plain"):
            self.app.on(word, self.tagged)
        self.app.on("cut-read", self.app.on_cut)
        self.app.on("large", lambda connection, request: connection.answer(200, b"small") or True)
        def body(connection, request):
            connection.read_body(request)
            connection.answer(200, request.body)
            return True
        self.app.on("body", body)

    def tagged(self, connection, request):
        """`/word/size` with everything that speaks of the bytes."""
        connection.read_body(request)
        size = int(request.words[1].split("?")[0])
        fields = [("ETag", '"one"'), ("Accept-Ranges", "bytes"), ("Content-MD5", "abc"), ("Digest", "sha-256=x"),
                  ("X-Asked-Coding", request["Accept-Encoding"] or "none"),
                  ("X-Asked-Range", request["Range"] or "none")]
        if "zstd" in request.target:
            fields.append(("Content-Encoding", "zstd"))
        connection.answer(200, wire.pattern(size) if request.method != "HEAD" else b"", fields)
        return True

    # Mapping what comes

    def test_mapped_whatever_the_framing(self):
        for size in (0, 1, 2, 1000, 65_535, 65_536, 65_537, 1_000_000):
            for kind in ("fixed", "chunked"):
                response = self.edge.get(f"/{kind}/{size}")
                whole = b"".join(wire.pieces(size, 1 << 16 if kind == "fixed" else 10_007))
                equal((response.status, response.framing), (200, "chunked"))
                equal(wire.digest(response.body), wire.digest(flipped(whole)), f"{kind} {size}")

    def test_two_stages_map_one_body(self):
        for size in (0, 10, 300_000):
            equal(wire.digest(self.edge.get(f"/twice/{size}").body), wire.digest(wire.pattern(size)))

    def test_the_end_has_a_piece_of_its_own(self):
        for size in (0, 5, 200_000):
            begins = b">" if size else b""
            equal(self.edge.get(f"/frame/{size}").body,
                  begins + wire.pattern(size) + b"|%d" % size)

    def test_nothing_is_left(self):
        response = self.edge.get("/nothing/300000")
        equal((response.status, response.body), (200, b""))

    def test_a_map_that_waits(self):
        equal(wire.digest(self.edge.get("/naps/500000").body), wire.digest(wire.pattern(500_000)))

    def test_what_speaks_of_the_bytes_goes(self):
        response = self.edge.get("/frame/10", [("Accept-Encoding", "gzip"), ("Range", "bytes=0-3")])
        equal(response.status, 200)
        equal(response["ETag"], 'W/"one"')
        for name in ("Accept-Ranges", "Content-MD5", "Digest", "Content-Length"):
            check(response[name] is None, name)
        equal((response["X-Asked-Coding"], response["X-Asked-Range"]), ("none", "none"))

    def test_functions_without_a_use_for_bodies_cost_nothing(self):
        response = self.edge.get("/plain/10", [("Accept-Encoding", "gzip"), ("Range", "bytes=0-3")])
        equal((response["X-Seen"], response["X-Asked-Coding"], response["X-Asked-Range"]),
              ("yes", "gzip", "bytes=0-3"))
        equal((response.framing, response["ETag"]), ("length", '"one"'))

    # Codings

    def codes(self, body, coding, piece=None):
        """The origin answers with these bytes under all words, in chunks of this size."""
        def answer(connection, request):
            fields = [("Content-Encoding", coding), ("ETag", '"one"'), ("Content-MD5", "abc")]
            if request.method == "HEAD":
                connection.answer(200, b"", fields + [("Content-Length", str(len(body)))], length=False)
            elif piece is None:
                connection.answer(200, body, fields)
            else:
                connection.answer(200, b"", fields + [("Transfer-Encoding", "chunked")], length=False)
                for start in range(0, len(body), piece):
                    part = body[start:start + piece]
                    connection.send(b"%x\r\n%s\r\n" % (len(part), part))
                connection.send(b"0\r\n\r\n")
            return True
        for word in ("coded-map", "coded-late", "coded-read", "coded-replace", "coded-plain"):
            self.app.on(word, answer)

    def test_functions_see_the_bytes_themselves(self):
        for size in (0, 1, 1000, 900_000):
            body = wire.pattern(size)
            for coding, coded in (("gzip", deflated(body, 31)), ("X-GZip", deflated(body, 31)),
                                  ("deflate", deflated(body, 15)), ("deflate", deflated(body, -15))):
                for piece in (None, 997):
                    self.codes(coded, coding, piece)
                    for path, whole in (("/coded-map/", flipped(body)), ("/coded-late/", flipped(body)),
                                        ("/coded-read/", body)):
                        response = self.edge.get(path)
                        told = f"{path} {coding} {size} {piece}"
                        equal(response.status, 200, told)
                        equal(wire.digest(response.body), wire.digest(whole), told)
                        equal((response.framing, response["Content-Encoding"], response["ETag"], response["Content-MD5"]),
                              ("chunked", None, 'W/"one"', None), told)
                    equal(self.edge.get("/coded-read/")["X-Length"], str(size))

    def test_brotli_is_undone_too(self):
        # One block that is not compressed, and the empty last one.
        self.codes(bytes((0x0b, 0x00, 0x80, 0x61, 0x03)), "br")
        equal(self.edge.get("/coded-map/").body, b"b")

    def test_the_head_of_a_coded_body_is_the_same_without_it(self):
        self.codes(deflated(b"a" * 1000, 31), "gzip")
        with self.edge.connect() as connection:
            response = connection.ask("HEAD", "/coded-map/")
            equal((response["Content-Encoding"], response["ETag"], response["Content-Length"]), (None, 'W/"one"', None))

    def test_a_coded_body_that_is_replaced(self):
        self.codes(deflated(wire.pattern(50_000), 31), "gzip")
        response = self.edge.get("/coded-replace/")
        equal((response.body, response["Content-Encoding"]), (b"0123456789" * 100_000, None))

    def test_without_functions_for_bodies_a_coding_stays(self):
        coded = deflated(wire.pattern(5000), 31)
        self.codes(coded, "gzip")
        response = self.edge.get("/coded-plain/")
        equal((response.body, response["Content-Encoding"], response["ETag"]), (coded, "gzip", '"one"'))

    def test_codings_that_are_broken(self):
        whole = deflated(random.Random(1).randbytes(300_000), 31)
        for broken, word in ((whole[:-1], "coding_truncated"), (whole[:1000], "coding_truncated"),
                             (whole + b"x", "bad_coding"), (whole[:-8] + bytes(8), "bad_coding"),
                             (b"no gzip at all", "bad_coding")):
            self.codes(broken, "gzip")
            equal(self.edge.get(f"/coded-read/?{word}").status, 502, word)
            self.edge.logged("/coded-read/", **{"x-edge-reason": word})
            self.cut(f"/coded-map/?{word}")
        equal(self.edge.get("/pass/10").status, 200)

    def test_a_bomb_goes_off_elsewhere(self):
        self.codes(deflated(bytes(400_000_000), 31), "gzip")
        before = status_of(self.edge, "VmHWM")
        equal(self.edge.get("/coded-read/").status, 503)
        self.told("functions.limits.body")
        self.cut("/coded-map/")
        self.edge.logged("/coded-map/", **{"x-edge-reason": "coding_too_large"})
        grown = status_of(self.edge, "VmHWM") - before
        check(grown < 24 << 20, grown, "bytes more at the highest")

    def test_a_slow_viewer_holds_a_coded_body_back(self):
        # Text that says about ten times what it is.
        word = random.Random(2)
        text = b"".join(b'<li class="%d">item</li>\n' % word.randrange(10_000) for _ in range(1_500_000))
        self.codes(deflated(text, 31), "gzip", 16_000)
        before = status_of(self.edge, "VmRSS")
        with self.edge.connect(buffer=8192) as connection:
            connection.send(connection.head("GET", "/coded-late/"))
            time.sleep(1)
            grown = status_of(self.edge, "VmRSS") - before
            check(grown < 16 << 20, grown, "bytes of memory")
            equal(wire.digest(connection.response().body), wire.digest(flipped(text)))

    def test_what_cannot_be_undone_is_refused(self):
        for path in ("/frame/10?zstd", "/measure/10?zstd"):
            equal(self.edge.get(path).status, 503)
            self.edge.event("function_failed", reason="raised")
        self.told("coded (zstd)")

    def test_no_body_no_call(self):
        with self.edge.connect() as connection:
            response = connection.ask("HEAD", "/frame/10")
            equal((response.status, response.body, response["Content-Length"]), (200, b"", None))
            for status in (204, 304):
                response = connection.ask("GET", f"/status/{status}")
                equal((response.status, response.body), (status, b""))
            equal(connection.ask("GET", "/frame/1").body[-2:], b"|1", "the connection goes on")

    def test_an_error_of_the_origin_and_one_of_the_edge(self):
        equal(self.edge.get("/status/500").body, b">status 500\n|11")
        self.app.on("missing", lambda connection, request: False)
        response = self.edge.get("/missing/1")
        equal(response.status, 502)
        check(response.body.startswith(b">") and b"|" in response.body[-8:], response.body)

    def test_http_1_0(self):
        with self.edge.connect() as connection:
            connection.send(b"GET /frame/100000 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            response = connection.response()
            equal(response.framing, "close")
            equal(wire.digest(response.body), wire.digest(b">" + wire.pattern(100_000) + b"|100000"))

    # Failing

    def told(self, words):
        """The failure whose message has the words."""
        return eventually(lambda: next((event for event in self.edge.events() if event["event"] == "function_failed"
                                        and words in event["message"]), None), words)

    def cut(self, path):
        with self.edge.connect() as connection:
            connection.send(connection.head("GET", path))
            try:
                response = connection.response()
            except (wire.Closed, ConnectionError) as error:
                return error
        check(False, "not cut:", response)

    def test_a_failure_cuts_the_answer(self):
        for at, message in ((0, "at 0"), (500_000, "at 500000"), (-1, "at the end")):
            self.cut(f"/fails/1000000?at={at}")
            event = self.told(message)
            equal((event["stage"], event["reason"]), ("viewer_response", "raised"))
            equal(self.edge.logged("/fails/1000000", **{"x-edge-reason": "function_failed"})["sc-status"], 200)

    def test_what_is_no_piece_cuts_the_answer(self):
        self.cut("/wrong/10")
        self.edge.event("function_failed", reason="invalid")
        self.cut("/endless/10")
        self.edge.event("function_failed", reason="instructions")

    def test_the_origin_dies_in_the_middle(self):
        self.cut("/cut/300000")

    def test_the_origin_dies_while_it_is_read(self):
        equal(self.edge.get("/cut-read/300000").status, 502)

    # Size, time, back-pressure

    def test_a_large_body_in_flat_memory(self):
        self.edge.get("/pass/1000000")
        slowest, ends = [0.0], threading.Event()
        def others():
            while not ends.is_set():
                began = time.monotonic()
                equal(self.edge.get("/plain/100").status, 200)
                slowest[0] = max(slowest[0], time.monotonic() - began)
        def stream(connection, request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
            for piece in wire.pieces(LARGE):
                connection.send(piece)
            return True
        self.app.on("pass", stream)
        before = status_of(self.edge, "VmHWM")
        thread = threading.Thread(target=others)
        thread.start()
        try:
            began = time.monotonic()
            response = self.edge.get("/pass/large")
            took = time.monotonic() - began
        finally:
            ends.set()
            thread.join()
            self.app.on("pass", self.tagged)
        equal(wire.digest(response.body), wire.digest_of_pieces(LARGE))
        grown = status_of(self.edge, "VmHWM") - before
        check(grown < 24 << 20, grown, "bytes more at the highest")
        print(f"        100 MB mapped in {took:.1f} s, {grown >> 10} KiB more, others at most {slowest[0] * 1e3:.0f} ms")

    def test_a_slow_viewer_holds_the_origin_back(self):
        sent = []
        def flood(connection, request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (4 * LARGE))
            for piece in wire.pieces(4 * LARGE):
                connection.send(piece)
                sent.append(len(piece))
            return True
        self.app.on("flood", flood)
        before = status_of(self.edge, "VmRSS")
        with self.edge.connect(buffer=8192) as connection:
            connection.send(connection.head("GET", "/flood"))
            connection.response_head()
            amount = -1
            def settled():
                nonlocal amount
                last, amount = amount, sum(sent)
                time.sleep(0.3)
                return amount == last
            eventually(settled, "the origin stops")
            check(amount < LARGE, amount, "bytes were taken for a viewer that does not read")
            grown = status_of(self.edge, "VmRSS") - before
            check(grown < 16 << 20, grown, "bytes of memory")
            equal(len(connection.exactly(20_000_000)), 20_000_000)
        # The viewer has left in the middle: what was begun for it ends.
        eventually(lambda: self.edge.logged("/flood"), "the end of the exchange")
        equal(self.edge.get("/pass/10").status, 200)

    def test_viewers_that_leave_give_everything_back(self):
        for _ in range(40):
            with self.edge.connect() as connection:
                connection.send(connection.head("GET", "/naps/1000000"))
                connection.response_head()
        before = status_of(self.edge, "VmRSS")
        for _ in range(200):
            with self.edge.connect() as connection:
                connection.send(connection.head("GET", "/naps/1000000"))
                connection.response_head()
        eventually(lambda: status_of(self.edge, "VmRSS") - before < 16 << 20, "memory comes back")
        equal(wire.digest(self.edge.get("/naps/100000").body), wire.digest(wire.pattern(100_000)))

    # Reading

    def test_an_answer_is_read_and_goes_on(self):
        for path in ("/measure", "/measure-late", "/measure-mapped"):
            for size in (0, 5, 70_000, 1 << 20):
                response = self.edge.get(f"{path}/{size}")
                body = wire.pattern(size)
                if path == "/measure-mapped":
                    body = flipped(body)
                equal((response.status, response["X-Length"]), (200, str(size)), f"{path}/{size}")
                equal(wire.digest(response.body), wire.digest(body))

    def test_more_than_may_be_read(self):
        for path in ("/measure", "/measure-late", "/measure-mapped"):
            equal(self.edge.get(f"{path}/{(1 << 20) + 1}").status, 503, path)
        self.told("functions.limits.body")

    def test_a_large_replacement_arrives(self):
        response = self.edge.get("/large")
        equal((response.framing, response["Content-Length"]), ("length", "1000000"))
        equal(response.body, b"0123456789" * 100_000)

    # Uploads

    def echo(self, path, body, **options):
        response = self.edge.ask("POST", path, body=body, **options)
        equal(response.status, 200, path)
        echo = json.loads(response.body)
        return echo, dict((name.lower(), value) for name, value in echo["fields"])

    def test_uploads_are_read_and_go_on(self):
        for size in (0, 1, 70_000, 1 << 20):
            for chunked in (False, True):
                body = wire.pattern(size)
                echo, fields = self.echo("/echo/upload", body, chunked=chunked)
                equal((echo["length"], echo["digest"]), (size, wire.digest(body)))
                equal(fields["x-length"], str(size))
                echo, fields = self.echo("/echo/pieces", body, chunked=chunked)
                equal((echo["length"], echo["digest"]), (size, wire.digest(body)))
                equal((fields["x-length"], fields["x-again"]), (str(size), str(size)))

    def test_uploads_in_many_small_pieces(self):
        body = wire.pattern(20_000)
        with self.edge.connect() as connection:
            connection.send(connection.head("POST", "/echo/upload", [("Transfer-Encoding", "chunked")]))
            connection.send(b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
            equal(json.loads(connection.response().body)["digest"], wire.digest(body))

    def test_the_viewer_is_asked_to_go_on(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("POST", "/echo/upload", [
                ("Content-Length", 5), ("Expect", "100-continue")]))
            check(connection.until(b"\r\n").startswith(b"HTTP/1.1 100"))
            connection.until(b"\r\n")
            connection.send(b"hello")
            equal(json.loads(connection.response().body)["length"], 5)

    def test_uploads_that_are_replaced(self):
        echo, _ = self.echo("/echo/swap", b"text")
        equal((echo["length"], echo["digest"], echo["framing"]), (8, wire.digest(b"<<text>>"), "length"))
        for size in (0, 5, 3_000_000):
            echo, _ = self.echo("/echo/blind", wire.pattern(size))
            equal((echo["length"], echo["digest"]), (7, wire.digest(b"instead")))
        equal(json.loads(self.edge.get("/echo/blind").body)["length"], 7)

    def test_uploads_that_are_too_large(self):
        equal(self.edge.ask("POST", "/echo/upload", body=wire.pattern((1 << 20) + 1)).status, 503)
        echo, fields = self.echo("/echo/little", wire.pattern(300_000))
        equal((echo["digest"], fields["x-read"]),
              (wire.digest(wire.pattern(300_000)), "event.request.body has more than 10 bytes"))

    def test_an_upload_that_breaks_off_while_it_is_read(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("POST", "/echo/upload", [("Content-Length", 100)]) + b"half")
            time.sleep(0.1)
        self.edge.logged("/echo/upload", **{"x-edge-reason": "client_closed"})
        with self.edge.connect() as connection:
            connection.send(connection.head("POST", "/echo/upload", [("Transfer-Encoding", "chunked")]) + b"zz\r\n")
            equal(connection.response().status, 400)
        check(not any(event["event"] == "function_failed" and event["function"].startswith("upload")
                      and "limits" not in event["message"] for event in self.edge.events()), "blamed on the function")

    def test_uploads_are_mapped(self):
        for size in (0, 1, 100_000, 900_000):
            body = wire.pattern(size)
            echo, _ = self.echo("/echo/flip", body)
            equal((echo["length"], echo["digest"]), (size, wire.digest(flipped(body))))
            equal(echo["framing"], "chunked")
            echo, _ = self.echo("/echo/flip-twice", body, chunked=True)
            equal((echo["length"], echo["digest"]), (size, wire.digest(body)))
        equal(self.edge.ask("POST", "/body/flip", body=b"abba").body, b"baab")
        equal(json.loads(self.edge.get("/echo/flip").body)["framing"], "none")

    def test_a_map_of_an_upload_that_fails(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("POST", "/echo/ruin", [("Content-Length", 4)]) + b"text")
            equal(connection.response().status, 503)
        self.edge.event("function_failed", stage="origin_request")

class FunctionFileBodies(Suite):
    """The embedded origin's bodies, and those of a group whose first member fails."""

    def setup(self):
        for name in ("flip", "measure", "swap"):
            self.write(f"edge1/functions/{name}.lua", FUNCTIONS[name].encode())
        for size in (0, 100, 900_000, 5_000_000):
            for folder in ("map", "read"):
                self.write(f"public/{folder}/{size}", wire.pattern(size))
        self.first, self.second = self.origin(name="first"), self.origin(name="second")
        def refuse(connection, request):
            connection.read_body(request)
            connection.answer(503, b"")
            return True
        self.first.on("echo", refuse)
        self.edge = self.edge({
            "origins": {"files": {"files": f"{self.folder}/public"}, "first": {"url": self.first.url},
                        "second": {"url": self.second.url}},
            "origin_groups": {"both": {"members": ["first", "second"], "failover": [503]}},
            "distributions": {"all": {"domains": ["*"], "behaviors": [
                behavior("/map/*", "files", functions={"origin_response": ["flip"]}),
                behavior("/read/*", "files", functions={"origin_response": ["measure"]}),
                behavior("/echo/*", "both", functions={"origin_request": ["swap"]}),
                behavior("*", "files")]}},
        })

    def test_files_are_mapped_whole(self):
        for size in (0, 100, 900_000, 5_000_000):
            response = self.edge.get(f"/map/{size}", [("Range", "bytes=0-9")])
            equal((response.status, response.framing), (200, "chunked"))
            check(response["ETag"].startswith('W/"'), response["ETag"])
            equal(wire.digest(response.body), wire.digest(flipped(wire.pattern(size))))
        response = self.edge.get("/map/100", [("If-None-Match", response["ETag"])])
        equal(response.status, 200)
        tag = response["ETag"]
        equal(self.edge.get("/map/100", [("If-None-Match", tag)]).status, 304)

    def test_files_are_read(self):
        for size in (0, 100, 900_000):
            response = self.edge.get(f"/read/{size}")
            equal((response.status, response["X-Length"]), (200, str(size)))
            equal(wire.digest(response.body), wire.digest(wire.pattern(size)))
        equal(self.edge.get("/read/5000000").status, 503)
        equal(self.edge.ask("HEAD", "/read/100")["X-Length"], "0")

    def test_the_next_member_gets_what_was_made_for_it(self):
        echo = json.loads(self.edge.get("/echo/x").body)
        equal((echo["origin"], echo["length"], echo["digest"]), ("second", 2, wire.digest(b"<>")))
