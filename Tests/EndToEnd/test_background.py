"""Key-value stores that loops share and reloads keep, and functions that no request waits for."""

import os
import signal
import subprocess
import time

from harness import PATIENCE, Suite, check, equal, eventually

HITS = b"""
local hits = edge.kv.store("hits")
local mine = 0
return { viewer_request = function(event)
  mine = mine + 1
  return { body = hits:incr("n") .. " " .. mine }
end }
"""

REDIRECTS = b"""
local redirects = edge.kv.store("redirects")
return { viewer_request = function(event)
  if event.request.path == "/write" then redirects:set("/a", "elsewhere") end
  return { body = tostring(redirects:get(event.request.path)) }
end }
"""

TASKS = b"""
local counts = edge.kv.store("counts")
edge.every(0.1, function() edge.sleep(0.01) counts:incr("every") end)
edge.every(3600, function() counts:incr("now") end, { now = true })
edge.every(0.1, function() error("does not work") end, { once = true })
return {
  init = function() edge.sleep(0.01) counts:incr("init") end,
  viewer_request = function(event)
    local path = event.request.path
    if path == "/defer" then
      edge.defer(function() edge.sleep(0.05) counts:incr("deferred") end)
    elseif path == "/late" then
      edge.defer(function() counts:set("path", event.request.path) end)
    elseif path == "/fetch" then
      edge.defer(function() counts:set("fetched", edge.fetch({ origin = "app", path = "/status/200" }).body) end)
    elseif path == "/every" then
      edge.every(1, print)
    end
    return { body = tostring(counts:get(path:sub(2))) }
  end,
}
"""

NO_TASKS = b"""
local counts = edge.kv.store("counts")
return { viewer_request = function(event) return { body = tostring(counts:get(event.request.path:sub(2))) } end }
"""

METHODS = b"""
local s = edge.kv.store("s")
local function refused(f, ...)
  local ok, message = pcall(f, ...)
  return ok and "went well" or message
end
local long = string.rep("x", 70000)
return { viewer_request = function(event)
  local seen = {
    s:set("a", 1), s:get("a"), s:add("a", 2), s:add("b", true), s:get("b"),
    s:incr("c"), s:incr("c", 0.5), s:incr("d", 2, { initial = 40, ttl = 60 }),
    s:compare_and_set("a", 1.0, "x"), s:compare_and_set("a", 1, "y"), s:get("a"),
    s:compare_and_set("new", nil, 1), s:compare_and_set("new", 1, nil), s:get("new") == nil,
    s:delete("a"), s:delete("a"), tostring(s), s == edge.kv.store("s"),
  }
  for index, value in ipairs(seen) do seen[index] = tostring(value) end
  local lines = { table.concat(seen, " ") }
  for index = 1, 10 do lines[2] = table.concat({ tostring(s:set("fill" .. index, 1)), tostring((select(2, s:set("fill" .. index, 1)))) }, " ") end
  lines[3] = tostring((select(2, s:set("c", long))))
  lines[4] = refused(s.set, s, "a", {})
  lines[5] = refused(s.set, s, "a", 1, { tll = 5 })
  lines[6] = refused(s.get, "a")
  lines[7] = refused(function() return s.gte end)
  lines[8] = refused(s.incr, s, "b")
  lines[9] = refused(edge.kv.store, "t")
  return { body = table.concat(lines, "\\n") }
end }
"""


