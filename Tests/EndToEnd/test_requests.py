"""What of a request reaches the origin, and what of its answer the viewer."""

import json
import threading

import wire
from harness import Ports, Suite, behavior, check, equal, eventually, site


def told(response):
    equal(response.status, 200, response)
    return json.loads(response.body)


def values(echo, name):
    return [value for key, value in echo["fields"] if key.lower() == name.lower()]


class Requests(Suite):
    def setup(self):
        self.app = self.origin()
        self.edge = self.proxy(self.app)

    def echo(self, *fields, **options):
        return told(self.edge.get("/echo", fields, **options))

    def test_methods_pass(self):
        for method in ("GET", "DELETE", "OPTIONS"):
            equal(told(self.edge.ask(method, "/echo"))["method"], method)
        for method in ("POST", "PUT", "PATCH"):
            echo = told(self.edge.ask(method, "/echo", body=b"hello"))
            equal((echo["method"], echo["length"], echo["digest"]), (method, 5, wire.digest(b"hello")))

    def test_other_methods_are_refused(self):
        for method in ("PURGE", "PROPFIND", "M-SEARCH", "get", "x"):
            equal(self.edge.ask(method, "/echo").status, 403, method)

    def test_an_empty_post_stays_one(self):
        echo = told(self.edge.ask("POST", "/echo", body=b""))
        equal(values(echo, "Content-Length"), ["0"])

    def test_connect_and_trace_do_not_pass(self):
        response = self.edge.ask("CONNECT", "other.example:443")
        check(response.status in (400, 403, 405, 501), response)
        response = self.edge.ask("TRACE", "/echo")
        check(response.status in (200, 403, 405, 501), response)

    def test_targets_pass_unchanged(self):
        for target in ("/echo?a=1&b=2", "/echo/%41%2f%zz".replace("%zz", "%20"), "/echo?", "/echo//x", "/echo/a;b=c",
                       "/echo?q=%E2%82%AC&x=[1]{2}|3", "/echo/'()*!~"):
            equal(told(self.edge.get(target))["target"], target)

    def test_absolute_form_names_the_host(self):
        edge = self.edge
        echo = told(edge.get("http://other.example/echo?x=1", [("Host", "test.example")]))
        equal(echo["target"], "/echo?x=1")
        equal(edge.logged("/echo", **{"x-host-header": "other.example"})["cs-uri-query"], "x=1")

    def test_the_origin_sees_its_own_name(self):
        equal(values(self.echo(), "Host"), [f"127.0.0.1:{self.app.port}"])

    def test_the_way_so_far(self):
        echo = self.echo()
        via = values(echo, "Via")
        check(len(via) == 1 and via[0].startswith("1.1 edge-"), via)
        name = via[0].removeprefix("1.1 ")
        equal(values(echo, "CDN-Loop"), [name])
        equal(values(echo, "X-Forwarded-For"), ["127.0.0.1"])
        equal(values(echo, "X-Forwarded-Proto"), ["http"])
        equal(values(echo, "Forwarded"), ["for=127.0.0.1;proto=http;host=test.example"])

    def test_the_way_so_far_is_kept_up(self):
        echo = self.echo(("Via", "1.0 fred"), ("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.1"),
                         ("CDN-Loop", "other"), ("X-Forwarded-Proto", "https"))
        via = values(echo, "Via")
        check(len(via) == 1 and via[0].startswith("1.0 fred, 1.1 edge-"), via)
        equal(values(echo, "X-Forwarded-For"), ["192.0.2.1, 127.0.0.1"])
        equal(values(echo, "Forwarded"), ["for=192.0.2.1, for=127.0.0.1;proto=http;host=test.example"])
        check(values(echo, "CDN-Loop")[0].startswith("other, edge-"), values(echo, "CDN-Loop"))
        equal(values(echo, "X-Forwarded-Proto"), ["http"], "an untrusted peer's word")

    def test_hop_by_hop_fields_end_here(self):
        echo = self.echo(("Connection", "keep-alive, X-Private, x-other"), ("X-Private", "1"), ("X-Other", "2"),
                         ("Keep-Alive", "timeout=5"), ("Proxy-Authorization", "Basic x"), ("Proxy-Connection", "close"),
                         ("TE", "gzip"), ("Proxy", "evil"), ("X-Kept", "3"))
        names = {name.lower() for name, _ in echo["fields"]}
        for name in ("x-private", "x-other", "keep-alive", "proxy-authorization", "proxy-connection", "proxy"):
            check(name not in names, name, "reached the origin")
        equal(values(echo, "X-Kept"), ["3"])
        check("gzip" not in values(echo, "TE"), values(echo, "TE"))

    def test_end_to_end_fields_cannot_be_named_away(self):
        echo = self.echo(("Connection", "close, Host, X-Forwarded-For, Via, Content-Length"))
        for name in ("Host", "X-Forwarded-For", "Via"):
            equal(len(values(echo, name)), 1, name)

    def test_fields_keep_order_and_repetition(self):
        echo = self.echo(("X-A", "1"), ("X-B", "2"), ("X-A", "3"), ("x-empty", ""))
        equal([(n.lower(), v) for n, v in echo["fields"] if n.lower() in ("x-a", "x-b", "x-empty")],
              [("x-a", "1"), ("x-b", "2"), ("x-a", "3"), ("x-empty", "")])

    def test_values_may_have_high_bytes(self):
        equal(values(self.echo(("X-High", "caf\xe9")), "X-High"), ["caf\xe9"])

    def test_traceparent_is_kept_up(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        echo = self.echo(("traceparent", f"00-{trace}-00f067aa0ba902b7-01"), ("tracestate", "a=1"))
        parent = values(echo, "traceparent")
        check(len(parent) == 1 and parent[0].split("-")[1] == trace, parent)
        equal(values(echo, "tracestate"), ["a=1"])
        line = eventually(lambda: [line for line in self.edge.access() if trace in (line["traceparent"] or "")], "the trace in the log")
        check(line, line)

    def test_a_malformed_traceparent_is_not_spread(self):
        for value in ("00-xyz", "00-" + "0" * 32 + "-00f067aa0ba902b7-01"):
            for parent in values(self.echo(("traceparent", value)), "traceparent"):
                check(parent != value, parent)

    def test_gzip_passes_as_it_is(self):
        import gzip
        response = self.edge.get("/gzip", [("Accept-Encoding", "gzip")])
        equal(response["Content-Encoding"], "gzip")
        equal(gzip.decompress(response.body), b"coded " * 1000)

    def test_statuses_pass(self):
        for status in (200, 201, 203, 301, 302, 400, 401, 404, 410, 418, 451, 500, 503, 599):
            response = self.edge.get(f"/status/{status}")
            equal((response.status, response.body), (status, f"status {status}\n".encode()))

    def test_204_and_304_have_no_body_and_keep_the_connection(self):
        with self.edge.connect() as connection:
            for status in (204, 304, 204):
                response = connection.ask("GET", f"/status/{status}")
                equal(response.status, status)
                check("Transfer-Encoding" not in response.fields, response)
            check("Content-Length" not in connection.ask("GET", "/status/204").fields)
            equal(connection.ask("GET", "/fixed/10").status, 200)

    def test_head_keeps_the_length_and_the_connection(self):
        with self.edge.connect() as connection:
            response = connection.ask("HEAD", "/fixed/12345")
            equal((response.status, response["Content-Length"]), (200, "12345"))
            response = connection.ask("HEAD", "/chunked/10")
            equal(response.status, 200)
            equal(len(connection.ask("GET", "/fixed/7").body), 7)

    def test_early_hints_reach_the_viewer(self):
        def hints(connection, request):
            connection.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n"
                            b"Connection: X-Hop\r\nX-Hop: 1\r\nX-Secret: 1\r\nContent-Length: 5\r\nVia: 1.0 app\r\n\r\n")
            if not may_go.wait(10):
                return False
            connection.answer(200, b"hinted\n")
            return True
        may_go = threading.Event()
        self.app.on("early-hints", hints)
        edge = Suite.edge(self, {
            "origins": {"app": {"url": self.app.url}},
            "distributions": {"all": {"domains": ["*"], "behaviors": [
                behavior("*", "app", response_headers={"remove": ["X-Secret"]})]}}})
        with edge.connect() as connection:
            connection.send(connection.head("GET", "/early-hints"))
            equal(connection.response_head().status, 102)
            hint = connection.response_head()
            equal((hint.status, hint.reason), (103, "Early Hints"))
            equal([name for name, _ in hint.fields], ["Link", "Via"])
            check(hint["Via"].startswith("1.0 app, 1.1 edge-"), hint)
            may_go.set()
            response = connection.response()
            equal((response.status, response.body, response.informational), (200, b"hinted\n", []))
            connection.send(connection.head("GET", "/early-hints", version="HTTP/1.0"))
            response = connection.response()
            equal((response.status, response.informational), (200, []))

    def test_the_way_back_is_kept(self):
        def old(connection, request):
            connection.send(b"HTTP/1.0 200 OK\r\nVia: 1.1 inner, 1.0 fred (Apache/2)\r\nContent-Length: 0\r\n\r\n")
            return False
        self.app.on("old", old)
        for version in ("HTTP/1.1", "HTTP/1.0"):
            via = self.edge.ask("GET", "/old", version=version)["Via"]
            check(via.startswith("1.1 inner, 1.0 fred (Apache/2), 1.0 edge-"), via)
            via = self.edge.ask("GET", "/fixed/1", version=version)["Via"]
            check(via.startswith("1.1 edge-"), via)

    def test_trailers_of_the_answer(self):
        with self.edge.connect() as connection:
            response = connection.ask("GET", "/trailers", [("TE", "trailers")])
            equal(response.body, b"hello")
            equal(response.trailers, [("X-Sum", "42")])
            equal(connection.ask("GET", "/trailers").body, b"hello")

    def test_trailers_of_the_request(self):
        echo = told(self.edge.ask("POST", "/echo", [("Trailer", "X-Sum")], body=b"hello", chunked=True,
                                  trailers=[("X-Sum", "42")]))
        equal(echo["length"], 5)
        equal([(n.lower(), v) for n, v in echo["trailers"]], [("x-sum", "42")])

    def test_trailers_obey_the_policy(self):
        edge = Suite.edge(self, {
            "origins": {"app": {"url": self.app.url, "headers": {"X-Key": "real"}}},
            "distributions": {"all": site("app", behavior("/echo/none", "app", methods="all", origin_request={"headers": "none"}),
                                          behavior("*", "app", methods="all"))}})
        sent = [("X-Own", "1"), ("x-key", "forged")]
        for path, kept in (("/echo/none", []), ("/echo/all", ["x-own"])):
            echo = told(edge.ask("POST", path, [("Trailer", "X-Own")], body=b"hello", chunked=True, trailers=sent))
            equal([name.lower() for name, _ in echo["trailers"]], kept, path)
            equal({name.lower(): value for name, value in echo["fields"]}["x-key"], "real")

    def test_http_1_0_knows_no_upgrade_and_no_expectation(self):
        with self.edge.connect() as connection:
            connection.send("POST /echo/old HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi")
            response = connection.response()
            equal(response.status, 200)
        names = [name.lower() for name, _ in told(response)["fields"]]
        check("upgrade" not in names and "expect" not in names, names)

    def test_the_redirect_to_https_keeps_an_ipv6_address(self):
        edge = Suite.edge(self, {"origins": {"app": {"url": self.app.url}},
                                 "distributions": {"all": site("app", behavior("*", "app", viewer_protocol="redirect"))}})
        with edge.connect() as connection:
            connection.send("GET /a?b HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n")
            equal(connection.response()["Location"], "https://[::1]/a?b")

    def test_a_trailer_that_frames_is_refused(self):
        for name in ("Content-Length", "Transfer-Encoding", "Host"):
            equal(self.edge.ask("POST", "/echo", body=b"hello", chunked=True, trailers=[(name, "7")]).status, 400, name)

    def test_set_cookie_stays_apart(self):
        def cookies(connection, request):
            connection.answer(200, b"", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Keep-Alive", "timeout=9"),
                                         ("Connection", "X-Hop"), ("X-Hop", "1"), ("Proxy-Authenticate", "Basic")])
            return True
        self.app.on("cookies", cookies)
        response = self.edge.get("/cookies")
        equal(response.fields.all("Set-Cookie"), ["a=1", "b=2"])
        for name in ("Keep-Alive", "X-Hop"):
            check(name not in response.fields, response)
        equal(len(response.fields.all("Connection")) <= 1, True)

    def test_the_viewer_sees_one_of_each(self):
        response = self.edge.get("/fixed/3")
        for name in ("Date", "Via", "X-Cache", "X-Edge-Id", "Content-Length"):
            equal(len(response.fields.all(name)), 1, name)
        equal(response["X-Cache"], "Miss from edge")


