"""The cache on disk: what survives a restart, a crash and a bad disk, and what must not."""

import hashlib
import json
import os
import random
import signal
import subprocess
import threading
import time

import wire
from harness import Edge, Suite, behavior, check, equal, eventually, skip
from test_cache import Library
from test_invalidation import batch

MEBI = 1 << 20


class Restarts(Suite):
    """An edge with a folder of its own on disk, and an origin that counts."""

    rule = {}
    policy = {"headers": ["Accept-Language"]}
    size = "128MB"
    memory = "16MB"
    workers = 2

    def setup(self):
        self.app = self.origin()
        self.library = Library(self.app, cache_control="max-age=86400")
        self.runs = 0
        self.edge = self.edge(self.configuration(), workers=self.workers)
        self.disk = self.edge.path("cache")

    def configuration(self):
        return {
            "cache": {"memory": self.memory, "disk": {"folder": "cache", "size": self.size}},
            "origins": {"app": {"url": self.app.url}},
            "distributions": {"all": {"domains": ["*"], "behaviors": [
                behavior("/off/*", "app"),
                {"path": "*", "origin": "app", "cache": self.rule, "origin_request": self.policy}]}},
        }

    # What it says of itself

    def admin(self, method, target, body=None):
        with wire.Connection(self.edge.path("edged.sock")) as connection:
            return connection.ask(method, target, [("Host", "localhost")], body)

    def metric(self, name):
        page = self.admin("GET", "/metrics").text
        return next(int(line.split()[-1]) for line in page.splitlines() if line.startswith(name + " "))

    def invalidate(self, *paths, **more):
        response = self.admin("POST", "/distributions/all/invalidations", batch(*paths, **more))
        equal(response.status, 201, response.text)
        return json.loads(response.body)

    # What it does

    def put(self, name, body, tags="", **more):
        fields = list(more.pop("fields", ()))
        return self.library.put(name, body, fields=fields + ([("Surrogate-Key", tags)] if tags else []), **more)

    def get(self, path, result=None, body=None, fields=()):
        response = self.edge.get(path, fields)
        check(response.status in (200, 206), path, response.status, response.text[:200])
        if result:
            equal(response["X-Cache"], f"{result} from edge", path)
        if body is not None:
            check(response.body == body, path, f"{len(response.body)} bytes that are not those of the origin")
        return response

    def store(self, *paths):
        """Asked for twice, so that each goes to disk; returns when all are there."""
        for path in paths:
            self.get(path)
            self.get(path, "Hit")
        eventually(lambda: all(self.is_stored(path) for path in paths), f"{paths} are on disk")

    def is_stored(self, path):
        question = json.dumps({"url": f"http://test.example{path}"}).encode()
        return json.loads(self.admin("POST", "/explain", question).body)["on_disk"]

    def start(self):
        """Once more, with logs of its own."""
        for name in ("events.log", "access.log"):
            if os.path.exists(self.edge.path(name)):
                os.rename(self.edge.path(name), self.edge.path(f"{name}.{self.runs}"))
        self.runs += 1
        self.edge.start()

    def restart(self):
        self.edge.signal(signal.SIGTERM)
        equal(self.edge.ended(), 0)
        self.start()

    def crash(self):
        self.edge.process.kill()
        self.edge.process.wait()
        self.start()


class DiskHonours(Restarts):
    rule = {"viewer_directives": "honour"}

    def test_what_viewers_want_holds_for_the_disk_as_well(self):
        path = self.put("wanted", b"one\n", etag='"1"')
        self.store(path)
        self.restart()
        before = self.library.count(path)
        self.get(path, "RefreshHit", b"one\n", [("Cache-Control", "no-cache")])
        equal(self.library.count(path), before + 1)
        self.get(path, "Hit", b"one\n")
        equal(self.library.count(path), before + 1)


