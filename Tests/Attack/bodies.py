#!/usr/bin/env python3
"""A very large body each way through a running edge, and the memory that it took.

    bodies.py --bin .build/release/edged [--gigabytes 20]

An origin in a process of its own sends and takes bodies of a known pattern; every byte is compared where it arrives.
Printed for each way: seconds, MB/s, and the most memory that the edge ever had. Fails when that is more than --grown
megabytes above what it had before, when a byte is wrong, or when the connection does not end as it should.
"""

import argparse
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "Bench"))

from processes import Server, free_port

PIECE = 1 << 20
# Three times, so that a piece that begins anywhere is one slice; no power of two, so that lost pieces show.
PATTERN = os.urandom(1_000_003) * 3
PERIOD = 1_000_003


def expected(offset, count):
    start = offset % PERIOD
    return PATTERN[start:start + count]


def send_body(connection, length):
    sent = 0
    while sent < length:
        piece = expected(sent, min(PIECE, length - sent))
        connection.sendall(piece)
        sent += len(piece)


def take_body(connection, rest, length):
    """Reads `length` bytes, those in `rest` first; answers what is wrong, if anything."""
    room = bytearray(PIECE)
    view = memoryview(room)
    taken = len(rest)
    if rest != expected(0, taken):
        return "wrong bytes at the beginning"
    while taken < length:
        count = connection.recv_into(view[:min(PIECE, length - taken)])
        if count == 0:
            return f"it ended after {taken} of {length} bytes"
        # As bytes, which are compared as a whole; views are compared item by item.
        if bytes(view[:count]) != expected(taken, count):
            return f"wrong bytes at {taken}"
        taken += count
    return None


def take_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            return head, b""
        head += more
    head, rest = head.split(b"\r\n\r\n", 1)
    return head, rest


def origin(listener, length):
    while True:
        connection, _ = listener.accept()
        with connection:
            head, rest = take_head(connection)
            if head.startswith(b"GET"):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % length)
                send_body(connection, length)
            elif head.startswith(b"PUT"):
                wrong = (take_body(connection, rest, length) or "all there").encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(wrong), wrong))


def most_memory_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def download(port, length):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /down HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head, rest = take_head(connection)
        if b" 200 " not in head.split(b"\r\n")[0]:
            return head.decode(errors="replace")
        return take_body(connection, rest, length) or ("more than was promised" if connection.recv(1) else None)


def upload(port, length):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"PUT /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % length)
        send_body(connection, length)
        head, rest = take_head(connection)
        while more := connection.recv(65536):
            rest += more
        return None if rest == b"all there" else f"{head!r} {rest!r}"


def main():
    parser = argparse.ArgumentParser(description="Carry a very large body each way.")
    parser.add_argument("--bin", required=True, help="the edged to start")
    parser.add_argument("--gigabytes", type=float, default=20, help="of each body")
    parser.add_argument("--grown", type=float, default=16, help="most megabytes that the edge may grow by")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    length = int(options.gigabytes * 1e9)
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="edged-bodies-") as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        source = multiprocessing.get_context("fork").Process(target=origin, args=(listener, length), daemon=True)
        source.start()
        port = free_port()
        config = os.path.join(folder, "edge.lua")
        with open(config, "w") as file:
            file.write(f"""return {{
  workers = 1,
  listen = {{ {{ address = "127.0.0.1:{port}" }} }},
  admin = {{ socket = "{folder}/edged.sock" }},
  log = {{ access = "{folder}/access.log" }},
  limits = {{ body = "1TB" }},
  origins = {{ big = {{ url = "http://127.0.0.1:{listener.getsockname()[1]}" }} }},
  distributions = {{ all = {{ domains = {{ "*" }}, behaviors = {{ {{ path = "*", origin = "big", cache = "off" }} }} }} }},
}}
""")
        server = Server("edged", [os.path.abspath(options.bin), "run", "-c", config], port, folder, 0)
        try:
            server.start()
            pid = server.process.pid
            # The origin closes after each, so what waits for an answer is only this.
            before = most_memory_mb(pid)
            print(f"{'':10}{'GB':>8}{'s':>8}{'MB/s':>8}{'peak MB':>9}{'before':>9}")
            for name, carry in (("download", download), ("upload", upload)):
                began = time.monotonic()
                wrong = carry(port, length)
                seconds = time.monotonic() - began
                peak = most_memory_mb(pid)
                print(f"{name:10}{length / 1e9:8.1f}{seconds:8.1f}{length / 1e6 / seconds:8.0f}{peak:9.1f}{before:9.1f}",
                      flush=True)
                if wrong:
                    print(f"{'':10}{wrong}")
                verdicts.append(not wrong and peak - before <= options.grown)
        finally:
            server.stop()
            source.terminate()
            source.join()
    if not all(verdicts):
        sys.exit(f"bodies: not whole, or the edge grew by more than {options.grown:g} MB")


if __name__ == "__main__":
    main()
