"""edge.fetch and edge.all: what a function asks for while its viewer waits."""

import json
import os
import ssl
import threading
import time

from harness import Ports, Suite, behavior, check, equal, eventually, tls_file

ASK = """
local function options(h)
  local options = { method = h["x-method"], body = h["x-body"] }
  options.timeout = tonumber(h["x-timeout"])
  options.max_body = math.tointeger(tonumber(h["x-max-body"]))
  options.redirects = math.tointeger(tonumber(h["x-redirects"]))
  if h["x-name"] then options.headers = { [h["x-name"]] = h["x-value"], ["x-list"] = { "a", "b" } } end
  return options
end

local function ask(event)
  local h = event.request.headers
  local target = h["x-url"] or { origin = h["x-origin"], path = h["x-path"] }
  local response, reason = edge.fetch(target, options(h))
  if not response then return "nil " .. reason end
  local cookies = response.headers["set-cookie"]
  if cookies then cookies = type(cookies) .. " " .. table.concat(cookies, "|") end
  return response.status .. " " .. response.body, response.headers, cookies
end

return {
  viewer_request = function(event)
    local text, headers, cookies = ask(event)
    return { status = 200, body = text, headers = {
      ["x-repeated"] = headers and headers["x-repeated"], ["x-cookies"] = cookies } }
  end,
  origin_request = function(event) event.request.headers["x-fetched"] = (ask(event):gsub("%s+$", "")) end,
  origin_response = function(event) event.response.headers["x-fetched"] = (ask(event):gsub("%s+$", "")) end,
  viewer_response = function(event) event.response.headers["x-fetched"] = (ask(event):gsub("%s+$", "")) end,
}
"""

MANY = """
local function show(result)
  if result.error then return "error " .. result.error:gsub("^.*:%d+: ", "") end
  local parts = {}
  for place = 1, result.n do
    local value = result[place]
    parts[place] = type(value) == "table" and value.status .. ":" .. value.body or tostring(value)
  end
  return result.n .. " " .. table.concat(parts, ",")
end

local cases = {}

function cases.many(h)
  local functions = {}
  for place = 1, 10 do
    functions[place] = function() return edge.fetch(h["x-url"] .. place) end
  end
  return edge.all(functions)
end

function cases.mixed(h)
  return edge.all {
    function() return 1, nil, 3 end,
    function() error("no luck", 2) end,
    function() return edge.fetch(h["x-dead"]) end,
    function() edge.sleep(0.01) return edge.fetch(h["x-url"]).status end,
    function() return #edge.all { function() edge.sleep(0.01) end, function() return 2 end } end,
    function() end,
  }
end

function cases.coroutine(h)
  local fetch = coroutine.wrap(function(url) coroutine.yield("first") return edge.fetch(url) end)
  local first, answer = fetch(h["x-url"]), fetch()
  return { { n = 2, first, answer } }
end

function cases.protected(h)
  local ok, answer = pcall(edge.fetch, h["x-url"])
  return { { n = 2, ok, answer } }
end

function cases.sort(h)
  table.sort({ 3, 2, 1 }, function(a, b) edge.fetch(h["x-url"]) return a < b end)
end

function cases.spin()
  return edge.all { function() while true do end end, function() edge.sleep(1) end }
end

function cases.too_many(h)
  local results = {}
  for place = 1, 12 do
    local answer, reason = edge.fetch(h["x-url"])
    results[place] = { n = 1, answer and answer.status or reason }
  end
  return results
end

function cases.bytes(h)
  local kept = {}
  for place = 1, 9 do kept[place] = edge.fetch(h["x-url"]).body end
  return { { n = 1, #kept } }
end

function cases.all_of_no_functions() return edge.all {} end
function cases.all_of_a_number() return edge.all { 1 } end
function cases.unknown_option(h) return edge.fetch(h["x-url"], { timeuot = 1 }) end
function cases.hop_by_hop(h) return edge.fetch(h["x-url"], { headers = { connection = "close" } }) end
function cases.length(h) return edge.fetch(h["x-url"], { headers = { ["content-length"] = "3" } }) end
function cases.no_url() return edge.fetch("/relative") end
function cases.other_scheme() return edge.fetch("ftp://example.com/") end
function cases.user_name() return edge.fetch("http://user:word@example.com/") end
function cases.no_origin() return edge.fetch { origin = "ap", path = "/" } end
function cases.injected(h) return edge.fetch(h["x-url"], { headers = { ["x-a"] = "b\\r\\nc: d" } }) end

return {
  viewer_request = function(event)
    local results = cases[event.request.path:sub(2)](event.request.headers)
    local lines = {}
    for place, result in ipairs(results) do lines[place] = show(result) end
    return { status = 200, body = table.concat(lines, "\\n") }
  end,
}
"""


