#!/usr/bin/env python3
"""Attacks on a running server, and how a normal client fares beside them.

    run.py --bin .build/release/edged            starts the server itself on a free port (make soak)
    run.py --host 127.0.0.1 --port 8080 --pid N  attacks one that runs already; --target and --large name its files

Every attack lasts --seconds. Printed for each: connections held, dropped by the server and refused; the normal
client's p50 and p99; the server's resident memory before, at most, and after. Fails when the p99 is above --p99
milliseconds, or when the normal client was turned away.
"""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "Tests", "Bench"))

from attacks import ATTACKS
from client import NormalClient
from processes import Server, free_port, raise_descriptor_limit

LARGE_BYTES = 4 << 20


def parse():
    parser = argparse.ArgumentParser(description="Attack a server and measure a normal client beside it.")
    parser.add_argument("--bin", help="the edged to start and attack")
    parser.add_argument("--host", default="127.0.0.1", help="must be a loopback address")
    parser.add_argument("--port", type=int, help="of a server that runs already")
    parser.add_argument("--pid", type=int, help="of that server, for its memory")
    parser.add_argument("--target", default="/small.txt", help="what the normal client asks for")
    parser.add_argument("--large", default="/large.bin", help="a file of some megabytes, for slow readers")
    parser.add_argument("--seconds", type=int, default=15, help="length of each attack")
    parser.add_argument("--p99", type=float, default=50, help="most milliseconds for the normal client")
    parser.add_argument("--only", default=",".join(ATTACKS), help=f"of {','.join(ATTACKS)}")
    options = parser.parse_args()
    if (options.bin is None) == (options.port is None):
        parser.error("give either --bin or --port")
    if not options.host.startswith("127."):
        parser.error("only loopback addresses are attacked")
    unknown = [name for name in options.only.split(",") if name not in ATTACKS]
    if unknown:
        parser.error(f"no attack {unknown[0]}; there are: {', '.join(ATTACKS)}")
    return options


@contextlib.contextmanager
def own_server(binary, host):
    """An edged with small files and short deadlines, so that a few seconds show what a minute would."""
    with tempfile.TemporaryDirectory(prefix="edged-attack-") as folder:
        public = os.path.join(folder, "public")
        os.mkdir(public)
        with open(os.path.join(public, "small.txt"), "w") as file:
            file.write("x" * 1024)
        with open(os.path.join(public, "large.bin"), "wb") as file:
            file.write(b"x" * LARGE_BYTES)
        port = free_port()
        config = os.path.join(folder, "edge.lua")
        with open(config, "w") as file:
            file.write(
                f"""return {{
  workers = 1,
  listen = {{ {{ address = "{host}:{port}" }} }},
  admin = {{ socket = "{folder}/edged.sock" }},
  log = {{ access = "{folder}/access.log" }},
  limits = {{ connections_per_address = 50000, head_timeout = "5s", body_timeout = "5s", write_timeout = "5s",
             write_rate = "1KB", idle_timeout = "120s" }},
  origins = {{ site = {{ files = "public" }} }},
  distributions = {{ all = {{ domains = {{ "*" }},
    behaviors = {{ {{ path = "*", origin = "site", cache = "off" }} }} }} }},
}}
"""
            )
        server = Server("edged", [os.path.abspath(binary), "run", "-c", config], port, folder, 0)
        server.start()
        try:
            yield server.port, server.process.pid
        finally:
            server.stop()


def resident_mb(pid):
    if pid is None:
        return float("nan")
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(attack, port, pid, options):
    """One attack; its row for the table, and whether the normal client was well."""
    before = most = resident_mb(pid)
    try:
        while len(attack.held) < attack.connections and attack.connect():
            continue
        opened = len(attack.held)
        ends = time.monotonic() + options.seconds
        with NormalClient(options.host, port, options.target) as client:
            while time.monotonic() < ends:
                next_step = time.monotonic() + 1
                attack.step()
                most = max(most, resident_mb(pid))
                time.sleep(max(0, next_step - time.monotonic()))
    finally:
        attack.close()
    time.sleep(1)
    p50, p99 = client.percentile_ms(0.5), client.percentile_ms(0.99)
    print(
        f"{attack.name:10}{opened:8}{attack.dropped:9}{attack.refused:9}{p50:9.1f}{p99:9.1f}"
        f"{len(client.failures):9}{before:9.1f}{most:9.1f}{resident_mb(pid):9.1f}",
        flush=True,
    )
    for failure in sorted(set(client.failures))[:3]:
        print(f"{'':10}normal client: {failure}")
    if opened < attack.connections:
        print(f"{'':10}wanted {attack.connections} connections")
    return p99 <= options.p99 and not client.failures


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raise_descriptor_limit()
    with contextlib.ExitStack() as stack:
        if options.bin:
            try:
                port, pid = stack.enter_context(own_server(options.bin, options.host))
            except RuntimeError as error:
                sys.exit(f"attack: {error}")
        else:
            port, pid = options.port, options.pid
        if (os.cpu_count() or 1) > 1 and options.bin:
            os.sched_setaffinity(0, {1})
        print(f"{'':10}{'held':>8}{'dropped':>9}{'refused':>9}{'p50 ms':>9}{'p99 ms':>9}{'failed':>9}"
              f"{'MB was':>9}{'at most':>9}{'after':>9}")
        verdicts = [
            run(ATTACKS[name](options.host, port, options.target, options.large), port, pid, options)
            for name in options.only.split(",")
        ]
    if not all(verdicts):
        sys.exit(f"attack: a normal client did not stay below {options.p99:g} ms without failures")


if __name__ == "__main__":
    main()
