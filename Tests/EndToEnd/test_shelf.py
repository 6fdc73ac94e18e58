"""Functions as their author meets them: `edged new`, `edged test`, an edit and `edged reload`."""

import json
import os
import shutil
import subprocess

from harness import Edge, PATIENCE, Suite, behavior, check, equal, site

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
STAGES = "viewer_request,origin_request,origin_response,viewer_response"


class WritingFunctions(Suite):
    def edged(self, *words, folder=None):
        return subprocess.run([os.path.abspath(Edge.binary), *words], capture_output=True, text=True, timeout=PATIENCE,
                              cwd=folder or self.folder, stdin=subprocess.DEVNULL)

    def test_a_new_function_passes_its_test(self):
        for stages in (STAGES, *STAGES.split(",")):
            name = "of_" + stages.replace(",", "_")
            made = self.edged("new", "function", name, "--stage", stages)
            equal(made.returncode, 0, made.stderr)
            tested = self.edged("test", f"functions/{name}.test.lua")
            equal(tested.returncode, 0, tested.stdout)
            check("0 failed" in tested.stdout, tested.stdout)

    def test_an_editor_finds_its_files(self):
        folder = os.path.join(self.folder, "edited")
        os.makedirs(folder)
        made = self.edged("new", "function", "f", "--stage", STAGES, folder=folder)
        equal([line.split(maxsplit=1) for line in made.stdout.splitlines()[:4]],
              [["wrote", name] for name in ("functions/f.lua", "functions/f.test.lua", ".edged/stubs.lua", ".luarc.json")])
        with open(os.path.join(folder, ".luarc.json")) as file:
            settings = json.load(file)
        equal((settings["runtime.version"], settings["workspace.library"]), ("Lua 5.4", [".edged"]))
        equal(json.loads(self.edged("config", "luarc").stdout), settings)
        with open(os.path.join(folder, ".edged/stubs.lua")) as file:
            stubs = file.read()
        equal(self.edged("config", "lua-stubs").stdout, stubs)
        with open(os.path.join(folder, "functions/f.lua")) as file:
            code = file.read()
        for stage in STAGES.split(","):
            section = stubs.split(f"---@class edged.{stage}.event")[1].split("---@class")[0]
            equal("---@field response " in section, stage.endswith("response"), section)
            check(f"---@param event edged.{stage}.event\nlocal function {stage}(event)" in code, code)
        for name in settings["diagnostics.globals"]:
            check(f"\nfunction {name}(" in stubs or f"\n{name} = " in stubs, name)
        # The settings are the operator's from then on; the stubs are those of the version.
        self.write("edited/.luarc.json", b"{}")
        self.write("edited/.edged/stubs.lua", b"old")
        self.edged("new", "function", "g", folder=folder)
        with open(os.path.join(folder, ".luarc.json")) as file:
            equal(file.read(), "{}")
        with open(os.path.join(folder, ".edged/stubs.lua")) as file:
            equal(file.read(), stubs)

    def test_nothing_is_overwritten(self):
        for present in ("kept.lua", "kept.test.lua"):
            folder = os.path.join(self.folder, present)
            path = self.write(f"{present}/functions/{present}", b"mine")
            refused = self.edged("new", "function", "kept", folder=folder)
            equal(refused.returncode, 1)
            check(f"functions/{present} is there already" in refused.stderr, refused.stderr)
            equal(os.listdir(os.path.dirname(path)), [present])
            with open(path, "rb") as file:
                equal(file.read(), b"mine")

    def test_a_wrong_stage_is_named(self):
        refused = self.edged("new", "function", "x", "--stage", "viewer_reqest")
        equal(refused.returncode, 2)
        check("did you mean 'viewer_request'?" in refused.stderr, refused.stderr)

    def test_a_failing_test_says_where(self):
        self.write("broken/f.lua", b"return { viewer_request = function() end }\n")
        self.write("broken/f.test.lua", b'test("answers", function()\n  expect(run("viewer_request", {}).response, {})\nend)\n')
        failed = self.edged("test", "broken/")
        equal(failed.returncode, 1)
        check("broken/f.test.lua:2: these differ" in failed.stdout, failed.stdout)
        row = json.loads(self.edged("test", "broken", "--json").stdout)
        equal((row["file"], row["test"], row["ok"], row["line"]), ("broken/f.test.lua", "answers", False, 2))

    def test_what_cannot_be_tested_is_a_usage_mistake(self):
        os.makedirs(os.path.join(self.folder, "empty"))
        for words in (["nowhere"], ["empty"]):
            equal(self.edged("test", *words).returncode, 2)

    def test_the_shelf_passes_its_tests(self):
        passed = self.edged("test", "functions/", "examples/quickstart/functions/", folder=ROOT)
        equal(passed.returncode, 0, passed.stdout)


