"""Bodies in every framing and the connections that carry them."""

import json
import os
import socket
import threading
import time

import wire
from harness import PATIENCE, Suite, behavior, check, equal, eventually

LARGE = 50_000_000


class Bodies(Suite):
    def setup(self):
        self.app = self.origin()
        self.edge = self.proxy(self.app)

    def test_bodies_down_in_every_framing(self):
        for size in (0, 1, 2, 1023, 65_535, 65_536, 1_000_000):
            for kind in ("fixed", "chunked", "until-close"):
                response = self.edge.get(f"/{kind}/{size}")
                equal(response.status, 200)
                equal(wire.digest(response.body), wire.digest_of_pieces(size) if kind != "chunked"
                      else wire.digest(b"".join(wire.pieces(size, 10_007))), f"{kind} {size}")

    def test_a_length_stays_a_length(self):
        response = self.edge.get("/fixed/1000")
        equal((response.framing, response["Content-Length"]), ("length", "1000"))
        equal(self.edge.get("/chunked/1000").framing, "chunked")
        equal(self.edge.get("/until-close/1000").framing, "chunked")

    def test_bodies_up_in_both_framings(self):
        for size in (0, 1, 1023, 65_536, 1_000_000):
            body = wire.pattern(size)
            for chunked in (False, True):
                with self.edge.connect() as connection:
                    echo = json.loads(connection.ask("POST", "/echo", body=body, chunked=chunked).body)
                    equal((echo["length"], echo["digest"]), (size, wire.digest(body)))
                    equal(echo["framing"], "chunked" if chunked else "length")
                    equal(connection.ask("GET", "/fixed/3").status, 200, "the next request")

    def test_a_body_in_small_pieces(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("POST", "/echo", [("Transfer-Encoding", "chunked")]))
            for byte in b"4;name=\"va;lue\"\r\nwire\r\n1\r\n \r\n00A\r\n0123456789\r\n000;x\r\n\r\n":
                connection.send(bytes([byte]))
            echo = json.loads(connection.response().body)
            equal((echo["length"], echo["digest"]), (15, wire.digest(b"wire 0123456789")))

    def test_a_head_in_small_pieces(self):
        with self.edge.connect() as connection:
            for byte in connection.head("GET", "/fixed/5"):
                connection.send(bytes([byte]))
            equal(len(connection.response().body), 5)

    def test_empty_lines_before_a_request(self):
        with self.edge.connect() as connection:
            connection.send(b"\r\n\r\n" + connection.head("GET", "/fixed/5"))
            equal(connection.response().status, 200)

    def test_a_large_body_down(self):
        for kind in ("fixed", "chunked"):
            response = self.edge.get(f"/{kind}/{LARGE}")
            equal(len(response.body), LARGE)
            if kind == "fixed":
                equal(wire.digest(response.body), wire.digest_of_pieces(LARGE))

    def test_a_large_body_up(self):
        body = wire.pattern(LARGE)
        for chunked in (False, True):
            echo = json.loads(self.edge.ask("POST", "/echo", body=body, chunked=chunked).body)
            equal((echo["length"], echo["digest"]), (LARGE, wire.digest(body)))

    def test_a_slow_reader_holds_the_origin_back(self):
        """What the edge holds for a viewer that does not read is bounded; the kernel's buffers are tens of megabytes."""
        size, sent = 400_000_000, []
        def flood(connection, request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            for piece in wire.pieces(size):
                connection.send(piece)
                sent.append(len(piece))
            return True
        self.app.on("flood", flood)
        before = resident(self.edge)
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
            check(amount < size // 2, amount, "bytes were taken for a viewer that does not read")
            grown = resident(self.edge) - before
            check(grown < 16 << 20, grown, "bytes of memory")
            # It goes on when the viewer does.
            equal(len(connection.exactly(20_000_000)), 20_000_000)

    def test_an_answer_before_the_body_was_read(self):
        body = wire.pattern(3_000_000)
        for status in (413, 401, 200):
            with self.edge.connect() as connection:
                sender = threading.Thread(target=quietly, args=(connection.send, connection.head(
                    "POST", f"/early/{status}", [("Content-Length", len(body))]) + body))
                sender.start()
                response = connection.response()
                equal((response.status, response.body), (status, b"early\n"))
                connection.close()
                sender.join(PATIENCE)

    def test_an_answer_survives_an_origin_that_slams_the_door(self):
        def slam(connection, request):
            connection.answer(413, b"too much\n", [("Connection", "close")])
            return False
        self.app.on("slam", slam)
        body = wire.pattern(2_000_000)
        for turn in range(40):
            with self.edge.connect() as connection:
                sender = threading.Thread(target=quietly, args=(connection.send, connection.head(
                    "POST", "/slam", [("Content-Length", len(body))]) + body))
                sender.start()
                response = connection.response()
                equal((response.status, response.body), (413, b"too much\n"), f"turn {turn}")
                connection.close()
                sender.join(PATIENCE)

    def test_a_viewer_that_leaves_frees_the_origins_connection(self):
        before = len(self.app.open)
        connection = self.edge.connect()
        connection.send(connection.head("GET", "/stall/100000"))
        connection.exactly(50_000)
        connection.reset()
        eventually(lambda: len(self.app.open) <= before, "the origin's connection ends")
        line = self.edge.logged("/stall/100000")
        check(line["x-edge-reason"] in ("client_reset", "client_closed"), line["x-edge-reason"])

    def test_a_viewer_that_leaves_in_its_body(self):
        connection = self.edge.connect()
        connection.send(connection.head("POST", "/echo/left", [("Content-Length", "100000")]) + b"x" * 1000)
        eventually(lambda: self.app.asked("/echo/left"), "the request reaches the origin")
        connection.close()
        self.edge.logged("/echo/left", **{"x-edge-reason": "client_closed"})
        eventually(lambda: self.app.asked("/echo/left")[0].digest == "", "the origin saw no whole body")
        equal(self.edge.get("/fixed/3").status, 200)

    def test_half_close_still_gets_the_answer(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("GET", "/slow/0.3"))
            connection.end()
            equal(connection.response().body, b"late\n")
            check(connection.is_ended(), "the connection ends")

    def test_half_close_after_a_body(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("POST", "/echo", [("Content-Length", "5")]) + b"hello")
            connection.end()
            equal(json.loads(connection.response().body)["length"], 5)


def quietly(action, *arguments):
    try:
        action(*arguments)
    except OSError:
        pass


def resident(edge):
    with open(f"/proc/{edge.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Connections(Suite):
    def setup(self):
        self.app = self.origin()
        self.edge = self.edge({
            "origins": {"app": {"url": self.app.url}},
            "distributions": {"all": {"domains": ["*"], "behaviors": [behavior("*", "app")]}},
        }, workers=1)

    def test_both_sides_are_reused(self):
        with self.edge.connect() as connection:
            seen = {json.loads(connection.ask("GET", "/echo").body)["connection"] for _ in range(20)}
        equal(len(seen), 1, "origin connections")
        line = self.edge.logged("/echo", **{"x-edge-connection-request": 20})
        equal(line["sc-status"], 200)

    def test_viewers_share_origin_connections(self):
        seen = {json.loads(self.edge.get("/echo").body)["connection"] for _ in range(10)}
        equal(len(seen), 1, "origin connections")

    def test_an_origin_that_closes_is_not_reused(self):
        with self.edge.connect() as connection:
            first = json.loads(connection.ask("GET", "/echo").body)["connection"]
            equal(connection.ask("GET", "/until-close/10").status, 200)
            second = json.loads(connection.ask("GET", "/echo").body)["connection"]
        check(first != second, first)

    def test_pipelined_requests_are_answered_in_order(self):
        with self.edge.connect() as connection:
            targets = [f"/{kind}/{size}" for size in range(1, 30) for kind in ("fixed", "chunked")]
            connection.send(b"".join(connection.head("GET", target) for target in targets))
            for target in targets:
                equal(len(connection.response().body), int(target.split("/")[2]), target)

    def test_pipelined_bodies(self):
        with self.edge.connect() as connection:
            data = b""
            for size in (5, 0, 70_000, 1):
                data += connection.head("POST", "/echo", [("Content-Length", size)]) + wire.pattern(size)
                data += connection.head("GET", "/fixed/9")
            threading.Thread(target=connection.send, args=(data,)).start()
            for size in (5, 0, 70_000, 1):
                equal(json.loads(connection.response().body)["length"], size)
                equal(len(connection.response().body), 9)

    def test_pipelined_requests_after_a_close_are_not_run(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("GET", "/fixed/1", [("Connection", "close")])
                            + connection.head("GET", "/echo/never"))
            response = connection.response()
            equal(response["Connection"], "close")
            check(connection.is_ended(), "the connection ends")
        equal(self.app.asked("/echo/never"), [])

    def test_many_pipelined_and_then_half_closed(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("GET", "/fixed/4") * 50)
            connection.end()
            for _ in range(50):
                equal(len(connection.response().body), 4)
            check(connection.is_ended(), "the connection ends")

    def test_http_1_0_ends_the_connection(self):
        with self.edge.connect() as connection:
            response = connection.ask("GET", "/fixed/5", [("Host", "a")], version="HTTP/1.0")
            equal(response.status, 200)
            equal(len(response.body), 5)
            check(connection.is_ended(), "the connection ends")

    def test_http_1_0_without_host(self):
        with self.edge.connect() as connection:
            equal(connection.ask("GET", "/fixed/5", version="HTTP/1.0").status, 200)

    def test_http_1_0_may_keep_the_connection(self):
        with self.edge.connect() as connection:
            for _ in range(3):
                response = connection.ask("GET", "/fixed/5", [("Host", "a"), ("Connection", "keep-alive")],
                                          version="HTTP/1.0")
                equal(response["Connection"].lower(), "keep-alive")

    def test_http_1_0_gets_no_chunks(self):
        with self.edge.connect() as connection:
            response = connection.ask("GET", "/chunked/5000", [("Host", "a"), ("Connection", "keep-alive")],
                                      version="HTTP/1.0")
            equal((response.framing, len(response.body)), ("close", 5000))

    def test_the_origin_is_asked_in_1_1(self):
        with self.edge.connect() as connection:
            response = connection.ask("GET", "/echo", [("Host", "a")], version="HTTP/1.0")
            equal(json.loads(response.body)["version"], "HTTP/1.1")

    def test_other_versions(self):
        for version, status in (("HTTP/2.0", 505), ("HTTP/1.2", 200), ("HTTP/0.9", 505), ("HTTP/x", 400),
                                ("http/1.1", 400), ("HTTP/1.1.1", 400)):
            with self.edge.connect() as connection:
                connection.send(f"GET /fixed/1 {version}\r\nHost: a\r\n\r\n")
                equal(connection.response().status, status, version)

    def test_a_thousand_requests_at_once(self):
        failures = []
        def work(number):
            try:
                with self.edge.connect() as connection:
                    for turn in range(20):
                        size = number * 131 + turn
                        body = connection.ask("GET", f"/fixed/{size}").body
                        if body != wire.pattern(size):
                            failures.append((number, turn, len(body)))
            except Exception as error:  # noqa: BLE001
                failures.append((number, error))
        threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(failures, [])


class Expect(Suite):
    def setup(self):
        self.app = self.origin()
        self.edge = self.proxy(self.app)

    def ask(self, word, body=b"hello"):
        connection = self.edge.connect()
        self.stack.callback(connection.close)
        connection.send(connection.head("POST", f"/expect/{word}", [("Content-Length", len(body)), ("Expect", "100-continue")]))
        return connection

    def test_the_origin_says_continue(self):
        connection = self.ask("continue")
        equal(connection.response_head().status, 100)
        connection.send(b"hello")
        response = connection.response()
        equal((response.status, json.loads(response.body)["length"]), (200, 5))
        equal(connection.ask("GET", "/fixed/3").status, 200)

    def test_the_origin_refuses(self):
        for status in (413, 417, 401):
            connection = self.ask(str(status))
            response = connection.response()
            equal((response.status, response.informational, response["Connection"]), (status, [], "close"))

    def test_the_origin_says_nothing_and_waits(self):
        connection = self.ask("silent")
        # Somebody has to give in: the edge lets the body come after a while, or forwards nothing until it does.
        head = connection.response_head()
        equal(head.status, 100)
        connection.send(b"hello")
        equal(json.loads(connection.response().body)["length"], 5)

    def test_a_viewer_that_does_not_wait(self):
        for word in ("continue", "silent"):
            connection = self.ask(word)
            connection.send(b"hello")
            response = connection.response()
            equal((response.status, json.loads(response.body)["length"]), (200, 5), word)

    def test_without_a_body_there_is_nothing_to_wait_for(self):
        connection = self.ask("silent", b"")
        equal(connection.response().status, 200)

    def test_another_expectation(self):
        response = self.edge.ask("POST", "/expect/silent", [("Expect", "the-unexpected")], body=b"x")
        check(response.status in (200, 417), response)


class Upgrades(Suite):
    FIELDS = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
              ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]

    def setup(self):
        self.app = self.origin()
        self.edge = self.proxy(self.app)

    def open(self, target="/upgrade", early=b""):
        connection = self.edge.connect()
        self.stack.callback(connection.close)
        connection.send(connection.head("GET", target, self.FIELDS) + early)
        response = connection.response()
        equal(response.status, 101, response)
        equal((response["Upgrade"], response["Connection"].lower()), ("websocket", "upgrade"))
        return connection, response

    def test_both_ways(self):
        connection, response = self.open()
        equal(response["Sec-WebSocket-Accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        for size in (1, 100, 70_000, 1_000_000):
            sender = threading.Thread(target=connection.send, args=(wire.pattern(size),))
            sender.start()
            equal(wire.digest(connection.exactly(size)), wire.digest(wire.pattern(size)))
            sender.join()

    def test_what_was_sent_with_the_head(self):
        connection, _ = self.open(early=b"early bird")
        equal(connection.exactly(10), b"early bird")

    def test_half_close_reaches_the_origin_and_the_rest_the_viewer(self):
        connection, _ = self.open("/upgrade/half")
        connection.send(b"ping")
        equal(connection.exactly(4), b"ping")
        connection.end()
        equal(connection.rest(), b"bye")
        line = self.edge.logged("/upgrade/half")
        equal((line["sc-status"], line["cs-protocol"]), (101, "ws"))
        check(line["sc-bytes"] > 7 and line["cs-bytes"] > 4, line)

    def test_the_origin_ends_it(self):
        def hang_up(connection, request):
            connection.send(b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nlast words")
            return False
        self.app.on("hang-up", hang_up)
        connection, _ = self.open("/hang-up")
        equal(connection.rest(), b"last words")

    def test_http_is_no_protocol_to_change_to(self):
        def agreeable(connection, request):
            agrees = request["Upgrade"] is not None
            connection.answer(101 if agrees else 200, b"", [("Connection", "Upgrade"), ("Upgrade", "h2c")] if agrees else [])
            return not agrees
        self.app.on("agreeable", agreeable)
        for protocols in ("h2c", "H2C", "HTTP/2.0", "http/1.1", "TLS/1.0", "TLS/1.2, HTTP/1.1", "websocket, h2c"):
            with self.edge.connect() as connection:
                response = connection.ask("GET", "/agreeable", [
                    ("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", protocols), ("HTTP2-Settings", "AAMAAABkAAQAAP__")])
                equal(response.status, 200, protocols)
                asked = self.app.asked("/agreeable")[-1]
                equal((asked["Upgrade"], asked["HTTP2-Settings"]), (None, None), protocols)
                equal(connection.ask("GET", "/fixed/5").status, 200, "the connection goes on")

    def test_what_was_not_asked_for_is_not_agreed_on(self):
        answers = {
            "other": b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n",
            "more": b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket, other\r\n\r\n",
            "unnamed": b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\n\r\n",
            "unvouched": b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n",
        }

        def switch(connection, request):
            connection.send(answers[request.words[1]])
            connection.is_ended()
            return False
        self.app.on("switch", switch)
        for word in answers:
            with self.edge.connect() as connection:
                connection.send(connection.head("GET", "/switch/" + word, self.FIELDS))
                equal(connection.response().status, 502, word)
            self.edge.logged("/switch/" + word, **{"x-edge-reason": "bad_upgrade"})

    def test_a_change_of_protocol_waits_for_the_body(self):
        def attach(connection, request):
            if request.words[1] == "late":
                connection.read_body(request)
            connection.send(b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
            try:
                connection.send(connection.rest())
            except wire.Closed:
                pass
            return False
        self.app.on("attach", attach)
        fields = [("Connection", "Upgrade"), ("Upgrade", "tcp"), ("Content-Length", "4")]
        with self.edge.connect() as connection:
            connection.send(connection.head("POST", "/attach/late", fields) + b"bodytunnel")
            equal(connection.response().status, 101)
            connection.end()
            equal(connection.rest(), b"tunnel")
        equal(self.app.asked("/attach/late")[0].body, b"body")
        with self.edge.connect() as connection:
            connection.send(connection.head("POST", "/attach/early", fields) + b"bo")
            equal(connection.response().status, 502)
        self.edge.logged("/attach/early", **{"x-edge-reason": "bad_upgrade"})

    def test_a_refusal_is_an_ordinary_answer(self):
        with self.edge.connect() as connection:
            response = connection.ask("GET", "/fixed/5", self.FIELDS)
            equal((response.status, len(response.body)), (200, 5))
            equal(connection.ask("GET", "/fixed/5").status, 200)

    def test_a_viewer_that_resets_frees_the_origin(self):
        connection, _ = self.open("/upgrade/reset")
        number = self.app.asked("/upgrade/reset")[0].connection
        connection.reset()
        self.edge.logged("/upgrade/reset")
        eventually(lambda: number not in [held.number for held in self.app.open], "the origin's connection ends")

    def test_an_upgrade_that_nobody_asked_for(self):
        equal(self.edge.get("/bad/switch").status, 502)
        self.edge.reasoned("bad_upgrade")

    def test_tunnels_end_with_their_origin_connection_unshared(self):
        connection, _ = self.open()
        connection.end()
        connection.rest()
        equal(self.edge.get("/fixed/3").status, 200)