class Fetching(Suite):
    functions = {"ask": ASK, "many": MANY}

    def fetcher(self, app, fetch=None, limits=None, **options):
        for name, text in self.functions.items():
            self.write(f"functions/{name}.lua", text.encode())
        stages = ("viewer_request", "origin_request", "origin_response", "viewer_response")
        rows = [behavior(f"/{stage}/*", "app", functions={stage: ["ask"]}) for stage in stages]
        return self.edge({
            "functions": {"folder": os.path.join(self.folder, "functions"), "fetch": fetch or {}, "limits": limits or {}},
            "origins": {"app": {"url": app.url, "headers": {"x-own": "yes"}},
                        "late": {"url": app.url, "response_timeout": "200ms", "total_timeout": "300ms"}},
            "distributions": {"all": {"domains": ["*"], "behaviors": [
                *rows, behavior("*", "app", functions={"viewer_request": ["many"]})]}},
        }, **options)

    def ask(self, edge, url, path="/viewer_request/echo", **fields):
        named = [("X-" + name.replace("_", "-"), str(value)) for name, value in fields.items()]
        return edge.get(path, [*([("X-Url", url)] if url else []), *named])


class FunctionFetch(Fetching):
    def setup(self):
        self.app = self.origin()
        self.edge = self.fetcher(self.app, fetch={"private_addresses": True})

    def text(self, target, **options):
        return self.ask(self.edge, self.app.url + target, **options).body.decode("latin-1")

    def told(self, url=None, **options):
        """What `/echo` was asked, if it answered."""
        body = self.ask(self.edge, url, **options).body
        check(body.startswith(b"200 {"), "fetched:", body)
        return json.loads(body[4:])

    def test_every_stage_fetches(self):
        equal(self.text("/status/201"), "201 status 201\n")
        for stage in ("origin_request", "origin_response", "viewer_response"):
            self.app.on(stage, self.app.on_echo)
        echoed = self.ask(self.edge, self.app.url + "/fixed/0", path="/origin_request/echo")
        check(["X-Fetched", "200"] in [[n.title(), v] for n, v in json.loads(echoed.body)["fields"]], echoed.body)
        for stage in ("origin_response", "viewer_response"):
            response = self.ask(self.edge, self.app.url + "/fixed/0", path=f"/{stage}/echo")
            equal((response.status, response["X-Fetched"]), (200, "200"), stage)

    def test_a_request_is_what_the_options_say(self):
        told = self.told(self.app.url + "/echo?a=b#c", method="PUT", body="hello", name="X-Own", value="7")
        fields = {}
        for name, value in told["fields"]:
            fields.setdefault(name.lower(), []).append(value)
        equal((told["method"], told["target"], told["length"]), ("PUT", "/echo?a=b", 5))
        equal((fields["x-own"], fields["x-list"], fields["content-length"]), (["7"], ["a", "b"], ["5"]))
        equal(fields["host"], [self.app.url[7:]])
        equal(len(fields["cdn-loop"]) + len(fields["via"]), 2)
        check("x-url" not in fields and "x-forwarded-for" not in fields, fields)
        told = self.told(self.app.url + "/echo", name="Host", value="other.example")
        check(["Host", "other.example"] in told["fields"], told["fields"])

    def test_a_configured_origin_has_its_own_headers(self):
        told = self.told(Origin="app", Path="/echo?q")
        equal(told["target"], "/echo?q")
        check("yes" in [value for name, value in told["fields"] if name.lower() == "x-own"], told["fields"])
        equal(self.ask(self.edge, None, Origin="late", Path="/slow/5").body, b"nil origin_response_timeout")

    def test_repeated_fields_are_joined_and_cookies_are_a_list(self):
        self.app.on("repeated", lambda connection, request: connection.answer(200, b"", [
            ("X-Repeated", "a"), ("Set-Cookie", "a=1, b"), ("X-REPEATED", "b"), ("set-cookie", "c=2")]) or True)
        response = self.ask(self.edge, self.app.url + "/repeated")
        equal((response["X-Repeated"], response["X-Cookies"]), ("a, b", "table a=1, b|c=2"))

    def test_framings_of_every_kind(self):
        for target in ("/fixed/20000", "/chunked/20000", "/until-close/20000"):
            equal(len(self.text(target)), 20004, target)
        equal(self.text("/fixed/5", method="HEAD"), "200 ")
        equal(self.text("/cut/100"), "nil origin_truncated")
        equal(self.text("/bad/coding"), "nil bad_transfer_encoding")

    def test_what_is_too_large_is_not_read(self):
        for target in ("/fixed/1001", "/chunked/1001", "/chunked/5000000"):
            equal(self.text(target, max_body=1000), "nil body_too_large", target)
        equal(len(self.text("/fixed/1000", max_body=1000)), 1004)
        equal(self.text("/fixed/2000000", max_body=3000000), "nil body_too_large", "the limit of all functions")

    def test_what_takes_too_long_is_given_up(self):
        began = time.monotonic()
        equal(self.text("/slow/10", timeout=0.2), "nil timeout")
        equal(self.text("/stall/10", timeout=0.2), "nil timeout")
        check(time.monotonic() - began < 8, "waited for the server")

    def test_nobody_there(self):
        equal(self.ask(self.edge, f"http://127.0.0.1:{Ports.take()}/").body, b"nil origin_refused")
        equal(self.ask(self.edge, "http://name.invalid/").body, b"nil origin_name_unresolved")
        equal(self.text("/reset"), "nil origin_reset")

    def test_a_connection_that_died_while_it_rested_is_replaced(self):
        def once(connection, request):
            connection.answer(200, b"once\n")
            return False
        # Of its own: a POST of another test could meet a connection that is about to end, and is not sent twice.
        app = self.origin()
        app.on("once", once)
        for _ in range(5):
            equal(self.ask(self.edge, app.url + "/once").body, b"200 once\n")

    def test_redirects_are_followed_so_far(self):
        def hop(connection, request):
            connection.read_body(request)
            count = int(request.words[1])
            connection.answer(302, b"on\n", [("Location", f"../hop/{count - 1}" if count else "/echo")])
            return True
        self.app.on("hop", hop)
        equal(self.text("/hop/1"), "302 on\n")
        equal(self.text("/hop/1", redirects=1), "302 on\n")
        told = self.told(self.app.url + "/hop/1", redirects=2, method="POST", body="x")
        equal((told["method"], told["length"]), ("GET", 0))

    def test_a_redirect_elsewhere_takes_no_secrets_along(self):
        other = self.origin()
        self.app.on("away", lambda connection, request: connection.answer(
            307, b"", [("Location", other.url + "/echo")]) or True)
        told = self.told(self.app.url + "/away", redirects=1, method="GET", name="Authorization", value="secret")
        check("secret" not in json.dumps(told["fields"]), told["fields"])
        check("x-list" in [name.lower() for name, _ in told["fields"]], told["fields"])

    def test_a_circle_ends(self):
        response = self.ask(self.edge, f"http://127.0.0.1:{self.edge.port}/viewer_request/echo")
        equal(response.body[:4], b"508 ")

    def test_one_who_leaves_takes_the_fetch_along(self):
        gone = threading.Event()

        def hang(connection, request):
            connection.is_ended()
            gone.set()
            return False
        self.app.on("hang", hang)
        for stage in ("viewer_request", "origin_request", "origin_response", "viewer_response"):
            self.app.on(stage, self.app.on_echo)
            gone.clear()
            with self.edge.connect() as viewer:
                viewer.send(viewer.head("GET", f"/{stage}/fixed/5", [("Host", "a"), ("X-Url", self.app.url + "/hang")]))
                eventually(lambda: self.app.asked("/hang"), "the fetch")
                viewer.reset()
            check(gone.wait(3), "the fetch goes on without", stage)
            self.app.requests.clear()


