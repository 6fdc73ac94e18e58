"""Why an answer is as it is: asked by operators, and by viewers whom they trust."""

import json
import subprocess

import wire
from harness import Edge, PATIENCE, Suite, behavior, check, equal
from test_cache import Library


class Explain(Suite):
    def setup(self):
        self.app = self.origin()
        self.library = Library(self.app, cache_control="max-age=3600")
        self.edge = self.proxy(
            self.app,
            behavior("/api/*", "app", methods="all"),
            behavior("/o/lang-*", "app",
                     cache={"key": {"headers": ["Accept-Language"], "query": ["v"], "cookies": ["size"]}}),
            behavior("/secure/*", "app", viewer_protocol="redirect", cache={}),
            behavior("/o/vary", "app", cache={}, origin_request={"headers": ["X-Thing"]}),
            behavior("*", "app", cache={"default_ttl": "5m"}),
            distribution={"default_root_object": "o/index.html"},
            trusted_proxies=["127.0.0.1/32"], explain={"trusted": ["192.0.2.7/32"]})

    def run_command(self, *words, code=0):
        done = subprocess.run([Edge.binary, "explain", *words, "--socket", self.edge.path("edged.sock")],
                              capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
        equal(done.returncode, code, done.stdout + done.stderr)
        return done

    def explain(self, path, *words):
        return json.loads(self.run_command(f"http://test.example{path}", *words, "--json").stdout)

    def test_a_miss_becomes_a_hit(self):
        path = self.library.put("one", b"one", fields=[("Surrogate-Key", "a b")])
        said = self.explain(path)
        equal((said["distribution"], said["behavior"], said["origin"]), ("all", "*", "app"))
        equal(said["not_matched"], ["/api/*", "/o/lang-*", "/secure/*", "/o/vary"])
        equal((said["outcome"], said["variants_stored"]), ("miss: absent", 0))
        equal(self.library.count(path), 0, "nothing is fetched")
        self.edge.get(path)
        said = self.explain(path)
        equal(said["outcome"], "hit: fresh")
        stored = said["stored"]
        equal((stored["lifetime"], stored["lifetime_from"], stored["tags"]), (3600, "max-age", 2))
        equal((stored["Cache-Control"], stored["purged_as"]), ("max-age=3600", path))
        check(0 <= stored["age"] < 60 and stored["fresh_for"] <= 3600, stored)
        equal(self.library.count(path), 1)

    def test_the_behaviours_time_is_told(self):
        path = self.library.put("default", b"one", cache_control="")
        self.edge.get(path)
        stored = self.explain(path)["stored"]
        equal((stored["lifetime"], stored["lifetime_from"]), (300, "default_ttl"))

    def test_the_key_as_text(self):
        path = self.library.put("lang-a", b"one")
        said = self.explain(f"{path}?x=1&v=2", "-H", "Accept-Language: de", "-H", "Cookie: size=large; session=secret")
        key = said["key"]
        equal((key["path"], key["query"], key["header_accept-language"]), (path, "?v=2", "de"))
        equal(key["cookies"], ["size=(5 bytes)"])
        check("secret" not in json.dumps(said), said)
        self.edge.get(f"{path}?v=2", [("Accept-Language", "de"), ("Cookie", "size=large")])
        equal(self.explain(f"{path}?v=2&y=3", "-H", "Accept-Language: de", "-H", "Cookie: size=large")["outcome"],
              "hit: fresh")
        equal(self.explain(f"{path}?v=2", "-H", "Accept-Language: fr")["outcome"], "miss: absent")

    def test_purges_are_seen(self):
        path = self.library.put("purged", b"one")
        for soft, outcome in ((True, "revalidate: purged softly"), (False, "miss: purged")):
            self.edge.get(path)
            with wire.Connection(self.edge.path("edged.sock")) as connection:
                body = json.dumps({"Paths": {"Quantity": 1, "Items": [path]}, "Soft": soft}).encode()
                equal(connection.ask("POST", "/distributions/all/invalidations", [("Host", "localhost")], body).status, 201)
            said = self.explain(path)["outcome"]
            # The sweep may have taken it already.
            check(said == outcome or (not soft and said == "miss: absent"), said)

    def test_variants(self):
        path = self.library.put("vary", b"one", fields=[("Vary", "X-Thing")])
        self.edge.get(path, [("X-Thing", "1")])
        said = self.explain(path, "-H", "X-Thing: 1")
        equal((said["outcome"], said["varies_by"]), ("hit: fresh", ["x-thing"]))
        equal(self.explain(path, "-H", "X-Thing: 2")["outcome"], "miss: other_variants")

    def test_what_is_not_looked_up(self):
        equal(self.explain("/api/a")["outcome"], "passed: the behaviour does not cache")
        equal(self.explain("/secure/a")["outcome"], "redirect to https")
        equal(self.explain("/o/a", "--method", "POST")["outcome"], "passed: method")
        equal(self.explain("/o/a", "--method", "PURGE")["outcome"], "refused: method_not_allowed")
        equal(self.explain("/")["default_root_object"], "/o/index.html")

    def test_text_is_for_people(self):
        path = self.library.put("text", b"one")
        self.edge.get(path)
        text = self.run_command(f"http://test.example{path}").stdout
        check("behavior: *\n" in text and "outcome: hit: fresh" in text, text)
        check("  lifetime: 3600\n  lifetime from: max-age\n" in text, text)
        equal(self.run_command(f"http://test.example{path}").stdout.split("age:")[0], text.split("age:")[0])

    def test_each_mistake_has_its_message(self):
        for words, message in [(["/path"], "is no URL"), (["http:///path"], "has no host"),
                               (["http://a/b", "-H", "nothing"], "Name: value"),
                               (["http://a/b c"], "bad_")]:
            done = self.run_command(*words, code=2)
            check(message in done.stderr and not done.stdout, words, done.stderr)

    def test_trusted_viewers_are_told_by_header(self):
        path = self.library.put("header", b"one", fields=[("Surrogate-Key", "t")])
        ask = [("X-Edge-Explain", "1"), ("X-Forwarded-For", "192.0.2.7")]
        first = self.edge.get(f"{path}?q=1", ask)["X-Edge-Explain"]
        for part in ("distribution=all", "behavior=*", f"path={path}?q=1", "verdict=miss, absent", "origin=app",
                     "attempts=1", "lifetime=3600 (max-age)", "tags=1"):
            check(part in first.split("; "), part, "in", first)
        second = self.edge.get(f"{path}?q=1", ask)["X-Edge-Explain"]
        check("verdict=hit, fresh" in second and "origin=" not in second, second)
        check("X-Edge-Explain" not in self.edge.get(f"{path}?q=1").fields, "it is not stored")
        equal(self.edge.get(path, [ask[0], ("X-Forwarded-For", "192.0.2.8")])["X-Edge-Explain"], None)
        equal(self.edge.get(path, [("X-Edge-Explain", "0"), ask[1]])["X-Edge-Explain"], None)
        refused = self.edge.ask("BREW", path, ask)
        check("reason=method_not_allowed" in refused["X-Edge-Explain"], refused)
