#!/usr/bin/env python3
"""End-to-end tests: the real binary over real sockets on loopback.

    Tests/EndToEnd/run.py [--bin .build/debug/edged] [--only WORDS] [--jobs 4] [--keep]

Prints one line for each test; the last line says how many passed and failed.
"""

import argparse
import concurrent.futures
import glob
import importlib
import os
import sys
import threading
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402


def suites():
    folder = os.path.dirname(os.path.abspath(__file__))
    for path in sorted(glob.glob(os.path.join(folder, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, harness.Suite) and value.__module__ == module.__name__:
                yield value


def brief(error):
    """The words of a failed check, or the place of anything else, and where in the test that was."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next((frame for frame in reversed(frames) if os.path.basename(frame.filename).startswith("test_")),
                 frames[-1])
    kind = "" if isinstance(error, harness.Failure) else type(error).__name__ + ": "
    return f"{kind}{error} ({os.path.basename(place.filename)}:{place.lineno})"


class Report:
    def __init__(self):
        self.passed, self.skipped, self.failed = 0, 0, []
        self.lock = threading.Lock()

    def add(self, title, error=None):
        with self.lock:
            if isinstance(error, harness.Skipped):
                self.skipped += 1
                print(f"skipped {title}: {error}", flush=True)
            elif error is None:
                self.passed += 1
                print(f"ok      {title}", flush=True)
            else:
                self.failed.append(title)
                print(f"FAILED  {title}\n        {brief(error)}", flush=True)


def run(suite, names, folder, report):
    os.makedirs(folder)
    running = suite(folder)
    try:
        try:
            running.setup()
        except Exception as error:  # noqa: BLE001 a broken set-up fails every test that needs it
            for name in names:
                report.add(suite.title(name), error)
            return
        for name in names:
            try:
                getattr(running, name)()
                report.add(suite.title(name))
            except Exception as error:  # noqa: BLE001 the next test runs whatever this one met
                report.add(suite.title(name), error)
    finally:
        try:
            running.stack.close()
        except Exception as error:  # noqa: BLE001
            report.add(suite.title("test_ends_well"), error)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default=harness.Edge.binary)
    parser.add_argument("--only", default="", help="run tests whose title contains this")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs behind")
    arguments = parser.parse_args()
    harness.Edge.binary = os.path.abspath(arguments.bin)
    if not os.access(harness.Edge.binary, os.X_OK):
        sys.exit(f"{arguments.bin} is not there: build it first (swift build)")
    chosen = [(suite, [name for name in suite.tests() if arguments.only in suite.title(name)])
              for suite in suites()]
    chosen = [(suite, names) for suite, names in chosen if names]
    report = Report()
    with harness.temporary_folder(arguments.keep) as folder:
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            futures = [pool.submit(run, suite, names, os.path.join(folder, suite.__name__), report)
                       for suite, names in chosen]
        for future in futures:
            future.result()
    for title in report.failed:
        print(f"failed: {title}")
    # Nothing is proved by a run of nothing.
    if not chosen:
        sys.exit(f"no test has {arguments.only!r} in its title")
    skipped = f", {report.skipped} skipped" if report.skipped else ""
    print(f"{report.passed} passed, {len(report.failed)} failed{skipped}")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
