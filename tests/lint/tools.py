"""What luacheck says about Lua and shellcheck about the shell scripts."""

import subprocess

from common import files, main


def run(root, command, names):
    if not names:
        return
    try:
        out = subprocess.run(command + names, cwd=root, capture_output=True, text=True,
                             check=False)
    except FileNotFoundError:
        yield f"{names[0]}:1: {command[0]} is not there; run sh engine/setup.sh --tests"
        return
    lines = [line for line in (out.stdout + out.stderr).splitlines() if line.strip()]
    yield from lines
    if out.returncode != 0 and not lines:
        yield f"{names[0]}:1: {command[0]} failed without a word"


def check(root):
    lua = [f for f in files(root, ".lua")
           if f.startswith(("lualib/", "scripts/", "examples/", "tests/"))]
    yield from run(root, ["luacheck", "--quiet", "--codes", "--formatter", "plain"], lua)
    # SC2317 takes a function that is called by its name in a variable for unreachable
    yield from run(root, ["shellcheck", "--format=gcc", "--shell=sh", "--exclude=SC2317"], files(root, ".sh"))


if __name__ == "__main__":
    main(check)
