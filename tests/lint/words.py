"""What must not be in a committed file: places and tools of the machine it was written on, notes
to oneself."""

import os
import re

from common import files, main, read

# The brackets keep the patterns from finding themselves.
PATTERNS = [
    (r"/wor[k]/", "a path of one machine; write it relative to the repository"),
    (r"(?<![\w.:/])/hom[e]/\w+|(?<![\w.:/])/roo[t]/", "a path of one machine; write it relative"),
    (r"\bfar[m]-\w", "the name of somebody's own tool; leave it out"),
    (r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b", "a note to oneself; do it, or open an issue"),
    (r"<<<<<<[<] |>>>>>>[>] ", "left over from a merge"),
]
BINARY = (".wav", ".png", ".bin", ".raw", ".gz", ".opus", ".ogg", ".mp3")


def patterns_for(root):
    """Also the folder that this very checkout lies in, unless it is a general one."""
    parent = os.path.dirname(root)
    if parent.count("/") < 1 or parent in ("/", "/tmp", "/var/tmp"):
        return PATTERNS
    return PATTERNS + [(re.escape(parent + "/"), "a path of this machine; write it relative")]


def check(root):
    patterns = [(re.compile(p), why) for p, why in patterns_for(root)]
    for name in files(root):
        if name.endswith(BINARY) or name.startswith(("tests/data/", "tests/fuzz/corpus/")):
            continue
        for number, line in enumerate(read(root, name).splitlines(), 1):
            for pattern, why in patterns:
                match = pattern.search(line)
                if match:
                    yield f'{name}:{number}: "{match.group()}" is {why}'
                    break


if __name__ == "__main__":
    main(check)
