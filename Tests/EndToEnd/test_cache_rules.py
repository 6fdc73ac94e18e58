"""What is kept, for whom, and who may change that: RFC 9111 as viewers and an origin see it."""

import os
import re
import threading
import time

import wire
from harness import check, equal, eventually
from test_cache import Caching, stored_chunks
from test_invalidation import batch


class Confirmed(Caching):
    """§3.2 and §4.3.4: what a 304 changes."""

    def answers(self, name, fields, confirmation):
        """An object that is stale after a second, and what the origin says when it is asked about it."""
        asked = []

        def answer(connection, request):
            asked.append(request["If-None-Match"])
            if request["If-None-Match"] and confirmation is not None:
                rows = "".join(f"{key}: {value}\r\n" for key, value in confirmation)
                connection.send(f"HTTP/1.1 304 Not Modified\r\n{rows}\r\n".encode())
            else:
                connection.answer(200, f"version {len(asked)}\n".encode(), fields)
            return True
        self.app.on(name, answer)
        return "/" + name, asked

    def test_new_fields_replace_old_ones(self):
        path, _ = self.answers("renewed", [("Cache-Control", "max-age=1"), ("ETag", '"a"'), ("X-Own", "1"), ("X-Old", "1")],
                               [("Cache-Control", "max-age=60"), ("X-Own", "2"), ("Surrogate-Key", "t"), ("Age", "7")])
        self.get(path, result="Miss")
        time.sleep(2.1)
        self.get(path, result="RefreshHit")
        hit = self.get(path, result="Hit")
        equal((hit.body, hit["X-Own"], hit["X-Old"], hit["ETag"]), (b"version 1\n", "2", "1", '"a"'))
        equal((hit["Surrogate-Key"], hit["Cache-Control"]), (None, "max-age=60"))
        check(7 <= int(hit["Age"]) < 20, hit["Age"])

    def test_without_a_date_it_is_as_old_as_it_is(self):
        path, asked = self.answers("dateless", [("Cache-Control", "max-age=2"), ("ETag", '"a"'),
                                                ("Date", "Thu, 01 Jan 1998 00:00:00 GMT")], [])
        self.get(path, result="Miss")
        self.get(path, result="RefreshHit")
        # The old date says nothing about the new answer.
        self.get(path, result="Hit")
        equal(len(asked), 2)

    def test_fields_of_one_viewer_stay_with_that_viewer(self):
        path, _ = self.answers("cookies", [("Cache-Control", "max-age=1"), ("ETag", '"a"')],
                               [("Cache-Control", 'max-age=60, no-cache="set-cookie"'), ("Set-Cookie", "id=1")])
        self.get(path, result="Miss")
        time.sleep(2.1)
        equal(self.get(path, result="RefreshHit")["Set-Cookie"], "id=1")
        equal(self.get(path, result="Hit")["Set-Cookie"], None)

    def test_another_object_is_not_confirmed(self):
        path, asked = self.answers("mistaken", [("Cache-Control", "max-age=1"), ("ETag", '"a"')],
                                   [("ETag", '"b"'), ("Cache-Control", "max-age=60")])
        self.get(path, result="Miss")
        time.sleep(2.1)
        equal(self.get(path, result="Miss").body, b"version 3\n")
        equal(asked, [None, '"a"', None])

    def test_what_may_not_be_kept_any_more_is_shown_once(self):
        path, asked = self.answers("withdrawn", [("Cache-Control", "max-age=1"), ("ETag", '"a"')],
                                   [("Cache-Control", "private")])
        self.get(path, result="Miss")
        time.sleep(2.1)
        equal(self.get(path).body, b"version 1\n")
        equal(self.get(path, result="Miss").body, b"version 3\n")
        equal(asked, [None, '"a"', None])

    def test_what_nobody_can_ask_about_is_not_kept(self):
        path, asked = self.answers("unnamed", [("Cache-Control", "no-cache, max-age=60")], None)
        for count in range(1, 4):
            self.get(path, result="Miss")
            equal(len(asked), count)


