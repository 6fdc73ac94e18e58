"""Functions that mean harm: how each ends, and that nothing of it stays. How fast they end is measured by `make soak`."""

import os
import sys
import threading
import time

from harness import Suite, check, equal, eventually

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Attack"))
from hostile import HOSTILE  # noqa: E402

# A run may have a tenth of a second of its loop. This ends a wait that would never end, also on a busy machine.
SECONDS_MAX = 15


class Hostile(Suite):
    def setup(self):
        self.app = self.origin()
        rows = []
        for place, hostile in enumerate(HOSTILE):
            self.write(f"functions/f{place}.lua", hostile.source.encode())
            rows.append((f"/f{place}", {hostile.stage: [f"f{place}"]}))
        self.hostile = self.serve("functions", *rows, ("*", {}), workers=1)

    def serve(self, folder, *rows, **options):
        rows = rows or [("*", {"viewer_request": ["f"]})]
        return self.edge({
            "functions": {"folder": os.path.join(self.folder, folder), "limits": {"viewer_timeout": "2s"}},
            "origins": {"app": {"url": self.app.url}},
            "distributions": {"all": {"domains": ["*"], "behaviors": [
                {"path": path, "origin": "app", "cache": "off", "functions": stages} for path, stages in rows]}},
        }, **options)

    def test_each_ends_as_it_should(self):
        wrong = []
        for place, hostile in enumerate(HOSTILE):
            began = time.monotonic()
            answer = self.hostile.get(f"/f{place}")
            took = time.monotonic() - began
            if not hostile.is_answered_by(answer.status, answer["x-cache"]) or took > SECONDS_MAX:
                wrong.append(f"{hostile.name}: {answer.status} {answer['x-cache']} after {took:.2f} s")
            equal(self.hostile.get("/status/200").status, 200, f"after {hostile.name}")
        check(not wrong, "; ".join(wrong))

    def test_nobody_takes_hold_of_the_thread_of_another_request(self):
        self.write("kept/f.lua", b"""
            local kept, own
            local function tell(...)
              local parts = { ... }
              for at = 1, select("#", ...) do parts[at] = tostring(parts[at]) end
              return table.concat(parts, " ")
            end
            local cases = {}
            function cases.wait(event)
              kept = coroutine.running()
              own = coroutine.create(function() edge.sleep(0.3) return "slept" end)
              local ok, what = coroutine.resume(own)
              return { body = tell(ok, what) }
            end
            function cases.status() return { body = coroutine.status(kept) } end
            function cases.resume() return { body = tell(coroutine.resume(kept, "from elsewhere")) } end
            function cases.close() return { body = tell(pcall(coroutine.close, kept)) } end
            function cases.yieldable() return { body = tell(coroutine.isyieldable(kept)) } end
            function cases.die()
              kept = coroutine.create(function()
                local trap <close> = setmetatable({}, { __close = function() while true do end end })
                while true do end
              end)
              coroutine.resume(kept)
            end
            return { viewer_request = function(event) return cases[event.request.path:sub(2)](event) end }
        """)
        edge = self.serve("kept", workers=1)
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(edge.get("/wait").body))
        waiter.start()
        time.sleep(0.1)
        equal(edge.get("/status").body, b"normal")
        equal(edge.get("/resume").body, b"false cannot resume non-suspended coroutine")
        check(b"cannot close a normal coroutine" in edge.get("/close").body)
        equal(edge.get("/yieldable").body, b"false")
        waiter.join()
        equal(answers, [b"true slept"])
        # What died of a limit is closed by nobody: Lua leaves hooks off in it, so a __close there would never end.
        equal(edge.get("/die").status, 503)
        equal(edge.get("/status").body, b"dead")
        equal(edge.get("/close").body, b"true false it was ended by the edge")
        equal(edge.get("/resume").body, b"false cannot resume dead coroutine")

    def test_memory_comes_back(self):
        """What hostile functions take is given back, or used again by the next ones."""
        for _ in range(2):
            for place in range(len(HOSTILE)):
                self.hostile.get(f"/f{place}")
        before = self.resident()
        for _ in range(3):
            for place in range(len(HOSTILE)):
                self.hostile.get(f"/f{place}")
        # The allocator keeps a part of it, more where threads take turns; a leak would be hundreds of megabytes.
        check(self.resident() < before + (64 << 20), f"{before >> 20} MB, then {self.resident() >> 20} MB")

    def resident(self):
        with open(f"/proc/{self.hostile.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def test_the_log_says_why(self):
        for place, hostile in enumerate(HOSTILE):
            if hostile.said:
                self.hostile.get(f"/f{place}")
                eventually(lambda: any(event["event"] == "function_failed" and event["function"] == f"f{place}@1"
                                       and hostile.said in event["message"] for event in self.hostile.events()),
                           f"{hostile.name}: {hostile.said}", patience=8)
