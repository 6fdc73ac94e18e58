"""Logs, signals and the command line."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import time

import wire
from harness import Edge, PATIENCE, Ports, Suite, behavior, check, equal, eventually, site, tls_file


class Logs(Suite):
    def setup(self):
        self.app = self.origin()

    def test_every_json_line_is_one_object(self):
        edge = self.proxy(self.app)
        hostile = [("User-Agent", 'quote " back \\ tab\t high \xff end'), ("Referer", "<script>")]
        for turn in range(50):
            edge.get(f'/fixed/1?q="{turn}\\', hostile)
        edge.ask("GET", "/fixed/1", [("Cookie", "secret=1"), ("Authorization", "Basic c2VjcmV0")])
        lines = eventually(lambda: len(edge.lines("access.log")) >= 51 and edge.lines("access.log"), "51 lines")
        for line in lines:
            told = json.loads(line)
            check(isinstance(told["sc-status"], int), line)
            check("secret" not in line and "c2VjcmV0" not in line, line)
        told = edge.access()[0]
        check(told["cs(User-Agent)"].startswith('quote " back'), told)
        equal(len({line["x-edge-request-id"] for line in edge.access()}), 51)

    def test_the_request_id_is_the_viewers_to_quote(self):
        edge = self.proxy(self.app)
        response = edge.get("/fixed/77")
        equal(edge.logged("/fixed/77")["x-edge-request-id"], response["X-Edge-Id"])

    def test_the_standard_log_has_33_fields(self):
        edge = self.proxy(self.app, log={"access": "access.log", "format": "standard", "events": "events.log", "level": "debug"})
        edge.get("/fixed/1?a=b c".replace(" ", "%20"), [("User-Agent", "two words\tand a tab")])
        edge.get("/fixed/2")
        lines = eventually(lambda: len(edge.lines("access.log")) >= 4 and edge.lines("access.log"), "two lines and a header")
        equal(lines[0], "#Version: 1.0")
        check(lines[1].startswith("#Fields: date time x-edge-location sc-bytes c-ip"), lines[1])
        equal(len(lines[1].split(" ")) - 1, 33)
        for line in lines[2:]:
            equal(len(line.split("\t")), 33, line)
            check(" " not in line, line)

    def test_usr1_reopens_after_a_rename(self):
        edge = self.proxy(self.app)
        edge.get("/fixed/1")
        edge.logged("/fixed/1")
        os.rename(edge.path("access.log"), edge.path("access.log.1"))
        os.rename(edge.path("events.log"), edge.path("events.log.1"))
        edge.signal(signal.SIGUSR1)
        eventually(lambda: os.path.exists(edge.path("access.log")), "a new file")
        eventually(lambda: os.path.exists(edge.path("events.log")), "a new file of events")
        edge.get("/fixed/2")
        edge.logged("/fixed/2")
        equal(len(edge.lines("access.log.1")), 1)

    def test_standard_output(self):
        edge = self.proxy(self.app, log={"access": "stdout", "events": "events.log"})
        edge.get("/fixed/3")
        eventually(lambda: '"/fixed/3"' in edge.output(), "a line on standard output")

    def test_bytes_are_counted(self):
        edge = self.proxy(self.app)
        with edge.connect() as connection:
            data = connection.head("POST", "/echo/count", [("Content-Length", "1000")]) + b"x" * 1000
            connection.send(data)
            connection.response()
        line = edge.logged("/echo/count")
        equal(line["cs-bytes"], len(data))
        response = edge.get("/fixed/100000")
        check(edge.logged("/fixed/100000")["sc-bytes"] > 100_000, line)


class Signals(Suite):
    def setup(self):
        self.app = self.origin()

    def running(self, edge, target):
        connection = edge.connect()
        self.stack.callback(connection.close)
        connection.send(connection.head("GET", target))
        eventually(lambda: self.app.asked(target), "the origin is asked")
        return connection

    def test_term_finishes_what_runs_and_starts_nothing(self):
        edge = self.proxy(self.app)
        idle = edge.connect()
        equal(idle.ask("GET", "/fixed/3").status, 200)
        busy = self.running(edge, "/slow/1")
        edge.signal(signal.SIGTERM)
        check(idle.is_ended(), "idle connections end")
        eventually(lambda: not accepts(edge), "nothing is accepted")
        response = busy.response()
        equal((response.status, response.body), (200, b"late\n"))
        equal(edge.ended(), 0)
        equal(edge.access()[-1]["cs-uri-stem"], "/slow/1", "the last line is written")

    def test_term_lets_a_head_arrive(self):
        edge = self.proxy(self.app)
        with edge.connect() as connection, edge.connect() as silent:
            connection.send("GET /fixed/3 HTTP/1.1\r\nHo")
            silent.send("")
            time.sleep(0.3)
            edge.signal(signal.SIGTERM)
            eventually(lambda: not accepts(edge), "nothing is accepted")
            check(silent.is_ended(), "one that has said nothing ends")
            connection.send("st: a\r\n\r\n")
            response = connection.response()
            equal((response.status, response["Connection"]), (200, "close"))
        equal(edge.ended(), 0)

    def test_without_descriptors_it_says_so_and_goes_on(self):
        edge = self.edge({"origins": {"app": {"url": self.app.url}}, "distributions": {"all": site("app")}},
                         under=["prlimit", "--nofile=300:300"])
        equal(edge.event("connections_limited")["connections"], 44)
        with contextlib.ExitStack() as held:
            for _ in range(44):
                equal(held.enter_context(edge.connect()).ask("GET", "/fixed/3").status, 200)
            with edge.connect() as connection:
                response = connection.ask("GET", "/fixed/3")
                equal((response.status, response["Retry-After"]), (503, "5"))
        eventually(lambda: edge.get("/fixed/3").status == 200, "there is room again")

    def test_term_has_a_deadline(self):
        edge = self.proxy(self.app, limits={"drain_timeout": "300ms"})
        self.running(edge, "/slow/30")
        edge.signal(signal.SIGTERM)
        equal(edge.ended(), 0)

    def test_a_second_term_ends_at_once(self):
        edge = self.proxy(self.app)
        self.running(edge, "/slow/30.5")
        edge.signal(signal.SIGTERM)
        edge.event("draining")
        edge.signal(signal.SIGTERM)
        equal(edge.ended(), 143)

    def test_int_twice(self):
        edge = self.proxy(self.app)
        self.running(edge, "/slow/30.6")
        edge.signal(signal.SIGINT)
        edge.event("draining")
        edge.signal(signal.SIGINT)
        equal(edge.ended(), 130)

    def test_quit_waits_however_long_it_takes(self):
        edge = self.proxy(self.app, limits={"drain_timeout": "100ms"})
        busy = self.running(edge, "/slow/1.5")
        edge.signal(signal.SIGQUIT)
        equal(busy.response().body, b"late\n")
        equal(edge.ended(), 0)

    def test_systemd_is_told(self):
        path = os.path.join(self.folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(PATIENCE)
            edge = self.edge({"origins": {"app": {"url": self.app.url}}, "distributions": {"all": site("app")}},
                             environment={"NOTIFY_SOCKET": path})
            check(b"READY=1" in notify.recv(1000))
            edge.signal(signal.SIGTERM)
            check(b"STOPPING=1" in notify.recv(1000))


    def test_usr2_says_what_it_cannot_do(self):
        edge = self.proxy(self.app)
        edge.signal(signal.SIGUSR2)
        check("USR2 does nothing" in edge.event("upgrade_unavailable", level="warn")["reason"])
        equal(edge.get("/fixed/3").status, 200)


def accepts(edge):
    try:
        edge.connect(timeout=2).close()
        return True
    except OSError:
        return False


class CommandLine(Suite):
    def run_edged(self, *words, cwd=None, environment=None):
        return subprocess.run([Edge.binary, *words], capture_output=True, text=True, timeout=PATIENCE,
                              cwd=cwd or self.folder, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})

    def fails(self, code, *parts, words, lines=1, **options):
        done = self.run_edged(*words, **options)
        equal(done.returncode, code, done.stderr)
        for part in parts:
            check(part in done.stderr, repr(part), "is not in", repr(done.stderr))
        for sign in ("Fatal error", "Stack dump", "Current stack", "💣", "at /"):
            check(sign not in done.stderr, done.stderr)
        if lines:
            check(len(done.stderr.strip().split("\n")) <= lines, "more than one message:", done.stderr)
        return done

    def config(self, name="edge.json", **changes):
        table = {
            "listen": [{"address": f"127.0.0.1:{Ports.take()}"}],
            "admin": {"socket": "edged.sock"},
            "log": {"access": "access.log", "events": "events.log"},
            "origins": {"app": {"url": "http://127.0.0.1:9"}},
            "distributions": {"all": site("app")},
            **changes,
        }
        return self.write(name, json.dumps(table).encode())

    def test_help_and_version(self):
        for words in (["--help"], ["help"], ["run", "--help"], ["check", "--help"], ["help", "run"]):
            done = self.run_edged(*words)
            equal(done.returncode, 0, words)
            check("edged" in done.stdout, done)
        check("Example" in self.run_edged("run", "--help").stdout)
        done = self.run_edged("version")
        equal(done.returncode, 0)
        check(re.search(r"\d+\.\d+\.\d+ \((unknown|[0-9a-f]{12}(-dirty)?), Swift", done.stdout), done.stdout)

    def test_a_bad_configuration_says_where(self):
        path = self.write("bad.lua", b'return {\n  listen = { { adress = "127.0.0.1:1" } },\n  workers = "many",\n}\n')
        for verb in ("run", "check"):
            self.fails(78, "bad.lua:2:", "did you mean", "bad.lua:3:", words=[verb, "-c", path], lines=0)

    def test_a_syntax_error_says_where(self):
        path = self.write("syntax.lua", b"return {\n  listen = = {},\n}\n")
        self.fails(78, "syntax.lua:2:", words=["run", "-c", path])

    def test_a_good_configuration(self):
        done = self.run_edged("check", "-c", self.config())
        equal((done.returncode, done.stderr), (0, ""))

    def test_an_unwritable_log(self):
        self.fails(1, "/nowhere/access.log", words=["run", "-c", self.config(
            "log.json", log={"access": "/nowhere/access.log", "events": "stderr"})])

    def test_a_missing_folder(self):
        self.fails(78, "missing", words=["run", "-c", self.config(
            "folder.json", origins={"app": {"files": "missing"}})], lines=2)

    def test_an_address_that_is_not_ours(self):
        self.fails(1, "192.0.2.1", words=["run", "-c", self.config("address.json", listen=[{"address": "192.0.2.1:8080"}])])

    def test_what_comes_later_is_refused_at_run(self):
        path = self.config("later.json", distributions={"all": site("app", geo={"deny": ["KP"]})})
        self.fails(78, "not available in this version", words=["run", "-c", path], lines=2)

    def test_output_that_nobody_reads(self):
        """A closed pipe ends quietly."""
        process = subprocess.Popen([Edge.binary, "config", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        process.wait(PATIENCE)
        equal(process.stderr.read(), b"")
        process.stderr.close()

    def test_the_schema_is_json(self):
        done = self.run_edged("config", "schema")
        equal(done.returncode, 0)
        check(json.loads(done.stdout)["properties"]["listen"], "listen")

    def test_the_dump_is_accepted_again(self):
        first = self.run_edged("check", "-c", self.config(), "--dump")
        equal(first.returncode, 0)
        again = self.write("dump.json", first.stdout.encode())
        equal(self.run_edged("check", "-c", again, "--dump").stdout, first.stdout)

    def test_mistakes_as_json(self):
        path = self.write("bad2.lua", b'return {\n  workers = "many",\n}\n')
        done = self.run_edged("check", "-c", path, "--json")
        equal(done.returncode, 78)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        check(told, done)

    def test_the_reference_passes(self):
        folder = os.path.join(os.path.dirname(__file__), "..", "Fixtures", "config", "surface")
        done = self.run_edged("check", "-c", "edge.lua", cwd=folder, environment={"EDGED_TOKEN": "x"})
        equal(done.returncode, 0, done.stderr)