class Told(Caching):
    """RFC 9211: each answer of a caching behaviour says what the cache did."""

    def status(self, response):
        name, _, rest = (response["Cache-Status"] or "").partition("; ")
        check(name.startswith("edge-"), response["Cache-Status"])
        # The second may be over.
        return rest.replace("ttl=59", "ttl=60")

    def test_a_miss_and_a_hit(self):
        path = self.library.put("told", b"told", cache_control="max-age=60")
        equal(self.status(self.get(path)), "fwd=uri-miss; fwd-status=200; ttl=60; stored")
        hit = self.status(self.get(path))
        equal(hit, "hit; ttl=60")
        self.edge.logged(path, **{"cache": "absent"})
        self.edge.logged(path, **{"cache": "fresh"})

    def test_why_it_is_not_kept(self):
        path = self.library.put("cookie", b"mine", fields=[("Set-Cookie", "a=b")])
        equal(self.status(self.get(path)), "fwd=uri-miss; fwd-status=200; detail=set_cookie")
        equal(self.status(self.get(path)), "fwd=uri-miss; fwd-status=200; detail=set_cookie")
        equal(self.status(self.edge.ask("POST", path, body=b"x")), "fwd=method; fwd-status=200")
        self.edge.logged(path, **{"cache": "set_cookie"})
        self.edge.logged(path, **{"cache": "method"})

    def test_what_is_confirmed(self):
        path = self.library.put("confirmed", b"same", cache_control="max-age=1", etag='"v1"')
        self.get(path)
        time.sleep(2.1)
        equal(self.status(self.get(path, result="RefreshHit")), "fwd=stale; fwd-status=304; ttl=1; stored")

    def test_stale_answers(self):
        path = self.library.put("old", b"old", cache_control="max-age=1, stale-while-revalidate=60")
        self.get(path)
        time.sleep(2.1)
        told = self.status(self.get(path, result="Hit"))
        check(told.startswith("hit; ttl=-") and told.endswith("; detail=stale_while_revalidate"), told)

    def test_what_hides_an_error(self):
        path = self.library.put("saved", b"saved", cache_control="max-age=1, stale-if-error=60", etag='"v1"')
        self.get(path)
        time.sleep(2.1)
        self.library.status = 503
        try:
            told = self.status(self.get(path, result="Hit"))
            check(told.startswith("fwd=stale; fwd-status=503; ttl=-") and told.endswith("detail=stale_on_error"), told)
        finally:
            self.library.status = 200

    def behaviors(self):
        return [{"path": "/o/varies", "origin": "app", "cache": {}, "origin_request": {"headers": ["x-kind"]}},
                *super().behaviors()]

    def test_variants(self):
        path = self.library.put("varies", b"v", fields=[("Vary", "X-Kind")])
        self.get(path, [("X-Kind", "a")])
        check("fwd=vary-miss" in self.status(self.get(path, [("X-Kind", "b")])), "vary-miss")

    def test_who_waited_says_so(self):
        path = self.library.put("wanted", b"x" * 1000)
        self.library.gate = threading.Event()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.edge.ask("GET", path))) for _ in range(3)]
        for thread in threads:
            thread.start()
        eventually(lambda: self.library.count(path) == 1, "the fetch")
        time.sleep(0.3)
        self.library.gate.set()
        for thread in threads:
            thread.join()
        self.library.gate = None
        told = sorted(self.status(answer) for answer in answers)
        equal(told, ["fwd=uri-miss; collapsed; ttl=60"] * 2 + ["fwd=uri-miss; fwd-status=200; ttl=60; stored"])

    def test_lines_of_others_stay_and_no_cache_says_nothing(self):
        path = self.library.put("chain", b"c", fields=[("Cache-Status", "inner; hit")])
        values = [value for name, value in self.get(path).fields if name.lower() == "cache-status"]
        equal((values[0], len(values)), ("inner; hit", 2))
        equal(self.get(self.library.put("x", b"x").replace("/o/", "/off/"))["Cache-Status"], None)

    def test_metrics_count_verdicts(self):
        path = self.library.put("counted", b"counted")
        self.get(path)
        self.get(path)

        def is_counted():
            with wire.Connection(self.edge.path("edged.sock")) as connection:
                page = connection.ask("GET", "/metrics", [("Host", "localhost")]).text
            return all(re.search(f'edged_cache_verdicts_total{{verdict="{word}"}} [1-9]', page) for word in ("absent", "fresh"))
        eventually(is_counted, "the verdicts")


class Removed(Caching):
    def behaviors(self):
        return [{"path": "*", "origin": "app", "cache": {}, "response_headers": {"remove": ["cache-status"]}}]

    def test_an_operator_is_rid_of_it(self):
        path = self.library.put("quiet", b"q")
        for result in ("Miss", "Hit"):
            equal(self.get(path, result=result)["Cache-Status"], None)


