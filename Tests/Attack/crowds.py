#!/usr/bin/env python3
"""The cache under crowds: many who want one object, very many objects, and large fills beside hits.

    crowds.py --bin .build/release/edged [--only cold,million,fills] [--objects 1000000]

cold     10,000 connections ask for one object that is not there, at once: the origin must see one request.
million  a million objects of 64 bytes, every tenth with a tag: bytes of memory for each, the time that a purge of the
         tag takes, and how a normal client fares while it is purged and swept.
fills    ten objects of 1 GB come at 20 MB/s each while a normal client asks for a hit.
"""

import argparse
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(os.path.dirname(HERE), "Bench")
sys.path.insert(0, BENCH)

from client import NormalClient
from processes import Server, free_port, raise_descriptor_limit

VIEWERS = 10_000
FILLS, FILL_BYTES, FILL_RATE = 10, 1 << 30, 20 << 20
COUNTING = """
local next, last = %d, %d
request = function()
  next = next + 1
  if next > last then wrk.thread:stop() end
  return wrk.format("GET", "%s" .. next)
end
"""


class Bench:
    def __init__(self, binary, folder):
        self.binary, self.folder = os.path.abspath(binary), folder
        self.servers = []

    def floor(self, bytes, field=""):
        path = os.path.join(self.folder, "floor")
        if not os.path.exists(path):
            source = os.path.join(BENCH, "floor.c")
            subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-o", path, source], check=True)
        port = free_port()
        return self.start("origin", [path, "127.0.0.1", str(port), str(bytes), *([field] if field else [])], port, 1)

    def edged(self, origins, memory="256MB"):
        port = free_port()
        rows = "".join(f"{name} = {{ url = \"http://127.0.0.1:{at}\" }}, " for name, at in origins.items())
        behaviors = "".join(f"{{ path = \"/{name}/*\", origin = \"{name}\", cache = {{}} }}, " for name in origins)
        config = os.path.join(self.folder, f"edge-{port}.lua")
        with open(config, "w") as file:
            file.write(f"""return {{
  workers = 1, listen = {{ {{ address = "127.0.0.1:{port}" }} }},
  admin = {{ socket = "{self.folder}/edged.sock" }},
  log = {{ access = "{self.folder}/access.log", events = "{self.folder}/events.log" }},
  limits = {{ connections_per_address = 50000 }}, cache = {{ memory = "{memory}" }},
  origins = {{ {rows} }},
  distributions = {{ all = {{ domains = {{ "*" }}, behaviors = {{ {behaviors}
    {{ path = "*", origin = "{next(iter(origins))}", cache = {{}} }} }} }} }},
}}""")
        return self.start("edged", [self.binary, "run", "-c", config], port, 0)

    def start(self, name, command, port, cpu):
        server = Server(name, command, port, self.folder, cpu).start()
        self.servers.append(server)
        return server

    def stop(self):
        for server in reversed(self.servers):
            server.stop()

    def run(self, *words):
        return subprocess.run([self.binary, *words, "--socket", f"{self.folder}/edged.sock"], capture_output=True,
                              text=True, check=True).stdout


