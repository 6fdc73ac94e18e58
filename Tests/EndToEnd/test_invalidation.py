"""Purges, as operators ask for them and as viewers see them."""

import json
import subprocess
import threading

import wire
from harness import Edge, PATIENCE, Suite, behavior, check, equal, eventually
from test_cache import Library


def batch(*paths, tags=(), **more):
    table = dict(more)
    if paths:
        table["Paths"] = {"Quantity": len(paths), "Items": list(paths)}
    if tags:
        table["Tags"] = {"Quantity": len(tags), "Items": list(tags)}
    return json.dumps(table).encode()


class Purging(Suite):
    """An edge whose origin has objects of two versions, both kept for a day."""

    settings = {}

    def setup(self):
        self.app = self.origin()
        self.library = Library(self.app, cache_control="max-age=86400")
        self.edge = self.proxy(
            self.app,
            behavior("/o/plain-*", "app", cache={"key": {"query": "none"}}),
            behavior("/o/some-*", "app", cache={"key": {"query": ["v"]}}),
            behavior("*", "app", cache={}), **self.settings)

    def put(self, name, body=b"one", tags="", **more):
        fields = [("Surrogate-Key", tags)] if tags else []
        return self.library.put(name, body, fields=fields, **more)

    def warm(self, *targets):
        """Each is a hit afterwards."""
        for target in targets:
            equal(self.edge.get(target).status, 200, target)
            equal(self.result(target), "Hit", target)

    def result(self, target, fields=(), body=None):
        response = self.edge.get(target, fields)
        equal(response.status, 200, target)
        if body is not None:
            equal(response.body, body, target)
        return response["X-Cache"].split(" ")[0]

    def admin(self, method, target, body=None):
        with wire.Connection(self.edge.path("edged.sock")) as connection:
            return connection.ask(method, target, [("Host", "localhost")], body)

    def invalidate(self, *paths, distribution="all", status=201, **more):
        response = self.admin("POST", f"/distributions/{distribution}/invalidations", batch(*paths, **more))
        equal(response.status, status, response.text)
        equal(response["Content-Type"], "application/json")
        return json.loads(response.body)


    def rules(self):
        """How many are remembered; the sweep forgets them once it has been round."""
        with wire.Connection(self.edge.path("edged.sock")) as connection:
            page = connection.ask("GET", "/metrics", [("Host", "localhost")]).text
        return next(int(line.split()[-1]) for line in page.splitlines()
                    if line.startswith("edged_cache_purge_rules "))


