"""Functions: what a handler may do at each stage, how its failures look, and that nobody else suffers from them."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

from harness import Edge, Suite, check, equal, eventually


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

    def test_a_folder_answers_like_any_origin(self):
        os.makedirs(os.path.join(self.folder, "site", "sub"))
        self.write("site/page.txt", b"page\n")
        self.write("functions/f.lua", b"""
            return {
              origin_request = function(event) if event.request.path == "/rewritten" then event.request.path = "/nowhere" end end,
              origin_response = function(event)
                local response = event.response
                response.headers["x-seen"] = response.status .. " " .. response.source
                if event.request.path == "/mended" then
                  response.status = 200
                  response.headers["content-type"] = "text/plain"
                  response.body = "mended\\n"
                end
              end,
            }""")
        stages = {"origin_request": ["f"], "origin_response": ["f"]}
        edge = self.edge({
            "origins": {"site": {"files": os.path.join(self.folder, "site")}, "app": {"url": self.app.url}},
            "origin_groups": {"both": {"members": ["site", "app"], "failover": [404]}},
            "functions": {"folder": os.path.join(self.folder, "functions")},
            "distributions": {"all": {"domains": ["*"], "behaviors": [
                {"path": "/status/*", "origin": "both", "cache": "off", "functions": stages},
                {"path": "*", "origin": "site", "cache": "off", "functions": stages}]}},
        })
        page = edge.get("/page.txt")
        equal((page.status, page["x-seen"]), (200, "200 origin"))
        equal(edge.get("/page.txt", [("If-None-Match", page["etag"])])["x-seen"], "304 origin")
        equal((edge.get("/sub").status, edge.get("/sub")["x-seen"][3:]), (301, " origin"))
        for _ in range(2):
            missing = edge.get("/nowhere", [("Accept", "application/json")])
            equal((missing.status, missing["x-seen"], missing["x-cache"]), (404, "404 origin", "Error from edge"))
            equal(json.loads(missing.body)["error"], "file_not_found")
            mended = edge.get("/mended")
            equal((mended.status, mended.body, mended["x-seen"]), (200, b"mended\n", "404 origin"))
        equal(edge.get("/rewritten").status, 404)
        equal((edge.get("/.hidden").status, edge.get("/.hidden")["x-seen"]), (404, "404 origin"))
        head = edge.ask("HEAD", "/nowhere")
        equal((head.status, head.body, head["x-seen"]), (404, b"", "404 origin"))
        check(int(head["content-length"]) > 100, head["content-length"])
        line = edge.logged("/nowhere")
        equal(line["x-edge-reason"], "file_not_found")
        # The next of the group is asked, and its answer is the one that is seen.
        handed = edge.get("/status/200")
        equal((handed.status, handed["x-seen"]), (200, "200 origin"))

    def test_an_error_page_is_fetched_like_anything(self):
        self.write("pages/f.lua", b"""
            local function mark(event) event.request.headers["x-mark"] = "1" local none = event.request.body:read() end
            return {
              origin_request = mark,
              origin_response = function(event) event.response.headers["x-page"] = event.request.path end,
            }""")
        edge = self.edge({
            "origins": {"app": {"url": self.app.url}},
            "functions": {"folder": os.path.join(self.folder, "pages")},
            "distributions": {"all": {"domains": ["*"], "error_pages": {"404": {"path": "/echo", "status": 404}}, "behaviors": [
                {"path": "/echo", "origin": "app", "cache": "off", "functions": {"origin_request": ["f"], "origin_response": ["f"]}},
                {"path": "*", "origin": "app", "cache": "off", "methods": "all"}]}},
        })
        for method, body in (("GET", None), ("POST", b"sent")):
            answer = edge.ask(method, "/status/404", body=body)
            equal((answer.status, answer["x-page"]), (404, "/echo"), method)
            asked = json.loads(answer.body)
            equal((asked["method"], asked["length"]), ("GET", 0))
            check(["x-mark", "1"] in [[name.lower(), value] for name, value in asked["fields"]], asked)

    def test_functions_are_counted(self):
        functions = {
            "works": "return { viewer_request = function(event) end, viewer_response = function(event) local n = 0 for i = 1, 100000 do n = n + i end end }",
            "fails": "return { viewer_request = function(event) error('no') end }",
            "asks": "return { viewer_request = function(event) local r = edge.fetch({ origin = 'app', path = '/fixed/1' })"
                    " edge.fetch('http://127.0.0.1:1/') return { body = r.status .. '' } end }",
            "ticks": "edge.every(0.1, function() end) return { viewer_request = function(event) end }",
        }
        rows = {"/fails": {"viewer_request": ["fails"]}, "/asks": {"viewer_request": ["asks"]}, "/ticks": {"viewer_request": ["ticks"]},
                "*": {"viewer_request": ["works"], "viewer_response": ["works"]}}
        edge = self.served(functions, rows)
        for _ in range(3):
            equal(edge.get("/status/200").status, 200)
        for _ in range(60):
            equal(edge.get("/fails").status, 503)
        equal(edge.get("/asks").body, b"200")
        def told():
            text = subprocess.run([Edge.binary, "status", "--json", "--socket", edge.path("edged.sock")], capture_output=True, text=True)
            return {one["name"]: one for one in json.loads(text.stdout)["functions"]}
        eventually(lambda: told()["fails"]["parked"] > 0, "the breaker")
        works, fails, asks, ticks = (told()[name] for name in ("works", "fails", "asks", "ticks"))
        equal((works["runs"], works["failures"], works["fetches"]), (6, {}, 0))
        check(3 * 150000 < works["instructions"] < 3 * 500000, works)
        equal(fails["runs"], fails["failures"]["raised"])
        equal(fails["failures"]["raised"] + fails["failures"]["parked"], 60)
        equal((asks["runs"], asks["fetches"], asks["fetch_failures"], asks["failures"]), (1, 2, 1, {}))
        eventually(lambda: told()["ticks"]["runs"] > 3, "a schedule counts")
        def metrics():
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(edge.path("edged.sock"))
                connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n")
                return b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        page = metrics()
        check('edged_function_runs_total{function="works"} 6\n' in page, page)
        check(f'edged_function_failures_total{{function="fails",reason="raised"}} {fails["runs"]}\n' in page, page)
        check('edged_function_fetches_total{function="asks"} 2\n' in page, page)
        check('edged_function_parked{function="works"} 0\n' in page, page)
        # A reload keeps what was counted, and brings new words.
        os.rename(os.path.join(edge.functions, "asks.lua"), os.path.join(edge.functions, "inquires.lua"))
        edge.configuration["distributions"]["all"]["behaviors"][1]["functions"] = {"viewer_request": ["inquires"]}
        edge.write()
        edge.signal(signal.SIGHUP)
        edge.event("reloaded")
        equal(edge.get("/asks").body, b"200")
        equal((told()["inquires"]["runs"], told()["works"]["runs"], "asks" in told()), (1, 6, False))
        check('edged_function_runs_total{function="asks"} 1\n' in metrics())
        shown = subprocess.run([Edge.binary, "status", "--socket", edge.path("edged.sock")], capture_output=True, text=True).stdout
        check(re.search(r"^FUNCTION +RUNS +FAILURES +FETCHES$", shown, re.M) and re.search(r"^fails +\d+ +raised", shown, re.M), shown)

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