class Loops(Suite):
    def test_a_loop_is_answered_508(self):
        edge = self.edge({
            "origins": {"self": {"url": "http://127.0.0.1:9"}},
            "distributions": {"all": site("self")},
        })
        edge.configuration["origins"]["self"]["url"] = f"http://127.0.0.1:{edge.port}"
        edge.write()
        edge.signal(1)
        edge.event("reloaded")
        response = edge.get("/around")
        equal(response.status, 508)
        check(b"loop_detected" in response.body, response)
        edge.reasoned("loop_detected")


class Policies(Suite):
    """Origin request policy, origin headers, response headers, CORS, methods, protocol, error pages."""

    def setup(self):
        self.app = self.origin()
        none = {"headers": "none", "cookies": "none", "query": "none"}
        some = {"headers": ["x-a", "Accept"], "cookies": ["keep"], "query": ["q"]}
        but = {"headers": {"except": ["x-a"]}, "cookies": {"except": ["drop"]}, "query": {"except": ["d"]}}
        host = {"headers": ["Host"], "cookies": "all", "query": "all"}
        self.edge = self.edge({
            "origins": {"app": {"url": self.app.url, "headers": {"X-Edge-Key": "k", "x-a": "operator"}},
                        "plain": {"url": self.app.url, "host": "named.example"},
                        "deep": {"url": self.app.url, "path": "/echo/deep"},
                        "dead": {"url": f"http://127.0.0.1:{Ports.take()}"}},
            "distributions": {"all": site(
                "plain",
                behavior("/echo/none", "plain", origin_request=none),
                behavior("/echo/some", "plain", origin_request=some),
                behavior("/echo/but", "plain", origin_request=but),
                behavior("/echo/host", "plain", origin_request=host),
                behavior("/echo/key", "app"),
                behavior("/d/*", "deep"),
                behavior("/fixed/*", "plain", response_headers={
                    "set": {"X-Frame-Options": "DENY", "content-type": "text/x-own"}, "remove": ["x-gone", "Server"]}),
                behavior("/cors/*", "plain", response_headers={"cors": {
                    "origins": ["https://app.example", "https://*.wild.example"], "methods": ["GET", "PUT"],
                    "headers": ["x-token"], "max_age": "10m", "credentials": True}}),
                behavior("/read/*", "plain", methods="read"),
                behavior("/options/*", "plain", methods="options"),
                behavior("/redirect/*", "plain", viewer_protocol="redirect"),
                behavior("/secure/*", "plain", viewer_protocol="https"),
                behavior("/dead/*", "dead", response_headers={"set": {"X-Way": "dead"}}),
                error_pages={"404": {"path": "/status/200/page", "status": 404},
                             "503": {"path": "/status/200/sorry", "status": 200},
                             "500": {"path": "/status/500/again", "status": 500},
                             "501": {"path": "/status/404/lost", "status": 200},
                             "400": {"path": "/dead/page", "status": 200},
                             "502": {"path": "/status/200/sorry", "status": 200},
                             "405": {"path": "/status/302/elsewhere", "status": 200}}),
                "off": {**site("app", domains=["off.example"]), "enabled": False}},
        })
        for word in ("read", "options", "redirect", "secure", "cors"):
            self.app.on(word, self.app.on_echo)

    FIELDS = [("X-A", "1"), ("X-B", "2"), ("Cookie", "keep=1; drop=2; other=3"), ("User-Agent", "me")]

    def echo(self, target, fields=None):
        return told(self.edge.get(target, self.FIELDS if fields is None else fields))

    def test_nothing_goes_on(self):
        echo = self.echo("/echo/none?q=1&d=2")
        equal(echo["target"], "/echo/none")
        for name in ("X-A", "X-B", "Cookie"):
            equal(values(echo, name), [], name)
        equal(len(values(echo, "Host")), 1)

    def test_only_what_is_named_goes_on(self):
        echo = self.echo("/echo/some?x=0&q=1&d=2&q=3")
        equal(echo["target"], "/echo/some?q=1&q=3")
        equal((values(echo, "X-A"), values(echo, "X-B"), values(echo, "Cookie")), (["1"], [], ["keep=1"]))

    def test_all_but_what_is_named_goes_on(self):
        echo = self.echo("/echo/but?x=0&d=2&q=3")
        equal(echo["target"], "/echo/but?x=0&q=3")
        equal((values(echo, "X-A"), values(echo, "X-B"), values(echo, "Cookie")), ([], ["2"], ["keep=1; other=3"]))

    def test_everything_goes_on_where_nothing_is_said(self):
        echo = self.echo("/echo/all?x=0&d=2")
        equal(echo["target"], "/echo/all?x=0&d=2")
        equal(values(echo, "Cookie"), ["keep=1; drop=2; other=3"])

    def test_the_host_goes_on_where_it_is_named(self):
        equal(values(self.echo("/echo/host"), "Host"), ["test.example"])
        equal(values(self.echo("/echo/all"), "Host"), ["named.example"])

    def test_the_operators_fields_overwrite(self):
        echo = self.echo("/echo/key")
        equal((values(echo, "X-Edge-Key"), values(echo, "X-A")), (["k"], ["operator"]))

    def test_a_viewer_cannot_speak_for_the_edge(self):
        echo = self.echo("/echo/all", [("X-Edge-Key", "forged"), ("X-Real-IP", "1.1.1.1"), ("X-Edge-Id", "x")])
        for name in ("X-Edge-Key", "X-Real-IP", "X-Edge-Id"):
            equal(values(echo, name), [], name)

    def test_the_origins_path_comes_first(self):
        equal(self.echo("/d/x?y=1")["target"], "/echo/deep/d/x?y=1")

    def test_response_fields_are_set_and_removed(self):
        response = self.edge.get("/fixed/3")
        equal((response["X-Frame-Options"], response.fields.all("Content-Type")), ("DENY", ["text/x-own"]))
        check("Server" not in response.fields, response)

    def test_cors(self):
        def ask(origin, method="GET", *more):
            return self.edge.ask(method, "/cors/x", [("Origin", origin), *more])
        response = ask("https://app.example")
        equal(response["Access-Control-Allow-Origin"], "https://app.example")
        equal(response["Access-Control-Allow-Credentials"], "true")
        check("Origin" in (response["Vary"] or ""), response)
        equal(ask("https://a.wild.example")["Access-Control-Allow-Origin"], "https://a.wild.example")
        for stranger in ("https://evil.example", "http://app.example", "https://app.example.evil", "null",
                         "https://wild.example.evil"):
            response = ask(stranger)
            check("Access-Control-Allow-Origin" not in response.fields, stranger, response)
            check("Origin" in (response["Vary"] or ""), response)
        response = ask("https://app.example", "OPTIONS", ("Access-Control-Request-Method", "PUT"),
                       ("Access-Control-Request-Headers", "x-token"))
        equal(response["Access-Control-Max-Age"], "600")
        check("PUT" in response["Access-Control-Allow-Methods"], response)
        equal(response["Access-Control-Allow-Headers"], "x-token")

    def test_methods_that_are_not_let_in(self):
        for method, target, status in (("GET", "/read/x", 200), ("POST", "/read/x", 403), ("OPTIONS", "/read/x", 403),
                                       ("OPTIONS", "/options/x", 200), ("DELETE", "/options/x", 403)):
            equal(self.edge.ask(method, target).status, status, f"{method} {target}")
        self.edge.reasoned("method_not_allowed")

    def test_a_refused_body_does_not_break_the_next_request(self):
        with self.edge.connect() as connection:
            response = connection.ask("POST", "/read/x", body=b"x" * 1000)
            equal(response.status, 403)
            if response["Connection"] != "close":
                equal(connection.ask("GET", "/read/x").status, 200)

    def test_plain_http_is_redirected(self):
        response = self.edge.get("/redirect/a?b=c", [("Host", "shop.example")])
        equal((response.status, response["Location"]), (301, "https://shop.example/redirect/a?b=c"))
        equal(self.edge.ask("POST", "/redirect/a", body=b"x").status, 307)
        equal(self.edge.logged("/redirect/a")["x-edge-result-type"], "Redirect")

    def test_plain_http_is_refused(self):
        equal(self.edge.get("/secure/a").status, 403)
        self.edge.reasoned("https_required")

    def test_a_body_on_get_is_refused(self):
        equal(self.edge.ask("GET", "/echo", body=b"x").status, 403)
        self.edge.reasoned("body_on_get")

    def test_error_pages_replace_an_answer(self):
        response = self.edge.get("/status/404")
        equal((response.status, response.body), (404, b"status 200\n"))
        response = self.edge.get("/status/503")
        equal((response.status, response.body), (200, b"status 200\n"))

    def test_an_error_page_that_fails_is_shown_once(self):
        response = self.edge.get("/status/500")
        equal(response.status, 500)
        check(b"error_page_failed" in response.body, response.body)
        equal(len(self.app.asked("/status/500/again")), 1)

    def test_an_error_page_that_fails_does_not_hide_the_error(self):
        for status in (501, 400, 405):
            response = self.edge.get(f"/status/{status}")
            equal(response.status, status)
            check(b"error_page_failed" in response.body, response.body)
            line = self.edge.logged(f"/status/{status}", **{"sc-status": status})
            equal((line["x-edge-result-type"], line["x-edge-reason"]), ("Error", None), status)
            equal((line["x-edge-origin"], line["x-edge-behavior"]), ("plain", "*"), status)
        for page, reason in (("/status/404/lost", 404), ("/dead/page", "origin_refused"), ("/status/302/elsewhere", 302)):
            self.edge.event("error_page_failed", distribution="all", page=page, reason=reason)

    def test_the_log_tells_the_failure_behind_an_error_page(self):
        response = self.edge.get("/dead/x")
        equal((response.status, response.body, response["X-Way"]), (200, b"status 200\n", None))
        line = self.edge.logged("/dead/x", **{"sc-status": 200})
        equal((line["x-edge-result-type"], line["x-edge-reason"]), ("Error", "origin_refused"))
        equal((line["x-edge-origin"], line["x-edge-behavior"]), ("dead", "/dead/*"))
        check(line["x-edge-retries"] > 0, line)

    def test_an_error_page_answers_head_and_post(self):
        equal(self.edge.ask("HEAD", "/status/404").status, 404)
        response = self.edge.ask("POST", "/status/404", body=b"x" * 100)
        equal((response.status, response.body), (404, b"status 200\n"))

    def test_a_disabled_distribution(self):
        equal(self.edge.get("/", [("Host", "off.example")]).status, 403)
        self.edge.reasoned("distribution_disabled")