class Invalidation(Purging):
    def test_the_next_request_is_answered_by_the_origin(self):
        path, other = self.put("exact"), self.put("exact2")
        self.warm(path, other)
        self.put("exact", b"two")
        self.invalidate(path)
        equal(self.result(path, body=b"two"), "Miss")
        equal(self.result(path, body=b"two"), "Hit")
        equal(self.result(other, body=b"one"), "Hit", "what was not named stays")

    def test_all_workers_see_it(self):
        path = self.put("workers")
        for _ in range(20):
            self.edge.get(path)
        for version in range(5):
            body = b"version %d" % version
            self.put("workers", body)
            self.invalidate(path)
            for _ in range(20):
                equal(self.edge.get(path).body, body)

    def test_a_path_is_its_query_as_well(self):
        path = self.put("query")
        self.warm(path, f"{path}?x=1", f"{path}?x=2")
        self.invalidate(f"{path}?x=1")
        equal(self.result(path), "Hit")
        equal(self.result(f"{path}?x=1"), "Miss")
        equal(self.result(f"{path}?x=2"), "Hit")
        self.invalidate(f"{path}*")
        for target in (path, f"{path}?x=1", f"{path}?x=2"):
            equal(self.result(target), "Miss", target)

    def test_what_is_not_in_the_key_need_not_be_named(self):
        path = self.put("plain-a")
        self.warm(f"{path}?who=asks&first=1")
        equal(self.result(path), "Hit")
        self.invalidate(path)
        equal(self.result(path), "Miss")
        path = self.put("some-a")
        self.warm(f"{path}?utm=7&v=2")
        self.invalidate(path)
        equal(self.result(f"{path}?v=2"), "Hit", "another version")
        self.invalidate(f"{path}?v=2")
        equal(self.result(f"{path}?v=2&utm=9"), "Miss")

    def test_wildcards(self):
        inside = [self.put(name) for name in ("dir/a", "dir/b/c", "dir/")]
        outside = [self.put(name) for name in ("dir", "dir2", "Dir/a")]
        self.warm(*inside, *outside)
        self.invalidate("/o/dir/*")
        for path in inside:
            equal(self.result(path), "Miss", path)
        for path in outside:
            equal(self.result(path), "Hit", path)
        self.invalidate("/o/dir*")
        for path in inside + ["/o/dir", "/o/dir2"]:
            equal(self.result(path), "Miss", path)
        equal(self.result("/o/Dir/a"), "Hit")

    def test_tags(self):
        both, one, none = self.put("both", tags="red blue"), self.put("one", tags="red"), self.put("none")
        self.warm(both, one, none)
        check("Surrogate-Key" not in self.edge.get(both).fields, "viewers see no tags")
        self.invalidate(tags=["blue"])
        equal([self.result(path) for path in (both, one, none)], ["Miss", "Hit", "Hit"])
        self.invalidate(tags=["red", "unknown"])
        equal([self.result(path) for path in (both, one, none)], ["Miss", "Miss", "Hit"])
        self.invalidate(tags=["re", "reds", "RED"])
        equal([self.result(path) for path in (both, one, none)], ["Hit", "Hit", "Hit"])

    def test_a_purge_of_one_thing_leaves_the_rest_alone_for_ever(self):
        paths = [self.put(f"steady/{number}", etag='"1"') for number in range(10)]
        self.warm(*paths)
        counts = [self.library.count(path) for path in paths]
        for number in range(3):
            self.invalidate(f"/o/elsewhere-{number}")
            # Long enough for a sweep to look at everything and to forget the rule.
            eventually(lambda: self.rules() == 0, "the rules are forgotten")
            equal([self.result(path) for path in paths], ["Hit"] * 10, f"after {number}")
        equal([self.library.count(path) for path in paths], counts)


class InvalidationInFlight(Purging):
    def test_a_fetch_under_way_is_not_fresh_afterwards(self):
        path = self.put("flight", b"old")
        gate = self.library.gate = threading.Event()
        answers = []
        asked = self.library.count(path)
        first = threading.Thread(target=lambda: answers.append(self.edge.get(path)))
        first.start()
        eventually(lambda: self.library.count(path) > asked, "the origin is asked")
        # The origin has made up its mind: `old` comes, whatever is put there now.
        self.put("flight", b"new")
        self.invalidate(path)
        late = []
        second = threading.Thread(target=lambda: late.append(self.edge.get(path)))
        second.start()
        eventually(lambda: self.library.count(path) > asked + 1, "who comes later asks anew")
        gate.set()
        self.library.gate = None
        first.join(PATIENCE)
        second.join(PATIENCE)
        equal(answers[0].body, b"old", "who asked before the purge")
        equal(late[0].body, b"new", "who asked after it")
        for _ in range(5):
            equal(self.edge.get(path).body, b"new")

    def test_nor_after_the_rule_is_forgotten(self):
        path = self.put("forgotten", b"old")
        gate = self.library.gate = threading.Event()
        answers = []
        first = threading.Thread(target=lambda: answers.append(self.edge.get(path)))
        first.start()
        eventually(lambda: self.library.count(path) == 1, "the origin is asked")
        self.put("forgotten", b"new")
        self.invalidate("/o/*")
        eventually(lambda: self.rules() == 0, "the rule is forgotten")
        gate.set()
        self.library.gate = None
        first.join(PATIENCE)
        equal(answers[0].body, b"old")
        # A purged answer is not shown for a broken origin either.
        self.library.status = 503
        equal(self.edge.get(path).status, 503)
        self.library.status = 200
        eventually(lambda: self.edge.get(path).body == b"new", "the new one")


