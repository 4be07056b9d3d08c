"""Runs the end-to-end tests: the real binary over real sockets, on loopback.

    python3 tests/e2e/run.py [--engine FILE] [--slow] [WORD...]

Every function test_* of every file test_*.py (slow_*.py with --slow) is a test; it gets the path of
the engine. Prints TAP, then "N passed, N failed".
"""

import importlib.util
import inspect
import os
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TEST_SECONDS = 120


class Skip(Exception):
    """Raised by a test that cannot run here, with the reason."""


def load(path):
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tests(prefix, words):
    for name in sorted(os.listdir(HERE)):
        if not (name.startswith(prefix) and name.endswith(".py")):
            continue
        module = load(os.path.join(HERE, name))
        for key, function in inspect.getmembers(module, inspect.isfunction):
            if not key.startswith("test_") or function.__module__ != module.__name__:
                continue
            full = f"{name[:-3]}.{key}"
            if not words or any(word in full for word in words):
                yield full, function


def run_one(function, engine):
    """None, or what went wrong. A test that hangs is given up after its time."""
    outcome = []

    def body():
        try:
            function(engine)
            outcome.append(None)
        except Exception as error:  # pylint: disable=broad-except
            outcome.append(error if type(error).__name__ == "Skip" else traceback.format_exc())

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(getattr(function, "seconds", TEST_SECONDS))
    return outcome[0] if outcome else "the test did not end in time"


def main(argv):
    engine = os.path.join(HERE, "..", "..", "build", "voiceengine")
    prefix, words = "test_", []
    while argv:
        word = argv.pop(0)
        if word == "--engine":
            engine = argv.pop(0)
        elif word == "--slow":
            prefix = "slow_"
        else:
            words.append(word)
    sys.path.insert(0, HERE)
    passed = failed = skipped = 0
    for number, (name, function) in enumerate(tests(prefix, words), 1):
        begin = time.monotonic()
        problem = run_one(function, os.path.abspath(engine))
        seconds = time.monotonic() - begin
        if problem is None:
            passed += 1
            print(f"ok {number} - {name} ({seconds:.1f} s)", flush=True)
        elif not isinstance(problem, str):
            skipped += 1
            print(f"ok {number} - {name} # SKIP {problem}", flush=True)
        else:
            failed += 1
            print(f"not ok {number} - {name} ({seconds:.1f} s)", flush=True)
            print("\n".join("    " + line for line in problem.splitlines()), flush=True)
    extra = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{extra}")
    os._exit(1 if failed else 0)  # threads of tests that hung must not hold us


if __name__ == "__main__":
    main(sys.argv[1:])
