"""Reloads: what is taken, what is refused, what is told, and that nobody who is served notices."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

from harness import Edge, PATIENCE, Ports, Suite, check, equal, eventually, site, tls_file


class Reloads(Suite):
    def setup(self):
        self.app, self.other = self.origin(name="old"), self.origin(name="new")

    def test_a_change_is_picked_up(self):
        edge = self.proxy(self.app)
        equal(edge.get("/status/200").body, b"old 200\n")
        edge.configuration["origins"]["app"]["url"] = self.other.url
        edge.write()
        edge.signal(signal.SIGHUP)
        edge.event("reloaded")
        eventually(lambda: edge.get("/status/200").body == b"new 200\n", "the new origin")
        eventually(lambda: edge.access()[-1]["x-edge-generation"] == 2, "the generation in the log")

    def test_a_mistake_keeps_the_old_one(self):
        edge = self.proxy(self.app)
        good = edge.configuration
        for break_it in ({"no_such_setting": 1}, {"origins": {}}, {"log": {"access": "/nowhere/access.log", "events": "events.log"}}):
            before = len([event for event in edge.events() if event["event"] == "reload_refused"])
            edge.write({**good, **break_it})
            edge.signal(signal.SIGHUP)
            refused = eventually(lambda: [event for event in edge.events() if event["event"] == "reload_refused"][before:],
                                 f"{break_it} is refused")
            check(re.match(r".*/edge.json:\d+:\d+: error: ", refused[0]["reason"]), refused)
            equal(edge.get("/status/200").body, b"old 200\n")
        edge.write(good)
        edge.signal(signal.SIGHUP)
        edge.event("reloaded")

    def test_a_running_download_goes_on(self):
        edge = self.proxy(self.app)
        def paced(connection, request):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n")
            for _ in range(40):
                connection.send(b"x" * 10_000)
                time.sleep(0.03)
            return True
        self.app.on("paced", paced)
        with edge.connect() as connection:
            connection.send(connection.head("GET", "/paced"))
            head = connection.response_head()
            edge.configuration["origins"]["app"]["url"] = self.other.url
            edge.write()
            for generation in (2, 3, 4):
                edge.signal(signal.SIGHUP)
                edge.event("reloaded", generation=generation)
            connection.body(head)
            equal(len(head.body), 400_000)
            equal(connection.ask("GET", "/status/200").body, b"new 200\n", "the same connection")
        equal(edge.logged("/paced")["x-edge-generation"], 1)

    def test_many_reloads_under_load(self):
        """One in ten is broken; nobody who asks notices any of it."""
        edge = self.proxy(self.app)
        good = edge.configuration
        with self.load(edge) as failures:
            generation = 1
            breaks = ({"origins": {}}, {"no_such_setting": 1}, {"listen": [{"address": "nowhere"}]})
            for turn in range(50):
                broken = turn % 10 == 9
                edge.write({**good, **breaks[turn % len(breaks)]} if broken else
                           {**good, "limits": {"idle_timeout": f"{20 + turn}s"}})
                told = reload(edge, code=78 if broken else 0)
                generation += 0 if broken else 1
                equal(told["generation"], generation if broken else {"from": generation - 1, "to": generation})
        equal(failures, [])
        equal(generation, 46)

    @contextlib.contextmanager
    def load(self, edge, clients=4):
        """Requests all the while, on kept connections and new ones; yields what went wrong."""
        stop, failures, served = threading.Event(), [], []
        def ask():
            while not stop.is_set():
                try:
                    with edge.connect() as connection:
                        for _ in range(10):
                            response = connection.ask("GET", "/fixed/1000")
                            if response.status != 200 or len(response.body) != 1000:
                                failures.append(response)
                            served.append(1)
                except Exception as error:  # noqa: BLE001
                    failures.append(error)
        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield failures
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            self.served = len(served)

    def test_certificates_are_replaced_without_dropping(self):
        import ssl
        folder = os.path.join(self.folder, "live")
        os.makedirs(folder, exist_ok=True)
        def install(name):
            for kind in ("pem", "key"):
                with open(tls_file(f"{name}.{kind}"), "rb") as source:
                    self.write(f"live/live.{kind}", source.read())
        install("shop")
        edge = self.edge({"origins": {"app": {"url": self.app.url}}, "distributions": {"all": site("app")}}, listen=[
            {"address": "127.0.0.1:PORT", "tls": [{"certificate": os.path.join(folder, "live.pem"), "key": os.path.join(folder, "live.key")}]}])
        lax = ssl.create_default_context(cafile=tls_file("ca.pem"))
        lax.check_hostname = False
        def shown():
            with edge.connect(tls=lax, server_name="x.example.com") as connection:
                return connection.socket.getpeercert()["subject"][0][0][1]
        equal(shown(), "shop.example.com")
        with edge.connect(tls=lax, server_name="x.example.com") as standing:
            equal(standing.ask("GET", "/fixed/3").status, 200)
            install("wildcard")
            edge.signal(signal.SIGHUP)
            edge.event("reloaded")
            eventually(lambda: shown() == "wildcard", "the new certificate")
            equal(standing.ask("GET", "/fixed/3").status, 200)
            self.write("live/live.pem", b"rubbish")
            edge.signal(signal.SIGHUP)
            edge.event("reload_refused")
            equal(shown(), "wildcard")
            equal(standing.ask("GET", "/fixed/3").status, 200, "the old one stays")
            install("shop")
            told = reload(edge)
            equal(told["certificates"]["changed"], [os.path.join(folder, "live.pem")])
            equal(shown(), "shop.example.com", "as soon as the answer is there")

    # What is told

    def test_the_command_tells_what_changed(self):
        edge = self.proxy(self.app)
        edge.configuration["origins"]["other"] = {"url": self.other.url}
        edge.configuration["limits"] = {"idle_timeout": "5s"}
        edge.write()
        done = command(edge)
        equal((done.returncode, done.stderr), (0, ""))
        equal(done.stdout, "generation 1 → 2\norigins: +other\nsettings: ~limits\n")
        equal(edge.event("reloaded", generation=2, by="admin")["origins"], "+other")
        equal(command(edge).stdout, "generation 2 → 3\nnothing changed\n")

    def test_the_command_tells_what_is_wrong(self):
        edge = self.proxy(self.app)
        edge.write({**edge.configuration, "limits": {"fields": "many", "feilds": 3}})
        done = command(edge)
        equal((done.returncode, done.stdout), (78, ""))
        for part in ("limits.fields", "limits.feilds", "did you mean"):
            check(part in done.stderr, done.stderr)
        check(re.search(r"edge.json:\d+:\d+: error:", done.stderr), done.stderr)
        told = reload(edge, code=78)
        equal((told["result"], told["cause"], told["generation"]), ("refused", "mistakes", 1))
        check(all(error["line"] > 1 for error in told["errors"]) and len(told["errors"]) == 2, told)

    def test_what_a_running_server_cannot_do_is_said(self):
        edge = self.edge({"origins": {"app": {"url": self.app.url}}, "distributions": {"all": site("app")}, "workers": 2}, workers=None)
        for _ in range(2):
            edge.write({**edge.configuration, "workers": 3})
            equal(reload(edge)["needs_restart"], ["workers: 3 in the file, 2 running"])
        edge.event("needs_restart", reason="workers: 3 in the file, 2 running")
        edge.write({**edge.configuration, "workers": 2})
        equal(reload(edge)["needs_restart"], [])

    def test_many_at_once_are_one_after_the_other(self):
        edge = self.proxy(self.app)
        for _ in range(20):
            edge.signal(signal.SIGHUP)
        asked = [start(edge, "--json") for _ in range(6)]
        told = []
        for process in asked:
            edge.signal(signal.SIGHUP)
            output, _ = process.communicate(timeout=PATIENCE)
            equal(process.returncode, 0)
            told.append(json.loads(output)["generation"])
        equal(len({generation["to"] for generation in told}), 6, told)
        for generation in told:
            equal(generation["to"], generation["from"] + 1)

    def test_a_drain_takes_nothing_new(self):
        edge = self.proxy(self.app)
        with edge.connect() as busy:
            busy.send(busy.head("GET", "/slow/1"))
            eventually(lambda: self.app.asked("/slow/1"), "the origin is asked")
            edge.signal(signal.SIGTERM)
            edge.event("draining")
            done = command(edge)
            equal(done.returncode, 1)
            check("draining" in done.stderr, done.stderr)
            equal(busy.response().status, 200)
        equal(edge.ended(), 0)

    def test_systemd_is_told(self):
        path = os.path.join(self.folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(PATIENCE)
            edge = self.edge({"origins": {"app": {"url": self.app.url}}, "distributions": {"all": site("app")}},
                             environment={"NOTIFY_SOCKET": path})
            equal(notify.recv(1000), b"READY=1")
            for text in (None, {}):
                edge.write(text)
                edge.signal(signal.SIGHUP)
                told = notify.recv(1000).decode().split("\n")
                equal(told[0], "RELOADING=1")
                name, value = told[1].split("=")
                equal(name, "MONOTONIC_USEC")
                check(abs(int(value) / 1e6 - time.monotonic()) < 10, value)
                equal(notify.recv(1000), b"READY=1")

    # Listeners

    def test_a_listener_is_added(self):
        edge = self.proxy(self.app)
        port = Ports.take()
        with self.load(edge) as failures:
            edge.configuration["listen"].append({"address": f"127.0.0.1:{port}"})
            edge.write()
            equal(reload(edge)["listeners"], {"added": [f"127.0.0.1:{port}"], "removed": [], "changed": []})
            for _ in range(8):
                with edge.connect(port) as connection:
                    equal(connection.ask("GET", "/status/200").body, b"old 200\n")
        equal(failures, [])

    def test_a_listener_is_removed(self):
        port = Ports.take()
        edge = self.proxy(self.app, listen=[{"address": "127.0.0.1:PORT"}, {"address": f"127.0.0.1:{port}"}])
        with edge.connect(port) as idle, edge.connect(port) as busy, edge.connect(port) as fresh, edge.connect() as other, \
                self.load(edge) as failures:
            equal(idle.ask("GET", "/fixed/3").status, 200)
            equal(other.ask("GET", "/fixed/3").status, 200)
            busy.send(busy.head("GET", "/slow/0.7"))
            eventually(lambda: self.app.asked("/slow/0.7"), "the origin is asked")
            edge.configuration["listen"].pop()
            edge.write()
            equal(reload(edge)["listeners"]["removed"], [f"127.0.0.1:{port}"])
            check(idle.is_ended(), "idle connections end")
            check(not accepts(port), "nobody gets in")
            response = fresh.ask("GET", "/fixed/3")
            equal((response.status, response["Connection"]), (200, "close"), "one that had not asked yet")
            response = busy.response()
            equal((response.status, response.body), (200, b"late\n"))
            check(busy.is_ended(), "and no more")
            equal(other.ask("GET", "/fixed/3").status, 200, "the other listener's connections stay")
        equal(failures, [])
        edge.configuration["listen"].append({"address": f"127.0.0.1:{port}"})
        edge.write()
        reload(edge)
        check(accepts(port), "and comes back")

    def test_a_taken_port_keeps_everything(self):
        edge = self.proxy(self.app)
        free = Ports.take()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            edge.write({**edge.configuration, "limits": {"fields": 10}, "listen": edge.configuration["listen"] + [
                {"address": f"127.0.0.1:{free}"}, {"address": f"127.0.0.1:{port}"}]})
            done = command(edge)
            equal(done.returncode, 1)
            check(f"listen[3]: cannot listen on 127.0.0.1:{port}" in done.stderr and "another process" in done.stderr, done.stderr)
            check(re.search(r"edge.json:\d+:\d+: error", done.stderr), done.stderr)
            check(not accepts(free), "what was bound is let go of")
            equal(edge.get("/status/200").body, b"old 200\n")
        reload(edge)
        check(accepts(free) and accepts(port), "once it is free")

    def test_a_wider_address_replaces_a_narrow_one(self):
        edge = self.proxy(self.app)
        edge.write({**edge.configuration, "listen": [{"address": f"0.0.0.0:{edge.port}"}]})
        with self.load(edge):
            told = reload(edge)
        equal(told["listeners"], {"added": [f"0.0.0.0:{edge.port}"], "removed": [f"127.0.0.1:{edge.port}"], "changed": []})
        equal(edge.get("/status/200").body, b"old 200\n")

    def test_a_kept_listener_takes_new_settings(self):
        edge = self.proxy(self.app)
        with edge.connect() as standing:
            equal(standing.ask("GET", "/fixed/3").status, 200)
            edge.write({**edge.configuration, "listen": [
                {"address": f"127.0.0.1:{edge.port}", "proxy_protocol_from": ["127.0.0.0/8"]}]})
            equal(reload(edge)["listeners"]["changed"], [f"127.0.0.1:{edge.port}"])
            equal(standing.ask("GET", "/fixed/3").status, 200, "who stands is left alone")
            with edge.connect() as announced:
                announced.send(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n" + announced.head("GET", "/fixed/77"))
                equal(announced.response().status, 200)
        equal(edge.logged("/fixed/77")["c-ip"], "192.0.2.7")

    def test_the_admin_socket_moves(self):
        edge = self.proxy(self.app)
        edge.write({**edge.configuration, "admin": {"socket": "moved.sock"}})
        done = subprocess.run([Edge.binary, "reload", "--socket", edge.path("edged.sock")], capture_output=True, text=True)
        equal((done.returncode, done.stdout), (0, "generation 1 → 2\nsettings: ~admin\n"))
        check(not os.path.exists(edge.path("edged.sock")), "the old one is gone")
        equal(command(edge).returncode, 0, "the new one answers")

    # Logs

    def test_logs_move_without_losing_a_line(self):
        edge = self.proxy(self.app)
        names = ["access.log"]
        with self.load(edge) as failures:
            for turn in range(6):
                time.sleep(0.1)
                names.append(f"access.{turn}")
                edge.write({**edge.configuration, "log": {
                    "access": names[-1], "events": f"events.{turn}", "format": "standard" if turn % 2 == 0 else "json"}})
                reload(edge)
        equal(failures, [])
        def lines(name):
            return [line for line in edge.lines(name) if not line.startswith("#")]
        eventually(lambda: sum(len(lines(name)) for name in names) >= self.served, "every line")
        equal(sum(len(lines(name)) for name in names), self.served)
        for turn, name in enumerate(names):
            check(lines(name), name)
            standard = turn % 2 == 1
            equal(edge.lines(name)[0].startswith("#Version"), standard, name)
            for line in lines(name):
                equal(len(line.split("\t")) == 33, standard, line)
        check(any("generation=2" in line for line in edge.lines("events.0")), edge.lines("events.0"))
        check(not any('"generation":2' in line for line in edge.lines("events.log")), "the old file")

    def test_the_level_of_events_changes(self):
        edge = self.proxy(self.app, log={"access": "access.log", "events": "events.log", "level": "info"})
        edge.write({**edge.configuration, "log": {"access": "off", "events": "events.log", "level": "error"}})
        reload(edge)
        edge.get("/fixed/5")
        edge.write({**edge.configuration, "log": {"access": "access.log", "events": "events.log", "level": "info"}})
        reload(edge)
        edge.event("reloaded", generation=3)
        equal([event for event in edge.events() if event.get("generation") == 2], [])
        edge.get("/fixed/6")
        edge.logged("/fixed/6")
        check(not any("/fixed/5" in line for line in edge.lines("access.log")), "it was off")


class Watching(Suite):
    def setup(self):
        self.app, self.other = self.origin(name="old"), self.origin(name="new")

    def test_a_saved_file_is_taken(self):
        edge = self.edge(self.plain(), flags=["--watch"])
        edge.configuration["origins"]["app"]["url"] = self.other.url
        edge.write()
        told = edge.event("reloaded", generation=2, by="watch")
        equal(told["origins"], "~app")
        equal(edge.event("files_changed")["files"], edge.path("edge.json"))
        equal(edge.get("/status/200").body, b"new 200\n")

    def test_a_file_that_is_renamed_into_place_is_taken(self):
        edge = self.edge(self.plain(), flags=["--watch"])
        for generation in (2, 3):
            # As editors save: the old one aside, the new one written, then renamed.
            os.rename(edge.path("edge.json"), edge.path("edge.json~"))
            time.sleep(0.4)
            edge.configuration["limits"] = {"fields": 50 + generation}
            with open(edge.path(".edge.json.new"), "w") as file:
                json.dump(edge.configuration, file)
            os.rename(edge.path(".edge.json.new"), edge.path("edge.json"))
            edge.event("reloaded", generation=generation, by="watch")
        equal([event for event in edge.events() if event["event"] == "reload_refused"], [])

    def test_a_mistake_is_told_and_mended(self):
        edge = self.edge(self.plain(), flags=["--watch"])
        good = edge.configuration
        edge.write({**good, "origins": {}})
        check("edge.json:" in edge.event("reload_refused", by="watch")["reason"])
        equal(edge.get("/status/200").body, b"old 200\n")
        edge.write({**good, "limits": {"fields": 50}})
        edge.event("reloaded", generation=2, by="watch")

    def test_what_is_not_of_the_configuration_stirs_nothing(self):
        edge = self.edge({**self.plain(), "reload": {"watch": True}})
        for turn in range(5):
            self.write(os.path.join(edge.folder, f"other{turn}"), b"x")
            edge.get("/fixed/3")
            time.sleep(0.1)
        # Touched, and the same: a new time is taken for a new file, and harmless.
        os.utime(edge.path("edge.json"))
        edge.event("reloaded", generation=2, by="watch")
        time.sleep(0.6)
        equal(len([event for event in edge.events() if event["event"] == "reloaded"]), 1)

    def test_a_reload_by_hand_is_not_repeated(self):
        edge = self.edge({**self.plain(), "reload": {"watch": True}})
        edge.configuration["limits"] = {"fields": 50}
        edge.write()
        equal(reload(edge)["generation"]["to"], 2)
        time.sleep(0.6)
        equal([event["by"] for event in edge.events() if event["event"] == "reloaded"], ["admin"])

    def test_watching_can_be_switched(self):
        edge = self.edge(self.plain())
        edge.configuration["reload"] = {"watch": True}
        edge.write()
        reload(edge)
        edge.configuration["reload"] = {"watch": False}
        edge.write()
        edge.event("reloaded", generation=3, by="watch")
        edge.configuration["limits"] = {"fields": 50}
        edge.write()
        time.sleep(0.6)
        equal(len([event for event in edge.events() if event["event"] == "reloaded"]), 2)

    def test_certificates_and_includes_count(self):
        folder = os.path.join(self.folder, "included")
        for release, name in (("one", "shop"), ("two", "wildcard")):
            for kind in ("pem", "key"):
                with open(tls_file(f"{name}.{kind}"), "rb") as source:
                    self.write(f"included/{release}/live.{kind}", source.read())
        os.symlink("one", os.path.join(folder, "tls"))
        os.makedirs(os.path.join(folder, "sites"))
        port, edge = Ports.take(), None
        settings = self.write("included/edge.lua", f"""return {{
            listen = {{ {{ address = "127.0.0.1:{port}", tls = {{ {{ certificate = "tls/live.pem", key = "tls/live.key" }} }} }} }},
            admin = {{ socket = "edged.sock" }},
            log = {{ access = "access.log", events = "events.log" }},
            origins = {{ app = {{ url = "{self.app.url}" }} }},
            distributions = include "sites/*.lua",
        }}""".encode())
        edge = self.attach(folder, settings)
        self.write("included/sites/a.lua", b'return { a = { domains = { "*" }, behaviors = { { path = "*", origin = "app", cache = "off" } } } }')
        equal(edge.event("reloaded", generation=2, by="watch")["distributions"], "+a")
        # A release is a link that is turned.
        os.symlink("two", os.path.join(folder, "next"))
        os.rename(os.path.join(folder, "next"), os.path.join(folder, "tls"))
        equal(edge.event("reloaded", generation=3, by="watch")["certificates"], "~" + os.path.join(folder, "tls/live.pem"))
        os.remove(os.path.join(folder, "sites/a.lua"))
        equal(edge.event("reloaded", generation=4, by="watch")["distributions"], "-a")

    def test_functions_and_what_they_require_count(self):
        folder = os.path.join(self.folder, "watched")
        one = "local text = require('lib.text')\nreturn { viewer_request = function(event) return { body = text .. ' %s' } end }"
        self.write("watched/lib/text.lua", b"return 'a'")
        self.write("watched/f.lua", (one % "1").encode())
        edge = self.edge({
            "origins": {"app": {"url": self.app.url}},
            "functions": {"folder": folder},
            "distributions": {"all": {"domains": ["*"], "behaviors": [
                {"path": "*", "origin": "app", "cache": "off", "functions": {"viewer_request": ["f"]}}]}},
        }, flags=["--watch"])
        equal(edge.get("/").body, b"a 1")
        self.write("watched/f.lua", (one % "2").encode())
        edge.event("reloaded", generation=2, by="watch")
        equal(edge.get("/").body, b"a 2")
        self.write("watched/lib/text.lua", b"return 'b'")
        edge.event("reloaded", generation=3, by="watch")
        equal(edge.get("/").body, b"b 2")
        # What was looked for and is not there is waited for, its folder as well.
        self.write("watched/lib/text.lua", b"return require('more.words.here')")
        refused = edge.event("reload_refused", by="watch")["reason"]
        check("watched/more/words/here.lua" in refused, refused)
        equal(edge.get("/").body, b"b 2")
        self.write("watched/more/words/here.lua", b"return 'c'")
        edge.event("reloaded", generation=4, by="watch")
        equal(edge.get("/").body, b"c 2")
        # And so is a mistake that the check finds.
        self.write("watched/more/words/here.lua", b"return os.time()")
        eventually(lambda: any("undefined global 'os'" in event["reason"] for event in edge.events()
                               if event["event"] == "reload_refused"), "the reason")
        self.write("watched/more/words/here.lua", b"return 'd'")
        edge.event("reloaded", generation=5, by="watch")
        equal(edge.get("/").body, b"d 2")
        # The command says what is doubtful in what it takes.
        self.write("watched/more/words/here.lua", b"word = 'e' return word")
        edge.event("reloaded", generation=6, by="watch")
        warned = reload(edge)["warnings"]
        equal([(one["line"], one["column"], one["message"]) for one in warned], [(1, 1, "assigns to the global 'word'")])

    def plain(self):
        return {"origins": {"app": {"url": self.app.url}}, "distributions": {"all": site("app")}}

    def attach(self, folder, settings):
        """An edge whose configuration is a file of ours."""
        edge = Edge(folder, {})
        with open(edge.path("output"), "wb") as output:
            edge.process = subprocess.Popen([Edge.binary, "run", "-c", settings, "--watch"], stdout=output, stderr=output)
        self.stack.callback(edge.stop)
        edge.event("listening")
        return edge


def start(edge, *words):
    return subprocess.Popen([Edge.binary, "reload", "--socket", edge.path("edged.sock"), *words],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def reload(edge, code=0):
    """What `edged reload --json` tells."""
    process = start(edge, "--json")
    output, problem = process.communicate(timeout=PATIENCE)
    equal((process.returncode, problem), (code, ""), output)
    return json.loads(output)


def command(edge):
    """`edged reload`, which finds the socket by the configuration where that is good."""
    words = [Edge.binary, "reload", "-c", edge.path("edge.json")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, cwd=edge.folder)
    if "use --socket" not in done.stderr:
        return done
    process = start(edge)
    output, problem = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(words, process.returncode, output, problem)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return True
    except OSError:
        return False
