"""Which room may know which: the include rules of docs/map.md."""

import re

from common import files, line_of, main, read

ROOMS = {
    "base": "",
    "audio": "base",
    "crypto": "base",
    "loop": "base",
    "script": "loop base",
    "store": "loop base",
    "carrier": "crypto audio base",
    "net": "crypto loop base",
    "media": "audio loop base",
    "speech": "audio loop base",
    "provider": "net crypto audio loop base",
    "call": "media loop base",
    "bind": "script call media provider speech store crypto audio loop base",
    "door": "call carrier net store crypto loop base",
    "admin": "call media carrier provider script store net crypto loop base",
}
EVERYTHING = {"cli", "main.c"}
# Tools that run during the build: no part of the engine.
APART = "host"
# Headers that may be named without knowing their room: a vtable by those who call through it, the
# one shape of an event by those who pass it on.
SHARED = {
    ("call", "carrier/carrier.h"),
    ("call", "store/store.h"),
    ("call", "carrier/event.h"),
    ("store", "carrier/event.h"),
    ("bind", "carrier/event.h"),
}

# Headers of libraries, and where alone they may be named: a room, or files of one.
# cli/version.c asks every library for its version; the verb `test` hosts busted in a state of its
# own, and cli/world*.c are what that state sees.
# The floor of `bench echo` resamples with the library itself, as a bare program would.
HOSTS = {"cli/version.c", "cli/test.c", "cli/world.c", "cli/world_net.c",
         "cli/bench_peer.c"}
LIBRARIES = [
    (r"l(ua|auxlib|ualib)\.h$", r"(script|bind)/"),
    (r"uv\.h$", r"(loop|net)/"),
    (r"openssl/", r"(crypto|net)/"),
    (r"sqlite3\.h$", r"store/"),
    (r"libwebsockets\.h$", r"net/"),
    (r"curl/", r"net/"),
    (r"http_parser\.h$", r"net/"),
    (r"json-c/|json\.h$", r"base/json\w*\.c$"),
    (r"(speex|opus|sndfile|webrtc)", r"audio/"),
    (r"(flite|pocketsphinx|sphinxbase|cst_)", r"speech/"),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)


def room_problem(room, header):
    if "/" not in header:
        return f'"{header}" names no room; write it as "{room}/{header}"'
    other = header.split("/")[0]
    if other == room or room in EVERYTHING or (room, header) in SHARED:
        return None
    if room not in ROOMS:
        return f"the room {room} has no rule; add one to tests/lint/includes.py and docs/map.md"
    if other in ROOMS[room].split():
        return None
    allowed = ROOMS[room] or "nothing"
    return f"{room} may not include {other} (only {allowed}); pass a handler or move the code"


def library_problem(place, header):
    if place in HOSTS:
        return None
    for library, where in LIBRARIES:
        if re.match(library, header) and not re.match(where, place):
            return f"<{header}> is for {where} alone; go through that room's interface"
    return None


def check(root):
    for name in files(root, ".c", ".h"):
        if not name.startswith("engine/"):
            continue
        place = name[len("engine/"):]
        room = place.split("/")[0]
        if room == APART:
            continue
        text = read(root, name)
        for match in INCLUDE.finditer(text):
            problem = library_problem(place, match.group(2))
            if match.group(1) == '"' and not problem:
                problem = room_problem(room, match.group(2))
            if problem:
                yield f"{name}:{line_of(text, match.start())}: {problem}"


if __name__ == "__main__":
    main(check)