class Honouring(Caching):
    """RFC 9111 §5.2.1, where the behaviour listens."""
    rule = {"viewer_directives": "honour"}

    def ask(self, path, control, result=None):
        return self.get(path, [("Cache-Control", control)] if control else [], result=result)

    def kept(self, name, control="max-age=60", age=None):
        path = self.library.put(name, name.encode(), cache_control=control, etag=f'"{name}"',
                                fields=[("Age", str(age))] if age is not None else [])
        self.get(path, result="Miss")
        return path

    def test_no_cache_asks_again(self):
        path = self.kept("fresh")
        answer = self.ask(path, "no-cache", "RefreshHit")
        check("fwd=request; fwd-status=304" in answer["Cache-Status"], answer["Cache-Status"])
        self.ask(path, None, "Hit")
        equal(self.get(path, [("Pragma", "no-cache")])["X-Cache"], "RefreshHit from edge")
        # Pragma has no say where there is Cache-Control.
        equal(self.get(path, [("Pragma", "no-cache"), ("Cache-Control", "max-age=60")])["X-Cache"], "Hit from edge")
        self.edge.logged(path, **{"cache": "unwanted_by_viewer"})

    def test_max_age_and_min_fresh(self):
        path = self.kept("aged", age=20)
        self.ask(path, "max-age=50", "Hit")
        self.ask(path, "max-age=10", "RefreshHit")
        self.ask(path, "min-fresh=10", "Hit")
        self.ask(path, "min-fresh=50", "RefreshHit")

    def test_max_stale(self):
        path = self.kept("stale", "max-age=1")
        bound = self.kept("bound", "max-age=1, must-revalidate")
        time.sleep(2.1)
        answer = self.ask(path, "max-stale", "Hit")
        check(answer["Cache-Status"].endswith("detail=stale_accepted"), answer["Cache-Status"])
        self.ask(path, "max-stale=60", "Hit")
        self.ask(path, "max-stale=60, max-age=1", "RefreshHit")
        self.ask(bound, "max-stale", "RefreshHit")

    def test_no_store_keeps_nothing(self):
        path = self.library.put("secret", b"s")
        for count in (1, 2):
            answer = self.ask(path, "no-store", "Miss")
            check(answer["Cache-Status"].endswith("detail=viewer_no_store"), answer["Cache-Status"])
            equal(self.library.count(path), count)
        self.get(path, result="Miss")
        # What is here already may be shown.
        self.ask(path, "no-store", "Hit")

    def test_only_if_cached(self):
        path = self.library.put("local", b"l")
        answer = self.ask(path, "only-if-cached")
        equal((answer.status, self.library.count(path)), (504, 0))
        check(answer["Cache-Status"].endswith("; detail=not_in_cache"), answer["Cache-Status"])
        self.edge.logged(path, **{"x-edge-reason": "not_in_cache"})
        self.get(path, result="Miss")
        self.ask(path, "only-if-cached", "Hit")
        private = self.library.put("nobodys", b"n", cache_control="private")
        self.get(private)
        equal(self.ask(private, "only-if-cached").status, 504)


class Deaf(Caching):
    def test_viewers_have_no_say_by_default(self):
        path = self.library.put("deaf", b"d")
        self.get(path, result="Miss")
        for control in ("no-cache", "max-age=0", "no-store", "only-if-cached"):
            self.get(path, [("Cache-Control", control)], result="Hit")
        equal(self.edge.ask("GET", self.library.put("cold", b"c"), [("Cache-Control", "only-if-cached")]).status, 200)


