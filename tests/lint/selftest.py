"""Every lint must be able to fail: each gets a bad sample and must complain about the right place,
and a good one about which it must keep silent."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))

HEADER = "/*\n * base/a.h - a sample.\n */\n#ifndef VE_BASE_A_H\n#define VE_BASE_A_H\n#endif\n"
LONG_C = "int f(int x)\n{\n" + "    x++;\n" * 90 + "    return x;\n}\n"
LONG_LUA = "local function f(x)\n" + "   x = x + 1\n" * 90 + "end\nreturn f\n"

# (lint, what the case is about, files, expected beginning of a complaint or None)
CASES = [
    ("includes", "a room that may not be known",
     {"engine/base/a.c": '#include "base/a.h"\n#include "loop/loop.h"\n'}, "engine/base/a.c:2: "),
    ("includes", "a call may not know scripts",
     {"engine/call/a.c": '#include "script/task.h"\n'}, "engine/call/a.c:1: "),
    ("includes", "a vtable may be named, and no more of its room",
     {"engine/call/a.c": '#include "carrier/carrier.h"\n#include "carrier/ringover.h"\n'},
     "engine/call/a.c:2: "),
    ("includes", "Lua outside script and bind",
     {"engine/media/a.c": "#include <lua.h>\n"}, "engine/media/a.c:1: "),
    ("includes", "libuv outside loop and net",
     {"engine/cli/a.c": "#include <uv.h>\n"}, "engine/cli/a.c:1: "),
    ("includes", "OpenSSL outside crypto and net",
     {"engine/door/a.c": "#include <openssl/hmac.h>\n"}, "engine/door/a.c:1: "),
    ("includes", "SQLite outside store",
     {"engine/call/a.c": "#include <sqlite3.h>\n"}, "engine/call/a.c:1: "),
    ("includes", "json-c outside base/json.c",
     {"engine/base/map.c": "#include <json-c/json.h>\n"}, "engine/base/map.c:1: "),
    ("includes", "a header without its room",
     {"engine/net/a.c": '#include "a.h"\n'}, "engine/net/a.c:1: "),
    ("includes", "a room that is not in the table",
     {"engine/attic/a.c": '#include "base/a.h"\n'}, "engine/attic/a.c:1: "),
    ("includes", "what is allowed",
     {"engine/net/a.c": '#include "loop/loop.h"\n#include <uv.h>\n#include <openssl/ssl.h>\n',
      "engine/cli/a.c": '#include "bind/bind.h"\n',
      "engine/base/json.c": "#include <json-c/json.h>\n",
      "tests/unit/base/test_a.c": "#include <uv.h>\n"}, None),

    ("calls", "the heap", {"engine/net/a.c": "void f(void)\n{\n    free(g());\n}\n"},
     "engine/net/a.c:3: free()"),
    ("calls", "an unbounded copy", {"engine/net/a.c": "void f(char *x)\n{\n    strcpy (x, y);\n}\n"},
     "engine/net/a.c:3: strcpy()"),
    ("calls", "a clock outside loop", {"engine/call/a.c": "long f(void)\n{\n    return time(0);\n}\n"},
     "engine/call/a.c:3: time()"),
    ("calls", "a sleep, even in loop", {"engine/loop/a.c": "void f(void)\n{\n    usleep(5);\n}\n"},
     "engine/loop/a.c:3: usleep()"),
    ("calls", "what is allowed",
     {"engine/base/alloc.c": "void *f(void)\n{\n    return malloc(1);\n}\n",
      "engine/host/a.c": "void f(void)\n{\n    free(malloc(1));\n}\n",
      "engine/loop/a.c": "long f(void)\n{\n    return clock_gettime(0, 0);\n}\n",
      "engine/net/a.c": "/* free(x) */\nvoid f(struct o *o)\n{\n    o->free(o); /* and\n free(o) */\n"
                        '    log("malloc(1)");\n    ve_free(o);\n    o->ops.time(o);\n}\n',
      "tests/unit/a.c": "void f(void)\n{\n    free(0);\n}\n"}, None),

    ("size", "a long file", {"engine/net/a.c": "int x;\n" * 601}, "engine/net/a.c:1: 601 lines"),
    ("size", "a long function in C", {"engine/net/a.c": "int a;\n\n" + LONG_C},
     "engine/net/a.c:3: 94 lines in f "),
    ("size", "a long function in Lua", {"lualib/voice/a.lua": "\n" + LONG_LUA},
     "lualib/voice/a.lua:2: 92 lines in f "),
    ("size", "a long function in Python",
     {"tests/e2e/a.py": "def f(x):\n" + "    x += 1\n" * 81}, "tests/e2e/a.py:1: 82 lines in f "),
    ("size", "an exception without a reason",
     {"engine/net/a.c": LONG_C, "tests/lint/size-exceptions.txt": "engine/net/a.c:f\n"},
     "tests/lint/size-exceptions.txt:1: "),
    ("size", "an exception that is not needed",
     {"engine/net/a.c": "int x;\n", "tests/lint/size-exceptions.txt": "engine/net/a.c a table\n"},
     "tests/lint/size-exceptions.txt:1: "),
    ("size", "what is allowed",
     {"engine/net/a.c": LONG_C + "int g(void)\n{\n    return '{';\n}\n",
      "tests/lint/size-exceptions.txt": "# why\nengine/net/a.c:f one big switch\n",
      "lualib/voice/a.lua": "local f = function() if x then return 1 end end\n" * 100}, None),

    ("globals", "a variable at file scope",
     {"engine/net/a.c": "int f(void);\n\nstatic int count = 3;\n\nint f(void)\n{\n"
                        "    return count++;\n}\n"}, "engine/net/a.c:3: the variable count "),
    ("globals", "a static variable in a function",
     {"engine/net/a.c": "int f(void);\nint f(void)\n{\n    static int calls;\n"
                        "    return calls++;\n}\n"}, "engine/net/a.c:4: the variable calls "),
    ("globals", "a variable of each thread",
     {"engine/net/a.c": "int f(void);\n_Thread_local int mine;\nint f(void)\n{\n"
                        "    return mine++;\n}\n"}, "engine/net/a.c:2: the variable mine "),
    ("globals", "an engine that is not built", {"engine/net/a.c": "", "engine/main.c": ""},
     "engine/net/a.c:1: 1 files have no object"),
    ("globals", "what is allowed",
     {"engine/net/a.c": "const char *f(int i);\nstatic const char *const names[] = {\"a\", \"b\"};\n"
                        "const char *f(int i)\n{\n    static const int order[] = {1, 0};\n"
                        "    return names[order[i]];\n}\n",
      "engine/loop/process.c": "int f(void);\nstatic int done;\nint f(void)\n{\n"
                               "    return done++;\n}\n"}, None),

    ("toplevel", "a stray file", {"notes.txt": "x\n", "README.md": "x\n"}, "notes.txt:1: "),
    ("toplevel", "a stray folder", {"src/a.c": "x\n"}, "src:1: "),
    ("toplevel", "what is allowed", {"README.md": "x\n", "engine/a.c": "", ".ci/run": ""}, None),

    ("words", "a path of one machine", {"docs/a.md": "see\n/wor" + "k/main\n"}, "docs/a.md:2: "),
    ("words", "a home", {"docs/a.md": "cd /hom" + "e/jane\n"}, "docs/a.md:1: "),
    ("words", "a note to oneself", {"engine/a.c": "/* TO" + "DO: later */\n"}, "engine/a.c:1: "),
    ("words", "what is allowed",
     {"docs/a.md": "in the works/main, network/core, mktemp ve-XXXXXX, a homemade /home page\n"},
     None),

    ("headers", "no opening comment",
     {"engine/base/a.h": "#ifndef VE_BASE_A_H\n#define VE_BASE_A_H\n#endif\n"},
     "engine/base/a.h:1: begin with"),
    ("headers", "another guard", {"engine/base/b.h": HEADER.replace("base/a.h", "base/b.h")},
     "engine/base/b.h:1: the include guard"),
    ("headers", "what is allowed", {"engine/base/a.h": HEADER}, None),

    ("docs", "a link to nowhere", {"README.md": "x\n[map](docs/gone.md)\n", "docs/map.md": ""},
     "README.md:2: "),
    ("docs", "a heading that is not there",
     {"docs/a.md": "[b](map.md#the-end)\n", "docs/map.md": "# The beginning\n"}, "docs/a.md:1: "),
    ("docs", "a room that is not on the map",
     {"docs/map.md": "`base/` is the ground floor\n", "engine/base/a.c": "", "engine/net/a.c": ""},
     "docs/map.md:1: the room net/"),
    ("docs", "no map at all", {"README.md": "x\n"}, "docs/map.md:1: "),
    ("docs", "what is allowed",
     {"README.md": "[map](docs/map.md#the-rooms), [web](https://example.com/x.md) `[a](b)`\n"
                   "```\n[code](nowhere)\n```\n",
      "docs/map.md": "# The `rooms`\n# The rooms\n`base/`\n", "engine/base/a.c": ""}, None),

    ("format", "C that is laid out otherwise", {"engine/base/a.c": "int f( int x ){return x;}\n"},
     "engine/base/a.c:1: "),
    ("format", "Lua that is laid out otherwise", {"scripts/main.lua": "return {a=1}\n"},
     "scripts/main.lua:1: "),
    ("format", "what is allowed",
     {"engine/base/a.c": "int f(int x)\n{\n    return x;\n}\n",
      "scripts/main.lua": "return { a = 1 }\n"}, None),

    ("tools", "an unknown global in Lua", {"scripts/main.lua": "return nonsense\n"},
     "scripts/main.lua:1:"),
    ("tools", "an unquoted variable in a shell script",
     {"examples/a.sh": "#!/bin/sh\nrm $1\n"}, "examples/a.sh:2:"),
    ("tools", "what is allowed",
     {"scripts/main.lua": "return {}\n", "tests/spec/a_spec.lua": 'describe("a", function() end)\n',
      "examples/a.sh": '#!/bin/sh\nrm "$1"\n'}, None),
]


def make_tree(folder, names):
    for name, text in names.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    for name in (".clang-format", ".luacheckrc", ".stylua.toml"):
        shutil.copy(os.path.join(ROOT, name), folder)


def compile_tree(folder, names):
    for name in names:
        target = os.path.join(folder, "build/CMakeFiles/ve.dir", name + ".o")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        subprocess.run(["cc", "-c", "-o", target, os.path.join(folder, name)], check=True)


def run_case(lint, names):
    with tempfile.TemporaryDirectory() as folder:
        make_tree(folder, names)
        if lint == "globals" and "engine/main.c" not in names:
            compile_tree(folder, names)
        environment = dict(os.environ, STYLUA=os.path.join(ROOT, "build/npm/stylua"))
        out = subprocess.run([sys.executable, os.path.join(HERE, lint + ".py"), folder],
                             capture_output=True, text=True, check=False, env=environment)
        return out.stdout.splitlines(), out.returncode, out.stderr


def problem_of(lint, names, expected):
    lines, status, errors = run_case(lint, names)
    if errors:
        return errors.strip()
    if expected is None:
        return None if status == 0 and not lines else f"complained: {lines}"
    if status != 1:
        return f"exited with {status} instead of 1"
    if len(lines) != 1 or not lines[0].startswith(expected):
        return f"said {lines} instead of one line beginning with {expected!r}"
    return None


def check(_root):
    for lint, what, names, expected in CASES:
        problem = problem_of(lint, names, expected)
        if problem:
            yield f"tests/lint/{lint}.py:1: {what}: {problem}"


def lints_without_case():
    with_case = {case[0] for case in CASES}
    for name in sorted(os.listdir(HERE)):
        lint = name[:-3]
        if name.endswith(".py") and lint not in with_case | {"common", "run", "selftest"}:
            yield lint
