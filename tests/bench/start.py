"""How long from the start of the process to its ready line: median and worst of 20 starts.

    python3 tests/bench/start.py [ENGINE]

The peer is the same binary printing its version: what the dynamic linker and the kernel take.
"""

import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from engine import ROOT, Engine  # noqa: E402

RUNS = 20


def ready_ms(binary):
    begin = time.monotonic()
    engine = Engine(binary)
    took = (time.monotonic() - begin) * 1000
    engine.stop()
    return took


def version_ms(binary):
    begin = time.monotonic()
    subprocess.run([binary, "version"], stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - begin) * 1000


def main():
    binary = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(ROOT, "build", "voiceengine")
    ready, version = [], []
    for _ in range(RUNS):
        ready.append(ready_ms(binary))
        version.append(version_ms(binary))
    for name, values in (("start to ready line", ready), ("start to version", version)):
        print(f"{name:22} median {statistics.median(values):6.1f} ms, worst {max(values):6.1f} ms")


main()
