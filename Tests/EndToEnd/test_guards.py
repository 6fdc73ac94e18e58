"""What one viewer may take from the others: time, connections, requests."""

import time

import wire
from harness import Suite, behavior, check, equal, eventually, site


class Guards(Suite):
    def setup(self):
        self.app = self.origin()
        self.edge = self.proxy(self.app, limits={
            "head_timeout": "700ms", "body_timeout": "700ms", "idle_timeout": "1500ms", "write_timeout": "1s",
            "write_rate": "1MB", "requests_per_connection": 5})

    def test_a_connection_that_says_nothing_is_closed(self):
        with self.edge.connect() as connection:
            check(connection.is_ended(), "the connection ends")

    def test_a_head_that_drips_is_408(self):
        with self.edge.connect() as connection:
            connection.send("GET /echo HTTP/1.1\r\nHost: a\r\n")
            try:
                for _ in range(100):
                    connection.send("X-A: b\r\n")
                    time.sleep(0.05)
            except OSError:
                pass
            try:
                response = connection.response()
                equal((response.status, response["Connection"]), (408, "close"))
            except wire.Closed as closed:
                # Sent into a closed connection, so the answer may have been lost on the way.
                equal(closed.how, "reset")
        self.edge.reasoned("head_timeout")
        equal(self.app.asked("/echo"), [])

    def test_a_head_that_stops_is_408(self):
        with self.edge.connect() as connection:
            connection.send("GET /echo HTTP/1.1\r\nHos")
            response = connection.response()
            equal((response.status, response["Connection"]), (408, "close"))
            check(connection.is_ended(), "the connection ends")

    def test_a_body_that_stops_is_408(self):
        with self.edge.connect() as connection:
            connection.send(connection.head("POST", "/echo/stops", [("Content-Length", "100")]) + b"some")
            response = connection.response()
            equal((response.status, response["Connection"]), (408, "close"))
            check(connection.is_ended(), "the connection ends")
        self.edge.logged("/echo/stops", **{"x-edge-reason": "body_timeout"})
        check(all(not request.digest for request in self.app.asked("/echo/stops")), "the body was completed")

    def test_an_idle_connection_is_closed(self):
        with self.edge.connect() as connection:
            equal(connection.ask("GET", "/fixed/3").status, 200)
            check(connection.is_ended(), "the connection ends")

    def test_waiting_for_the_origin_is_not_idling(self):
        with self.edge.connect() as connection:
            equal(connection.ask("GET", "/slow/2.5").body, b"late\n")

    def test_a_viewer_that_does_not_read_is_dropped(self):
        with self.edge.connect(buffer=4096) as connection:
            connection.send(connection.head("GET", "/fixed/30000000"))
            self.edge.logged("/fixed/30000000", **{"x-edge-reason": "write_timeout"})

    def test_requests_per_connection(self):
        with self.edge.connect() as connection:
            for turn in range(1, 6):
                response = connection.ask("GET", "/fixed/3")
                equal(response["Connection"] == "close", turn == 5, f"request {turn}")
            check(connection.is_ended(), "the connection ends")


class SlowReaders(Suite):
    def test_the_tail_of_a_last_answer_arrives_whole(self):
        app = self.origin()
        edge = self.proxy(app, limits={"requests_per_connection": 1, "write_timeout": "1s"})
        size = 9_000_000
        with edge.connect(buffer=4096) as connection:
            connection.send(connection.head("GET", f"/fixed/{size}"))
            response = connection.response_head()
            equal(response["Connection"], "close")
            # Longer than it takes to queue everything, and less than a write takes at the most.
            time.sleep(0.7)
            equal(wire.digest(connection.rest()), wire.digest_of_pieces(size))


class BufferedBytes(Suite):
    """Viewers that do not read fill the memory for bodies; then the edge says so, until they are gone."""

    def test_over_the_bound_is_503_and_recovers(self):
        app = self.origin()
        edge = self.edge({"origins": {"app": {"url": app.url}}, "distributions": {"all": site("app")},
                          "limits": {"buffered": "1MB"}}, workers=1)
        held = []

        def is_full():
            connection = edge.connect(buffer=4096)
            self.stack.callback(connection.close)
            connection.send(connection.head("GET", "/fixed/20000000"))
            held.append(connection)
            check(len(held) < 2000, "never full")
            response = edge.get("/fixed/3")
            return response if response.status != 200 else None
        response = eventually(is_full, "the memory is full")
        equal((response.status, response["Retry-After"]), (503, "5"))
        check(response["X-Cache"].startswith("CapacityExceeded"), response)
        equal(edge.reasoned("buffer_limit")["x-edge-result-type"], "CapacityExceeded")
        for connection in held:
            connection.reset()
        eventually(lambda: edge.get("/fixed/3").status == 200, "served again")


class ConnectionLimits(Suite):
    def held(self, edge, count):
        connections = []
        for _ in range(count):
            connection = edge.connect()
            self.stack.callback(connection.close)
            equal(connection.ask("GET", "/fixed/3").status, 200)
            connections.append(connection)
        return connections

    def one_more(self, edge, word):
        with edge.connect() as connection:
            response = connection.response()
        equal((response.status, response["Connection"]), (503, "close"))
        check(int(response["Retry-After"]) > 0, response)
        check(response["X-Cache"].startswith(word), response)

    def test_connections_in_all(self):
        edge = self.proxy(self.origin(), limits={"connections": 5})
        held = self.held(edge, 5)
        self.one_more(edge, "CapacityExceeded")
        held[0].close()
        eventually(lambda: self.served(edge), "a place is free again")

    def test_connections_per_address(self):
        edge = self.proxy(self.origin(), limits={"connections_per_address": 4})
        held = self.held(edge, 4)
        self.one_more(edge, "LimitExceeded")
        held[0].close()
        eventually(lambda: self.served(edge), "a place is free again")

    @staticmethod
    def served(edge):
        try:
            return edge.get("/fixed/3").status == 200
        except (OSError, wire.Closed):
            return False
