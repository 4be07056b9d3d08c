"""Runs the lints and their self-tests; prints TAP and, at the end, the count.

  python3 tests/lint/run.py [WORD...]     only those whose name contains one of the words
"""

import os
import subprocess
import sys

import selftest

HERE = os.path.dirname(os.path.abspath(__file__))


class Results:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, name, problems):
        number = self.passed + self.failed + 1
        if problems:
            self.failed += 1
            print(f"not ok {number} - {name}")
            for problem in problems:
                print(f"  {problem}")
        else:
            self.passed += 1
            print(f"ok {number} - {name}")


def run_lint(lint):
    out = subprocess.run([sys.executable, os.path.join(HERE, lint + ".py")],
                         capture_output=True, text=True, check=False)
    lines = (out.stdout + out.stderr).splitlines()
    return lines or ([f"exited with {out.returncode}"] if out.returncode else [])


def main(words):
    results = Results()
    lints = sorted({case[0] for case in selftest.CASES})
    for lint in lints:
        if not words or any(word in lint for word in words):
            results.add(lint, run_lint(lint))
    for lint, what, names, expected in selftest.CASES:
        if not words or any(word in lint for word in words):
            problem = selftest.problem_of(lint, names, expected)
            results.add(f"selftest {lint}: {what}", [problem] if problem else [])
    if not words:
        results.add("selftest: every lint has a bad sample", list(selftest.lints_without_case()))
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