class SlowOrigin:
    """Counts requests; answers `/cold/…` after a second, and everything else with a gigabyte at its own pace."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.socket.getsockname()[1]
        self.asked = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                while True:
                    head = b""
                    while b"\r\n\r\n" not in head:
                        piece = connection.recv(65536)
                        if not piece:
                            return
                        head += piece
                    self.asked += 1
                    if b" /cold/" in head:
                        time.sleep(1)
                        self.answer(connection, 1024)
                        connection.sendall(b"x" * 1024)
                    else:
                        self.answer(connection, FILL_BYTES)
                        self.drip(connection)
            except OSError:
                return

    @staticmethod
    def answer(connection, length):
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nCache-Control: max-age=3600\r\n"
                           "ETag: \"a\"\r\n\r\n".encode())

    @staticmethod
    def drip(connection):
        piece, began, sent = bytes(1 << 20), time.monotonic(), 0
        while sent < FILL_BYTES:
            connection.sendall(piece)
            sent += len(piece)
            time.sleep(max(0, began + sent / FILL_RATE - time.monotonic()))


def cold(bench, _):
    origin = SlowOrigin()
    edge = bench.edged({"cold": origin.port})
    request = b"GET /cold/one HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    connections = [socket.create_connection(("127.0.0.1", edge.port)) for _ in range(VIEWERS)]
    began = time.monotonic()
    for connection in connections:
        connection.sendall(request)
    sent = time.monotonic() - began
    answers, selector = {connection: b"" for connection in connections}, selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection, selectors.EVENT_READ)
    left = len(connections)
    while left and time.monotonic() - began < 60:
        for key, _ in selector.select(1):
            piece = key.fileobj.recv(65536)
            answers[key.fileobj] += piece
            if not piece:
                selector.unregister(key.fileobj)
                left -= 1
    took = time.monotonic() - began
    right = sum(data.startswith(b"HTTP/1.1 200 ") and data.endswith(b"x" * 1024) for data in answers.values())
    for connection in connections:
        connection.close()
    print(f"cold: {VIEWERS} viewers asked within {sent:.2f} s, all answered after {took:.2f} s; "
          f"{right} right; the origin saw {origin.asked}; {edge.resident_bytes() / 1e6:.0f} MB at the end")
    return right == VIEWERS and origin.asked == 1


def fill_up(bench, edge, path, count):
    """wrk asks for one object after the other until it has seen them all."""
    script = os.path.join(bench.folder, "count.lua")
    done = 0
    while done < count:
        with open(script, "w") as file:
            file.write(COUNTING % (done, count, path))
        subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c32", "-d5s", "-s", script,
                        f"http://127.0.0.1:{edge.port}"], capture_output=True, check=True)
        # What is on its way arrives, and the gauges are written.
        time.sleep(1.5)
        before, done = done, counted(bench, "edged_cache_objects") - fill_up.base
        if done == before:
            raise RuntimeError(f"no more than {done} objects are kept")
    fill_up.base += done


def counted(bench, name):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"{bench.folder}/edged.sock")
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := connection.recv(65536):
            data += piece
    for line in data.decode().splitlines():
        if line.startswith(f"{name} "):
            return int(float(line.split()[1]))
    raise RuntimeError(f"no metric {name}")


def million(bench, options):
    edge = bench.edged({"plain": bench.floor(64).port, "tagged": bench.floor(64, "Surrogate-Key: tenth").port}, "8GB")
    fill_up.base = 0
    fill_up(bench, edge, "/plain/warm-up/", 1000)
    before, objects_before = edge.resident_bytes(), counted(bench, "edged_cache_objects")
    fill_up(bench, edge, "/tagged/", options.objects // 10)
    tagged = counted(bench, "edged_cache_objects") - objects_before
    fill_up(bench, edge, "/plain/", options.objects * 9 // 10)
    objects = counted(bench, "edged_cache_objects") - objects_before
    each = (edge.resident_bytes() - before) / objects
    told = counted(bench, "edged_cache_memory_bytes") / (objects + objects_before)
    print(f"million: {objects} objects of 64 bytes, {tagged} with a tag; {each:.0f} bytes of memory each, "
          f"the budget counts {told:.0f}")
    with NormalClient("127.0.0.1", edge.port, "/plain/10", every=0.002) as quiet:
        time.sleep(4)
    with NormalClient("127.0.0.1", edge.port, "/plain/10", every=0.002) as client:
        time.sleep(0.5)
        began = time.monotonic()
        bench.run("invalidate", "all", "--tag", "tenth")
        took = time.monotonic() - began
        while counted(bench, "edged_cache_objects") > objects + objects_before - tagged and time.monotonic() - began < 30:
            time.sleep(0.1)
        swept = time.monotonic() - began
    left = counted(bench, "edged_cache_objects") - objects_before
    print(f"million: the purge was answered after {1e3 * took:.1f} ms, with the start of its command; swept after {swept:.1f} s; "
          f"{left} left; p99 {quiet.percentile_ms(0.99):.2f} ms before, {client.percentile_ms(0.99):.2f} ms meanwhile")
    return took < 0.05 and left == objects - tagged and not client.failures


def fills(bench, _):
    origin = SlowOrigin()
    edge = bench.edged({"small": bench.floor(1024).port, "big": origin.port})
    with NormalClient("127.0.0.1", edge.port, "/small/1", every=0.002) as quiet:
        time.sleep(5)
    commands = [["taskset", "-c", "1", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}",
                 f"http://127.0.0.1:{edge.port}/big/{index}"] for index in range(FILLS)]
    with NormalClient("127.0.0.1", edge.port, "/small/1", every=0.002) as client:
        began = time.monotonic()
        loads = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
        answers = [load.communicate()[0] for load in loads]
        took = time.monotonic() - began
    before, during = quiet.percentile_ms(0.99), client.percentile_ms(0.99)
    print(f"fills: {FILLS} of 1 GB in {took:.0f} s; p50 {quiet.percentile_ms(0.5):.2f} ms before, "
          f"{client.percentile_ms(0.5):.2f} ms beside them; p99 {before:.2f} ms, {during:.2f} ms; "
          f"{edge.resident_bytes() / 1e6:.0f} MB at the end")
    return all(answer == f"200 {FILL_BYTES}" for answer in answers) and not client.failures


SCENES = {"cold": cold, "million": million, "fills": fills}


def main():
    parser = argparse.ArgumentParser(description="Show the cache to crowds.")
    parser.add_argument("--bin", required=True, help="the edged to start")
    parser.add_argument("--only", default=",".join(SCENES), help=f"of {','.join(SCENES)}")
    parser.add_argument("--objects", type=int, default=1_000_000, help="of the scene `million`")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if raise_descriptor_limit() < VIEWERS + 1000:
        sys.exit("crowds: too few descriptors for 10,000 connections")
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    failed = []
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory(prefix="edged-crowds-") as folder:
            bench = Bench(options.bin, folder)
            try:
                if not SCENES[name](bench, options):
                    failed.append(name)
            finally:
                bench.stop()
    if failed:
        sys.exit(f"crowds: not as it should be: {', '.join(failed)}")


if __name__ == "__main__":
    main()
