"""Viewers over TLS, behind load balancers, and on Unix sockets."""

import contextlib
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import time

import wire
from harness import PATIENCE, Ports, Suite, behavior, check, equal, eventually, site, tls_file


def context(*authorities, certificate=None, versions=None, alpn=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(tls_file("ca.pem"))
    if certificate:
        made.load_cert_chain(tls_file(f"{certificate}.pem"), tls_file(f"{certificate}.key"))
    if versions:
        made.minimum_version = made.maximum_version = versions
    if alpn:
        made.set_alpn_protocols(alpn)
    return made


def certificate(*names):
    return [{"certificate": tls_file(f"{name}.pem"), "key": tls_file(f"{name}.key"),
             **({"ocsp": tls_file("shop.ocsp")} if name == "shop" else {})} for name in names]


class TLS(Suite):
    def setup(self):
        self.app = self.origin()
        self.ports = {name: Ports.take() for name in ("main", "modern", "required", "optional")}
        at = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        clients = {"authorities": tls_file("ca.pem")}
        self.edge = self.edge({
            "origins": {"app": {"url": self.app.url}},
            "distributions": {"all": site("app", behavior("/redirect/*", "app", viewer_protocol="redirect"))},
        }, listen=[
            {"address": at["main"], "tls": certificate("shop", "wildcard", "rsa", "chained")},
            {"address": at["modern"], "tls": certificate("shop"), "minimum_version": "1.3"},
            {"address": at["required"], "tls": certificate("shop"), "client_certificates": {**clients, "required": True}},
            {"address": at["optional"], "tls": certificate("shop"), "client_certificates": {**clients, "required": False}},
        ])

    def connect(self, name="main", tls=None, server_name="shop.example.com"):
        connection = self.edge.connect(self.ports[name], tls=tls or context(), server_name=server_name)
        self.stack.callback(connection.close)
        return connection

    def ask(self, name="main", tls=None, target="/echo", **options):
        with self.connect(name, tls, **options) as connection:
            return connection.ask("GET", target)

    def s_client(self, *flags, port="main", talk=b"GET /fixed/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.ports[port]}", "-CAfile", tls_file("ca.pem"),
             "-servername", "shop.example.com", "-ign_eof", *flags],
            input=talk, capture_output=True, timeout=PATIENCE)
        return (done.stdout + done.stderr).decode("latin-1")

    def test_a_slow_readers_tail_arrives_whole(self):
        size = 12_000_000
        connection = self.edge.connect(self.ports["main"], tls=context(), server_name="shop.example.com", buffer=4096)
        with connection:
            connection.send(connection.head("GET", f"/fixed/{size}", [("Connection", "close")]))
            time.sleep(1)
            response = connection.response()
            equal(wire.digest(response.body), wire.digest_of_pieces(size))
            check(connection.is_ended(), "the connection ends")

    def test_a_request_over_tls(self):
        response = self.ask()
        equal(response.status, 200)
        echo = json.loads(response.body)
        told = dict(map(tuple, echo["fields"]))
        equal(told["X-Forwarded-Proto"], "https")
        check("proto=https" in told["Forwarded"], told)
        line = self.edge.logged("/echo", **{"cs-protocol": "https"})
        check(line["ssl-protocol"].startswith("TLSv1."), line)
        check(line["ssl-cipher"], line)

    def test_a_viewer_that_ends_its_half_without_a_word_is_answered(self):
        connection = self.connect()
        connection.send(connection.head("GET", "/slow/0.2"))
        with socket.fromfd(connection.socket.fileno(), socket.AF_INET, socket.SOCK_STREAM) as below:
            below.shutdown(socket.SHUT_WR)
        equal(connection.response().body, b"late\n")

    def test_a_tunnel_that_a_viewer_cuts_is_cut_for_the_origin(self):
        seen = []

        def tunnel(connection, request):
            connection.send(b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            try:
                connection.rest()
                seen.append("end")
            except wire.Closed as closed:
                seen.append(closed.how)
            return False
        self.app.on("tunnel", tunnel)
        for how in ("reset", "end"):
            connection = self.connect()
            connection.send(connection.head("GET", "/tunnel", [("Connection", "upgrade"), ("Upgrade", "x")]))
            equal(connection.response().status, 101)
            connection.send(b"half a wo")
            if how == "end":
                connection.socket.unwrap()
            connection.close()
            eventually(lambda: seen, "the tunnel's end")
            equal(seen.pop(), how)

    def test_the_certificate_follows_the_name(self):
        for name, subject in (("shop.example.com", "shop.example.com"), ("www.shop.example.com", "shop.example.com"),
                              ("other.example.com", "wildcard"), ("x.shop.example.com", "wildcard"),
                              ("rsa.example.com", "rsa"), ("chained.example.com", "chained")):
            connection = self.connect(server_name=name)
            shown = dict(part[0] for part in connection.socket.getpeercert()["subject"])["commonName"]
            equal(shown, subject, name)

    def test_an_unknown_name_gets_the_first_certificate(self):
        lax = context()
        lax.check_hostname = False
        connection = self.connect(tls=lax, server_name="unknown.example.org")
        equal(connection.socket.getpeercert()["subject"][0][0][1], "shop.example.com")
        connection = self.connect(tls=lax, server_name=None)
        equal(connection.socket.getpeercert()["subject"][0][0][1], "shop.example.com")

    def test_versions(self):
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            connection = self.connect(tls=context(versions=version))
            equal(connection.socket.version(), name)
            equal(connection.ask("GET", f"/fixed/{len(name)}").status, 200)
        try:
            self.connect("modern", context(versions=ssl.TLSVersion.TLSv1_2))
            check(False, "1.2 was spoken where 1.3 is the least")
        except ssl.SSLError:
            pass
        old = self.s_client("-tls1_1")
        check("Cipher is (NONE)" in old or "alert" in old or "no protocols" in old, old[:500])

    def test_alpn(self):
        for offered, chosen in ((["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (None, None)):
            connection = self.connect(tls=context(alpn=offered))
            equal(connection.socket.selected_alpn_protocol(), chosen)
            equal(connection.ask("GET", "/fixed/3").status, 200)

    def test_sessions_resume(self):
        for version in ("-tls1_2", "-tls1_3"):
            shown = self.s_client(version, "-reconnect") if version == "-tls1_2" else ""
            if shown:
                check("Reused, TLSv1.2" in shown, shown[:2000])
        made = context(versions=ssl.TLSVersion.TLSv1_3)
        with self.connect(tls=made) as connection:
            connection.ask("GET", "/fixed/1")
            session = connection.socket.session
        raw = socket.create_connection(("127.0.0.1", self.ports["main"]), PATIENCE)
        with made.wrap_socket(raw, server_hostname="shop.example.com", session=session) as resumed:
            check(resumed.session_reused, "a ticket of 1.3 was not taken")

    def test_the_ocsp_response_is_stapled(self):
        shown = self.s_client("-status")
        check("OCSP Response Status: successful" in shown, shown[:500])

    def test_required_client_certificates(self):
        equal(self.ask("required", context(certificate="client")).status, 200)
        for who in (None, "stranger"):
            try:
                response = self.ask("required", context(certificate=who))
                check(False, "served", who, response)
            except (wire.Closed, ssl.SSLError, ConnectionError):
                pass

    def test_optional_client_certificates(self):
        equal(self.ask("optional", context(certificate="client")).status, 200)
        equal(self.ask("optional").status, 200)

    def test_plain_http_on_the_tls_port_is_400(self):
        with self.edge.connect(self.ports["main"]) as connection:
            connection.send(connection.head("GET", "/"))
            equal(connection.response().status, 400)

    def test_rubbish_on_the_tls_port_harms_nobody(self):
        for data in (b"\x16\x03\x01\xff\xff" + b"x" * 1000, b"\0" * 100, b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01\x00\x02"):
            with self.edge.connect(self.ports["main"]) as connection:
                connection.send(data)
                connection.end()
                try:
                    connection.rest()
                except wire.Closed:
                    pass
        equal(self.ask().status, 200)

    def test_large_bodies_both_ways(self):
        size = 5_000_000
        with self.connect() as connection:
            equal(wire.digest(connection.ask("GET", f"/fixed/{size}").body), wire.digest_of_pieces(size))
            echo = json.loads(connection.ask("POST", "/echo", body=wire.pattern(size), chunked=True).body)
            equal(echo["digest"], wire.digest(wire.pattern(size)))

    def test_pipelined_requests(self):
        with self.connect() as connection:
            connection.send(b"".join(connection.head("GET", f"/fixed/{size}") for size in range(1, 40)))
            for size in range(1, 40):
                equal(len(connection.response().body), size)

    def test_the_end_is_said(self):
        with self.connect() as connection:
            connection.ask("GET", "/fixed/3", [("Connection", "close")])
            # Without a close_notify this would be an error.
            equal(connection.socket.recv(10), b"")

    def test_nothing_is_redirected(self):
        equal(self.ask(target="/redirect/x").status, 404)

    def test_curl_is_content(self):
        done = subprocess.run(
            ["curl", "-sS", "--cacert", tls_file("ca.pem"), "--resolve", f"shop.example.com:{self.ports['main']}:127.0.0.1",
             f"https://shop.example.com:{self.ports['main']}/fixed/10", f"https://shop.example.com:{self.ports['main']}/chunked/10",
             "-o", "/dev/null", "-o", "/dev/null", "-w", "%{http_code} %{size_download} %{ssl_verify_result}\n"],
            capture_output=True, timeout=PATIENCE, text=True)
        equal(done.stdout, "200 10 0\n200 10 0\n", done.stderr)


V2 = b"\r\n\r\n\0\r\nQUIT\n"


class ProxyProtocol(Suite):
    def setup(self):
        self.app = self.origin()
        self.ports = {name: Ports.take() for name in ("trusted", "untrusted", "secure")}
        at = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        self.edge = self.edge({
            "origins": {"app": {"url": self.app.url}}, "distributions": {"all": site("app")},
            "limits": {"head_timeout": "1s"},
        }, listen=[
            {"address": at["trusted"], "proxy_protocol_from": ["127.0.0.0/8"]},
            {"address": at["untrusted"], "proxy_protocol_from": ["10.0.0.0/8"]},
            {"address": at["secure"], "proxy_protocol_from": ["127.0.0.1/32"], "tls": certificate("shop")},
        ])

    def ask(self, preface, path, port="trusted", **options):
        with self.edge.connect(self.ports[port], first=preface, **options) as connection:
            response = connection.ask("GET", path)
        told = dict(map(tuple, json.loads(response.body)["fields"]))
        return told["X-Forwarded-For"], self.edge.logged(path)

    def test_version_1(self):
        seen, line = self.ask(b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "/echo/v1")
        equal((seen, line["c-ip"], line["c-port"]), ("192.0.2.7", "192.0.2.7", 56324))
        seen, line = self.ask(b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n", "/echo/v1-6")
        equal((seen, line["c-ip"]), ("2001:db8::7", "2001:db8::7"))
        seen, line = self.ask(b"PROXY UNKNOWN\r\n", "/echo/v1-unknown")
        equal((seen, line["c-ip"]), ("127.0.0.1", "127.0.0.1"))

    def test_version_2(self):
        four = socket.inet_aton("192.0.2.8") + socket.inet_aton("198.51.100.1") + struct.pack("!HH", 1234, 443)
        seen, line = self.ask(V2 + b"\x21\x11" + struct.pack("!H", len(four)) + four, "/echo/v2")
        equal((seen, line["c-ip"], line["c-port"]), ("192.0.2.8", "192.0.2.8", 1234))
        more = four + b"\x04\x00\x03abc"
        equal(self.ask(V2 + b"\x21\x11" + struct.pack("!H", len(more)) + more, "/echo/v2-tlv")[0], "192.0.2.8")
        six = socket.inet_pton(socket.AF_INET6, "2001:db8::8") * 2 + struct.pack("!HH", 1234, 443)
        equal(self.ask(V2 + b"\x21\x21" + struct.pack("!H", len(six)) + six, "/echo/v2-6")[0], "2001:db8::8")
        equal(self.ask(V2 + b"\x20\x00\x00\x00", "/echo/v2-local")[0], "127.0.0.1")

    def test_viewers_are_counted_not_the_balancer(self):
        edge = Suite.edge(self, {
            "origins": {"app": {"url": self.app.url}}, "distributions": {"all": site("app")},
            "limits": {"connections_per_address": 2},
        }, listen=[{"address": "127.0.0.1:PORT", "proxy_protocol_from": ["127.0.0.0/8"]}])
        with contextlib.ExitStack() as held:
            def ask(viewer):
                preface = f"PROXY TCP4 192.0.2.{viewer} 198.51.100.1 1 80\r\n".encode()
                return held.enter_context(edge.connect(first=preface)).ask("GET", "/fixed/3").status
            equal([ask(viewer) for viewer in (1, 2, 3, 4, 1, 1, 4, 4)], [200, 200, 200, 200, 200, 503, 200, 503])

    def test_before_tls(self):
        seen, line = self.ask(b"PROXY TCP4 192.0.2.9 198.51.100.1 1 443\r\n", "/echo/tls", "secure",
                              tls=context(), server_name="shop.example.com")
        equal((seen, line["c-ip"], line["cs-protocol"]), ("192.0.2.9", "192.0.2.9", "https"))

    def test_a_trusted_peer_has_to_say_it(self):
        for data in (b"GET /echo/without HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 x y 1 2\r\n", b"PROXY " + b"x" * 200):
            with self.edge.connect(self.ports["trusted"]) as connection:
                connection.send(data)
                try:
                    check(not connection.rest().startswith(b"HTTP/1.1 200"), data)
                except wire.Closed:
                    pass
        equal(self.app.asked("/echo/without"), [])

    def test_an_untrusted_peer_cannot_say_it(self):
        with self.edge.connect(self.ports["untrusted"]) as connection:
            connection.send(b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n" + connection.head("GET", "/echo/liar"))
            equal(connection.response().status, 400)
        equal(self.app.asked("/echo/liar"), [])
        with self.edge.connect(self.ports["untrusted"]) as connection:
            equal(connection.ask("GET", "/fixed/3").status, 200)

    def test_a_peer_that_says_nothing_is_let_go(self):
        with self.edge.connect(self.ports["trusted"]) as connection:
            check(connection.is_ended(), "the connection ends")


class UnixSockets(Suite):
    def test_a_unix_socket_serves(self):
        app = self.origin()
        path = os.path.join(self.folder, "viewers.sock")
        edge = self.edge({"origins": {"app": {"url": app.url}}, "distributions": {"all": site("app")}},
                         listen=[{"address": f"unix:{path}"}])
        with wire.Connection(path) as connection:
            for _ in range(3):
                response = connection.ask("GET", "/echo")
                equal(response.status, 200)
        told = [name for name, _ in json.loads(response.body)["fields"]]
        check("X-Forwarded-For" not in told, told)
        equal(edge.logged("/echo")["c-ip"], None)


class TrustedProxies(Suite):
    def test_the_viewer_is_who_a_trusted_proxy_says(self):
        app = self.origin()
        edge = self.proxy(app, trusted_proxies=["127.0.0.0/8", "10.0.0.0/8"])
        response = edge.get("/echo", [("X-Forwarded-For", "203.0.113.9, 192.0.2.1, 10.0.0.7"), ("X-Forwarded-Proto", "https")])
        told = dict(map(tuple, json.loads(response.body)["fields"]))
        equal(told["X-Forwarded-For"], "203.0.113.9, 192.0.2.1, 10.0.0.7, 127.0.0.1")
        equal(told["X-Forwarded-Proto"], "https")
        equal(edge.logged("/echo")["c-ip"], "192.0.2.1")
