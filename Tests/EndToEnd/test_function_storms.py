"""Functions under load for long: their memory, and reloads. `make soak` makes both longer (EDGED_HOOK_CALLS, EDGED_RELOADS)."""

import os
import signal
import threading
import time

import wire
from harness import Suite, check, equal, eventually

CALLS = int(os.environ.get("EDGED_HOOK_CALLS", 100_000))
RELOADS = int(os.environ.get("EDGED_RELOADS", 50))

WORK = """
return {
  viewer_request = function(event)
    local headers = event.request.headers
    headers["x-device"] = headers["user-agent"]
    headers["x-language"] = headers["accept-language"]
    event.state.seen = { event.request.path, #event.id }
    event.log.seen = "yes"
    return { status = 200, headers = { ["content-type"] = "text/plain" }, body = "made" }
  end,
  viewer_response = function(event)
    local headers = event.response.headers
    headers["x-seen"] = event.state.seen[1]
    headers["content-type"] = nil
  end,
}
"""

# Each stage of a request says of which generation it is; what two stages say is never different.
GENERATION = """
-- edit %(edit)d
local pad = ("x"):rep(%(edit)d)
local function note(event)
  local seen = event.state.seen or {}
  seen[#seen + 1] = event.generation .. ":%(edit)d"
  event.state.seen = seen
end
return {
  viewer_request = function(event)
    note(event)
    event.request.headers["x-generation"] = tostring(event.generation)
    edge.sleep(0.002)
  end,
  origin_request = function(event)
    note(event)
    if event.request.headers["x-generation"] ~= tostring(event.generation) then error("mixed") end
  end,
  origin_response = note,
  viewer_response = function(event)
    note(event)
    event.response.headers["x-stages"] = table.concat(event.state.seen, " ")
  end,
}
"""
BROKEN = ["return {", "return { viewer_request = 1 }", "error('at load')", "return { viewer_reqest = function() end }",
          "while true do end", "return { origin_request = function() end }"]


