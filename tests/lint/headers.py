"""Every header of the engine opens with what it is for, and has its own guard."""

import re

from common import files, main, read


def check(root):
    for name in files(root, ".h"):
        if not name.startswith("engine/"):
            continue
        text = read(root, name)
        place = name[len("engine/"):]
        if not text.startswith("/*\n * " + place):
            yield (f"{name}:1: begin with a comment: {place}, then what it does, who owns what, "
                   "which thread may call")
        guard = "VE_" + re.sub(r"\W", "_", place).upper()
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            yield f"{name}:1: the include guard is not {guard}; name it after the file"


if __name__ == "__main__":
    main(check)