class Unsafe(Caching):
    """RFC 9111 §4.4."""
    compress = True

    def writing(self, status, fields=()):
        def write(connection, request):
            connection.read_body(request)
            if request.method in ("GET", "HEAD"):
                self.versions[request.path] = self.versions.get(request.path, 0) + 1
                connection.answer(200, f"version {self.versions[request.path]}\n".encode() * 200,
                                  [("Cache-Control", "max-age=60"), ("Content-Type", "text/plain")])
            else:
                connection.answer(status, b"", fields)
            return True
        self.versions = {}
        self.app.on("w", write)

    def version(self, path, fields=()):
        return self.get(path, fields)["X-Cache"].split()[0]

    def test_what_was_changed_is_asked_for_again(self):
        self.writing(204)
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            codings = ([], [("Accept-Encoding", "gzip")], [("Accept-Encoding", "br, gzip")])
            path = f"/w/{method.lower()}?x=1"
            equal([self.version(path, fields) for fields in codings * 2], ["Miss"] * 3 + ["Hit"] * 3)
            equal(self.version("/w/other"), "Miss" if method == "POST" else "Hit")
            equal(self.edge.ask(method, path, body=b"x").status, 204)
            equal([self.version(path, fields) for fields in codings], ["Miss"] * 3)
            # Another query is another target.
            equal(self.version("/w/other"), "Hit")

    def test_what_failed_changed_nothing(self):
        self.writing(409)
        self.get("/w/a", result="Miss")
        self.edge.ask("POST", "/w/a", body=b"x")
        self.get("/w/a", result="Hit")

    def test_what_is_named_on_this_host(self):
        self.writing(201, [("Location", "/w/new"), ("Content-Location", "http://shop.example/w/list?p=1")])
        host = [("Host", "shop.example")]
        for path in ("/w/new", "/w/list?p=1", "/w/list"):
            self.get(path, host)
        self.edge.ask("POST", "/w/a", host, body=b"x")
        equal([self.version(path, host) for path in ("/w/new", "/w/list?p=1", "/w/list")], ["Miss", "Miss", "Hit"])
        for path in ("/w/new", "/w/list?p=1"):
            self.get(path)
        # There the absolute one is somebody else's.
        self.edge.ask("POST", "/w/a", [("Host", "b.example")], body=b"x")
        equal([self.version(path) for path in ("/w/new", "/w/list?p=1")], ["Miss", "Hit"])

    def test_what_is_on_its_way_is_not_kept(self):
        self.writing(204)
        path = self.library.put("slow", b"before")
        self.library.gate = threading.Event()
        answers = []
        reader = threading.Thread(target=lambda: answers.append(self.get(path).body))
        reader.start()
        eventually(lambda: self.library.count(path) == 1, "the fetch")
        gate, self.library.gate = self.library.gate, None
        equal(self.edge.ask("POST", path, body=b"x").status, 200)
        self.library.put("slow", b"after")
        gate.set()
        reader.join()
        equal(answers, [b"before"])
        equal(self.get(path).body, b"after")
        self.get(path, result="Hit")


class UnsafeKeyed(Unsafe):
    """Where headers are in the key nobody can list the keys of a target."""
    rule = {"key": {"headers": ["x-kind"]}}

    def test_every_key_of_the_target(self):
        self.writing(204)
        kinds = [[("X-Kind", kind)] for kind in "ab"]
        for kind in kinds:
            self.get("/w/k", kind, result="Miss")
        self.edge.ask("POST", "/w/k", body=b"x")
        equal([self.version("/w/k", kind) for kind in kinds], ["Miss", "Miss"])


class Heads(Caching):
    """A HEAD of what is not here fills the cache."""

    def test_a_head_fills(self):
        path = self.library.put("head", b"01234", etag='"h"')
        head = self.edge.ask("HEAD", path, [("Range", "bytes=0-0")])
        equal((head.status, head["Content-Length"], head.body, head["X-Cache"]), (200, "5", b"", "Miss from edge"))
        equal(self.get(path, result="Hit").body, b"01234")
        equal((self.library.count(path), self.library.ranges), (1, []))

    def test_a_head_of_what_is_not_kept(self):
        path = self.library.put("own", b"01234", cache_control="private")
        with self.edge.connect() as connection:
            for _ in range(2):
                head = connection.ask("HEAD", path)
                equal((head.status, head["Content-Length"], head.body), (200, "5", b""))
            equal(connection.ask("GET", path).body, b"01234")
        large = self.library.put("large", b"x" * 3_000_000, cache_control="private")
        with self.edge.connect() as connection:
            equal(connection.ask("HEAD", large)["Content-Length"], "3000000")
            equal(len(connection.ask("GET", large).body), 3_000_000)

    def test_a_head_of_chunks(self):
        self.app.on("chunked", lambda connection, request: stored_chunks(connection, int(request.words[1])))
        with self.edge.connect() as connection:
            equal(connection.ask("HEAD", "/chunked/100000").body, b"")
            equal(len(connection.ask("GET", "/chunked/100000").body), 100_000)