class FunctionsAtOnce(Fetching):
    def setup(self):
        self.app = self.origin()
        self.edge = self.fetcher(self.app, fetch={"private_addresses": True}, limits={"memory": "4MB"})
        self.dead = f"http://127.0.0.1:{Ports.take()}/"

    def many(self, case, target="/fixed/2"):
        return self.edge.get(f"/{case}", [("X-Url", self.app.url + target), ("X-Dead", self.dead)])

    def lines(self, case, target="/fixed/2"):
        response = self.many(case, target)
        equal(response.status, 200, case)
        return response.body.decode().split("\n")

    def failed(self, case, words, status=503):
        equal(self.many(case).status, status, case)
        event = eventually(
            lambda: next((e for e in self.edge.events() if e["event"] == "function_failed" and words in e["message"]),
                         None), f"{words}; said were {[e.get('message') for e in self.edge.events()][-2:]}", patience=8)
        return event["message"]

    def test_ten_fetches_overlap(self):
        began = time.monotonic()
        lines = self.lines("many", "/slow/0.4?")
        equal(lines, ["1 200:late", ""] * 10)
        check(time.monotonic() - began < 3, "one behind the other")

    def test_each_has_its_own_results(self):
        equal(self.lines("mixed"), ["3 1,nil,3", "error no luck", "2 nil,origin_refused", "1 200", "1 2", "0 "])
        equal(self.lines("all_of_no_functions"), [""])

    def test_a_coroutine_of_the_user_waits(self):
        equal(self.lines("coroutine", "/status/200"), ["2 first,200:status 200", ""])
        equal(self.lines("protected", "/status/200"), ["2 true,200:status 200", ""])

    def test_a_comparison_cannot_wait_and_says_so(self):
        message = self.failed("sort", "cannot wait here")
        check("table.sort" in message and "many.lua:" in message, message)

    def test_a_limit_ends_all_of_them(self):
        self.failed("spin", "instruction limit")

    def test_there_are_so_many_fetches(self):
        equal(self.lines("too_many"), ["1 200"] * 10 + ["1 too_many_fetches"] * 2)

    def test_bodies_count_as_memory(self):
        equal(self.many("bytes", "/fixed/1000").status, 200)
        equal(self.many("bytes", "/fixed/1000000").status, 503)

    def test_misuse_is_an_error_that_tells(self):
        for case, words in {
            "all_of_a_number": "item 1 is a number",
            "unknown_option": "did you mean 'timeout'?",
            "hop_by_hop": "belong to the edge",
            "length": "belong to the edge",
            "no_url": "is not an absolute URL",
            "other_scheme": "neither http nor https",
            "user_name": "user's name",
            "no_origin": "did you mean 'app'?",
            "injected": "control character",
        }.items():
            self.failed(case, words)

    def test_a_thousand_that_fetch_hold_nobody_up(self):
        statuses, slowest = [], [0]
        done = threading.Event()

        def load(count):
            for _ in range(count):
                with self.edge.connect() as viewer:
                    statuses.append(viewer.ask("GET", "/protected", [("X-Url", self.app.url + "/slow/0.05")]).status)

        def neighbour():
            while not done.is_set():
                began = time.monotonic()
                equal(self.many("all_of_no_functions").status, 200)
                slowest[0] = max(slowest[0], time.monotonic() - began)
        threads = [threading.Thread(target=load, args=(40,)) for _ in range(25)]
        beside = threading.Thread(target=neighbour)
        for thread in [*threads, beside]:
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        beside.join()
        equal(statuses, [200] * 1000)
        check(slowest[0] < 5, "a neighbour waited", slowest[0])

        def descriptors():
            return len(os.listdir(f"/proc/{self.edge.process.pid}/fd"))
        # 64 connections of each of two loops may rest.
        eventually(lambda: descriptors() < 200, "connections that nobody uses are closed")


