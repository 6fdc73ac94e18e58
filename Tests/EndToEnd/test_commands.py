"""What a command says when it cannot do its work: one message on standard error, the right code, no stack trace."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess

from harness import Edge, PATIENCE, Ports, Suite, as_nobody, check, equal, site, skip, tls_file

VERBS = ("run", "check", "status", "reload", "invalidate", "explain", "config", "test", "new", "version")
# Those that read a configuration.
READERS = ("run", "check", "status", "reload")
TRACES = ("Fatal error", "Stack dump", "Current stack", "Crash", "💣", " at /", "error: error:")


class Commands(Suite):
    def edged(self, *words):
        return subprocess.run([Edge.binary, *words], capture_output=True, text=True, timeout=PATIENCE,
                              cwd=self.folder, stdin=subprocess.DEVNULL)

    def one_message(self, done, code, *parts):
        """One line; a mistake in the command line itself has a second one that says where help is."""
        equal(done.returncode, code, f"{done.args} said {done.stderr!r}")
        lines = done.stderr.splitlines()
        if code == 2 and lines[-1].startswith("Try 'edged"):
            lines.pop()
        equal(len(lines), 1, done.stderr)
        check(len(lines[0]) > 15, "hardly a message:", lines)
        for part in parts:
            check(part in lines[0], repr(part), "is not in", repr(lines[0]))
        for sign in TRACES:
            check(sign not in done.stderr, done.stderr)
        equal(done.stdout, "", "nothing on standard output")

    def config(self, name, **changes):
        table = {
            "listen": [{"address": f"127.0.0.1:{Ports.take()}"}],
            "admin": {"socket": "edged.sock"},
            "log": {"access": "access.log", "events": "events.log"},
            "origins": {"app": {"url": "http://127.0.0.1:9"}},
            "distributions": {"all": site("app")},
            **changes,
        }
        return self.write(name, json.dumps(table).encode())

    def tls(self, certificate, key):
        return [{"address": f"127.0.0.1:{Ports.take()}", "tls": [{"certificate": certificate, "key": key}]}]

    def test_the_table_has_every_verb(self):
        listed = re.findall(r"^  (\w+) ", self.edged("--help").stdout, re.M)
        equal(sorted(listed), sorted(VERBS))

    def test_no_verb_and_an_unknown_one(self):
        done = self.edged()
        equal(done.returncode, 2)
        check("Usage: edged COMMAND" in done.stderr, done.stderr)
        self.one_message(self.edged("chekc"), 2, "unknown command 'chekc'", "did you mean 'check'?")
        self.one_message(self.edged("frobnicate"), 2, "unknown command 'frobnicate'")

    def test_a_wrong_flag(self):
        for verb in VERBS:
            word = ["schema"] if verb == "config" else []
            self.one_message(self.edged(verb, *word, "--wrong"), 2, f"edged {verb}: unknown flag '--wrong'")
        for verb in READERS:
            self.one_message(self.edged(verb, "--conifg", "x"), 2, "did you mean '--config'?")
            self.one_message(self.edged(verb, "-c"), 2, "'-c' needs FILE")
        self.one_message(self.edged("check", "--json=yes"), 2, "'--json' takes no value")
        for count in ("many", "0", "-1", "1025", ""):
            self.one_message(self.edged("run", "--workers", count), 2, "--workers takes a number from 1 to 1024")

    def test_a_wrong_word(self):
        for verb in READERS + ("version",):
            self.one_message(self.edged(verb, "extra"), 2, f"edged {verb}: unexpected 'extra'")
        self.one_message(self.edged("config", "schema", "extra"), 2, "unexpected 'extra'")
        self.one_message(self.edged("config"), 2, "a word is missing")
        self.one_message(self.edged("config", "shcema"), 2, "did you mean 'schema'?")

    def test_a_missing_file(self):
        for verb in READERS:
            self.one_message(self.edged(verb, "-c", "nowhere.lua"), 78, "nowhere.lua", "no such file", "-c FILE")

    def test_a_folder_for_a_file(self):
        for verb in READERS:
            self.one_message(self.edged(verb, "-c", self.folder), 78, self.folder, "is a directory")

    def test_a_file_that_may_not_be_read(self):
        path = self.config("closed.json")
        os.chmod(path, 0o600)
        for verb in READERS:
            self.one_message(as_nobody([Edge.binary, verb, "-c", path], self.folder), 78, "closed.json", "permission denied")

    def test_a_file_with_one_mistake(self):
        path = self.write("mistake.lua", b"return {\n  workers = 0,\n}\n")
        for verb in READERS:
            self.one_message(self.edged(verb, "-c", path), 78, "mistake.lua:2:", "from 1 to 1024")

    def test_no_server_there(self):
        path = self.config("idle.json", admin={"socket": "nobody.sock"})
        for verb in ("status", "reload"):
            self.one_message(self.edged(verb, "-c", path), 1, "nobody.sock", "is edged running?")
            self.one_message(self.edged(verb, "--socket", "none.sock"), 1, "none.sock", "is edged running?")
            self.one_message(self.edged(verb, "--socket", "x" * 200), 1, "too long for a socket")
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(os.path.join(self.folder, "closed.sock"))
            self.one_message(self.edged("status", "--socket", "closed.sock"), 1, "is edged running?")

    def test_a_taken_port(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            path = self.config("taken.json", listen=[{"address": address}])
            self.one_message(self.edged("run", "-c", path), 1, address, "another process has this address")

    def test_a_port_without_permission(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as start:
            if int(start.read()) <= 81:
                skip("this machine lets everybody have port 81")
        path = self.config("low.json", listen=[{"address": "127.0.0.1:81"}],
                           log={"access": "off", "events": "stderr"})
        os.chmod(path, 0o644)
        done = as_nobody([Edge.binary, "run", "-c", path], self.folder)
        self.one_message(done, 1, "127.0.0.1:81", "ermission denied", "CAP_NET_BIND_SERVICE")

    def test_a_missing_certificate(self):
        for place, listen in (("certificate", self.tls("nowhere.pem", tls_file("shop.key"))),
                              ("key", self.tls(tls_file("shop.pem"), "nowhere.key"))):
            path = self.config(f"missing-{place}.json", listen=listen)
            for verb in ("run", "check"):
                self.one_message(self.edged(verb, "-c", path), 78, "nowhere.", f"tls[1].{place}")

    def test_a_bad_pair(self):
        for name, pair, words in (
                ("unfit", (tls_file("shop.pem"), tls_file("rsa.key")), "does not belong"),
                ("swapped", (tls_file("shop.key"), tls_file("shop.pem")), "swapped?"),
                ("encrypted", (tls_file("shop.pem"), tls_file("encrypted.key")), "openssl pkey"),
                ("rubbish", (self.write("rubbish.pem", b"rubbish"), tls_file("shop.key")), "BEGIN CERTIFICATE")):
            path = self.config(f"{name}.json", listen=self.tls(*pair))
            ran, checked = self.edged("run", "-c", path), self.edged("check", "-c", path)
            self.one_message(ran, 78, words)
            self.one_message(checked, 78, words)
            equal(checked.stderr, ran.stderr, "the same sentence")

    def test_a_file_where_a_socket_should_be(self):
        kept = self.write("kept", b"not yours")
        for name, changes in (("listen", {"listen": [{"address": f"unix:{kept}"}]}), ("admin", {"admin": {"socket": kept}})):
            path = self.config(f"kept-{name}.json", **changes)
            self.one_message(self.edged("run", "-c", path), 1, "no socket", name)
            with open(kept, "rb") as file:
                equal(file.read(), b"not yours")

    def test_a_pipe_that_nobody_reads(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        path = self.config("pipe.json", log={"access": pipe, "events": "events.log"})
        self.one_message(self.edged("run", "-c", path), 1, "cannot write the log", "pipe")

    def test_a_recursion_without_end(self):
        path = self.write("deep.lua", b"local function f() return 1 + f() end\nreturn { workers = f() }\n")
        done = self.edged("check", "-c", path)
        equal(done.returncode, 78, done.stderr)
        check("deep.lua:1" in done.stderr, done.stderr)

    def test_a_key_that_is_there_twice(self):
        path = self.write("twice.lua", b"return {\n  workers = 1,\n  log = { level = 'info' },\n  [\"workers\"] = 2,\n}\n")
        self.one_message(self.edged("check", "-c", path), 78, "twice.lua:4:3", "'workers' is in this table already")

    def test_nobody_could_reach_it(self):
        path = self.config("deaf.json")
        with open(path) as file:
            table = json.load(file)
        del table["listen"]
        done = self.edged("check", "-c", self.write("deaf.json", json.dumps(table).encode()))
        equal(done.returncode, 0)
        check("no viewer can reach it" in done.stderr, done.stderr)

    def test_mistakes_that_would_be_found_late(self):
        for name, changes, words in (
                ("token", {"admin": {"socket": "edged.sock", "address": "127.0.0.1:1", "token": ""}}, "an empty token"),
                ("header", {"distributions": {"all": site("app", {"path": "*", "origin": "app",
                                                                  "origin_request": {"headers": ["x y"]}})}},
                 "cannot be the name of a header")):
            self.one_message(self.edged("check", "-c", self.config(f"{name}.json", **changes)), 78, words)

    def test_a_folder_that_is_not_there(self):
        path = self.config("folder.json", origins={"app": {"files": "nowhere"}})
        equal(self.edged("check", "-c", path).stderr, self.edged("run", "-c", path).stderr)

    def functions(self, name, text):
        self.write(f"{name}/f.lua", text)
        behavior = {"path": "*", "origin": "app", "functions": {"viewer_request": ["f"]}}
        return self.config(f"{name}.json", functions={"folder": name},
                           distributions={"all": {"domains": ["*"], "behaviors": [behavior]}})

    def test_mistakes_in_a_function(self):
        path = self.functions("lint", b"return { viewer_request = function(event)\n\tlocal r = event.response\n  if DEBUG then os.exit() end\nend }\n")
        ran, checked = self.edged("run", "-c", path), self.edged("check", "-c", path)
        equal((ran.returncode, checked.returncode), (78, 78))
        lines = checked.stderr.splitlines()
        equal(len(lines), 4, checked.stderr)
        check(lines[0].endswith("lint/f.lua:2:18: error: event.response does not exist in viewer_request — it is there in "
                                "origin_response and viewer_response"), lines[0])
        check("f.lua:3:6: warning: undefined global 'DEBUG'" in lines[1], lines[1])
        check("f.lua:3:17: error: undefined global 'os' — the time is edge.time.now()" in lines[2], lines[2])
        equal(ran.stderr.splitlines(), lines[:3], "run and check say the same")
        told = [json.loads(line) for line in self.edged("check", "--json", "-c", path).stdout.splitlines()]
        equal([(one["severity"], one["line"], one["column"]) for one in told], [("error", 2, 18), ("warning", 3, 6), ("error", 3, 17)])
        equal(told[0]["remedy"], "it is there in origin_response and viewer_response")
        framed = self.on_a_terminal("check", "-c", path)
        check("    \tlocal r = event.response\n    \t                ^\n" in framed, framed)
        equal(framed.splitlines()[:9], self.on_a_terminal("run", "-c", path).splitlines()[:9])

    def on_a_terminal(self, *words):
        command = shlex.join([Edge.binary, *words])
        done = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, text=True, timeout=PATIENCE,
                              cwd=self.folder, stdin=subprocess.DEVNULL)
        return done.stdout.replace("\r\n", "\n")

    def test_a_doubt_about_a_function(self):
        path = self.functions("doubt", b"return { viewer_request = function(event)\n  event.request.headers['x_forwarded_host'] = 'a'\nend }\n")
        done = self.edged("check", "-c", path)
        equal((done.returncode, done.stdout), (0, f"{path} is good\n"))
        check("f.lua:2:25: warning: the header 'x_forwarded_host' looks like 'x-forwarded-host'" in done.stderr, done.stderr)

    def test_a_key_that_may_not_be_read(self):
        key = os.path.join(self.folder, "closed.key")
        shutil.copy(tls_file("shop.key"), key)
        certificate = os.path.join(self.folder, "open.pem")
        shutil.copy(tls_file("shop.pem"), certificate)
        path = self.config("key.json", listen=self.tls(certificate, key))
        os.chmod(path, 0o644)
        os.chmod(certificate, 0o644)
        os.chmod(key, 0o600)
        done = as_nobody([Edge.binary, "run", "-c", path], self.folder)
        self.one_message(done, 78, "closed.key")