class Steering(Caching):
    """What functions say of the cache."""
    code = """
        return {
          viewer_request = function(event)
            local request = event.request
            if request.query.pass then request.cache = "pass" end
            request.cache_key = request.headers["x-device"]
          end,
          origin_response = function(event)
            local response = event.response
            if event.request.query.ttl then response.ttl = tonumber(event.request.query.ttl) end
            local seen = table.concat(response.tags, "+")
            if event.request.query.tag then response.tags = { event.request.query.tag, "all" } end
            response.headers["x-tags"] = seen .. ">" .. table.concat(response.tags, "+")
          end,
          viewer_response = function(event)
            local cache = event.cache
            event.response.headers["x-said"] = cache and (cache.verdict .. " " .. cache.reason .. " " .. tostring(cache.age))
          end,
        }
    """

    def behaviors(self):
        self.write("functions/steer.lua", self.code.encode())
        stages = {stage: ["steer"] for stage in ("viewer_request", "origin_response", "viewer_response")}
        return [{"path": "*", "origin": "app", "cache": {"error_ttl": "1s"}, "functions": stages}]

    def more(self):
        return {"functions": {"folder": os.path.join(self.folder, "functions")}}

    def put(self, name, **options):
        path = self.library.put(name, name.encode(), **options)
        for query in ("?pass=1", "?ttl=1", "?ttl=60", "?tag=a"):
            for table in (self.library.bodies, self.library.fields):
                table[path + query] = table[path]
        return path

    def purge(self, tag):
        with wire.Connection(self.edge.path("edged.sock")) as connection:
            equal(connection.ask("POST", "/distributions/all/invalidations", [("Host", "localhost")], batch(tags=[tag])).status, 201)

    def test_pass(self):
        path = self.put("passed") + "?pass=1"
        for _ in range(2):
            answer = self.get(path, result="Miss")
            check(answer["Cache-Status"].endswith("; fwd=bypass; fwd-status=200; detail=function"), answer["Cache-Status"])
            equal(answer["X-Said"], "passed function nil")

    def test_a_key_of_its_own(self):
        path = self.put("keyed")
        for device in ("a", "b"):
            self.get(path, [("X-Device", device)], result="Miss")
            self.get(path, [("X-Device", device)], result="Hit")
        self.get(path, result="Miss")
        equal(self.edge.ask("POST", path, body=b"x").status, 200)
        for device in ("a", "b"):
            self.get(path, [("X-Device", device)], result="Miss")

    def test_a_time_of_its_own(self):
        path = self.put("timed", cache_control="max-age=1", etag='"t"') + "?ttl=60"
        self.get(path, result="Miss")
        time.sleep(2.1)
        check("hit; ttl=5" in self.get(path, result="Hit")["Cache-Status"], "ttl")
        short = self.put("short", cache_control="max-age=60") + "?ttl=1"
        self.get(short, result="Miss")
        time.sleep(2.1)
        self.get(short, result="Miss")

    def test_tags(self):
        path = self.put("tagged", fields=[("Surrogate-Key", "x y")])
        answer = self.get(path + "?tag=a", result="Miss")
        equal((answer["X-Tags"], answer["Surrogate-Key"], answer["Cache-Tag"]), ("x+y>a+all", None, None))
        self.purge("x")
        self.get(path + "?tag=a", result="Hit")
        self.purge("a")
        self.get(path + "?tag=a", result="Miss")

    def test_what_the_cache_did(self):
        path = self.put("seen")
        equal(self.get(path)["X-Said"], "miss absent 0")
        check(self.get(path)["X-Said"] in ("hit fresh 0", "hit fresh 1"), "hit")

    def test_tags_are_nobody_elses_business(self):
        path = self.put("secret", cache_control="private", fields=[("Cache-Tag", "a"), ("xkey", "b")])
        answer = self.get(path)
        equal((answer["Cache-Tag"], answer["xkey"], answer["X-Tags"]), (None, None, "a+b>a+b"))


class UnsafeOnDisk(Unsafe):
    """What was stored may have a copy on disk, which is not to come back."""

    def more(self):
        return {"cache": {"memory": "16MB", "disk": {"folder": os.path.join(self.folder, "cache"), "size": "64MB"}}}

    test_copies_on_disk_do_not_come_back = Unsafe.test_what_was_changed_is_asked_for_again
    test_nor_what_was_on_its_way = Unsafe.test_what_is_on_its_way_is_not_kept
