"""Links in the Markdown files lead somewhere, and docs/map.md names every room."""

import os
import re

from common import files, main, read

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
MAP = "docs/map.md"


def anchors(text):
    """The anchors that headings get: lower case, blanks as hyphens, no other signs."""
    text = FENCE.sub("", text)
    for heading in re.findall(r"^#+\s+(.*?)\s*#*$", text, re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda m: m.group(1) or "", heading)
        yield re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def link_problem(root, name, target):
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return None
    path, _, anchor = target.partition("#")
    full = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
    if full.startswith(".."):
        return f"{target} leads out of the repository"
    if not os.path.exists(os.path.join(root, full)):
        return f"{target} is not there; correct the link"
    if anchor and full.endswith(".md") and anchor not in anchors(read(root, full)):
        return f"{full} has no heading #{anchor}; correct the link"
    return None


def blank_code(text):
    text = FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    return re.sub(r"`[^`\n]*`", lambda m: " " * len(m.group()), text)


def check_links(root):
    for name in files(root, ".md"):
        text = blank_code(read(root, name))
        for match in LINK.finditer(text):
            problem = link_problem(root, name, match.group(1))
            if problem:
                yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {problem}"


def check_map(root):
    if not os.path.exists(os.path.join(root, MAP)):
        yield f"{MAP}:1: the map is not there; write what each room of engine/ is for"
        return
    text = read(root, MAP)
    rooms = {f.split("/")[1] for f in files(root, ".c", ".h")
             if f.startswith("engine/") and f.count("/") > 1}
    for room in sorted(rooms):
        if not re.search(rf"\b{room}/", text):
            yield f"{MAP}:1: the room {room}/ is not on the map; say what it is for"


def check(root):
    yield from check_links(root)
    yield from check_map(root)


if __name__ == "__main__":
    main(check)
