"""What the lints share: the files of the repository, C text without comments and strings, reports.

A lint is a script of its own: `python3 tests/lint/NAME.py [ROOT]` prints one line per problem,
`file:line: what is wrong; what to do`, and exits with 1 when there was one.
"""

import os
import re
import subprocess
import sys

SKIPPED_FOLDERS = {"build", ".git", ".voiceengine", "__pycache__"}


def files(root, *endings):
    """The files that are or may become part of the repository, relative to it, sorted."""
    found = _from_git(root)
    if found is None:
        found = _from_disk(root)
    return sorted(f for f in found if not endings or f.endswith(endings))


def _from_git(root):
    if not os.path.exists(os.path.join(root, ".git")):
        return None
    out = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False)
    if out.returncode != 0:
        return None
    names = {n for n in out.stdout.decode().split("\0") if n}
    return [n for n in names if os.path.isfile(os.path.join(root, n))]


def _from_disk(root):
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return found


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def line_of(text, position):
    return text.count("\n", 0, position) + 1


C_NOISE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


def _blank(match):
    text = match.group()
    kept = "".join(c if c == "\n" else " " for c in text[1:-1])
    ends = (text[0], text[-1]) if text[0] in "\"'" else (" ", " ")
    return ends[0] + kept + ends[1]


def c_code(text):
    """C text in which comments and the insides of strings are blanks; lines stay where they are."""
    return C_NOISE.sub(_blank, text)


def c_calls(code):
    """(name, position) of everything that looks like a call of a plain function."""
    for match in re.finditer(r"\b([A-Za-z_]\w*)\s*\(", code):
        before = code[:match.start()].rstrip()
        if not before.endswith((".", "->")):
            yield match.group(1), match.start()


def main(check):
    """Runs one lint over the folder that the command line names."""
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", ".."))
    problems = list(check(root))
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
