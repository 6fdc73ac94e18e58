"""The cache, as viewers and an origin see it."""

import gzip
import threading
import time

import wire
from harness import Suite, behavior, check, equal, eventually


class Library:
    """Objects that an origin has: each GET is counted, versions change on demand, ranges and conditions are honoured."""

    def __init__(self, origin, cache_control="max-age=60"):
        self.lock = threading.Lock()
        self.bodies, self.fields, self.counts, self.conditions, self.ranges = {}, {}, {}, [], []
        self.cache_control, self.status, self.gate, self.takes_ranges = cache_control, 200, None, True
        origin.on("o", self.answer)

    def put(self, name, body, cache_control=None, etag=None, fields=()):
        rows = [("Cache-Control", self.cache_control if cache_control is None else cache_control)]
        rows = [row for row in rows if row[1]]
        if etag:
            rows.append(("ETag", etag))
        with self.lock:
            self.bodies[f"/o/{name}"], self.fields[f"/o/{name}"] = body, rows + list(fields)
        return f"/o/{name}"

    def count(self, path):
        with self.lock:
            return self.counts.get(path, 0)

    def answer(self, connection, request):
        connection.read_body(request)
        with self.lock:
            self.counts[request.path] = self.counts.get(request.path, 0) + 1
            body, fields = self.bodies.get(request.path), self.fields.get(request.path, [])
            gate, status = self.gate, self.status
        if gate:
            gate.wait(10)
        if status != 200:
            connection.answer(status, b"broken\n", [("Cache-Control", "no-store")])
            return True
        if body is None:
            connection.answer(404, b"none\n")
            return True
        etag = dict(fields).get("ETag")
        if etag and (request["If-None-Match"] or "").removeprefix("W/") == etag:
            self.conditions.append(request.path)
            connection.answer(304, b"", fields)
            return True
        asked = request["Range"]
        if asked and self.takes_ranges and (not request["If-Range"] or request["If-Range"] == etag):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            first, last = int(first), min(int(last or len(body)), len(body) - 1)
            self.ranges.append((first, last))
            if first >= len(body):
                connection.answer(416, b"", [("Content-Range", f"bytes */{len(body)}")])
                return True
            part = body[first:last + 1]
            connection.answer(206, b"" if request.method == "HEAD" else part,
                              [*fields, ("Content-Range", f"bytes {first}-{last}/{len(body)}")])
            return True
        if request.method == "HEAD":
            rows = "".join(f"{name}: {value}\r\n" for name, value in fields)
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{rows}\r\n".encode())
        else:
            connection.answer(200, body, [*fields, ("Accept-Ranges", "bytes")])
        return True


class Caching(Suite):
    rule = {}
    compress = False

    def setup(self):
        self.app = self.origin()
        self.library = Library(self.app)
        self.edge = self.edge({
            "cache": {"memory": "16MB"},
            "origins": {"app": {"url": self.app.url}},
            "distributions": {"all": {"domains": ["*"], "behaviors": self.behaviors()}},
            **self.more(),
        })

    def more(self):
        return {}

    def behaviors(self):
        return [behavior("/off/*", "app"),
                {"path": "*", "origin": "app", "cache": self.rule, "compress": self.compress}]

    def get(self, path, fields=(), result=None, **options):
        response = self.edge.ask("GET", path, fields, **options)
        if result:
            equal(response["X-Cache"], f"{result} from edge", path)
        return response


