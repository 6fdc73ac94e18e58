"""Opens many keep-alive connections, has one answer on each, and holds them."""

import contextlib
import socket

PATIENCE_SECONDS = 2


@contextlib.contextmanager
def hold(address, port, count, target):
    """Yields the connections that answered; fewer than `count` when the server or a limit refuses."""
    request = f"GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
    held = []
    try:
        for _ in range(count):
            connection = socket.create_connection((address, port), timeout=PATIENCE_SECONDS)
            connection.sendall(request)
            if not answered(connection):
                connection.close()
                break
            held.append(connection)
        yield held
    finally:
        for connection in held:
            connection.close()


def answered(connection):
    """False when the server closes or stays silent: it has as many connections as it wants."""
    try:
        return whole_answer(connection)
    except OSError:
        return False


def whole_answer(connection):
    """Reads one answer of declared length."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(65536)
        if not block:
            return False
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        block = connection.recv(65536)
        if not block:
            return False
        body += block
    return True
