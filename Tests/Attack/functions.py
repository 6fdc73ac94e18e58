#!/usr/bin/env python3
"""Hostile functions on a running server, and how their neighbours on the same worker fare.

    functions.py --bin .build/release/edged [--only WORDS] [--runs 12] [--p99 50]

Each function of hostile.py runs --runs times, two at once, while a normal client asks the same worker. Printed for each: its
answer, the longest run, the normal client's p50 and p99, resident memory. Then the crowds: as many runs waiting as there
may be, a storm of fetches, and 100 MB through a map behind an awaited fetch. Fails when a run takes longer than twice
its limit, when the normal client's p99 is above --p99 or it is turned away, or when memory does not come back.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "Tests", "Bench"))

from client import NormalClient
from hostile import HOSTILE
from processes import Server, free_port, raise_descriptor_limit

# A run may take 20 ns for each of its 5 million instructions, and half a second of waiting here.
RUNNING_MAX, WAITING_MAX = 0.1, 0.5
# What it takes to get there and back, and a tick that others had first.
OVERHEAD = 0.05
PARALLEL = 2
# Copies of each attachment, so that the circuit breaker leaves them running.
COPIES = 2
# Fewer say nothing of a hundredth.
SAMPLES_MIN = 20
LARGE_MB = 100
WAITING = 8192
FETCHING = 300
FETCHED = [f"fetched {good}" for good in range(11)]

BENIGN = """
return { viewer_request = function(event)
  event.request.headers["x-seen"] = event.request.path
  return { body = "served" }
end }
"""
WAITS = "return { viewer_request = function(event) edge.sleep(5) return { body = 'waited' } end }"
FETCHES = """
return { viewer_request = function(event)
  local functions = {}
  for place = 1, 10 do functions[place] = function() return edge.fetch(event.options.url) end end
  local good = 0
  for _, result in ipairs(edge.all(functions)) do
    if type(result[1]) == "table" and result[1].status == 200 then good = good + 1 end
  end
  return { body = "fetched " .. good }
end }
"""
MAPS = """
return { viewer_response = function(event)
  local answer = edge.fetch(event.options.url)
  event.response.headers["x-fetched"] = answer and answer.body or "nothing"
  event.response.body = event.response.body:map(function(piece) return piece end)
end }
"""


class Origin:
    """Answers with LARGE_MB as fast as they are taken, or with a word."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        piece = b"x" * (1 << 20)
        with connection, contextlib.suppress(OSError):
            while request := connection.recv(65536):
                if request.startswith(b"GET /word"):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nword")
                    continue
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LARGE_MB << 20))
                for _ in range(LARGE_MB):
                    connection.sendall(piece)


def parse():
    parser = argparse.ArgumentParser(description="Run hostile functions and measure their neighbours.")
    parser.add_argument("--bin", required=True, help="the edged to start")
    parser.add_argument("--only", default="", help="functions whose name contains this")
    parser.add_argument("--runs", type=int, default=12, help="of each function")
    parser.add_argument("--p99", type=float, default=50, help="most milliseconds for the normal client")
    options = parser.parse_args()
    if options.runs > 18 * COPIES:
        parser.error("the circuit breaker would park the functions")
    return options