class Addresses(Suite):
    def setup(self):
        self.app = self.origin()
        self.edge = self.edge({
            "trusted_proxies": ["127.0.0.1"],
            "origins": {"app": {"url": self.app.url}},
            "distributions": {"all": site(
                "app",
                behavior("/echo/none-of", "app", deny_addresses=["203.0.113.0/24", "2001:db8::/32"]),
                behavior("/echo/only", "app", allow_addresses=["198.51.100.7", "2001:db8::/32"]),
                behavior("/echo/both", "app", allow_addresses=["203.0.113.0/24"], deny_addresses=["203.0.113.9"]))},
        })

    def status(self, target, viewer=None):
        fields = [("X-Forwarded-For", viewer)] if viewer else []
        return self.edge.get(target, fields).status

    def test_who_is_let_in(self):
        for target, viewer, status in (
                ("none-of", None, 200), ("none-of", "203.0.114.1", 200), ("none-of", "203.0.113.9", 403),
                ("none-of", "2001:db8::1", 403), ("only", None, 403), ("only", "198.51.100.7", 200),
                ("only", "198.51.100.8", 403), ("only", "2001:db8:1::1", 200), ("both", "203.0.113.8", 200),
                ("both", "203.0.113.9", 403), ("both", "192.0.2.1", 403)):
            equal(self.status("/echo/" + target, viewer), status, f"{target} {viewer}")
        equal(len(self.app.asked("/echo/only")), 2)

    def test_the_refusal_has_its_reason(self):
        response = self.edge.get("/echo/only?reason")
        equal(response.status, 403)
        check(b"access_denied" in response.body, response.body)
        equal(self.edge.reasoned("access_denied")["sc-status"], 403)


