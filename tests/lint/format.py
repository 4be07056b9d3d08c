"""The layout of C is clang-format's (.clang-format), that of Lua is StyLua's (.stylua.toml)."""

import os
import re
import subprocess

from common import files, main

STYLUA = "build/npm/stylua"


def run(root, command, names):
    out = subprocess.run(command + names, cwd=root, capture_output=True, text=True, check=False)
    return out.stdout + out.stderr, out.returncode


def check_c(root):
    names = [f for f in files(root, ".c", ".h") if f.startswith(("engine/", "tests/"))]
    if not names:
        return
    out, status = run(root, ["clang-format-14", "--dry-run", "-Werror"], names)
    places = re.findall(r"^(?:\./)?(\S+?):(\d+):\d+: error:", out, re.MULTILINE)
    seen = set()
    for name, line in places:
        if name not in seen:
            seen.add(name)
            yield f"{name}:{line}: not laid out as agreed; run clang-format-14 -i {name}"
    if status != 0 and not places:
        yield f"engine:1: clang-format-14 failed: {out.strip()[:200]}"


def check_lua(root):
    names = [f for f in files(root, ".lua")
             if f.startswith(("lualib/", "scripts/", "examples/", "tests/"))]
    stylua = os.environ.get("STYLUA", os.path.join(root, STYLUA))
    if not names:
        return
    if not os.path.exists(stylua):
        yield f"{STYLUA}:1: StyLua is not there; run sh engine/setup.sh --tests"
        return
    for name in names:
        out, status = run(root, [stylua, "--check", "--color", "Never"], [name])
        if status != 0:
            line = re.search(r"^(\d+)\s+(?:\d+\s+)?\|[-+]", out, re.MULTILINE)
            yield (f"{name}:{line.group(1) if line else 1}: not laid out as agreed; "
                   f"run {STYLUA} {name}")


def check(root):
    yield from check_c(root)
    yield from check_lua(root)


if __name__ == "__main__":
    main(check)
