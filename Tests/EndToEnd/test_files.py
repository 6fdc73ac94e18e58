"""The embedded origin: a folder, served as a web server would."""

import os
import time

import wire
from harness import Suite, behavior, check, equal, eventually, site


class Permissions(Suite):
    """What the edge itself may not read is the operator's mistake, and no secret 404."""

    def setup(self):
        for name in ("a/1.txt", "a/2.txt", "b/3.txt", "shut/4.txt", "open.txt"):
            self.write("public/" + name, b"text\n")
        for name in ("a/1.txt", "a/2.txt", "b/3.txt", "shut"):
            os.chmod(os.path.join(self.folder, "public", name), 0)
        self.stack.callback(os.chmod, os.path.join(self.folder, "public/shut"), 0o755)
        # Root reads what nobody may, unless it gives that up.
        under = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        self.edge = self.edge({
            "origins": {"files": {"files": os.path.join(self.folder, "public")}},
            "distributions": {"all": site("files")},
        }, workers=1, under=under)

    def test_unreadable_is_403_and_the_edges_fault(self):
        equal(self.edge.get("/open.txt").status, 200)
        for target in ("/a/1.txt", "/a/2.txt", "/a/1.txt", "/b/3.txt", "/shut/4.txt"):
            response = self.edge.get(target)
            equal(response.status, 403, target)
            check(b"file_not_permitted" in response.body, response.body)
            equal(self.edge.logged(target)["x-edge-reason"], "file_not_permitted")
        for folder in ("/a", "/b", "/shut"):
            self.edge.event("file_not_permitted", level="warn", origin="files", folder=folder)
        told = [event["folder"] for event in self.edge.events() if event["event"] == "file_not_permitted"]
        equal(sorted(told), ["/a", "/b", "/shut"])

    def test_a_repaired_file_is_served(self):
        self.write("public/mended.txt", b"text\n")
        path = os.path.join(self.folder, "public/mended.txt")
        os.chmod(path, 0)
        equal(self.edge.get("/mended.txt").status, 403)
        os.chmod(path, 0o644)
        equal(self.edge.get("/mended.txt").status, 200)