class DiskCache(Restarts):
    def test_survives_a_restart(self):
        path = self.put("again", b"kept\n", fields=[("X-Own", "1"), ("Content-Type", "text/plain")])
        self.store(path)
        self.restart()
        response = self.get(path, "Hit", b"kept\n")
        equal((response["X-Own"], response["Content-Type"]), ("1", "text/plain"))
        check(response["Age"] is not None, "no age")
        self.edge.logged(path, **{"x-edge-result-type": "Hit"})
        self.get(path, "Hit", b"kept\n")
        equal(self.library.count(path), 1)
        equal(self.metric("edged_cache_disk_hits_total"), 1, "the second answer is from memory")

    def test_survives_a_crash(self):
        paths = [self.put(f"crash{index}", b"%d" % index * 1000) for index in range(40)]
        self.store(*paths)
        self.crash()
        for index, path in enumerate(paths):
            self.get(path, "Hit", b"%d" % index * 1000)
            equal(self.library.count(path), 1, path)

    def test_what_was_asked_for_once_is_not_written(self):
        before = self.metric("edged_cache_disk_written_records_total")
        paths = [self.put(f"once{index}", b"x") for index in range(20)]
        for path in paths:
            self.get(path, "Miss")
        time.sleep(0.6)
        equal(self.metric("edged_cache_disk_written_records_total"), before)

    def test_those_who_wait_together_share_one_read(self):
        path = self.put("crowd", random.randbytes(300_000))
        body = self.library.bodies[path]
        self.store(path)
        self.restart()
        bodies = []
        threads = [threading.Thread(target=lambda: bodies.append(self.get(path, "Hit").body)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check(all(each == body for each in bodies) and len(bodies) == 20, "somebody got something else")
        equal(self.library.count(path), 1)
        equal(self.metric("edged_cache_disk_hits_total"), 1)

    def test_bodies_of_all_sizes(self):
        sizes = [0, 1, 4095, 65_536, MEBI - 1, MEBI, MEBI + 1, 1_900_000]
        bodies = {self.put(f"size{size}", body): body for size, body in
                  ((size, random.randbytes(size)) for size in sizes)}
        self.store(*bodies)
        self.restart()
        for path, body in bodies.items():
            self.get(path, "Hit", body)
            equal(self.library.count(path), 1, path)

    def test_ranges_of_what_is_on_disk(self):
        body = random.randbytes(1_500_000)
        path = self.put("part", body, etag='"p"')
        self.store(path)
        self.restart()
        response = self.get(path, "Hit", body[1_100_000:1_200_000], [("Range", "bytes=1100000-1199999")])
        equal(response.status, 206)
        equal(self.library.count(path), 1)

    def test_variants(self):
        fields = [("Vary", "Accept-Language")]
        path = "/o/vary"
        bodies = {"de": b"deutsch", "en": b"english", "": b"none"}
        for language, body in bodies.items():
            self.put("vary", body, fields=fields)
            asked = [("Accept-Language", language)] if language else []
            for result in ("Miss", "Hit"):
                self.get(path, result, body, asked)
        eventually(lambda: self.metric("edged_cache_disk_records") >= 4, "three variants and their names")
        self.put("vary", b"newer", fields=fields)
        count = self.library.count(path)
        self.restart()
        for language, body in bodies.items():
            self.get(path, "Hit", body, [("Accept-Language", language)] if language else [])
        equal(self.library.count(path), count)
        self.get(path, "Miss", b"newer", [("Accept-Language", "fr")])

    def test_a_stale_object_is_asked_about(self):
        body = random.randbytes(200_000)
        path = self.put("stale", body, cache_control="max-age=1", etag='"s"')
        self.store(path)
        self.library.put("stale", body, cache_control="max-age=60", etag='"s"')
        time.sleep(1.5)
        self.restart()
        self.get(path, "RefreshHit", body)
        check(path in self.library.conditions, "the origin was not asked whether it is still right")
        self.get(path, "Hit", body)

    def test_a_stale_object_that_has_changed(self):
        path = self.put("changed", b"old", cache_control="max-age=1", etag='"1"')
        self.store(path)
        self.put("changed", b"new", etag='"2"')
        time.sleep(1.5)
        self.restart()
        self.get(path, "Miss", b"new")
        self.get(path, "Hit", b"new")

    def test_a_newer_answer_takes_the_place_of_an_older_one(self):
        path = self.put("newer", b"old", cache_control="max-age=2", etag='"1"')
        self.store(path)
        self.put("newer", b"new", cache_control="max-age=60", etag='"2"')
        time.sleep(2.5)
        self.get(path, "Miss", b"new")
        # Asked for once: it is not on disk, and what it has replaced is not there any more either.
        self.put("newer", b"newest", etag='"3"')
        time.sleep(0.5)
        self.restart()
        check(self.get(path).body in (b"new", b"newest"), "an answer that was replaced")

    def test_compressed(self):
        text = b"all work and no play " * 4000
        path = "/o/text"
        self.edge.configuration["distributions"]["all"]["behaviors"][1]["compress"] = True
        self.restart()
        self.put("text", text, fields=[("Content-Type", "text/plain")])
        fields = [("Accept-Encoding", "gzip")]
        before = self.metric("edged_cache_disk_written_records_total")
        coded = self.get(path, "Miss", fields=fields)
        equal(coded["Content-Encoding"], "gzip")
        self.get(path, "Hit", fields=fields)
        eventually(lambda: self.metric("edged_cache_disk_written_records_total") > before, "a record")
        self.restart()
        again = self.get(path, "Hit", coded.body, fields)
        equal(again["Content-Encoding"], "gzip")
        equal(self.library.count(path), 1)

    def test_a_second_process_is_refused(self):
        other = dict(self.edge.configuration, listen=[{"address": "127.0.0.1:0"}], admin={"socket": "other.sock"})
        with open(self.edge.path("other.json"), "w") as file:
            json.dump(other, file)
        result = subprocess.run([Edge.binary, "run", "-c", self.edge.path("other.json")], cwd=self.edge.folder,
                                capture_output=True, text=True, timeout=20)
        equal(result.returncode, 1)
        check("in use by another process" in result.stderr, result.stderr)

    def test_a_folder_that_cannot_be_used(self):
        with open(self.edge.path("file"), "w") as file:
            file.write("not a folder")
        other = json.loads(json.dumps(self.edge.configuration))
        other.update(listen=[{"address": "127.0.0.1:0"}], admin={"socket": "other.sock"})
        other["cache"]["disk"]["folder"] = "file"
        with open(self.edge.path("other.json"), "w") as file:
            json.dump(other, file)
        result = subprocess.run([Edge.binary, "run", "-c", self.edge.path("other.json")], cwd=self.edge.folder,
                                capture_output=True, text=True, timeout=20)
        equal(result.returncode, 1)
        check("file" in result.stderr and "cache.disk" in result.stderr, result.stderr)
        other["cache"]["disk"] = {"folder": "cache", "size": "1MB"}
        with open(self.edge.path("other.json"), "w") as file:
            json.dump(other, file)
        result = subprocess.run([Edge.binary, "run", "-c", self.edge.path("other.json")], cwd=self.edge.folder,
                                capture_output=True, text=True, timeout=20)
        equal(result.returncode, 78, result.stderr)

    def test_another_folder_needs_a_restart(self):
        self.edge.configuration["cache"]["disk"]["folder"] = "elsewhere"
        self.edge.write()
        answer = self.admin("POST", "/reload")
        equal(answer.status, 200, answer.text)
        check("cache.disk" in answer.text, answer.text)
        self.edge.configuration["cache"]["disk"]["folder"] = "cache"
        self.edge.write()
        check("cache.disk" not in self.admin("POST", "/reload").text, "the folder is what it was")


class DiskBlocks(Restarts):
    """Objects that are kept by blocks."""

    rule = {"block": "64KB"}

    def test_blocks_and_a_seek_after_a_restart(self):
        body = random.randbytes(10 * MEBI)
        path = self.put("film", body, etag='"film"')

        def ask(first, last, result):
            response = self.get(path, result, body[first:last + 1], [("Range", f"bytes={first}-{last}")])
            equal(response.status, 206)

        spots = [0, 3 * MEBI + 7, 9 * MEBI]
        for spot in spots:
            for _ in range(3):
                ask(spot, spot + 999, None)
        eventually(lambda: self.metric("edged_cache_disk_records") >= 4, "three blocks and their head")
        count = self.library.count(path)
        self.restart()
        for spot in spots:
            ask(spot, spot + 999, "Hit")
        equal(self.library.count(path), count, "blocks that are on disk")
        ask(5 * MEBI, 5 * MEBI + 999, "Hit")
        equal(self.library.count(path), count + 1, "one block for a seek")
        # All of it, from disk and origin.
        self.get(path, "Hit", body)

    def test_the_origin_has_another_one(self):
        old, new = random.randbytes(4 * MEBI), random.randbytes(4 * MEBI)
        path = self.put("swap", old, etag='"old"')
        for _ in range(3):
            self.get(path, None, old[:1000], [("Range", "bytes=0-999")])
        eventually(lambda: self.metric("edged_cache_disk_records") >= 2, "a block and its head")
        self.restart()
        self.put("swap", new, etag='"new"')
        with self.edge.connect() as connection:
            try:
                response = connection.ask("GET", path, [("Range", f"bytes={MEBI}-{MEBI + 999}")])
                check(response.status >= 500 or response.body == new[MEBI:MEBI + 1000], "parts of two objects")
            except (wire.Closed, ConnectionError, OSError):
                pass
        eventually(lambda: self.edge.get(path, [("Range", "bytes=0-999")]).body == new[:1000], "the new one")


class DiskPurges(Restarts):
    # The journal's share of it has room for a batch of 50,000.
    size = "1GB"

    def purged(self, then, *paths, kept=()):
        """`paths` are gone after a purge and `then` a new start, and `kept` are not."""
        self.put_new(paths)
        counts = {path: self.library.count(path) for path in kept}
        then()
        for path in paths:
            self.get(path, "Miss", b"new")
        for path in kept:
            self.get(path, "Hit", b"old")
            equal(self.library.count(path), counts[path], path)

    def put_new(self, paths):
        for path in paths:
            self.put(path[3:], b"new")

    def test_by_path(self):
        paths = [self.put(f"path{index}", b"old") for index in range(3)]
        self.store(*paths)
        answer = self.invalidate(paths[0])
        check("Warning" not in answer, answer)
        self.purged(self.crash, paths[0], kept=paths[1:])

    def test_by_wildcard(self):
        paths = [self.put(name, b"old") for name in ("wild/a", "wild/b", "tame/a")]
        self.store(*paths)
        self.invalidate("/o/wild/*")
        self.purged(self.restart, *paths[:2], kept=paths[2:])

    def test_by_tag(self):
        paths = [self.put(f"tag{index}", b"old", tags=f"t{index % 2} all") for index in range(4)]
        self.store(*paths)
        self.invalidate(tags=["t1"])
        self.purged(self.crash, paths[1], paths[3], kept=(paths[0], paths[2]))

    def test_everything(self):
        paths = [self.put(f"every{index}", b"old") for index in range(3)]
        self.store(*paths)
        self.invalidate(Everything=True)
        self.purged(self.crash, *paths)

    def test_purged_when_only_the_disk_had_it(self):
        paths = [self.put(f"cold{index}", b"old", tags="cold") for index in range(2)]
        self.store(*paths)
        self.restart()
        self.invalidate(tags=["cold"])
        self.put_new(paths)
        self.get(paths[0], "Miss", b"new")
        self.crash()
        self.get(paths[1], "Miss", b"new")

    def test_softly(self):
        path = self.put("soft", b"same", etag='"same"')
        self.store(path)
        self.invalidate(path, Soft=True)
        self.crash()
        self.get(path, "RefreshHit", b"same")
        self.get(path, "Hit", b"same")

    def test_what_comes_after_a_purge_stays(self):
        path = self.put("after", b"old", tags="after")
        self.store(path)
        self.invalidate(tags=["after"])
        self.put("after", b"new", tags="after")
        self.store(path)
        self.crash()
        self.get(path, "Hit", b"new")

    def test_fifty_thousand_paths(self):
        kept, gone = self.put("mass-kept", b"old"), self.put("mass-gone", b"old")
        self.store(kept, gone)
        self.invalidate(*[f"/o/mass/{index}" for index in range(49_999)], gone)
        self.purged(self.crash, gone, kept=[kept])

    def test_by_an_application(self):
        path = self.put("method", b"old")
        self.edge.configuration["explain"] = {"trusted": ["127.0.0.1"]}
        self.restart()
        self.store(path)
        response = self.edge.ask("PURGE", path)
        equal(response.status, 200, response.text)
        check("warning" not in response.text, response.text)
        self.purged(self.crash, path)


class DiskFaults(Restarts):
    """The disk goes bad while the edge runs."""

    def serves(self, path, body):
        for _ in range(2):
            self.get(path, None, body)

    def state(self):
        return json.loads(self.admin("GET", "/status").body)["cache"]["disk"]

    def test_flipped_bytes(self):
        bodies = {self.put(f"flip{index}", body): body for index, body in
                  enumerate(random.randbytes(50_000) for _ in range(20))}
        self.store(*bodies)
        self.edge.signal(signal.SIGTERM)
        self.edge.ended()
        for name in os.listdir(self.disk):
            if not name.endswith(".segment"):
                continue
            with open(os.path.join(self.disk, name), "r+b") as file:
                content = bytearray(file.read())
                for place in range(20_000, len(content), 130_000):
                    content[place] ^= 0x10
                file.seek(0)
                file.write(content)
        self.start()
        results = [self.get(path, None, body)["X-Cache"] for path, body in bodies.items()]
        check(any(result.startswith("Miss") for result in results), "nothing was hit by a flipped bit")
        check(self.metric("edged_cache_disk_faults_total") > 0, "torn records are not counted")

    def test_a_folder_that_goes_away_and_comes_back(self):
        path, body = self.put("away", b"away"), b"away"
        self.store(path)
        os.rename(self.disk, self.disk + ".gone")
        answer = self.invalidate("/o/none")
        check("Warning" in answer, answer)
        self.edge.event("disk_cache_failing")
        check(self.state()["failing"] == "folder_gone", self.state())
        for index in range(5):
            self.serves(self.put(f"meanwhile{index}", b"m"), b"m")
        self.serves(path, body)
        os.rename(self.disk + ".gone", self.disk)
        self.edge.event("disk_cache_recovered")
        check(self.state().get("failing") is None, self.state())
        more = self.put("back", b"back")
        self.store(more)
        self.crash()
        self.get(more, "Hit", b"back")

    def test_a_purge_that_the_disk_did_not_take_holds_after_it_is_back(self):
        path = self.put("owed", b"old")
        self.store(path)
        os.rename(self.disk, self.disk + ".gone")
        answer = self.invalidate(path)
        check("Warning" in answer, answer)
        self.put("owed", b"new")
        self.get(path, "Miss", b"new")
        os.rename(self.disk + ".gone", self.disk)
        self.edge.event("disk_cache_recovered")
        self.crash()
        self.get(path, None, b"new")


class FullDisk(Restarts):
    memory = "64MB"

    def setup(self):
        if os.geteuid() != 0:
            skip("only root can mount a small disk")
        self.small = os.path.join(self.folder, "small")
        os.makedirs(self.small)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", self.small], capture_output=True)
        if done.returncode != 0:
            skip("no disk can be mounted here")
        self.stack.callback(lambda: subprocess.run(["umount", "-l", self.small], check=True))
        super().setup()
        self.disk = os.path.join(self.small, "cache")

    def configuration(self):
        configuration = super().configuration()
        configuration["cache"]["disk"]["folder"] = os.path.join(self.small, "cache")
        return configuration

    def test_a_full_disk_is_told_once_and_forgotten_when_there_is_room(self):
        bodies = {self.put(f"full{index}", body): body for index, body in
                  enumerate(random.randbytes(500_000) for _ in range(30))}
        for path, body in bodies.items():
            self.get(path, None, body)
            self.get(path, "Hit", body)
        self.edge.event("disk_cache_failing", fault="disk_full")
        for path, body in bodies.items():
            self.get(path, None, body)
        equal(sum(event["event"] == "disk_cache_failing" for event in self.edge.events()), 1)
        subprocess.run(["mount", "-o", "remount,size=200m", self.small], check=True)
        self.edge.event("disk_cache_recovered")
        path = self.put("room", b"room")
        self.store(path)
        self.crash()
        self.get(path, "Hit", b"room")
        for path, body in bodies.items():
            self.get(path, None, body)


class Kills(Restarts):
    """`kill -9` again and again in the middle of fills and purges."""

    kills = int(os.environ.get("EDGED_KILLS", "10"))
    memory = "8MB"
    size = "64MB"
    names = 60

    def setup(self):
        self.lock = threading.Lock()
        # Of each name: the version that the origin gives, and the oldest that may still be shown.
        self.versions = {name: 1 for name in range(self.names)}
        self.floors = {name: 1 for name in range(self.names)}
        self.random = random.Random(7)
        self.app = self.origin()
        self.app.on("k", self.answer)
        self.runs = 0
        self.edge = self.edge(self.configuration(), workers=2)
        self.disk = self.edge.path("cache")

    @staticmethod
    def body(name, version):
        """Of any size, and never the same for two versions."""
        seed = hashlib.sha256(b"%d %d" % (name, version)).digest()
        length = int.from_bytes(seed[:4], "little") % (1_500_000 if name % 10 == 0 else 60_000)
        return (seed * (length // 32 + 2))[:length + 64]

    def answer(self, connection, request):
        connection.read_body(request)
        name = int(request.path.rpartition("/")[2])
        with self.lock:
            version = self.versions[name]
        connection.answer(200, self.body(name, version), [
            ("Cache-Control", "max-age=86400"), ("Version", str(version)), ("Surrogate-Key", f"n{name} g{name % 7}")])
        return True

    def look(self, name):
        with self.lock:
            floor = self.floors[name]
        response = self.edge.get(f"/k/{name}")
        equal(response.status, 200)
        version = int(response["Version"])
        check(version >= floor, f"/k/{name} has version {version}, and {floor} was the oldest that was not purged")
        check(response.body == self.body(name, version), f"/k/{name} is torn")
        return response["X-Cache"].startswith("Hit")

    def purge(self, name):
        """A new version; those before are gone once the purge has been acknowledged."""
        how = self.random.randrange(3)
        touched = [name] if how < 2 else [other for other in range(self.names) if other % 7 == name % 7]
        with self.lock:
            for each in touched:
                self.versions[each] += 1
            versions = {each: self.versions[each] for each in touched}
        body = batch(f"/k/{name}") if how == 0 else batch(tags=[f"n{name}" if how == 1 else f"g{name % 7}"])
        answer = self.admin("POST", "/distributions/all/invalidations", body)
        equal(answer.status, 201, answer.text)
        check("Warning" not in answer.text, answer.text)
        with self.lock:
            for each, version in versions.items():
                self.floors[each] = max(self.floors[each], version)

    def busy(self, stop, work, failures):
        while not stop.is_set():
            try:
                work()
            except (wire.Closed, ConnectionError, OSError, EOFError, IndexError, ValueError):
                # It was killed in the middle of it.
                time.sleep(0.01)
            except AssertionError as error:
                if stop.is_set():
                    return
                failures.append(error)
                return

    def test_nothing_torn_and_nothing_purged_is_served(self):
        hits = 0
        for _ in range(self.kills):
            stop, failures = threading.Event(), []
            jobs = [lambda: self.look(random.randrange(self.names))] * 3
            jobs.append(lambda: (self.purge(self.random.randrange(self.names)), time.sleep(0.02)))
            threads = [threading.Thread(target=self.busy, args=(stop, job, failures)) for job in jobs]
            for thread in threads:
                thread.start()
            time.sleep(0.2 + self.random.random() * 0.6)
            self.edge.process.kill()
            self.edge.process.wait()
            stop.set()
            for thread in threads:
                thread.join()
            check(not failures, *failures)
            self.start()
            hits += sum(self.look(name) for name in range(self.names))
        check(hits > 0, "nothing ever came from disk")
        print(f"        {self.kills} kills, {hits} answers from disk, all of them right", flush=True)