class ShelfUnderAttack(Suite):
    """What viewers send makes no function of the shelf fail: a few such requests would park it for everybody."""

    LONG = "x" * 20_000
    # The function, its options, and the target and field of a viewer who means harm.
    ROWS = (
        ("bot_block", {"agents": ["GPTBot"]}, "/", ("User-Agent", "GPTBot" + LONG)),
        ("rate_limit", {"requests": 5, "header": "x-key"}, "/", ("X-Key", LONG)),
        ("forward_auth", {"url": {"origin": "app", "path": "/status/204"}}, "/", ("Cookie", LONG)),
        ("signed_cookie_gate", {"login": "https://login.example/?back="}, "/" + "%" * 8000, ("A", "b")),
        ("canonical_host", {"host": "www.example.com"}, "/" + "a" * 8000, ("A", "b")),
        ("redirects", {"map": {"/redirects/a/*": "/*"}}, "/a/" + "a" * 4000 + "?" + "b" * 4000, ("A", "b")),
        ("image_negotiation", {"formats": ["f" * 60]}, "/" + "a" * 8130 + ".jpg", ("Accept", "image/" + "f" * 60)),
        ("jwt_gate", {"algorithms": ["HS256"], "secret": "cookie_key"}, "/", ("Authorization", "Bearer " + LONG)),
        ("s3_rewrite", {"prefix": "/site"}, "/" + "a" * 8150 + "/", ("A", "b")),
    )

    def setup(self):
        self.at_origin = self.origin()
        key = self.write("key", b"key:of the gate")
        rows = []
        for name, options, _, _ in self.ROWS:
            stage = "origin_request" if name == "s3_rewrite" else "viewer_request"
            attached = {"name": name, "options": options, "secrets": ["cookie_key"]}
            rows.append(behavior(f"/{name}/*", "app", functions={stage: [attached]}))
        replace = {"td>": "th>", "©2019": "©2026", "http://a.example": "/"}
        attached = {"name": "body_replace", "options": {"replace": replace}}
        rows.append(behavior("/page", "app", functions={"viewer_response": [attached]}))
        self.running = self.proxy(
            self.at_origin, *rows, workers=1, secrets={"cookie_key": {"file": key}},
            functions={"folder": os.path.join(ROOT, "functions"), "limits": {"state_memory": "16MB"}})

    def test_no_long_input_parks_a_function(self):
        edge = self.running
        for name, _, target, field in self.ROWS:
            usual = edge.get(f"/{name}/image.jpg").status
            for _ in range(25):
                answer = edge.get(f"/{name}{target}", [field])
                check(answer.status < 500, name, answer)
            equal(edge.get(f"/{name}/image.jpg").status, usual, name)
        equal([event for event in edge.events() if event["event"].startswith("function_")], [])

    def test_long_keys_do_not_fill_the_memory(self):
        for first in range(0, 3000, 500):
            with self.running.connect() as connection:
                for number in range(first, first + 500):
                    answer = connection.ask("GET", "/rate_limit/", [("X-Key", f"{number:08}" + "k" * 16_000)])
                    check(answer.status < 500, number, answer)
        equal([event for event in self.running.events() if event["event"].startswith("function_")], [])

    def test_a_large_page_comes_whole(self):
        row = b"<tr><td>some cell</td><td>another one</td></tr>\n"
        self.at_origin.on("page", lambda connection, request: connection.answer(
            200, row * 6000, [("Content-Type", "text/html")]))
        answer = self.running.get("/page")
        check(answer.body == row.replace(b"td>", b"th>") * 6000, len(answer.body))


class Quickstart(Suite):
    """The example as `make demo` runs it, in a folder of its own."""

    def setup(self):
        example = os.path.join(ROOT, "examples", "quickstart")
        for name in ("public", "functions"):
            shutil.copytree(os.path.join(example, name), os.path.join(self.folder, "edge1", name))
        behavior = {"path": "*", "origin": "site", "cache": "off",
                    "functions": {"viewer_request": ["hello"], "viewer_response": ["stamp"]}}
        self.running = self.edge({"origins": {"site": {"files": "public"}},
                                  "distributions": {"all": site("site", behavior)}})

    def reload(self):
        return subprocess.run([os.path.abspath(Edge.binary), "reload", "-c", self.running.path("edge.json")],
                              capture_output=True, text=True, timeout=PATIENCE, cwd=self.running.folder)

    def edit(self, name, old, new):
        path = self.running.path(f"functions/{name}")
        with open(path) as file:
            text = file.read()
        check(old in text, name)
        with open(path, "w") as file:
            file.write(text.replace(old, new))

    def test_an_edit_is_seen_after_a_reload(self):
        edge = self.running
        answer = edge.get("/hello?name=Ada")
        equal((answer.status, answer.body), (200, b"Hello, Ada!\n"))
        check(answer["x-stamp"].startswith("by=function; ms="), answer)
        notes = edge.get("/notes")
        equal(notes.status, 200)
        check(notes["x-stamp"].startswith("by=origin; ms="), notes)

        self.edit("hello.lua", '"Hello, "', '"Good day, "')
        equal(edge.get("/hello?name=Ada").body, b"Hello, Ada!\n", "before the reload")
        done = self.reload()
        equal(done.returncode, 0, done.stderr)
        equal(edge.get("/hello?name=Ada").body, b"Good day, Ada!\n", "after it")

        self.edit("hello.lua", "return { viewer_request", "retrun { viewer_request")
        refused = self.reload()
        check(refused.returncode != 0, refused.stdout)
        check("functions/hello.lua:13:" in refused.stderr, refused.stderr)
        equal(edge.get("/hello?name=Ada").body, b"Good day, Ada!\n", "a mistake changes nothing")
