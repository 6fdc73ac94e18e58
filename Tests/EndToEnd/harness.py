"""What every suite stands on: a running `edged` with a generated configuration, suites and their checks.

A suite is a class whose `test_…` methods run one after the other against what its `setup` started; suites run beside
each other. Nothing here asserts that something is fast: a timeout only ends a wait that would never end.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import wire
from origin import Origin

PATIENCE = 20.0
FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Fixtures")


class Failure(AssertionError):
    pass


class Skipped(Exception):
    """This machine cannot show it; the report says so, and why."""


def skip(why):
    raise Skipped(why)


def as_nobody(command, folder):
    """Runs a command as a user who owns nothing, in a folder that is opened for passing through."""
    if os.geteuid() != 0:
        skip("only root can be somebody else")
    place = os.path.abspath(folder)
    while place != tempfile.gettempdir() and place != "/":
        os.chmod(place, os.stat(place).st_mode | 0o011)
        place = os.path.dirname(place)
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=folder,
                          stdin=subprocess.DEVNULL, user="nobody", group="nogroup", extra_groups=[])


def check(condition, *what):
    if not condition:
        raise Failure(" ".join(str(part) for part in what) or "does not hold")


def equal(actual, expected, what=""):
    check(actual == expected, f"{what}: " if what else "", f"got {actual!r}, expected {expected!r}")


def eventually(probe, what, patience=PATIENCE):
    """The first true answer of `probe`."""
    end = time.monotonic() + patience
    while True:
        answer = probe()
        if answer:
            return answer
        check(time.monotonic() < end, "never happened:", what)
        time.sleep(0.01)


def tls_file(name):
    return os.path.abspath(os.path.join(FIXTURES, "tls", name))


class Ports:
    """Below the ephemeral range, so that no outgoing connection sits on a port before its listener does."""

    lock = threading.Lock()
    next = random.randrange(15000, 30000)

    @classmethod
    def take(cls):
        with cls.lock:
            while True:
                cls.next = 15000 + (cls.next - 14999) % 15000
                with socket.socket() as probe:
                    try:
                        probe.bind(("127.0.0.1", cls.next))
                        return cls.next
                    except OSError:
                        continue


def behavior(path, origin, **settings):
    return {"path": path, "origin": origin, "cache": "off", **settings}


def site(origin, *behaviors, domains=("*",), **settings):
    """A distribution that sends everything which `behaviors` leave over to `origin`."""
    rest = [] if behaviors and behaviors[-1]["path"] == "*" else [behavior("*", origin)]
    return {"domains": list(domains), "behaviors": [*behaviors, *rest], **settings}


class Edge:
    """One `edged run` in a folder of its own."""

    binary = ".build/debug/edged"

    def __init__(self, folder, configuration, workers=2, listen=None, environment=None, flags=(), under=()):
        self.folder, self.workers, self.flags, self.under = folder, workers, flags, under
        self.environment = environment
        os.makedirs(folder, exist_ok=True)
        self.port = Ports.take()
        self.configuration = {
            "listen": listen or [{"address": f"127.0.0.1:{self.port}"}],
            "admin": {"socket": "edged.sock"},
            "log": {"access": "access.log", "events": "events.log", "level": "debug"},
            **configuration,
        }
        self.configuration["listen"] = json.loads(
            json.dumps(self.configuration["listen"]).replace("PORT", str(self.port)))
        self.process = None

    def write(self, configuration=None):
        if configuration is not None:
            self.configuration = configuration
        with open(self.path("edge.json"), "w") as file:
            json.dump(self.configuration, file, indent=1)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self):
        self.write()
        with open(self.path("output"), "wb") as output:
            self.process = subprocess.Popen(
                [*self.under, self.binary, "run", "-c", self.path("edge.json"), *self.flags,
                 *(["--workers", str(self.workers)] if self.workers else [])],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder,
                env={**os.environ, **(self.environment or {})})
        eventually(self.is_ready, "edged listens")
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failure("edged ended at start:", self.output())
        return all(self.answers(row["address"]) for row in self.configuration["listen"])

    def answers(self, address):
        # The log tells, so that no connection of ours is counted by the limits under test.
        return any("listening" in line and address in line for line in self.lines("events.log"))

    def output(self):
        with open(self.path("output"), errors="replace") as file:
            return file.read()

    def connect(self, port=None, **options):
        return wire.Connection(("127.0.0.1", port or self.port), **options)

    def ask(self, method, target, fields=(), body=None, **options):
        """One request on a connection of its own."""
        with self.connect() as connection:
            return connection.ask(method, target, fields, body, **options)

    def get(self, target, fields=(), **options):
        return self.ask("GET", target, fields, **options)

    # Logs

    def lines(self, name):
        try:
            with open(self.path(name), errors="surrogateescape") as file:
                text = file.read()
        except FileNotFoundError:
            return []
        return [line for line in text[: text.rfind("\n") + 1].split("\n") if line]

    def access(self):
        return [json.loads(line) for line in self.lines("access.log")]

    def events(self):
        return [json.loads(line) for line in self.lines("events.log")]

    def logged(self, path, **expected):
        """Waits for the access line of `path` that has what is expected, and returns it."""
        def find():
            for line in self.access():
                if line["cs-uri-stem"] == path and all(line[k] == v for k, v in expected.items()):
                    return line
        try:
            return eventually(find, "", patience=8)
        except Failure:
            seen = [line for line in self.access() if line["cs-uri-stem"] == path]
            raise Failure(f"no line for {path} with {expected}; there is {seen or self.lines('access.log')[-3:]}")

    def reasoned(self, word):
        return eventually(
            lambda: next((line for line in self.access() if line["x-edge-reason"] == word), None),
            f"the log says {word}; it says {[line['x-edge-reason'] for line in self.access()][-5:]}",
            patience=8)

    def event(self, name, **expected):
        return eventually(
            lambda: next((event for event in self.events() if event["event"] == name
                          and all(event.get(k) == v for k, v in expected.items())), None),
            f"event {name} {expected}", patience=8)

    # Ending

    def signal(self, word):
        self.process.send_signal(word)

    def ended(self, patience=PATIENCE):
        return self.process.wait(patience)

    def is_alive(self):
        return self.process.poll() is None

    def is_stopped(self):
        """Whether SIGSTOP has reached all threads: none of them acts on what comes now before it goes on."""
        folder = f"/proc/{self.process.pid}/task"
        def state(thread):
            with open(f"{folder}/{thread}/stat") as stat:
                return stat.read().rpartition(") ")[2][0]
        return all(state(thread) == "T" for thread in os.listdir(folder))

    def stop(self):
        """Ends it whatever it does; says how it ended if that was not our doing."""
        if self.process is None:
            return
        code = self.process.poll()
        if code is None:
            # Twice: at once, with the logs written.
            for _ in range(2):
                self.process.send_signal(signal.SIGTERM)
                time.sleep(0.02)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        elif code not in self.expected_codes:
            raise Failure(f"edged ended with {code}:", self.output()[-2000:])

    expected_codes = (0, 143, 130)


class Suite:
    """`setup` starts what the tests share; all of it is gone after the last one."""

    def __init__(self, folder):
        self.folder = folder
        self.stack = contextlib.ExitStack()
        self.edges = 0

    def setup(self):
        pass

    def origin(self, **options):
        origin = Origin(**options)
        self.stack.callback(origin.stop)
        return origin

    def edge(self, configuration, **options):
        self.edges += 1
        edge = Edge(os.path.join(self.folder, f"edge{self.edges}"), configuration, **options)
        self.stack.callback(edge.stop)
        return edge.start()

    def proxy(self, origin, *behaviors, origin_settings=None, distribution=None, **configuration):
        """The common case: everything goes to one origin."""
        return self.edge({
            "origins": {"app": {"url": origin.url, **(origin_settings or {})}},
            "distributions": {"all": site("app", *behaviors, **(distribution or {}))},
            **configuration,
        })

    def write(self, name, content=b""):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    @classmethod
    def tests(cls):
        return [name for name in vars(cls) if name.startswith("test_")]

    @classmethod
    def title(cls, name):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", cls.__name__).lower()
        return f"{words}: {name[5:].replace('_', ' ')}"


@contextlib.contextmanager
def temporary_folder(keep=False):
    folder = tempfile.mkdtemp(prefix="edged-e2e-")
    try:
        yield folder
    finally:
        if keep:
            print(f"logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
