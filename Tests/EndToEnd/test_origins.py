"""Origins that fail, in every way, and those that stand in for them."""

import collections
import json
import os
import signal
import socket
import ssl
import threading
import time

import wire
from harness import Ports, Suite, behavior, check, equal, eventually, site, tls_file


def black_hole():
    """A port that neither answers nor refuses: its backlog is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    return listener, fillers


class Failures(Suite):
    def setup(self):
        self.app = self.origin()
        self.down = Ports.take()
        self.hole = black_hole()
        urls = {
            "app": {"url": self.app.url, "response_timeout": "400ms"},
            "down": {"url": f"http://127.0.0.1:{self.down}", "connect_attempts": 2},
            "hole": {"url": "http://127.0.0.1:%d" % self.hole[0].getsockname()[1], "connect_timeout": "200ms", "connect_attempts": 1},
            "nowhere": {"url": "http://name.invalid:80"},
            "total": {"url": self.app.url, "response_timeout": "800ms", "total_timeout": "900ms"},
        }
        self.edge = self.edge({
            "origins": urls,
            "distributions": {name: {"domains": [f"{name}.example"], "behaviors": [behavior("*", name)]} for name in urls},
        })

    def ask(self, name, method="GET", target="/fixed/5", body=None, **options):
        return self.edge.ask(method, target, [("Host", f"{name}.example")], body, **options)

    def failed(self, name, status, word, **options):
        response = self.ask(name, **options)
        equal(response.status, status, name)
        check(word.encode() in response.body, word, "is not in", response.body)
        self.edge.reasoned(word)

    def test_down_is_502(self):
        self.failed("down", 502, "origin_refused")
        self.failed("down", 502, "origin_refused", method="POST", body=b"x")

    def test_a_connection_that_does_not_come_is_504(self):
        self.failed("hole", 504, "origin_connect_timeout")

    def test_a_name_that_does_not_resolve_is_502_and_harms_nobody(self):
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.ask("nowhere").status)) for _ in range(10)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            equal(self.ask("app").status, 200)
        for thread in threads:
            thread.join()
        equal(answers, [502] * 10)
        self.edge.reasoned("origin_name_unresolved")

    def test_an_answer_that_does_not_come_is_504(self):
        self.failed("app", 504, "origin_response_timeout", method="POST", body=b"x", target="/slow/3")
        self.failed("app", 504, "origin_response_timeout", target="/slow/3")

    def test_a_head_that_drips_buys_no_time(self):
        def drip(connection, request):
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
                connection.send(bytes([byte]))
                time.sleep(0.1)
            return False
        self.app.on("drip-head", drip)
        began = time.monotonic()
        self.failed("app", 504, "origin_response_timeout", target="/drip-head")
        check(time.monotonic() - began < 1.5, "it took", time.monotonic() - began)

    def test_a_body_that_drips_is_waited_for(self):
        def drip(connection, request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
            for _ in range(10):
                connection.send(b"x")
                time.sleep(0.1)
            return True
        self.app.on("drip-body", drip)
        equal(self.ask("app", target="/drip-body").body, b"x" * 10)

    def test_silence_is_not_asked_for_twice(self):
        began = time.monotonic()
        self.failed("app", 504, "origin_response_timeout", target="/slow/4")
        check(time.monotonic() - began < 1, "it took", time.monotonic() - began)
        equal(len(self.app.asked("/slow/4")), 1)

    def test_the_whole_exchange_has_a_limit(self):
        def drip(connection, request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(100):
                connection.send(b"x")
                time.sleep(0.05)
            return False
        self.app.on("drip", drip)
        try:
            response = self.ask("total", target="/drip")
            check(False, "a whole answer:", response)
        except wire.Closed:
            pass
        self.edge.logged("/drip", **{"x-edge-reason": "origin_total_timeout"})

    def test_a_body_that_stalls_is_cut_visibly(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("GET", "/stall/1000", [("Host", "app.example")]))
            try:
                response = connection.response()
                check(False, "a whole answer:", response)
            except wire.Closed as closed:
                equal(len(closed.partial), 1000)
        self.edge.logged("/stall/1000", **{"x-edge-reason": "origin_idle_timeout"})

    def test_a_body_that_breaks_off_is_cut_visibly(self):
        for target in ("/cut/1000", "/cut-chunked/1000", "/cut/500000", "/cut-chunked/500000"):
            with self.edge.connect() as connection:
                connection.send(connection.head("GET", target, [("Host", "app.example")]))
                try:
                    response = connection.response()
                    check(False, "a whole answer:", response.framing, len(response.body))
                except wire.Closed:
                    pass
            self.edge.logged(target, **{"x-edge-reason": "origin_truncated"})
            equal(self.ask("app").status, 200, "the next request")

    def test_a_body_that_breaks_off_is_cut_visibly_for_http_1_0(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("GET", "/cut-chunked/1000", [("Host", "app.example")], "HTTP/1.0"))
            try:
                connection.response()
                check(False, "an end that looks whole")
            except wire.Closed as closed:
                equal(closed.how, "reset")

    def test_a_reset_is_502(self):
        self.failed("app", 502, "origin_reset", method="POST", body=b"x", target="/reset")

    def test_a_close_without_an_answer_is_502(self):
        self.app.on("hang-up", lambda connection, request: False)
        response = self.ask("app", "POST", "/hang-up", b"x")
        equal(response.status, 502)
        equal(len(self.app.asked("/hang-up")), 1, "a POST is not repeated")

    def test_it_works_again_when_the_origin_is_back(self):
        port = Ports.take()
        edge = Suite.edge(self, {
            "origins": {"back": {"url": f"http://127.0.0.1:{port}", "connect_attempts": 1}},
            "distributions": {"all": site("back")}})
        equal(edge.get("/fixed/5").status, 502)
        self.origin(port=port)
        eventually(lambda: edge.get("/fixed/5").status == 200, "the origin is used again")


class Retries(Suite):
    """A kept connection that the origin closes while a request is on its way."""

    def setup(self):
        self.app = self.origin()
        self.lock = threading.Lock()
        self.dying = collections.Counter()
        self.app.on("dies", self.dies)
        self.edge = self.edge({"origins": {"app": {"url": self.app.url}},
                               "distributions": {"all": site("app")}}, workers=1)

    def dies(self, connection, request):
        """The first time anything is asked on a connection that was used before, it ends without a word."""
        connection.read_body(request)
        with self.lock:
            self.dying[request.target] += 1
            first = self.dying[request.target] == 1
        if first:
            return False
        connection.answer(200, b"at last\n")
        return True

    def warm(self):
        equal(self.edge.get("/fixed/3").status, 200)

    def test_a_get_is_repeated_on_a_fresh_connection(self):
        self.warm()
        response = self.edge.get("/dies/get")
        equal((response.status, response.body), (200, b"at last\n"))
        equal(len(self.app.asked("/dies/get")), 2)
        equal(self.edge.logged("/dies/get")["x-edge-retries"], 1)

    def test_a_post_is_not_repeated(self):
        self.warm()
        response = self.edge.ask("POST", "/dies/post", body=b"once")
        equal(response.status, 502)
        equal(len(self.app.asked("/dies/post")), 1)

    def test_an_origin_that_closes_idle_connections_is_no_trouble(self):
        for turn in range(20):
            self.warm()
            self.app.drop()
            response = self.edge.ask("POST", "/echo", body=b"x" * turn)
            equal(response.status, 200, f"turn {turn}")

    def test_an_end_that_comes_with_a_post_is_seen_before_it_is_sent(self):
        with self.edge.connect() as viewer:
            for turn in range(5):
                equal(viewer.ask("GET", "/fixed/3").status, 200)
                # Both are found in one round: the request first, then the end of the connection that it would take.
                self.edge.signal(signal.SIGSTOP)
                eventually(self.edge.is_stopped, "every thread stands still")
                try:
                    viewer.send(viewer.head("POST", "/echo", [("Content-Length", 4)]) + b"once")
                    self.app.drop()
                    eventually(lambda: not self.app.open, "the connections are closed")
                finally:
                    self.edge.signal(signal.SIGCONT)
                response = viewer.response("POST")
                check(response.status == 200, f"turn {turn}:", response)
                equal(json.loads(response.body)["length"], 4)


class Groups(Suite):
    def setup(self):
        self.first, self.second = self.origin(name="first"), self.origin(name="second")
        self.app = self.second
        members = {
            "first": {"url": self.first.url, "response_timeout": "300ms"},
            "second": {"url": self.second.url},
            "down": {"url": f"http://127.0.0.1:{Ports.take()}", "connect_attempts": 1},
            "nowhere": {"url": "http://name.invalid", "connect_attempts": 1},
        }
        groups = {"steady": ["first", "second"], "down": ["down", "second"], "nowhere": ["nowhere", "second"],
                  "both": ["down", "nowhere"]}
        self.edge = self.edge({
            "origins": members,
            "origin_groups": {f"{name}-group": {"members": value, "failover": [500, 503, 404]} for name, value in groups.items()},
            "distributions": {name: {"domains": [f"{name}.example"], "behaviors": [behavior("*", f"{name}-group")]}
                              for name in groups},
        })

    def ask(self, name, target, method="GET", body=None):
        return self.edge.ask(method, target, [("Host", f"{name}.example")], body)

    def test_statuses_hand_over(self):
        def only_second(connection, request):
            connection.answer(200, b"second here\n")
            return True
        self.second.on("status", only_second)
        for status in (500, 503, 404):
            response = self.ask("steady", f"/status/{status}")
            equal((response.status, response.body), (200, b"second here\n"), status)
        equal(self.ask("steady", "/status/502").status, 502, "not in the list")
        equal(self.ask("steady", "/status/500", "HEAD").status, 200)
        equal(self.ask("steady", "/status/500", "OPTIONS").status, 200)
        equal(self.ask("steady", "/status/500", "POST", b"x").status, 500, "POST stays")
        equal(self.ask("steady", "/status/500", "DELETE").status, 500, "DELETE stays")

    def test_the_last_answer_is_shown_when_all_fail(self):
        def bad(connection, request):
            connection.answer(503, b"second is bad\n")
            return True
        self.first.on("bad2", bad)
        self.second.on("bad2", bad)
        response = self.ask("steady", "/bad2")
        equal((response.status, response.body), (503, b"second is bad\n"))

    def test_connection_errors_hand_over(self):
        for name in ("down", "nowhere"):
            equal(self.ask(name, "/fixed/7").status, 200, name)
        equal(self.ask("down", "/fixed/7", "POST", b"x").status, 502, "POST stays")

    def test_time_outs_hand_over(self):
        def late(connection, request):
            time.sleep(2)
            return False
        self.first.on("late", late)
        self.second.on("late", self.second.on_echo)
        response = self.ask("steady", "/late")
        equal((response.status, json.loads(response.body)["origin"]), (200, "second"))

    def test_a_folder_hands_over_what_it_does_not_have(self):
        folder = os.path.join(self.folder, "static")
        os.mkdir(folder)
        with open(os.path.join(folder, "here.txt"), "w") as file:
            file.write("from the folder\n")
        edge = Suite.edge(self, {
            "origins": {"folder": {"files": folder}, "app": {"url": self.second.url}},
            "origin_groups": {"both": {"members": ["folder", "app"], "failover": [404]}},
            "distributions": {"all": site("both")}})
        equal(edge.get("/here.txt").body, b"from the folder\n")
        equal(edge.get("/fixed/7").status, 200)
        equal(edge.ask("POST", "/fixed/7", [], b"x").status, 405, "POST stays")

    def test_nobody_is_left(self):
        response = self.ask("both", "/fixed/1")
        equal(response.status, 502)


class Weights(Suite):
    def test_members_get_their_shares(self):
        origins = [self.origin(name=name) for name in ("a", "b", "c")]
        edge = self.edge({
            "origins": {"pool": {"urls": [origin.url for origin in origins], "weights": [3, 1, 0]}},
            "distributions": {"all": site("pool")}}, workers=1)
        seen = collections.Counter(json.loads(edge.get("/echo").body)["origin"] for _ in range(80))
        equal((seen["a"], seen["b"], seen["c"]), (60, 20, 0))

    def test_another_member_is_asked_when_one_is_silent(self):
        silent, alive = self.origin(name="silent"), self.origin(name="alive")
        silent.on("late", silent.on_slow)
        alive.on("late", alive.on_echo)
        edge = self.edge({
            "origins": {"pool": {"urls": [silent.url, alive.url], "response_timeout": "300ms"}},
            "distributions": {"all": site("pool")}}, workers=1)
        for turn in range(4):
            equal(json.loads(edge.get("/late/2").body)["origin"], "alive", f"turn {turn}")
        check(silent.asked("/late/2"), "the silent one was never asked")

    def test_a_dead_member_is_left_out(self):
        alive = self.origin()
        edge = self.edge({
            "origins": {"pool": {"urls": [alive.url, f"http://127.0.0.1:{Ports.take()}"]}},
            "distributions": {"all": site("pool")}})
        for turn in range(30):
            equal(edge.get("/fixed/3").status, 200, f"turn {turn}")
        edge.event("origin_ejected")


class TLSOrigins(Suite):
    def serve(self, name, clients=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls_file(f"{name}.pem"), tls_file(f"{name}.key"))
        if clients:
            context.load_verify_locations(tls_file(clients))
            context.verify_mode = ssl.CERT_REQUIRED
        return self.origin(tls=context)

    def setup(self):
        shop, foreign, chained, strict = (
            self.serve("shop"), self.serve("foreign"), self.serve("chained"), self.serve("shop", "ca.pem"))
        self.shop = shop
        ca = tls_file("ca.pem")
        rows = {
            "good": (shop, {"authorities": ca, "server_name": "shop.example.com"}),
            "address": (shop, {"authorities": ca}),
            "wrong-name": (shop, {"authorities": ca, "server_name": "other.example.com"}),
            "no-authority": (shop, {"server_name": "shop.example.com"}),
            "foreign": (foreign, {"authorities": ca, "server_name": "shop.example.com"}),
            "careless": (foreign, {"verify": False}),
            "chained": (chained, {"authorities": ca, "server_name": "chained.example.com"}),
            "client": (strict, {"authorities": ca, "server_name": "shop.example.com",
                                "certificate": tls_file("client.pem"), "key": tls_file("client.key")}),
            "no-client": (strict, {"authorities": ca, "server_name": "shop.example.com"}),
            "stranger": (strict, {"authorities": ca, "server_name": "shop.example.com",
                                  "certificate": tls_file("stranger.pem"), "key": tls_file("stranger.key")}),
        }
        plain = self.origin()
        origins = {name: {"url": origin.url, "tls": tls} for name, (origin, tls) in rows.items()}
        origins["plain"] = {"url": plain.url.replace("http:", "https:"), "tls": {"verify": False},
                            "connect_timeout": "300ms", "connect_attempts": 1}
        self.edge = self.edge({
            "origins": origins,
            "distributions": {name: {"domains": [f"{name}.example"], "behaviors": [behavior("*", name)]} for name in origins},
        })

    def ask(self, name, target="/fixed/5", method="GET", body=None):
        return self.edge.ask(method, target, [("Host", f"{name}.example")], body)

    def test_good_certificates(self):
        for name in ("good", "address", "careless", "chained", "client"):
            equal(self.ask(name).status, 200, name)

    def test_bad_certificates_are_502(self):
        for name in ("wrong-name", "no-authority", "foreign"):
            response = self.ask(name)
            equal(response.status, 502, name)
            check(b"origin_certificate" in response.body, name, response.body)
        self.edge.reasoned("origin_certificate")

    def test_an_origin_that_wants_our_certificate(self):
        for name in ("no-client", "stranger"):
            response = self.ask(name)
            equal(response.status, 502, name)

    def test_an_origin_without_tls_is_502(self):
        # It waits for a line that never ends, as a server does that takes a handshake for a request.
        equal(self.ask("plain").status, 504)

    def test_connections_are_kept(self):
        with self.edge.connect() as connection:
            seen = {json.loads(connection.ask("GET", "/echo", [("Host", "good.example")]).body)["connection"] for _ in range(5)}
        equal(len(seen), 1)

    def test_an_end_is_one_only_if_it_was_said(self):
        def parting(connection, request):
            connection.read_body(request)
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + wire.pattern(1000))
            connection.socket.unwrap()
            return False
        self.shop.on("parting", parting)
        for version, how in (("HTTP/1.1", "end"), ("HTTP/1.0", "reset")):
            with self.edge.connect() as connection:
                connection.send(connection.head("GET", "/until-close/1000", [("Host", "good.example")], version))
                try:
                    connection.response()
                    check(False, "a whole answer")
                except wire.Closed as closed:
                    equal(closed.how, how, version)
        self.edge.logged("/until-close/1000", **{"x-edge-reason": "origin_truncated"})
        equal(len(self.ask("good", "/parting").body), 1000)

    def test_a_tunnel_that_is_cut_is_cut_for_the_viewer(self):
        def tunnel(connection, request):
            connection.send(b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhalf a wo")
            if request.words[1] == "said":
                connection.socket.unwrap()
            return False
        self.shop.on("tunnel", tunnel)
        for word, how in (("unsaid", "reset"), ("said", "end")):
            with self.edge.connect() as connection:
                connection.send(connection.head("GET", f"/tunnel/{word}", [
                    ("Host", "good.example"), ("Connection", "upgrade"), ("Upgrade", "x")]))
                equal(connection.response().status, 101)
                try:
                    equal(connection.exactly(9), b"half a wo")
                    connection.more()
                except wire.Closed as closed:
                    equal(closed.how, how, word)

    def test_large_bodies_both_ways(self):
        size = 5_000_000
        equal(wire.digest(self.ask("good", f"/fixed/{size}").body), wire.digest_of_pieces(size))
        echo = json.loads(self.ask("good", "/echo", "POST", wire.pattern(size)).body)
        equal(echo["digest"], wire.digest(wire.pattern(size)))

    def test_a_cut_is_seen(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("GET", "/cut/1000", [("Host", "good.example")]))
            try:
                connection.response()
                check(False, "a whole answer")
            except wire.Closed:
                pass
