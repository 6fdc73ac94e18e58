#!/usr/bin/env python3
"""`make bench`: edged beside nginx, HAProxy, Varnish and a bare loop, in one run.

The server runs on CPU 0, the load (wrk) on CPU 1. What counts is the server's CPU time per request, read from its
processes before and after each measurement: it says what a core can carry, and the load generator cannot blur it.
Rounds are interleaved (A B C, A B C, …) and medians taken, because a virtual machine drifts by more than the
differences of interest; a ratio is only worth something between figures of the same run.
"""

import argparse
import http.client
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import report
from allocations import allocations_per_request, build_counter
from contestants import BODIES, CACHED, CASES, LOAD_CPU, REQUEST_FIELDS, Workshop
from hold import hold
from processes import raise_descriptor_limit

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CONTESTANTS = ["edged", "edged-plain", "haproxy", "haproxy-log", "nginx", "nginx-plain", "varnish", "floor"]
CONNECTIONS = 64
IDLE_CONNECTIONS = 10_000
STARTS = 5


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if os.cpu_count() < 2:
        sys.exit("bench: two CPUs are needed, one for the server and one for the load")
    os.sched_setaffinity(0, {LOAD_CPU})
    raise_descriptor_limit()
    with tempfile.TemporaryDirectory(prefix="edged-bench-") as folder:
        workshop = Workshop(folder, os.path.abspath(options.bin))
        build_bare_loops(workshop)
        results = {"cases": {}, "idle": {}, "allocations": {}, "failures": {}, "settings": vars(options), "machine": report.machine()}
        for case in options.cases:
            results["cases"][case] = run_case(workshop, case, options, results["failures"])
        if options.idle:
            for name in options.only:
                if "-" in name:
                    continue
                attempt(results["failures"], name, lambda: measure_idle(workshop, name, results["idle"]))
        if "edged" in options.only:
            build_counter(workshop)
            for case in filter(report.ALLOCATION_GOALS.get, options.cases):
                attempt(results["failures"], "edged", lambda: count_allocations(workshop, case, results["allocations"]))
    report.publish(results, options.out)
    return 1 if "edged" in results["failures"] else 0


def parse():
    parser = argparse.ArgumentParser(description="Compare CPU time per request with other servers.")
    parser.add_argument("--bin", default=os.path.join(ROOT, ".build/release/edged"), help="the edged to measure")
    parser.add_argument("--rounds", type=int, default=3, help="measurements per contestant and case")
    parser.add_argument("--seconds", type=int, default=2, help="length of a measurement")
    parser.add_argument("--cases", default=",".join(CASES), help=f"of {','.join(CASES)}")
    parser.add_argument("--only", default=",".join(CONTESTANTS), help=f"of {','.join(CONTESTANTS)}")
    parser.add_argument("--no-idle", dest="idle", action="store_false", help="leave out memory and start-up time")
    parser.add_argument("--out", default=os.path.join(ROOT, "out/bench"), help="folder for the JSON and the chart")
    options = parser.parse_args()
    options.cases = chosen(parser, options.cases, list(CASES))
    options.only = chosen(parser, options.only, CONTESTANTS)
    return options


def chosen(parser, text, known):
    names = text.split(",")
    for name in names:
        if name not in known:
            parser.error(f"no '{name}' among {', '.join(known)}")
    return names


def build_bare_loops(workshop):
    for name in ("floor", "relay"):
        source = os.path.join(HERE, f"{name}.c")
        subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-o", workshop.path(name), source], check=True)


def attempt(failures, name, action):
    """A contestant that does not start or answers wrongly is named in the report; the others go on."""
    try:
        return action()
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        failures.setdefault(name, str(error))
        print(f"bench: {name}: {error}", file=sys.stderr)
        return None


