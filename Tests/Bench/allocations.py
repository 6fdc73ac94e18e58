"""Heap allocations per warm request: the slope between a short run and a long one.

Start-up, first use of every pool and the end of the process cost the same in both runs and cancel out; what is left
belongs to the requests between. mallocs.c does the counting. Only a release build can be held to this budget: a debug
build does not specialise generics and boxes what the optimiser would keep on the stack, so `make test` has no use
for it.
"""

import os
import re
import subprocess

from contestants import LOAD_CPU

HERE = os.path.dirname(os.path.abspath(__file__))
SHORT, LONG = 2_000, 22_000
CONNECTIONS = 4
TARGET = "/small.txt"


def build_counter(workshop):
    source = os.path.join(HERE, "mallocs.c")
    command = ["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", workshop.path("mallocs.so"), source]
    subprocess.run(command, check=True)


def allocations_per_request(workshop, case, check_answer):
    few, many = (allocations(workshop, case, requests, check_answer) for requests in (SHORT, LONG))
    return (many - few) / (LONG - SHORT)


def allocations(workshop, case, requests, check_answer):
    """Of a process that starts, answers so many requests, and ends."""
    counts = workshop.path(f"mallocs-{case}-{requests}")
    origin = workshop.origin(case).start()
    server = workshop.server("edged", case, origin.port)
    preloaded = [f"LD_PRELOAD={workshop.path('mallocs.so')}", f"MALLOCS_FILE={counts}"]
    server.command = [*server.command[:3], "env", *preloaded, *server.command[3:]]
    try:
        server.start()
        check_answer(server, case)
        load(server, requests)
    finally:
        server.stop()
        origin.stop()
    try:
        with open(counts) as file:
            count = int(file.read())
    except (FileNotFoundError, ValueError):
        raise RuntimeError("no count of allocations: it did not end by itself") from None
    if count == 0:
        raise RuntimeError("no allocation was seen, not even at the start: the counter is not in its way")
    return count


def load(server, requests):
    command = [
        "taskset", "-c", str(LOAD_CPU), "h2load", "--h1", "-t", "1", "-c", str(CONNECTIONS), "-n", str(requests),
        f"http://127.0.0.1:{server.port}{TARGET}",
    ]
    output = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    found = re.search(r"status codes: (\d+) 2xx", output)
    if not found or int(found.group(1)) != requests:
        raise RuntimeError(f"h2load: not {requests} answers: {output.strip()[-200:]}")
