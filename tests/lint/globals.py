"""No mutable variables at file scope or static in a function: two engines run in one process.

Looks at the object files of the release build, so nothing hides behind a macro.
"""

import os
import re
import subprocess

from common import files, main, read

OBJECTS = "build/CMakeFiles/ve.dir/engine"
# What libraries keep once per process is counted here and nowhere else.
ALLOWED_FILES = {"loop/process.c"}

SYMBOL = re.compile(r"^[0-9a-f]+ (.{7}) (\S+)\s+([0-9a-f]+)(?: \.hidden)? (\S+)$")
MUTABLE = re.compile(r"^(\.data|\.bss|\.tdata|\.tbss|\.ldata|\.lbss)(\.|$)|^\*COM\*$")


def mutable_symbols(path):
    out = subprocess.run(["objdump", "-t", path], capture_output=True, check=True, text=True)
    for line in out.stdout.splitlines():
        match = SYMBOL.match(line)
        if not match:
            continue
        flags, section, size, symbol = match.groups()
        # constants with pointers in them are filled in by the loader, then sealed
        if not MUTABLE.match(section) or section.startswith(".data.rel.ro"):
            continue
        if "d" in flags or int(size, 16) == 0:
            continue
        yield symbol.split(".")[0]


def place_of(text, symbol):
    match = re.search(rf"^.*\b{re.escape(symbol)}\b.*[=;\[]", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def check(root):
    sources = [f for f in files(root, ".c")
               if f.startswith("engine/") and f.count("/") == 2 and "/host/" not in f]
    missing = []
    for name in sources:
        place = name[len("engine/"):]
        path = os.path.join(root, OBJECTS, place + ".o")
        if not os.path.exists(path):
            missing.append(name)
        elif place not in ALLOWED_FILES:
            text = read(root, name)
            for symbol in mutable_symbols(path):
                yield (f"{name}:{place_of(text, symbol)}: the variable {symbol} is shared by all "
                       "engines of the process; make it const or put it in a struct")
    if missing:
        yield (f"{missing[0]}:1: {len(missing)} files have no object in {OBJECTS}; "
               "build the engine first")


if __name__ == "__main__":
    main(check)
