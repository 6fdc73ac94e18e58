"""Functions: what a handler may do at each stage, how its failures look, and that nobody else suffers from them."""

import json
import os
import signal
import threading
import time

from harness import Suite, check, equal, eventually


class Functions(Suite):
    def setup(self):
        self.app = self.origin(name="app")
        self.count = 0

    def served(self, functions, rows, **settings):
        """An edge whose functions folder holds `functions` (name: text), attached as `rows` (path: stages) say."""
        self.count += 1
        for name, text in functions.items():
            self.write(f"functions{self.count}/{name}.lua", text.encode())
        folder = os.path.join(self.folder, f"functions{self.count}")
        behaviors = [{"path": path, "origin": "app", "cache": "off", "functions": stages} for path, stages in rows.items()]
        edge = self.edge({
            "origins": {"app": {"url": self.app.url}},
            "functions": {"folder": folder, **settings},
            "distributions": {"all": {"domains": ["*"], "behaviors": behaviors}},
        })
        edge.functions = folder
        return edge

    def test_four_stages_share_one_state(self):
        code = """
            local function note(name)
              return function(event)
                event.state.seen = (event.state.seen or "") .. name
                if name == "d" then event.response.headers["x-seen"] = event.state.seen end
              end
            end
            return { viewer_request = note("a"), origin_request = note("b"), origin_response = note("c"), viewer_response = note("d") }
        """
        stages = {stage: ["f"] for stage in ("viewer_request", "origin_request", "origin_response", "viewer_response")}
        edge = self.served({"f": code}, {"*": stages})
        for _ in range(3):
            equal(edge.get("/status/200")["x-seen"], "abcd")

    def test_a_request_is_rewritten(self):
        code = """
            return { viewer_request = function(event)
              local request = event.request
              request.path = "/echo"
              request.headers["x-one"] = "1"
              request.headers["x-gone"] = nil
              request.headers:add("x-two", "a") request.headers:add("x-two", "b")
              request.query.q = "a b"
              request.cookies.c = "v"
            end }
        """
        edge = self.served({"f": code}, {"*": {"viewer_request": ["f"]}})
        answer = edge.get("/other?x=1", [("X-Gone", "1"), ("Cookie", "c=old; d=2")])
        asked = json.loads(answer.body)
        fields = [(name.lower(), value) for name, value in asked["fields"]]
        equal(asked["target"], "/echo?x=1&q=a+b")
        check(("x-one", "1") in fields and not [name for name, _ in fields if name == "x-gone"], fields)
        check(("x-two", "a") in fields and ("x-two", "b") in fields, fields)
        check(("cookie", "c=v; d=2") in fields, fields)

    def test_a_function_answers(self):
        code = """
            return {
              viewer_request = function(event)
                if event.request.path == "/viewer" then
                  return { status = 418, headers = { ["content-type"] = "text/plain", ["x-list"] = { "1", "2" } }, body = "made\\n" }
                end
              end,
              origin_request = function(event)
                if event.request.path == "/origin" then return { body = "made for the origin\\n" } end
              end,
              viewer_response = function(event)
                event.response.headers["x-source"] = event.response.source
                if event.request.path == "/status/404" then event.response.status = 200 event.response.body = "kind\\n" end
              end,
            }
        """
        stages = {stage: ["f"] for stage in ("viewer_request", "origin_request", "viewer_response")}
        edge = self.served({"f": code}, {"*": stages})
        made = edge.get("/viewer")
        equal((made.status, made.body, made["x-source"]), (418, b"made\n", "function"))
        equal(made["x-cache"], "FunctionGeneratedResponse from edge")
        made = edge.get("/origin")
        equal((made.status, made.body), (200, b"made for the origin\n"))
        kind = edge.get("/status/404")
        equal((kind.status, kind.body), (200, b"kind\n"))
        equal(edge.get("/status/200")["x-source"], "origin")

    def test_failures_have_their_statuses_and_words(self):
        functions = {
            "raises": "return { viewer_request = function(event) local x = nil; return x.y end }",
            "spins": "return { viewer_request = function(event) while true do pcall(function() end) end end }",
            "hoards": "return { viewer_request = function(event) local t = {} while true do t[#t + 1] = {} end end }",
            "waits": "return { viewer_request = function(event) edge.sleep(60) end }",
            "invalid": "return { viewer_request = function(event) return { status = 99 } end }",
            "framing": 'return { viewer_request = function(event) local name = "content-length" event.request.headers[name] = "1" end }',
            "breaks": 'return { viewer_request = function(event) event.request.headers["x"] = "a\\r\\nb" end }',
        }
        rows = {f"/{name}": {"viewer_request": [name]} for name in functions}
        edge = self.served(functions, {**rows, "*": {}}, limits={"viewer_timeout": "500ms"})
        expected = {
            "raises": (503, "FunctionExecutionError"), "spins": (503, "FunctionThrottledError"),
            "hoards": (503, "FunctionThrottledError"), "waits": (503, "FunctionThrottledError"),
            "invalid": (502, "FunctionValidationError"), "framing": (502, "FunctionValidationError"),
            "breaks": (502, "FunctionValidationError"),
        }
        for name, (status, word) in expected.items():
            answer = edge.get(f"/{name}")
            equal((name, answer.status, answer["x-cache"]), (name, status, f"{word} from edge"))
            equal(edge.get("/status/200").status, 200)
        def told():
            return {event["function"]: event for event in edge.events() if event["event"] == "function_failed"}
        eventually(lambda: set(told()) == {f"{name}@1" for name in functions}, "every failure in the log")
        failed = told()
        check("raises.lua:1:" in failed["raises@1"]["message"], failed["raises@1"])
        check("stack traceback" in failed["raises@1"]["traceback"], failed["raises@1"])
        line = eventually(lambda: [line for line in edge.access() if line["cs-uri-stem"] == "/raises"], "the access line")[0]
        equal(line["x-edge-function"], "raises@1")
        equal(line["x-edge-request-id"], failed["raises@1"]["request"])

    def test_on_error_open_goes_on(self):
        functions = {"f": "return { viewer_request = function(event) error('no') end }"}
        edge = self.served(functions, {"*": {"viewer_request": [{"name": "f", "on_error": "open"}]}})
        equal(edge.get("/status/200").status, 200)

    def test_a_function_that_only_fails_is_parked(self):
        functions = {"f": "return { viewer_request = function(event) error('no') end }"}
        edge = self.served(functions, {"*": {"viewer_request": ["f"]}})
        for _ in range(60):
            equal(edge.get("/status/200").status, 503)
        edge.event("function_parked")
        equal(edge.get("/status/200")["x-cache"], "FunctionThrottledError from edge")

    def test_neighbours_of_a_spinning_function_are_served(self):
        functions = {"spins": "return { viewer_request = function(event) while true do end end }"}
        edge = self.served(functions, {"/spins": {"viewer_request": ["spins"]}, "*": {}})
        until = time.monotonic() + 2
        def spin():
            while time.monotonic() < until:
                edge.get("/spins")
        threads = [threading.Thread(target=spin) for _ in range(4)]
        for thread in threads:
            thread.start()
        served = 0
        while time.monotonic() < until:
            equal(edge.get("/status/200").status, 200)
            served += 1
        for thread in threads:
            thread.join()
        check(served > 20, f"only {served} requests beside four that spin")

    def test_the_log_has_fields_of_functions(self):
        functions = {"f": 'return { viewer_request = function(event) event.log.tier = "gold" event.log.n = 3 end }'}
        edge = self.served(functions, {"*": {"viewer_request": ["f"]}})
        edge.get("/status/200")
        line = eventually(lambda: edge.access(), "a line")[0]
        equal(line["fields"], {"tier": "gold", "n": "3"})

    def test_an_edited_function_is_seen_after_a_reload(self):
        text = "return { viewer_request = function(event) return { body = '%s' } end }"
        edge = self.served({"f": text % "one"}, {"*": {"viewer_request": ["f"]}})
        equal(edge.get("/").body, b"one")
        def edit(text):
            with open(os.path.join(edge.functions, "f.lua"), "w") as file:
                file.write(text)
            edge.signal(signal.SIGHUP)
        edit(text % "two")
        eventually(lambda: edge.get("/").body == b"two", "the new function")
        edit("return { viewer_request = function(event) return { body = } end }")
        edge.event("reload_refused")
        equal(edge.get("/").body, b"two")