def run_case(workshop, case, options, failures):
    origin = workshop.origin(case).start()
    running = {}
    try:
        for name in options.only:
            server = workshop.server(name, case, origin.port)
            if server and attempt(failures, name, lambda: warm_up(server, case)):
                running[name] = server
        rounds = {name: [] for name in running}
        for _ in range(options.rounds):
            for name, server in running.items():
                rounds[name].append(measure(server, case, options.seconds))
        return {name: summary(rows) for name, rows in rounds.items()}
    finally:
        for server in [*running.values(), origin]:
            server.stop()


def target(case):
    return "/large.txt" if case in ("large", "hit-large") else "/small.txt"


def warm_up(server, case):
    server.start()
    try:
        check_answer(server, case)
        wrk(server, case, 1)
        return True
    except BaseException:
        server.stop()
        raise


def check_answer(server, case):
    """Numbers of a server that answers something else are worth nothing."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    client.request("GET", target(case), headers=REQUEST_FIELDS.get(case, {}))
    response = client.getresponse()
    body = response.read()
    client.close()
    if case == "proxy" and not response.getheader("x-request-id"):
        raise RuntimeError("the answer does not come from the origin")
    if case in CACHED and server.name == "edged" and not is_hit(server, case):
        raise RuntimeError("the answer does not come from the cache")
    if response.status != 200 or body != b"x" * BODIES[case]:
        raise RuntimeError(f"answers {response.status} with {len(body)} bytes")
    if case == "hooks" and server.name != "floor":
        fields = [response.getheader(name) for name in ("strict-transport-security", "x-frame-options", "last-modified")]
        if fields != ["max-age=63072000", "DENY", None]:
            raise RuntimeError(f"its functions did not run: {fields}")


def is_hit(server, case):
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    client.request("GET", target(case))
    response = client.getresponse()
    response.read()
    client.close()
    return (response.getheader("x-cache") or "").startswith("Hit")


def wrk(server, case, seconds):
    command = [
        "taskset", "-c", str(LOAD_CPU), "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s",
        "-s", os.path.join(HERE, "report.lua"),
        *(word for name, value in REQUEST_FIELDS.get(case, {}).items() for word in ("-H", f"{name}: {value}")),
        f"http://127.0.0.1:{server.port}{target(case)}",
    ]
    output = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", output)
    if not found:
        raise RuntimeError(f"wrk reported nothing: {output.strip()[-200:]}")
    return tuple(map(int, found.groups()))


def measure(server, case, seconds):
    before = server.cpu_seconds()
    requests, duration, p50, p99, errors = wrk(server, case, seconds)
    spent = server.cpu_seconds() - before
    return {
        "cpu_us_per_request": 1e6 * spent / max(requests, 1),
        "requests_per_second": 1e6 * requests / duration,
        "p50_us": p50,
        "p99_us": p99,
        "errors": errors,
    }


def summary(rows):
    medians = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    return {**medians, "errors": sum(row["errors"] for row in rows), "rounds": rows}


def measure_idle(workshop, name, idle):
    """Start-up time as a median; memory at rest, and with connections that have each had one answer."""
    origin = workshop.origin("small").start()
    times = []
    server = None
    try:
        for _ in range(STARTS):
            if server:
                server.stop()
            server = workshop.server(name, "small", origin.port).start()
            times.append(server.ready_seconds)
        check_answer(server, "small")
        time.sleep(0.5)
        at_rest = server.resident_bytes()
        with hold("127.0.0.1", server.port, IDLE_CONNECTIONS, target("small")) as held:
            time.sleep(0.5)
            loaded = server.resident_bytes()
            idle[name] = {
                "ready_ms": 1e3 * statistics.median(times),
                "resident_mb": at_rest / 1e6,
                "connections": len(held),
                "bytes_per_connection": (loaded - at_rest) / max(len(held), 1),
            }
    finally:
        if server:
            server.stop()
        origin.stop()


def count_allocations(workshop, case, found):
    found[case] = allocations_per_request(workshop, case, check_answer)


if __name__ == "__main__":
    sys.exit(main())