class Cache(Caching):
    def test_the_second_answer_is_a_hit(self):
        path = self.library.put("hit", b"first\n", fields=[("X-Own", "1"), ("Set-Thing", "a")])
        first = self.get(path, result="Miss")
        check(not first["Age"], "a fresh answer has an age")
        self.library.put("hit", b"second\n")
        for _ in range(3):
            hit = self.get(path, result="Hit")
            equal((hit.status, hit.body, hit["X-Own"]), (200, b"first\n", "1"))
            check(0 <= int(hit["Age"]) < 20, hit["Age"])
        equal(self.library.count(path), 1)
        self.edge.logged(path, **{"x-edge-result-type": "Hit"})

    def test_workers_share(self):
        path = self.library.put("shared", b"x" * 1000)
        for _ in range(20):
            equal(len(self.edge.ask("GET", path).body), 1000)
        equal(self.library.count(path), 1)

    def test_queries_are_in_the_key_and_the_host_is_not(self):
        path = self.library.put("query", b"q\n")
        self.get(path, result="Miss")
        self.get(path + "?a=1", result="Miss")
        self.get(path + "?a=1", result="Hit")
        self.get(path + "?a=2", result="Miss")
        self.get(path, [("Host", "another.example")], result="Hit")

    def test_head_is_answered_from_what_get_stored(self):
        path = self.library.put("head", b"0123456789")
        self.get(path, result="Miss")
        head = self.edge.ask("HEAD", path)
        equal((head["X-Cache"], head["Content-Length"], head.body), ("Hit from edge", "10", b""))
        cold = self.library.put("cold-head", b"01234")
        equal(self.edge.ask("HEAD", cold)["Content-Length"], "5")
        self.get(cold, result="Hit")

    def test_what_may_not_be_stored_is_not(self):
        for word in ("no-store", "private"):
            path = self.library.put(word, word.encode(), cache_control=word)
            for count in range(1, 4):
                equal(self.get(path, result="Miss").body, word.encode())
                equal(self.library.count(path), count)

    def test_other_methods_go_through(self):
        path = self.library.put("post", b"posted")
        for count in range(1, 3):
            equal(self.edge.ask("POST", path, body=b"x").body, b"posted")
            equal(self.library.count(path), count)

    def test_conditions_are_answered_by_the_edge(self):
        path = self.library.put("condition", b"tagged", etag='"v1"')
        self.get(path, result="Miss")
        same = self.get(path, [("If-None-Match", '"v0", W/"v1"')])
        equal((same.status, same.body, same["ETag"], same["Content-Length"]), (304, b"", '"v1"', None))
        equal(self.get(path, [("If-None-Match", '"v2"')]).status, 200)
        equal(self.library.count(path), 1)

    def test_a_condition_of_a_cold_object_fills_the_cache(self):
        path = self.library.put("cold-condition", b"tagged", etag='"v1"')
        equal(self.get(path, [("If-None-Match", '"v1"')]).status, 304)
        equal(self.get(path, result="Hit").body, b"tagged")
        equal((self.library.count(path), self.library.conditions), (1, []))

    def test_what_is_stale_is_asked_about(self):
        path = self.library.put("stale", b"version 1\n", cache_control="max-age=1", etag='"v1"')
        self.get(path, result="Miss")
        time.sleep(2.1)
        equal(self.get(path, result="RefreshHit").body, b"version 1\n")
        self.get(path, result="Hit")
        check(path in self.library.conditions, "the origin was not asked by a condition")
        time.sleep(2.1)
        self.library.put("stale", b"version 2\n", cache_control="max-age=1", etag='"v2"')
        equal(self.get(path, result="Miss").body, b"version 2\n")

    def test_a_failing_origin_is_hidden_by_what_was_stored(self):
        path = self.library.put("saved", b"saved\n", cache_control="max-age=1, stale-if-error=60", etag='"v1"')
        self.get(path, result="Miss")
        time.sleep(2.1)
        self.library.status = 503
        try:
            for _ in range(3):
                response = self.get(path)
                equal((response.status, response.body), (200, b"saved\n"))
            # It is left alone for a while.
            equal(self.library.count(path), 2)
        finally:
            self.library.status = 200

    def test_stale_while_revalidate_does_not_wait(self):
        path = self.library.put("quick", b"old\n", cache_control="max-age=1, stale-while-revalidate=60")
        self.get(path, result="Miss")
        time.sleep(2.1)
        self.library.put("quick", b"new\n", cache_control="max-age=60")
        equal(self.get(path, result="Hit").body, b"old\n")
        eventually(lambda: self.get(path).body == b"new\n", "the new one")
        equal(self.library.count(path), 2)

    def test_chunked_and_empty_bodies_are_stored(self):
        for path, size in (("/chunked/300000", 300000), ("/chunked/0", 0)):
            self.app.on("chunked", lambda connection, request: stored_chunks(connection, int(request.words[1])))
            first, second = self.get(path, result="Miss"), self.get(path, result="Hit")
            equal((len(first.body), len(second.body)), (size, size))
            equal(second["Content-Length"], str(size))
            equal(first.body, second.body)

    def test_a_cut_answer_is_not_stored(self):
        cuts = []

        def cut(connection, request):
            cuts.append(1)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nCache-Control: max-age=60\r\n\r\nhalf")
            return False
        self.app.on("half", cut)
        for count in range(1, 3):
            with self.edge.connect() as connection:
                connection.send(b"GET /half HTTP/1.1\r\nHost: a\r\n\r\n")
                try:
                    connection.response()
                    check(False, "a cut body looked whole")
                except (wire.Closed, OSError):
                    pass
            equal(len(cuts), count)

    def test_errors_are_remembered_for_a_short_while(self):
        path = "/o/missing"
        equal(self.get(path).status, 404)
        again = self.get(path)
        equal((again.status, again["X-Cache"]), (404, "Error from edge"))
        equal(self.library.count(path), 1)

    def test_functions_see_where_an_answer_comes_from(self):
        path = self.library.put("off", b"off")
        self.get(path.replace("/o/", "/off/"))