class Background(Suite):
    def setup(self):
        self.app = self.origin(name="app")

    def hooked(self, name, source, **settings):
        self.write(f"{name}/{name}.lua", source)
        return self.edge({
            "origins": {"app": {"url": self.app.url}},
            "functions": {"folder": os.path.join(self.folder, name)},
            "distributions": {"all": {"domains": ["*"], "behaviors": [
                {"path": "*", "origin": "app", "cache": "off", "functions": {"viewer_request": [name]}}]}},
            **settings,
        })

    def test_loops_share_a_store_and_a_reload_keeps_it(self):
        edge = self.hooked("hits", HITS, kv={"hits": {}})
        seen, loops = [], set()
        while len(loops) < 2 and len(seen) < 2000:
            count, mine = map(int, edge.get("/").body.split())
            seen.append(count)
            loops.add(count == mine)
        equal(seen, list(range(1, len(seen) + 1)))
        equal(len(loops), 2, "two loops have answered")
        edge.signal(signal.SIGHUP)
        edge.event("reloaded", generation=2)
        count, mine = map(int, edge.get("/").body.split())
        equal((count, mine), (len(seen) + 1, 1), "the store is kept, the machine is new")

    def test_every_method(self):
        edge = self.hooked("methods", METHODS, kv={"s": {"entries": 8}})
        lines = edge.get("/").body.decode().split("\n")
        equal(lines[0], "true 1 false true true 1 1.5 42 true false x true true true true false edge.kv.store true")
        equal(lines[1:3], ["nil full", "too large"])
        for line, words in zip(lines[3:], ("number or boolean is wanted", "no option 'tll'", "with a colon",
                                           "did you mean ':get'?", "under 'b' is no number", "no store 't'"), strict=True):
            check(words in line, line)

    def test_an_unknown_store_is_found_before_it_is_asked_for(self):
        edge = self.hooked("known", HITS, kv={"hits": {}})
        self.write("known/known.lua", HITS.replace(b'"hits"', b'"hist"'))
        edge.signal(signal.SIGHUP)
        refused = edge.event("reload_refused")["reason"]
        check("known.lua:2" in refused and "did you mean 'hits'?" in refused, refused)

    def test_a_file_is_read_again_when_it_changes(self):
        path = self.write("redirects.json", b'{"/a": "/b", "/n": 1}')
        edge = self.hooked("redirects", REDIRECTS, kv={"redirects": {"file": path}})
        equal(edge.get("/a").body, b"/b")
        equal(edge.get("/c").body, b"nil")
        self.write("redirects.json", b'{"/c": "/d"}')
        eventually(lambda: edge.get("/c").body == b"/d", "the new entry")
        equal(edge.get("/a").body, b"nil", "the old one is gone")
        self.write("redirects.json", b'{"/c": [1]}')
        refused = edge.event("store_refused", store="redirects")["reason"]
        check("redirects.json:1:8: error: kv.redirects: a store holds" in refused, refused)
        checked = subprocess.run([edge.binary, "check", "-c", edge.path("edge.json")], capture_output=True, text=True, timeout=PATIENCE)
        check(checked.returncode == 78 and "redirects.json:1:8" in checked.stdout + checked.stderr, checked)
        equal(edge.get("/c").body, b"/d")
        equal(edge.get("/write").status, 503)
        check("cannot be written" in edge.event("function_failed")["message"])
        edge.signal(signal.SIGHUP)
        check("redirects.json:1:8" in edge.event("reload_refused")["reason"])

    def test_tasks_run_beside_requests(self):
        edge = self.hooked("tasks", TASKS, kv={"counts": {}})
        eventually(lambda: edge.get("/init").body == b"1", "init has run on one loop")
        eventually(lambda: edge.get("/now").body == b"2", "at once, on both loops")
        eventually(lambda: edge.get("/every").status == 503, "the handler fails")
        check("top of a file" in edge.event("function_failed", stage="viewer_request")["message"])
        for _ in range(5):
            edge.get("/defer")
        eventually(lambda: edge.get("/deferred").body == b"5", "what was deferred is done")
        edge.get("/fetch")
        eventually(lambda: edge.get("/fetched").body == b"app 200\n", "what a deferred function fetched")
        failed = edge.event("function_failed", stage="every")
        check("does not work" in failed["message"] and "tasks.lua:5" in failed["message"], failed)
        equal(failed["function"], "tasks@1")
        eventually(lambda: len([event for event in edge.events() if event["event"] == "function_failed"
                                and event["stage"] == "every"]) >= 3, "a failure ends no schedule")
        edge.get("/late")
        check("event is over" in edge.event("function_failed", stage="defer")["message"])

    def test_a_replaced_generation_stops(self):
        edge = self.hooked("stops", TASKS, kv={"counts": {}})
        def ticks():
            return int(edge.get("/ticks").body)
        self.write("stops/stops.lua", NO_TASKS.replace(b"path:sub(2)", b"path:sub(2) == 'ticks' and 'every'"))
        edge.signal(signal.SIGHUP)
        edge.event("reloaded", generation=2)
        before = ticks()
        time.sleep(0.5)
        check(ticks() <= before + 2, "what ran has ended, and nothing begins")
