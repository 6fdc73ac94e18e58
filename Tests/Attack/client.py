"""The normal client beside an attack: one request at a time on a kept-alive connection, each of them timed."""

import http.client
import threading
import time


class NormalClient:
    def __init__(self, host, port, target, every=0.005):
        self.host, self.port, self.target, self.every = host, port, target, every
        self.seconds, self.failures = [], []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def run(self):
        connection = None
        while not self.stopping.wait(self.every):
            began = time.monotonic()
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(self.host, self.port, timeout=5)
                connection.request("GET", self.target)
                response = connection.getresponse()
                response.read()
                if response.status != 200:
                    self.failures.append(f"status {response.status}")
                if response.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                if connection:
                    connection.close()
                connection = None
            self.seconds.append(time.monotonic() - began)

    def percentile_ms(self, share):
        ordered = sorted(self.seconds)
        return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")