def stored_chunks(connection, size):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: max-age=60\r\n\r\n"
    connection.send(head)
    for piece in wire.pieces(size):
        connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    connection.send(b"0\r\n\r\n")
    return True


class Collapsing(Caching):
    def many(self, path, count, fields=()):
        answers, threads = [], []

        def one():
            answers.append(self.edge.ask("GET", path, fields))
        for _ in range(count):
            threads.append(threading.Thread(target=one))
            threads[-1].start()
        return answers, threads

    def test_one_fetch_for_all_who_wait(self):
        path = self.library.put("wanted", wire.pattern(500_000))
        self.library.gate = threading.Event()
        answers, threads = self.many(path, 60)
        eventually(lambda: self.library.count(path) == 1, "the fetch")
        time.sleep(0.3)
        self.library.gate.set()
        for thread in threads:
            thread.join()
        self.library.gate = None
        equal(self.library.count(path), 1)
        equal([answer.body == wire.pattern(500_000) for answer in answers], [True] * 60)
        results = sorted(answer["X-Cache"] for answer in answers)
        equal((results.count("Miss from edge"), results.count("Hit from edge")), (1, 59))

    def test_what_is_for_one_alone_lets_the_others_go(self):
        path = self.library.put("own", b"own", cache_control="private")
        self.library.gate = threading.Event()
        answers, threads = self.many(path, 20)
        eventually(lambda: self.library.count(path) == 1, "the fetch")
        time.sleep(0.3)
        self.library.gate.set()
        for thread in threads:
            thread.join()
        self.library.gate = None
        equal([answer.body for answer in answers], [b"own"] * 20)
        equal(self.library.count(path), 20)

    def test_a_fetch_that_fails_fails_all_who_wait(self):
        path = self.library.put("failing", b"never")
        self.library.gate, self.library.status = threading.Event(), 500
        answers, threads = self.many(path, 10)
        eventually(lambda: self.library.count(path) >= 1, "the fetch")
        time.sleep(0.3)
        self.library.gate.set()
        for thread in threads:
            thread.join()
        self.library.gate, self.library.status = None, 200
        equal([answer.status for answer in answers], [500] * 10)

    def test_readers_follow_while_it_comes(self):
        start, half = threading.Event(), wire.pattern(200_000)

        def slowly(connection, request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\nCache-Control: max-age=60\r\n\r\n" + half)
            start.wait(10)
            connection.send(half)
            return True
        self.app.on("slowly", slowly)
        with self.edge.connect() as first, self.edge.connect() as second:
            first.send(b"GET /slowly HTTP/1.1\r\nHost: a\r\n\r\n")
            first.exactly(150_000)
            second.send(b"GET /slowly HTTP/1.1\r\nHost: a\r\n\r\n")
            # The late one gets the first half at once.
            second.exactly(150_000)
            start.set()
            equal(len(self.app.asked("/slowly")), 1)
        eventually(lambda: len(self.get("/slowly").body) == 400_000, "the rest")
        equal(len(self.app.asked("/slowly")), 1)

    def test_who_began_it_may_leave(self):
        path = self.library.put("left", wire.pattern(100_000))
        self.library.gate = threading.Event()
        with self.edge.connect() as connection:
            connection.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            eventually(lambda: self.library.count(path) == 1, "the fetch")
            answers, threads = self.many(path, 3)
            time.sleep(0.3)
        self.library.gate.set()
        for thread in threads:
            thread.join()
        self.library.gate = None
        equal([answer.body == wire.pattern(100_000) for answer in answers], [True] * 3)
        equal(self.library.count(path), 1)


class Compressing(Caching):
    rule = {}
    compress = True

    def setup(self):
        super().setup()
        self.text = b"a line of a page that repeats itself\n" * 2000

    def ask(self, path, accepts, result, etag='"v1"'):
        response = self.get(path, [("Accept-Encoding", accepts)] if accepts else [], result=result)
        check("accept-encoding" in (response["Vary"] or "").lower(), "Vary", response["Vary"])
        return response

    def test_each_viewer_gets_what_it_takes(self):
        path = self.library.put("page", self.text, etag='"v1"', fields=[("Content-Type", "text/html; charset=utf-8")])
        small = self.ask(path, "gzip, deflate", "Miss")
        equal((small["Content-Encoding"], small["ETag"]), ("gzip", 'W/"v1"'))
        equal(gzip.decompress(small.body), self.text)
        check(len(small.body) < len(self.text) / 10, len(small.body))
        again = self.ask(path, "gzip;q=0.5, x", "Hit")
        equal((again.body, again["Content-Length"]), (small.body, str(len(small.body))))
        smaller = self.ask(path, "br, gzip", "Miss")
        equal(smaller["Content-Encoding"], "br")
        check(len(smaller.body) < len(small.body), len(smaller.body))
        equal(self.ask(path, "br, gzip", "Hit").body, smaller.body)
        plain = self.ask(path, None, "Miss")
        equal((plain["Content-Encoding"], plain.body, plain["ETag"]), (None, self.text, '"v1"'))
        self.ask(path, "identity", "Hit")
        equal(self.library.count(path), 3)

    def test_what_is_confirmed_stays_coded(self):
        path = self.library.put("confirmed", self.text, cache_control="max-age=1", etag='"v1"', fields=[("Content-Type", "text/css")])
        first = self.ask(path, "gzip", "Miss")
        time.sleep(2.1)
        again = self.ask(path, "gzip", "RefreshHit")
        equal((again["Content-Encoding"], again["ETag"], again.body), ("gzip", 'W/"v1"', first.body))

    def test_what_does_not_compress_is_left(self):
        for name, body, fields in (
                ("tiny", b"tiny", [("Content-Type", "text/css")]),
                ("image", self.text, [("Content-Type", "image/png")]),
                ("coded", gzip.compress(self.text), [("Content-Type", "text/css"), ("Content-Encoding", "gzip")])):
            path = self.library.put(name, body, fields=fields)
            for result in ("Miss", "Hit"):
                response = self.get(path, [("Accept-Encoding", "gzip")], result=result)
                equal((response.body, response["Content-Encoding"]), (body, dict(fields).get("Content-Encoding")))


class LargeObjects(Caching):
    rule = {"block": "64KB"}
    size = 5_000_000

    def setup(self):
        super().setup()
        self.body = wire.pattern(self.size)
        self.large = self.library.put("large", self.body, etag='"large"')

    def part(self, first, last, path=None, **options):
        response = self.get(path or self.large, [("Range", f"bytes={first}-{last}")], **options)
        equal(response.status, 206)
        return response

    def test_a_range_costs_its_blocks(self):
        response = self.part(1_000_000, 1_000_099)
        equal((response.body, response["Content-Range"]), (self.body[1_000_000:1_000_100], f"bytes 1000000-1000099/{self.size}"))
        equal(self.library.ranges, [(983_040, 1_048_575)])
        equal(self.part(1_000_000, 1_040_000, result="Hit").body, self.body[1_000_000:1_040_001])
        equal(len(self.library.ranges), 1)
        equal(self.part(1_040_000, 1_200_000).body, self.body[1_040_000:1_200_001])
        equal(self.library.ranges[1:], [(1_048_576, 1_114_111), (1_114_112, 1_179_647), (1_179_648, 1_245_183)])

    def test_the_end_can_be_asked_for(self):
        response = self.get(self.large, [("Range", "bytes=-10")])
        equal((response.status, response.body), (206, self.body[-10:]))
        response = self.get(self.large, [("Range", f"bytes={self.size - 5}-")])
        equal((response.status, response.body), (206, self.body[-5:]))
        equal(self.get(self.large, [("Range", "bytes=9999999-")]).status, 416)

    def test_the_whole_is_put_together(self):
        self.part(3_000_000, 3_000_001)
        for _ in range(2):
            equal(self.get(self.large).body == self.body, True)
        equal(self.get(self.large)["X-Cache"], "Hit from edge")

    def test_an_origin_without_ranges_gives_the_whole(self):
        path = self.library.put("plain", self.body[:300_000])
        self.library.takes_ranges = False
        equal(self.part(100_000, 100_009, path).body, self.body[100_000:100_010])
        equal(self.part(200_000, 200_009, path, result="Hit").body, self.body[200_000:200_010])
        equal(self.library.count(path), 1)
        self.library.takes_ranges = True

    def test_parts_without_a_strong_tag_are_not_put_together(self):
        path = self.library.put("weak", self.body[:300_000], etag='W/"w"')
        for _ in range(2):
            equal(self.part(100_000, 100_009, path).body, self.body[100_000:100_010])

    def test_an_object_that_changed_is_not_mixed(self):
        path = self.library.put("changing", b"a" * 400_000, etag='"a"')
        equal(self.part(0, 9, path).body, b"a" * 10)
        self.library.put("changing", b"b" * 400_000, etag='"b"')
        with self.edge.connect() as connection:
            connection.send(f"GET {path} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-200000\r\n\r\n".encode())
            try:
                body = connection.response().body
            except (wire.Closed, OSError):
                body = b""
            check(b"a" not in body or b"b" not in body, "two versions in one answer")
        equal(self.get(path).body, b"b" * 400_000)

    def test_a_body_without_a_length_outgrows_the_cache(self):
        self.app.on("endless", lambda connection, request: stored_chunks(connection, int(request.words[1])))
        path = "/endless/9000000"
        for _ in range(2):
            equal(self.get(path).body == wire.pattern(9_000_000), True)