@contextlib.contextmanager
def served(options, origin, hostiles):
    with tempfile.TemporaryDirectory(prefix="edged-functions-") as folder:
        os.mkdir(os.path.join(folder, "functions"))

        def write(name, text):
            with open(os.path.join(folder, "functions", f"{name}.lua"), "w") as file:
                file.write(text)

        port = free_port()
        rows = []

        def row(path, origin="none", **stages):
            rows.append({"path": path, "origin": origin, "cache": "off", "functions": stages})

        for place, hostile in hostiles:
            write(f"f{place}", hostile.source)
            for copy in range(COPIES):
                row(f"/f{place}/{copy}", **{hostile.stage: [f"f{place}"]})
        with open(os.path.join(folder, "plain.txt"), "w") as file:
            file.write("plain")
        word = {"url": f"http://127.0.0.1:{origin.port}/word"}
        for name, text in (("benign", BENIGN), ("waits", WAITS), ("fetches", FETCHES), ("maps", MAPS)):
            write(name, text)
        row("/waits", viewer_request=[{"name": "waits", "timeout": "30s"}])
        row("/fetches", viewer_request=[{"name": "fetches", "options": word, "timeout": "30s"}])
        row("/maps", "large", viewer_response=[{"name": "maps", "options": word}])
        row("/plain.txt", "files")
        row("*", viewer_request=["benign"])
        config = os.path.join(folder, "edge.json")
        with open(config, "w") as file:
            json.dump({
                "workers": 1,
                "listen": [{"address": f"127.0.0.1:{port}"}],
                "admin": {"socket": os.path.join(folder, "edged.sock")},
                "log": {"access": "off", "events": os.path.join(folder, "events.log")},
                "limits": {"connections_per_address": 50000},
                "functions": {"folder": "functions", "limits": {"viewer_timeout": "500ms"}, "fetch": {"private_addresses": True}},
                "origins": {"none": {"url": "http://127.0.0.1:1"}, "large": {"url": f"http://127.0.0.1:{origin.port}"},
                            "files": {"files": folder}},
                "distributions": {"all": {"domains": ["*"], "behaviors": rows}},
            }, file)
        server = Server("edged", [os.path.abspath(options.bin), "run", "-c", config], port, folder, 0)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def ask(port, path, patience=60):
    """The answer's status and X-Cache, and how long it took."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        began = time.monotonic()
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while part := connection.recv(65536):
            data += part
        took = time.monotonic() - began
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    cache = next((line[9:] for line in lines if line.lower().startswith("x-cache: ")), "")
    return int(lines[0].split(" ")[1]), cache, took, fields, body


def percentiles(client):
    return f"{client.percentile_ms(0.5):8.1f}{client.percentile_ms(0.99):8.1f}{1e3 * max(client.seconds, default=0):8.1f}"


class Report:
    def __init__(self, options, server, short):
        self.options, self.server, self.short = options, server, short

    @property
    def megabytes(self):
        return self.server.resident_bytes() / 1e6

    def hold(self, condition, what):
        if not condition:
            self.short.append(what)

    def neighbours(self, client, name):
        if len(client.seconds) < SAMPLES_MIN:
            return
        p99 = client.percentile_ms(0.99)
        self.hold(p99 <= self.options.p99, f"{name}: the normal client's p99 is {p99:.1f} ms")
        self.hold(not client.failures, f"{name}: the normal client met {client.failures[:1]}")


def attack(report, place, hostile):
    port, wrong, longest = report.server.port, set(), []
    before = report.megabytes

    def runs(copy):
        for _ in range(report.options.runs // PARALLEL):
            status, cache, took, _, _ = ask(port, f"/f{place}/{copy}")
            longest.append(took)
            if not hostile.is_answered_by(status, cache):
                wrong.add(f"{status} {cache}")

    with NormalClient("127.0.0.1", port, "/benign", every=0.002) as client:
        threads = [threading.Thread(target=runs, args=(copy,)) for copy in range(PARALLEL)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    limit = WAITING_MAX if hostile.waits else RUNNING_MAX
    # Two of them share the worker.
    most = 2 * limit * (1 if hostile.waits else PARALLEL) + OVERHEAD
    print(f"{hostile.name:30}{1e3 * max(longest):9.0f}{percentiles(client)}{before:9.1f}{report.megabytes:9.1f}", flush=True)
    report.hold(not wrong, f"{hostile.name}: answered {', '.join(sorted(wrong))}")
    report.hold(max(longest) <= most, f"{hostile.name}: took {max(longest):.2f} s, at most {most:.2f} wanted")
    report.neighbours(client, hostile.name)


def crowd(report, name, path, count, expected):
    """Very many at once; each has one of the expected answers."""
    port, answers = report.server.port, {}
    before = most = report.megabytes
    # Where as many runs wait as there may be, only who needs none is served.
    with NormalClient("127.0.0.1", port, "/plain.txt", every=0.005) as client:
        connections = []
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=60)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            connections.append(connection)
        for connection in connections:
            data = b""
            while part := connection.recv(65536):
                data += part
            connection.close()
            word = data.split(b"\r\n\r\n", 1)[-1].decode("latin-1") if b" 200 " in data[:20] else data[9:12].decode()
            answers[word] = answers.get(word, 0) + 1
            most = max(most, report.megabytes)
    time.sleep(0.5)
    print(f"{name:30}{'':9}{percentiles(client)}{before:9.1f}{report.megabytes:9.1f}   at most {most:.1f} MB: {answers}", flush=True)
    report.hold(set(answers) <= set(expected), f"{name}: answered {answers}")
    report.neighbours(client, name)
    return answers


def stream(report):
    """LARGE_MB through a map, behind an awaited fetch."""
    port = report.server.port
    before = most = report.megabytes
    with NormalClient("127.0.0.1", port, "/benign", every=0.002) as client:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            began, data, received = time.monotonic(), b"", 0
            connection.sendall(b"GET /maps HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            while part := connection.recv(1 << 20):
                if b"\r\n\r\n" not in data:
                    data += part
                received += len(part)
                most = max(most, report.megabytes)
            took = time.monotonic() - began
    name = f"{LARGE_MB} MB through a map"
    print(f"{name:30}{1e3 * took:9.0f}{percentiles(client)}{before:9.1f}{report.megabytes:9.1f}   at most {most:.1f} MB", flush=True)
    report.hold(b"x-fetched: word" in data.lower() and received >= LARGE_MB << 20, f"{name}: only {received} bytes came")
    report.hold(most < before + 16, f"{name}: memory went from {before:.1f} to {most:.1f} MB")
    report.neighbours(client, name)


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    descriptors = raise_descriptor_limit()
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    chosen = [(place, hostile) for place, hostile in enumerate(HOSTILE) if options.only in hostile.name]
    origin, short = Origin(), []
    print(f"{'':30}{'longest':>9}{'p50 ms':>8}{'p99 ms':>8}{'max ms':>8}{'MB was':>9}{'MB is':>9}")
    for stays in (False, True):
        group = [(place, hostile) for place, hostile in chosen if hostile.stays == stays]
        with served(options, origin, group) as server:
            report = Report(options, server, short)
            for place, hostile in group:
                attack(report, place, hostile)
            # What they took is given back, or used again by the next ones.
            start = report.megabytes
            for place, hostile in group:
                ask(server.port, f"/f{place}/0")
            now = report.megabytes
            report.hold(stays or now < 1.1 * start, f"memory was {start:.1f} MB and is {now:.1f} MB")
    if not options.only:
        with served(options, origin, []) as server:
            crowds(Report(options, server, short), descriptors)
    if short:
        print("\n" + "\n".join(short))
        sys.exit("functions: not everything held")


def crowds(report, descriptors):
    """Each twice: what the first leaves in pools is used again by the second, and nothing is added."""
    for name, run in {
        "stream": lambda: stream(report),
        "fetches": lambda: crowd(report, "storm of fetches", "/fetches", FETCHING, FETCHED),
        "waiting": lambda: wait(report, descriptors),
    }.items():
        run()
        start = report.megabytes
        run()
        report.hold(report.megabytes < 1.1 * start, f"{name}: memory was {start:.1f} MB and is {report.megabytes:.1f} MB")
    report.hold(ask(report.server.port, "/benign")[0] == 200, "nobody is served in the end")


def wait(report, descriptors):
    if descriptors < WAITING + 1000:
        return print(f"{WAITING} connections are more than {descriptors} descriptors allow: left out")
    answers = crowd(report, "waiting at once", "/waits", WAITING + 200, ("waited", "503"))
    report.hold(answers == {"waited": WAITING, "503": 200}, f"{WAITING} may wait: {answers}")


if __name__ == "__main__":
    main()
