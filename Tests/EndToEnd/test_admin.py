"""Who may ask the admin server: by token over TCP, by user on the Unix socket."""

import os
import stat

import wire
from harness import Edge, Ports, Suite, as_nobody, check, equal

TOKEN = "correct-horse-battery-staple"
# What a page in a browser could send, and what a careless comparison would take for the token.
WRONG = {
    "nothing": [],
    "an empty field": [("Authorization", "")],
    "no scheme": [("Authorization", TOKEN)],
    "another scheme": [("Authorization", f"Basic {TOKEN}")],
    "no token": [("Authorization", "Bearer ")],
    "the beginning": [("Authorization", f"Bearer {TOKEN[:-1]}")],
    "more": [("Authorization", f"Bearer {TOKEN}x")],
    "another one of its length": [("Authorization", f"Bearer {TOKEN[:-1]}x")],
    "another case": [("Authorization", f"Bearer {TOKEN.upper()}")],
    "in the query": [],
}


class AdminOverTCP(Suite):
    def setup(self):
        self.port = Ports.take()
        app = self.origin()
        token = self.write("token", TOKEN.encode() + b"\n")
        self.edge = self.proxy(app, secrets={"admin": {"file": token}}, admin={
            "socket": "edged.sock", "address": f"127.0.0.1:{self.port}", "token": {"secret": "admin"}})

    def ask(self, method, target, fields):
        with self.edge.connect(self.port) as connection:
            return connection.ask(method, target, fields)

    def test_the_right_token_opens_every_page(self):
        for path in ("/healthz", "/readyz", "/status", "/status.txt", "/metrics"):
            response = self.ask("GET", path, [("Authorization", f"Bearer {TOKEN}")])
            equal(response.status, 200, path)
        # The scheme's name is case-insensitive (RFC 9110 §11.1), the token is not.
        equal(self.ask("GET", "/status", [("Authorization", f"bearer {TOKEN}")]).status, 200)

    def test_a_wrong_or_missing_token_opens_none(self):
        for path in ("/healthz", "/status", "/metrics", "/nowhere"):
            for name, fields in WRONG.items():
                target = f"{path}?token={TOKEN}" if name == "in the query" else path
                response = self.ask("GET", target, fields)
                equal(response.status, 401, f"{path}, {name}")
                equal(response["WWW-Authenticate"], "Bearer", name)
                check(b"workers" not in response.body and b"edged_" not in response.body, response.body)

    def test_a_stranger_reloads_nothing(self):
        for fields in WRONG.values():
            equal(self.ask("POST", "/reload", fields).status, 401)
        equal([event for event in self.edge.events() if event["event"].startswith("reload")], [])
        equal(self.ask("POST", "/reload", [("Authorization", f"Bearer {TOKEN}")]).status, 200)
        self.edge.event("reloaded")

    def test_the_token_is_asked_for_each_time(self):
        with self.edge.connect(self.port) as connection:
            equal(connection.ask("GET", "/status", [("Authorization", f"Bearer {TOKEN}")]).status, 200)
            equal(connection.ask("GET", "/status").status, 401)

    def test_the_token_is_in_no_log(self):
        self.ask("GET", "/status", [("Authorization", f"Bearer {TOKEN}")])
        for name in ("access.log", "events.log", "output"):
            check(not any(TOKEN in line for line in self.edge.lines(name)), name)


class AdminOnItsSocket(Suite):
    def setup(self):
        self.edge = self.proxy(self.origin())
        self.path = self.edge.path("edged.sock")

    def ask_as_nobody(self):
        done = as_nobody([Edge.binary, "status", "--socket", self.path], self.edge.folder)
        equal((done.returncode, done.stdout), (1, ""), done.stderr)
        equal(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def test_its_user_is_answered(self):
        with wire.Connection(self.path) as connection:
            equal(connection.ask("GET", "/status").status, 200)

    def test_the_mode_keeps_others_out(self):
        equal(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        check("ask as root or as the user that runs edged" in self.ask_as_nobody())

    def test_the_kernels_word_keeps_others_out_where_the_mode_does_not(self):
        os.chmod(self.path, 0o666)
        try:
            said = self.ask_as_nobody()
        finally:
            os.chmod(self.path, 0o600)
        check("ermission denied" not in said, "the mode kept them out, not the server:", said)
        self.edge.event("admin_refused")
        with wire.Connection(self.path) as connection:
            equal(connection.ask("GET", "/status").status, 200)