class SoftAndHard(Purging):
    def test_hard_is_gone_whatever_the_origin_says(self):
        path = self.put("hard", etag='"1"')
        self.warm(path)
        self.invalidate(path)
        asked = len(self.library.conditions)
        self.library.status = 503
        equal(self.edge.get(path).status, 503, "not even instead of an error")
        self.library.status = 200
        equal(len(self.library.conditions), asked, "and it is not asked about")

    def test_soft_is_asked_about(self):
        path = self.put("soft", etag='"1"')
        self.warm(path)
        self.invalidate(path, Soft=True)
        equal(self.result(path, body=b"one"), "RefreshHit")
        equal(self.library.conditions.count(path), 1)
        equal(self.result(path), "Hit", "the origin has said that it is right")

    def test_soft_is_shown_when_the_origin_fails(self):
        path = self.put("kept", etag='"1"')
        self.warm(path)
        self.invalidate(path, Soft=True)
        self.library.status = 503
        equal(self.edge.get(path).body, b"one")
        self.library.status = 200
        self.invalidate(path)
        self.library.status = 503
        equal(self.edge.get(path).status, 503)
        self.library.status = 200


class Everything(Purging):
    def test_everything_of_a_distribution(self):
        paths = [self.put(f"all/{number}") for number in range(10)]
        self.warm(*paths)
        self.invalidate(Everything=True)
        for path in paths:
            equal(self.result(path), "Miss", path)