def resident(edge):
    with open(f"/proc/{edge.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Pipeline:
    """Asks the same again and again, many at once, and only counts the answers."""

    DEPTH = 64
    # Fewer than `requests_per_connection`.
    OF_A_CONNECTION = 128 * DEPTH

    def __init__(self, edge, path, mark):
        self.edge, self.mark = edge, mark
        fields = [("User-Agent", "pipeline"), ("Accept-Language", "en")]
        self.requests = wire.Connection.head("GET", path, fields) * self.DEPTH

    def ask(self, count):
        while count > 0:
            with self.edge.connect(timeout=60) as connection:
                for _ in range(0, min(count, self.OF_A_CONNECTION), self.DEPTH):
                    connection.send(self.requests)
                    self.count(connection.socket, self.DEPTH)
            count -= self.OF_A_CONNECTION

    def count(self, connection, answers):
        data = b""
        while answers > 0:
            # What may be the beginning of a mark is looked at again, what was counted is not.
            counted = data.rfind(self.mark) + len(self.mark) if self.mark in data else 0
            data = data[max(counted, len(data) - len(self.mark) + 1):]
            more = connection.recv(1 << 18)
            check(more, "the connection ended")
            data += more
            answers -= data.count(self.mark)


class FunctionStormsOfCalls(Suite):
    def setup(self):
        self.write("functions/f.lua", WORK.encode())
        self.edge = self.edge({
            "log": {"access": "off", "events": "events.log"},
            "functions": {"folder": os.path.join(self.folder, "functions")},
            "origins": {"app": {"url": "http://127.0.0.1:1"}},
            "distributions": {"all": {"domains": ["*"], "behaviors": [
                {"path": "*", "origin": "app", "cache": "off",
                 "functions": {"viewer_request": ["f"], "viewer_response": ["f"]}}]}},
        }, workers=1)

    def test_hooks_leave_nothing_behind(self):
        answer = self.edge.get("/seen")
        equal((answer.status, answer.body, answer["x-seen"], answer["content-type"]), (200, b"made", "/seen", None))
        pipeline = Pipeline(self.edge, "/seen", b"\r\n\r\nmade")
        pipeline.ask(CALLS // 20)
        before = resident(self.edge)
        pipeline.ask(CALLS // 2)
        grown = resident(self.edge) - before
        check(grown < 4 << 20, f"grew by {grown >> 10} KiB over {CALLS} calls, from {before >> 20} MB")
        equal([event for event in self.edge.events() if event["event"] == "function_failed"], [])


class FunctionStormsOfReloads(Suite):
    def setup(self):
        self.app = self.origin()

    def serve(self, count=1):
        """`count` functions, each attached to a path of its own; the first one to every stage of all the rest."""
        stages = ("viewer_request", "origin_request", "origin_response", "viewer_response")
        rows = [{"path": f"/f{place}/*", "origin": "app", "cache": "off", "functions": {"viewer_request": [f"f{place}"]}}
                for place in range(1, count)]
        return self.edge({
            "functions": {"folder": os.path.join(self.folder, "functions")},
            "origins": {"app": {"url": self.app.url}},
            "distributions": {"all": {"domains": ["*"], "behaviors": [
                *rows, {"path": "*", "origin": "app", "cache": "off", "functions": {stage: ["f"] for stage in stages}}]}},
        })

    def edit(self, text):
        """As an editor does it: a whole file takes the place of the old one."""
        path = self.write("functions/new", text.encode())
        os.rename(path, os.path.join(self.folder, "functions", "f.lua"))

    def test_reloads_under_load(self):
        """One in ten is broken; nobody who asks notices, and nobody is served by two generations."""
        self.edit(GENERATION % {"edit": 0})
        edge = self.serve()
        stop, failures, served = threading.Event(), [], []

        def ask():
            while not stop.is_set():
                try:
                    with edge.connect() as connection:
                        for _ in range(10):
                            answer = connection.ask("GET", "/fixed/1000")
                            stages = (answer["x-stages"] or "").split(" ")
                            if answer.status != 200 or len(answer.body) != 1000 or len(stages) != 4 or len(set(stages)) != 1:
                                failures.append((answer.status, answer["x-cache"], stages))
                            served.append(stages[0])
                except Exception as error:  # noqa: BLE001
                    failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        sizes, refused, taken = [], 0, 0
        try:
            for turn in range(RELOADS):
                broken = turn % 10 == 9
                self.edit(BROKEN[turn // 10 % len(BROKEN)] if broken else GENERATION % {"edit": turn})
                edge.signal(signal.SIGHUP)
                taken += not broken
                eventually(lambda: self.told(edge, "reload_refused") > refused if broken
                           else self.told(edge, "reloaded") == taken, f"reload {turn}")
                # One for each mistake.
                refused = self.told(edge, "reload_refused")
                sizes.append(resident(edge))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        equal(failures[:5], [], f"{len(failures)} of {len(served)}")
        check(len(set(served)) > min(RELOADS, 40) / 4, f"only {len(set(served))} generations served")
        eventually(lambda: edge.get("/fixed/1")["x-stages"].split(" ")[0].startswith(f"{taken + 1}:"), "the last generation")
        # Machines of generations that have ended are given back; the first reloads make the pools.
        start = max(sizes[:10])
        eventually(lambda: resident(edge) < start * 1.1 + (2 << 20),
                   f"{start >> 20} MB at the start, {resident(edge) >> 20} MB in the end", patience=8)

    def told(self, edge, name):
        return sum(event["event"] == name for event in edge.events())

    def test_many_functions(self):
        # A build without optimisation reads a thousand of them for half a minute, a busy machine twice as long.
        count = 1000 if "EDGED_RELOADS" in os.environ else 40
        for place in range(1, count):
            self.write(f"functions/f{place}.lua", (
                f"local limit = {place}\n" + "local function step(event) event.request.headers['x-step'] = 'on' end\n" * 4
                + f"return {{ viewer_request = function(event) return {{ body = '{place}' }} end }}\n").encode())
        self.edit(GENERATION % {"edit": 0})
        edge = self.serve(count)
        equal(edge.get(f"/f{count - 1}/").body, f"{count - 1}".encode())
        self.write(f"functions/f{count - 1}.lua", b"return { viewer_request = function(event) return { body = 'edited' } end }")
        began = time.monotonic()
        edge.signal(signal.SIGHUP)
        edge.event("reloaded")
        took = time.monotonic() - began
        if count == 1000:
            print(f"        {count} functions are reloaded in {took:.2f} s")
            check(took < 1, f"{took:.2f} s")
        eventually(lambda: edge.get(f"/f{count - 1}/").body == b"edited", "the new generation")
        equal(edge.get(f"/f{count // 2}/").body, f"{count // 2}".encode())