class Hosts(Suite):
    def setup(self):
        self.app = self.origin()
        def distribution(name, *domains):
            return {"domains": list(domains), "behaviors": [behavior("*", name)]}
        names = {"exact": ["shop.example"], "wild": ["*.shop.example"], "deep": ["*.eu.shop.example"],
                 "port": ["port.example"]}
        self.edge = self.edge({
            "origins": {name: {"url": self.app.url, "headers": {"X-Name": name}} for name in names},
            "distributions": {name: distribution(name, *domains) for name, domains in names.items()},
        })

    def name(self, host):
        response = self.edge.get("/echo", [("Host", host)])
        return values(told(response), "X-Name")[0] if response.status == 200 else response.status

    def test_the_most_specific_domain_wins(self):
        for host, name in (("shop.example", "exact"), ("SHOP.Example", "exact"), ("a.shop.example", "wild"),
                           ("a.b.shop.example", "wild"), ("x.eu.shop.example", "deep"), ("eu.shop.example", "wild"),
                           ("shop.example:8080", "exact"), ("port.example:1", "port")):
            equal(self.name(host), name, host)

    def test_an_unknown_host_is_403(self):
        for host in ("other.example", "ashop.example", "shop.example.evil", "127.0.0.1"):
            equal(self.name(host), 403, host)
        self.edge.reasoned("unknown_host")

    def test_host_rules(self):
        for head in ("GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                     "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n"):
            with self.edge.connect() as connection:
                connection.send(head)
                response = connection.response()
                equal((response.status, response["Connection"]), (400, "close"), head)