class InvalidationRequests(Purging):
    """What the socket takes, and what it says."""

    route = "/distributions/all/invalidations"

    def test_it_is_listed_and_shown(self):
        made = [self.invalidate(f"/a{number}", CallerReference=f"list {number}")["Invalidation"] for number in range(3)]
        for one in made:
            equal(one["Status"], "Completed")
            check(one["CreateTime"].endswith("Z"), one)
            response = self.admin("GET", f"{self.route}/{one['Id']}")
            equal(json.loads(response.body)["Invalidation"], one)
        listed = json.loads(self.admin("GET", self.route).body)["InvalidationList"]
        equal([row["Id"] for row in listed["Items"]][:3], [one["Id"] for one in reversed(made)])
        page = json.loads(self.admin("GET", f"{self.route}?MaxItems=2").body)["InvalidationList"]
        equal((page["Quantity"], page["IsTruncated"]), (2, True))
        rest = json.loads(self.admin("GET", f"{self.route}?Marker={page['NextMarker']}").body)["InvalidationList"]
        equal(rest["Items"][0]["Id"], made[0]["Id"])

    def test_a_repetition_is_not_a_second_one(self):
        first = self.invalidate("/a", CallerReference="twice")
        equal(self.invalidate("/a", CallerReference="twice", status=200), first)
        error = self.invalidate("/b", CallerReference="twice", status=400)["Error"]
        equal((error["Type"], error["Code"]), ("Sender", "InvalidationBatchAlreadyExists"))

    def test_mistakes(self):
        equal(self.invalidate("/a", distribution="nothing", status=404)["Error"]["Code"], "NoSuchDistribution")
        equal(self.invalidate("a", status=400)["Error"]["Code"], "InvalidArgument")
        equal(self.invalidate(status=400)["Error"]["Code"], "InvalidArgument")
        wrong = self.admin("POST", self.route, b'{"Paths":{"Quantity":3,"Items":["/a"]}}')
        equal((wrong.status, json.loads(wrong.body)["Error"]["Code"]), (400, "InconsistentQuantities"))
        empty = self.admin("POST", self.route)
        equal((empty.status, json.loads(empty.body)["Error"]["Code"]), (400, "MissingBody"))
        equal(json.loads(self.admin("GET", f"{self.route}/I1").body)["Error"]["Code"], "NoSuchInvalidation")
        put = self.admin("PUT", self.route)
        equal((put.status, put["Allow"]), (405, "GET, HEAD, POST"))

    def test_bodies_come_in_pieces_and_one_behind_the_other(self):
        with wire.Connection(self.edge.path("edged.sock")) as connection:
            for number in range(3):
                body = batch(*[f"/{number}/{row}" for row in range(4000)])
                connection.send(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
                                % (self.route.encode(), len(body)))
                for start in range(0, len(body), 9000):
                    connection.send(body[start:start + 9000])
                equal(connection.response().status, 201)
            one, two = batch("/one"), batch("/two")
            connection.send(b"".join(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
                                     % (self.route.encode(), len(body), body) for body in (one, two)))
            equal([connection.response().status for _ in range(2)], [201, 201])
            equal(connection.ask("GET", "/healthz", [("Host", "localhost")]).status, 200)

    def test_who_waits_is_told_to_go_on(self):
        with wire.Connection(self.edge.path("edged.sock")) as connection:
            body = batch("/a")
            connection.send(b"POST %s HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
                            % (self.route.encode(), len(body)))
            equal(connection.response_head().status, 100)
            connection.send(body)
            equal(connection.response().status, 201)

    def test_bodies_have_a_bound_and_a_length(self):
        with wire.Connection(self.edge.path("edged.sock")) as connection:
            connection.send(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n" % self.route.encode())
            response = connection.response()
            equal((response.status, json.loads(response.body)["Error"]["Code"]), (413, "BatchTooLarge"))
            check(connection.is_ended(), "nothing of it is read")
        with wire.Connection(self.edge.path("edged.sock")) as connection:
            equal(connection.ask("POST", self.route, [("Host", "localhost")], b"{}", chunked=True).status, 411)
        with wire.Connection(self.edge.path("edged.sock")) as connection:
            equal(connection.ask("POST", "/reload", [("Host", "localhost")], b"{}").status, 413)

    def test_the_event_log_says_who_and_what(self):
        made = self.invalidate("/who", "/what", tags=["t"], Soft=True)["Invalidation"]
        event = self.edge.event("invalidated", id=made["Id"])
        equal((event["by"], event["user"], event["distribution"]), ("admin", 0, "all"))
        equal((event["paths"], event["tags"], event["strength"]), (2, 1, "soft"))
        equal(event["first"], "/who /what tag:t")
        self.invalidate("x", status=400)
        self.edge.event("invalidation_refused", reason="InvalidArgument")


class InvalidateCommand(Purging):
    def run_command(self, *words, code=0, socket=True):
        flags = ["--socket", self.edge.path("edged.sock")] if socket else []
        done = subprocess.run([Edge.binary, "invalidate", *words, *flags], capture_output=True, text=True,
                              timeout=PATIENCE, cwd=self.folder, stdin=subprocess.DEVNULL)
        equal(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_it_purges(self):
        paths = [self.put("c/1"), self.put("c/2", tags="tagged"), self.put("c/3")]
        self.warm(*paths)
        done = self.run_command("all", paths[0], "--tag", "tagged", "--tag=other")
        check(done.stdout.strip().endswith("purged 1 path and 2 tags of all"), done.stdout)
        equal([self.result(path) for path in paths], ["Miss", "Miss", "Hit"])
        done = self.run_command("all", "--everything", "--soft", "-c", self.edge.path("edge.json"), socket=False)
        check(done.stdout.strip().endswith("purged everything of all, softly"), done.stdout)

    def test_json_is_the_servers_answer(self):
        made = json.loads(self.run_command("all", "/a", "--json", "--reference", "cli").stdout)["Invalidation"]
        equal(made["InvalidationBatch"],
              {"Paths": {"Quantity": 1, "Items": ["/a"]}, "CallerReference": "cli"})
        done = self.run_command("all", "/a", "--reference", "cli")
        equal(done.stdout.strip(), f"{made['Id']}: known, made before")
        self.run_command("all", "/b", "--reference", "cli", code=2)

    def test_each_mistake_has_its_message(self):
        rows = [
            (["all"], "name a path or a --tag"),
            (["all", "/a", "--everything"], "stands alone"),
            (["all", "a"], "did you mean '/a'?"),
            (["all", "/a b"], "/a%20b"),
            (["nothing", "/a"], "no distribution of this name"),
            (["no such/name", "/a"], "no distribution of this name"),
        ]
        for words, message in rows:
            done = self.run_command(*words, code=2)
            equal(done.stdout, "", words)
            check(message in done.stderr, words, done.stderr)
        done = subprocess.run([Edge.binary, "invalidate", "all", "/a", "--socket", "/nowhere.sock"],
                              capture_output=True, text=True, timeout=PATIENCE)
        equal(done.returncode, 1)
        check("is edged running?" in done.stderr, done.stderr)


class PurgeMethod(Purging):
    settings = {"trusted_proxies": ["127.0.0.1/32"], "explain": {"trusted": ["192.0.2.7/32"]}}

    def purge(self, target, *fields, viewer="192.0.2.7"):
        return self.edge.ask("PURGE", target, [("X-Forwarded-For", viewer), *fields])

    def test_who_is_trusted_purges(self):
        path = self.put("m/1")
        self.warm(path, f"{path}?x=1")
        response = self.purge(path)
        equal(response.status, 200)
        equal(json.loads(response.body), {"distribution": "all", "paths": 1, "tags": 0, "strength": "hard"})
        equal(self.result(f"{path}?x=1"), "Hit")
        equal(self.result(path), "Miss")
        event = self.edge.event("invalidated", first=path)
        equal((event["by"], event["viewer"]), ("viewer", "192.0.2.7"))
        check(not any(request.method == "PURGE" for request in self.app.requests), "the origin is not asked")

    def test_what_is_not_in_the_key_need_not_be_named(self):
        path = self.put("plain-m")
        self.warm(f"{path}?first=1")
        equal(self.purge(f"{path}?second=2").status, 200)
        equal(self.result(path), "Miss")

    def test_softly(self):
        path = self.put("m/soft", etag='"1"')
        self.warm(path)
        equal(json.loads(self.purge(path, ("Purge-Soft", "1")).body)["strength"], "soft")
        equal(self.result(path), "RefreshHit")

    def test_tags(self):
        paths = [self.put("m/t1", tags="one two"), self.put("m/t2", tags="three"), self.put("m/t3", tags="four")]
        self.warm(*paths)
        response = self.purge(paths[2], ("Surrogate-Key", "two five"), ("Cache-Tag", "three, six"))
        equal(json.loads(response.body)["tags"], 4)
        equal([self.result(path) for path in paths], ["Miss", "Miss", "Hit"])

    def test_others_are_refused(self):
        path = self.put("m/others")
        self.warm(path)
        for viewer in ("192.0.2.8", "127.0.0.1", "::ffff:192.0.2.8"):
            response = self.purge(path, viewer=viewer)
            equal(response.status, 403, viewer)
            check(b"distribution" not in response.body, response.body)
        equal(self.purge(path, viewer="192.0.2.7, 198.51.100.1").status, 403, "not the nearest one")
        equal(self.edge.ask("purge", path, [("X-Forwarded-For", "192.0.2.7")]).status, 403, "another method")
        equal(self.result(path), "Hit")
        self.edge.logged(path, **{"x-edge-reason": "method_not_allowed"})

    def test_a_kept_connection_goes_on(self):
        path = self.put("m/kept")
        with self.edge.connect() as connection:
            for number in range(3):
                equal(connection.ask("PURGE", path, [("X-Forwarded-For", "192.0.2.7")]).status, 200)
                equal(connection.ask("GET", path)["X-Cache"], "Miss from edge", number)
