"""What is kept, for whom, and who may change that: RFC 9111 as viewers and an origin see it."""

import time

from harness import check, equal
from test_cache import Caching


class Confirmed(Caching):
    """§3.2 and §4.3.4: what a 304 changes."""

    def answers(self, name, fields, confirmation):
        """An object that is stale after a second, and what the origin says when it is asked about it."""
        asked = []

        def answer(connection, request):
            asked.append(request["If-None-Match"])
            if request["If-None-Match"] and confirmation is not None:
                rows = "".join(f"{key}: {value}\r\n" for key, value in confirmation)
                connection.send(f"HTTP/1.1 304 Not Modified\r\n{rows}\r\n".encode())
            else:
                connection.answer(200, f"version {len(asked)}\n".encode(), fields)
            return True
        self.app.on(name, answer)
        return "/" + name, asked

    def test_new_fields_replace_old_ones(self):
        path, _ = self.answers("renewed", [("Cache-Control", "max-age=1"), ("ETag", '"a"'), ("X-Own", "1"), ("X-Old", "1")],
                               [("Cache-Control", "max-age=60"), ("X-Own", "2"), ("Surrogate-Key", "t"), ("Age", "7")])
        self.get(path, result="Miss")
        time.sleep(2.1)
        self.get(path, result="RefreshHit")
        hit = self.get(path, result="Hit")
        equal((hit.body, hit["X-Own"], hit["X-Old"], hit["ETag"]), (b"version 1\n", "2", "1", '"a"'))
        equal((hit["Surrogate-Key"], hit["Cache-Control"]), (None, "max-age=60"))
        check(7 <= int(hit["Age"]) < 20, hit["Age"])

    def test_without_a_date_it_is_as_old_as_it_is(self):
        path, asked = self.answers("dateless", [("Cache-Control", "max-age=2"), ("ETag", '"a"'),
                                                ("Date", "Thu, 01 Jan 1998 00:00:00 GMT")], [])
        self.get(path, result="Miss")
        self.get(path, result="RefreshHit")
        # The old date says nothing about the new answer.
        self.get(path, result="Hit")
        equal(len(asked), 2)

    def test_fields_of_one_viewer_stay_with_that_viewer(self):
        path, _ = self.answers("cookies", [("Cache-Control", "max-age=1"), ("ETag", '"a"')],
                               [("Cache-Control", 'max-age=60, no-cache="set-cookie"'), ("Set-Cookie", "id=1")])
        self.get(path, result="Miss")
        time.sleep(2.1)
        equal(self.get(path, result="RefreshHit")["Set-Cookie"], "id=1")
        equal(self.get(path, result="Hit")["Set-Cookie"], None)

    def test_another_object_is_not_confirmed(self):
        path, asked = self.answers("mistaken", [("Cache-Control", "max-age=1"), ("ETag", '"a"')],
                                   [("ETag", '"b"'), ("Cache-Control", "max-age=60")])
        self.get(path, result="Miss")
        time.sleep(2.1)
        equal(self.get(path, result="Miss").body, b"version 3\n")
        equal(asked, [None, '"a"', None])

    def test_what_may_not_be_kept_any_more_is_shown_once(self):
        path, asked = self.answers("withdrawn", [("Cache-Control", "max-age=1"), ("ETag", '"a"')],
                                   [("Cache-Control", "private")])
        self.get(path, result="Miss")
        time.sleep(2.1)
        equal(self.get(path).body, b"version 1\n")
        equal(self.get(path, result="Miss").body, b"version 3\n")
        equal(asked, [None, '"a"', None])

    def test_what_nobody_can_ask_about_is_not_kept(self):
        path, asked = self.answers("unnamed", [("Cache-Control", "no-cache, max-age=60")], None)
        for count in range(1, 4):
            self.get(path, result="Miss")
            equal(len(asked), count)