class Files(Suite):
    def setup(self):
        self.put("index.html", b"<h1>home</h1>\n")
        self.put("notes.txt", b"0123456789abcdef\n")
        self.put("sub/index.html", b"<h1>sub</h1>\n")
        self.put("empty.txt")
        self.put("with space & more.txt", b"spaced\n")
        self.put("\u00fc.txt", b"umlaut\n")
        self.put("100%.txt", b"percent\n")
        self.put(".secret", b"hidden\n")
        self.put(".git/config", b"hidden\n")
        self.put("noindex/file.txt", b"x\n")
        self.put("big.bin", wire.pattern(5_000_000))
        self.write("outside.txt", b"outside\n")
        os.symlink("notes.txt", self.place("inside-link.txt"))
        os.symlink("../outside.txt", self.place("outside-link.txt"))
        os.symlink(os.path.join(self.folder, "outside.txt"), self.place("absolute-link.txt"))
        os.symlink("..", self.place("up"))
        os.mkfifo(self.place("pipe"))
        for name in TYPES:
            self.put("types/" + name, b"x")
        self.edge = self.edge({
            "origins": {"files": {"files": self.place()}},
            "distributions": {"all": site("files", default_root_object="index.html")},
        })

    def place(self, name=""):
        return os.path.join(self.folder, "public", name)

    def put(self, name, content=b""):
        self.write("public/" + name, content)

    def test_serves_a_file_with_its_fields(self):
        response = self.edge.get("/notes.txt")
        equal(response.status, 200)
        equal(response.body, b"0123456789abcdef\n")
        equal(response["Content-Length"], "17")
        for name in ("ETag", "Last-Modified", "Date", "Accept-Ranges", "X-Edge-Id"):
            check(name in response.fields, name, "is missing:", response)
        check(response["Last-Modified"].endswith(" GMT"), response["Last-Modified"])

    def test_content_types(self):
        for name, expected in TYPES.items():
            equal(self.edge.get("/types/" + name)["Content-Type"], expected, name)

    def test_head_has_the_fields_of_get_and_no_body(self):
        with self.edge.connect() as connection:
            head = connection.ask("HEAD", "/notes.txt")
            get = connection.ask("GET", "/notes.txt")
        equal(head.status, 200)
        for name in ("Content-Length", "ETag", "Last-Modified", "Content-Type"):
            equal(head[name], get[name], name)

    def test_the_root_is_the_default_root_object(self):
        response = self.edge.get("/")
        equal((response.status, response.body), (200, b"<h1>home</h1>\n"))
        equal(response["Content-Type"], "text/html; charset=utf-8")

    def test_a_folder_redirects_to_its_slash_and_shows_its_index(self):
        response = self.edge.get("/sub?a=b")
        equal(response.status, 301)
        check(response["Location"].endswith("/sub/?a=b"), response["Location"])
        equal(self.edge.get("/sub/").body, b"<h1>sub</h1>\n")

    def test_a_folder_without_an_index_is_not_listed(self):
        equal(self.edge.get("/noindex/").status, 404)

    def test_an_empty_file(self):
        response = self.edge.get("/empty.txt")
        equal((response.status, response["Content-Length"]), (200, "0"))

    def test_a_large_file_arrives_whole(self):
        response = self.edge.get("/big.bin")
        equal(wire.digest(response.body), wire.digest(wire.pattern(5_000_000)))

    def test_missing_is_404_and_says_why(self):
        response = self.edge.get("/missing.txt")
        equal(response.status, 404)
        check(b"file_not_found" in response.body, response.body)
        equal(self.edge.logged("/missing.txt")["x-edge-reason"], "file_not_found")

    def test_error_pages_are_in_the_form_that_the_viewer_likes(self):
        for accept, kind in (("application/json", "application/json"), ("text/plain", "text/plain; charset=utf-8"),
                             ("text/html", "text/html; charset=utf-8")):
            equal(self.edge.get("/missing", [("Accept", accept)])["Content-Type"], kind)

    def test_no_way_out_of_the_folder(self):
        for target in ("/../outside.txt", "/%2e%2e/outside.txt", "/sub/../../outside.txt", "/..%2foutside.txt",
                       "/sub/%2e%2e/%2e%2e/outside.txt", "/..%5coutside.txt", "/....//outside.txt",
                       "/outside-link.txt", "/absolute-link.txt", "/up/outside.txt", "/up/public/../outside.txt",
                       "//../outside.txt", "/%00/../outside.txt", "/notes.txt%00.html"):
            response = self.edge.get(target)
            check(response.status in (400, 403, 404), target, response)
            check(b"outside\n" not in response.body, target)

    def test_dot_files_do_not_exist(self):
        for target in ("/.secret", "/.git/config", "/%2esecret", "/sub/../.secret", "/.git/"):
            equal(self.edge.get(target).status, 404, target)

    def test_a_link_inside_the_folder_is_followed(self):
        equal(self.edge.get("/inside-link.txt").body, b"0123456789abcdef\n")

    def test_what_is_no_file_is_not_served(self):
        equal(self.edge.get("/pipe").status, 404)

    def test_names_are_decoded(self):
        equal(self.edge.get("/with%20space%20%26%20more.txt").body, b"spaced\n")
        equal(self.edge.get("/%C3%BC.txt").body, b"umlaut\n")
        equal(self.edge.get("/100%25.txt").body, b"percent\n")
        equal(self.edge.get("/%6Eotes.txt").body, b"0123456789abcdef\n")

    def test_a_query_changes_nothing(self):
        equal(self.edge.get("/notes.txt?a=%00&&&=").body, b"0123456789abcdef\n")

    def test_an_edit_is_seen(self):
        self.put("edited.txt", b"first\n")
        first = self.edge.get("/edited.txt")
        self.put("edited.txt.new", b"second version\n")
        os.rename(self.place("edited.txt.new"), self.place("edited.txt"))
        def second():
            response = self.edge.get("/edited.txt")
            return response.body == b"second version\n" and response
        second = eventually(second, "the second version")
        check(second["ETag"] != first["ETag"], "the ETag is the same")

    def test_a_file_that_appears_and_goes(self):
        equal(self.edge.get("/new.txt").status, 404)
        self.put("new.txt", b"new\n")
        eventually(lambda: self.edge.get("/new.txt").status == 200, "the new file")
        os.unlink(self.place("new.txt"))
        eventually(lambda: self.edge.get("/new.txt").status == 404, "the file is gone")

    def test_post_is_405_with_allow(self):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            response = self.edge.ask(method, "/notes.txt", body=b"x=1")
            equal(response.status, 405, method)
            check("GET" in (response["Allow"] or ""), method, response)

    def test_options_says_what_is_allowed(self):
        response = self.edge.ask("OPTIONS", "/notes.txt")
        check(response.status in (200, 204), response)
        check("GET" in (response["Allow"] or ""), response)

    def test_a_file_that_is_rewritten_while_it_streams_is_cut(self):
        size = 12_000_000
        self.put("rewritten.bin", wire.pattern(size))
        with self.edge.connect(buffer=4096) as connection:
            connection.send(connection.head("GET", "/rewritten.bin"))
            equal(connection.response_head()["Content-Length"], str(size))
            part = connection.exactly(100_000)
            with open(self.place("rewritten.bin"), "r+b") as file:
                file.write(bytes(size))
            try:
                connection.exactly(size - len(part))
                check(False, "the answer was completed")
            except wire.Closed as closed:
                equal(part + closed.partial, wire.pattern(len(part) + len(closed.partial)))
        self.edge.logged("/rewritten.bin", **{"x-edge-reason": "file_changed", "x-edge-result-type": "Error"})
        equal(self.edge.get("/rewritten.bin").body, bytes(size))

    def test_a_file_that_is_replaced_while_it_streams_is_sent_as_it_was(self):
        size = 12_000_000
        self.put("replaced.bin", wire.pattern(size))
        with self.edge.connect(buffer=4096) as connection:
            connection.send(connection.head("GET", "/replaced.bin"))
            connection.response_head()
            self.put("replaced.bin.new", b"another\n")
            os.rename(self.place("replaced.bin.new"), self.place("replaced.bin"))
            equal(wire.digest(connection.exactly(size)), wire.digest(wire.pattern(size)))

    # Conditional requests

    def test_if_none_match_is_304_without_a_body(self):
        first = self.edge.get("/notes.txt")
        for value in (first["ETag"], "*", f'"other", {first["ETag"]}', "W/" + first["ETag"].removeprefix("W/")):
            response = self.edge.get("/notes.txt", [("If-None-Match", value)])
            equal((response.status, response.body), (304, b""), value)
            equal(response["ETag"], first["ETag"])
        equal(self.edge.get("/notes.txt", [("If-None-Match", '"other"')]).status, 200)

    def test_if_modified_since(self):
        first = self.edge.get("/notes.txt")
        equal(self.edge.get("/notes.txt", [("If-Modified-Since", first["Last-Modified"])]).status, 304)
        equal(self.edge.get("/notes.txt", [("If-Modified-Since", "Mon, 01 Jan 2001 00:00:00 GMT")]).status, 200)
        equal(self.edge.get("/notes.txt", [("If-Modified-Since", "yesterday")]).status, 200)

    def test_if_none_match_outweighs_if_modified_since(self):
        first = self.edge.get("/notes.txt")
        equal(self.edge.get("/notes.txt", [("If-None-Match", '"other"'),
                                           ("If-Modified-Since", first["Last-Modified"])]).status, 200)

    def test_if_match_and_if_unmodified_since_are_412(self):
        first = self.edge.get("/notes.txt")
        equal(self.edge.get("/notes.txt", [("If-Match", '"other"')]).status, 412)
        equal(self.edge.get("/notes.txt", [("If-Match", first["ETag"])]).status, 200)
        equal(self.edge.get("/notes.txt", [("If-Unmodified-Since", "Mon, 01 Jan 2001 00:00:00 GMT")]).status, 412)

    def test_a_304_leaves_the_connection_usable(self):
        with self.edge.connect() as connection:
            for _ in range(3):
                equal(connection.ask("GET", "/notes.txt", [("If-None-Match", "*")]).status, 304)
            equal(connection.ask("GET", "/notes.txt").status, 200)

    # Ranges

    def ranged(self, value, *fields):
        return self.edge.get("/notes.txt", [("Range", value), *fields])

    def test_single_ranges(self):
        whole = b"0123456789abcdef\n"
        for value, part, told in (("bytes=0-3", whole[:4], "bytes 0-3/17"), ("bytes=5-5", b"5", "bytes 5-5/17"),
                                  ("bytes=10-", whole[10:], "bytes 10-16/17"), ("bytes=-4", whole[-4:], "bytes 13-16/17"),
                                  ("bytes=10-999", whole[10:], "bytes 10-16/17"), ("bytes=-999", whole, "bytes 0-16/17")):
            response = self.ranged(value)
            equal((response.status, response.body, response["Content-Range"]), (206, part, told), value)
            equal(response["Content-Length"], str(len(part)))

    def test_a_range_beyond_the_end_is_416(self):
        for value in ("bytes=17-", "bytes=100-200", "bytes=-0"):
            response = self.ranged(value)
            equal((response.status, response["Content-Range"]), (416, "bytes */17"), value)

    def test_what_is_no_range_is_ignored(self):
        for value in ("bytes=5-2", "bytes=", "bytes=a-b", "lines=1-2", "bytes 0-3", "bytes=1", "bytes=--1"):
            equal(self.ranged(value).status, 200, value)

    def test_several_ranges_are_multipart(self):
        response = self.ranged("bytes=0-1, 4-5,-2")
        equal(response.status, 206)
        kind = response["Content-Type"]
        check(kind.startswith("multipart/byteranges; boundary="), kind)
        boundary = kind.split("boundary=")[1].strip('"').encode()
        parts = response.body.split(b"--" + boundary)
        equal(len(parts), 5, "parts")
        check(parts[4].startswith(b"--"), parts)
        for part, content, told in ((parts[1], b"01", b"0-1/17"), (parts[2], b"45", b"4-5/17"), (parts[3], b"f\n", b"15-16/17")):
            head, _, body = part.partition(b"\r\n\r\n")
            equal(body.removesuffix(b"\r\n"), content)
            check(b"bytes " + told in head, head)

    def test_many_ranges_are_not_worth_it(self):
        response = self.ranged("bytes=" + ",".join("0-" for _ in range(1000)))
        check(response.status in (200, 416), response.status)
        check(len(response.body) < 1000, len(response.body))

    def test_if_range(self):
        first = self.edge.get("/notes.txt")
        equal(self.ranged("bytes=0-3", ("If-Range", first["ETag"])).status, 206 if first["ETag"][0] == '"' else 200)
        equal(self.ranged("bytes=0-3", ("If-Range", '"other"')).status, 200)
        equal(self.ranged("bytes=0-3", ("If-Range", "Mon, 01 Jan 2001 00:00:00 GMT")).status, 200)

    def test_a_range_of_a_large_file(self):
        response = self.edge.get("/big.bin", [("Range", "bytes=1234567-3456789")])
        equal(response.status, 206)
        equal(wire.digest(response.body), wire.digest(wire.pattern(5_000_000)[1234567:3456790]))

    def test_head_ignores_ranges(self):
        response = self.edge.ask("HEAD", "/notes.txt", [("Range", "bytes=0-3")])
        equal((response.status, response["Content-Length"]), (200, "17"))

    def test_ranges_are_in_the_log(self):
        self.edge.get("/with%20space%20%26%20more.txt", [("Range", "bytes=1-3")])
        line = self.edge.logged("/with%20space%20%26%20more.txt", **{"sc-status": 206})
        equal((line["sc-range-start"], line["sc-range-end"]), (1, 3))


TYPES = {
    "a.html": "text/html; charset=utf-8", "a.css": "text/css; charset=utf-8", "a.txt": "text/plain; charset=utf-8",
    "a.js": "text/javascript; charset=utf-8", "a.json": "application/json", "a.png": "image/png",
    "a.jpg": "image/jpeg", "a.svg": "image/svg+xml", "a.webp": "image/webp", "a.wasm": "application/wasm",
    "a.mp4": "video/mp4", "a.pdf": "application/pdf", "a.woff2": "font/woff2", "a.HTML": "text/html; charset=utf-8",
    "a.unheard-of": "application/octet-stream", "a": "application/octet-stream",
}