class FunctionFetchBounds(Fetching):
    private = ["127.0.0.1", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "017700000001", "[::1]", "[::]", "0.0.0.0",
               "[::ffff:127.0.0.1]", "[::127.0.0.1]", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
               "169.254.169.254", "[fe80::1]", "[fd00::1]", "[fec0::1]", "224.0.0.1", "[ff02::1]", "[64:ff9b::a9fe:a9fe]",
               "[2002:7f00:1::]"]

    def setup(self):
        self.app = self.origin()

    def test_private_addresses_are_out_of_reach(self):
        edge = self.fetcher(self.app)
        for host in self.private:
            url = f"http://{host}:{self.app.port}/echo"
            equal(self.ask(edge, url, timeout=3).body, b"nil address_not_allowed", host)
        equal(self.app.accepted, 0)
        equal(self.ask(edge, None, Origin="app", Path="/fixed/2").body[:4], b"200 ")

    def test_only_listed_hosts_are_asked(self):
        edge = self.fetcher(self.app, fetch={"private_addresses": True, "allow": ["localhost", "*.example.com"]})
        port = self.app.port
        equal(self.ask(edge, f"http://localhost:{port}/fixed/1").body[:4], b"200 ")
        equal(self.ask(edge, f"http://LOCALHOST.:{port}/fixed/1").body[:4], b"200 ")
        for host in ("127.0.0.1", "example.com", "localhost.example.org", "notexample.com"):
            equal(self.ask(edge, f"http://{host}:{port}/").body, b"nil host_not_allowed", host)
        self.app.on("away", lambda connection, request: connection.answer(
            302, b"", [("Location", f"http://127.0.0.1:{port}/echo")]) or True)
        equal(self.ask(edge, f"http://localhost:{port}/away", redirects=3).body, b"nil host_not_allowed")

    def test_certificates_are_checked(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls_file("shop.pem"), tls_file("shop.key"))
        names = []
        context.sni_callback = lambda _, name, __: names.append(name)
        secure = self.origin(tls=context)
        url = f"https://127.0.0.1:{secure.port}/fixed/2"
        trusting = self.fetcher(self.app, fetch={"private_addresses": True},
                                environment={"SSL_CERT_FILE": tls_file("ca.pem")})
        strict = self.fetcher(self.app, fetch={"private_addresses": True})
        equal(self.ask(trusting, url).body[:4], b"200 ")
        equal(self.ask(trusting, url.replace("127.0.0.1", "localhost")).body, b"nil origin_certificate")
        equal(names, [None, "localhost"])
        equal(self.ask(strict, url).body, b"nil origin_certificate")
