"""Files of at most 600 lines, functions of at most 80: C, Lua and the tests' own Python.

What is rightly longer stands in size-exceptions.txt, with the reason.
"""

import ast
import os
import re

from common import c_code, files, main, read

FILE_LINES = 600
FUNCTION_LINES = 80
EXCEPTIONS = "tests/lint/size-exceptions.txt"


def c_functions(text):
    """(name, first line, last line). A function's body begins with a brace in the first column."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group().count("\n"),
                  c_code(text), flags=re.MULTILINE)
    for match in re.finditer(r"^\{", code, re.MULTILINE):
        head = code[:match.start()].rstrip()
        start = max(head.rfind(";"), head.rfind("}")) + 1
        name = re.search(r"(\w+)\s*\(", head[start:])
        if not name:
            continue
        depth = 0
        for position in range(match.start(), len(code)):
            depth += {"{": 1, "}": -1}.get(code[position], 0)
            if depth == 0:
                break
        first = code.count("\n", 0, start + name.start()) + 1
        yield name.group(1), first, code.count("\n", 0, position) + 1


LUA_NOISE = re.compile(r"--\[(=*)\[.*?\]\1\]|--[^\n]*|\[(=*)\[.*?\]\2\]"
                       r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


# The body of a busted block holds its tests, each a function of its own.
BUSTED_BLOCK = re.compile(r"\b(describe|context)\s*\([\s,]*$")


def lua_functions(text):
    code = LUA_NOISE.sub(lambda m: "\n" * m.group().count("\n"), text)
    stack = []
    for match in re.finditer(r"\b(if|do|repeat|until|end|function)\b(?:(?<=function)[ \t]+([\w.:]+))?",
                             code):
        word, line = match.group(1), code.count("\n", 0, match.start()) + 1
        if word in ("end", "until"):
            opened = stack.pop() if stack else None
            if opened and opened[0] == "function" and opened[3]:
                yield opened[1] or "function", opened[2], line
        else:
            counts = not BUSTED_BLOCK.search(code, max(0, match.start() - 40), match.start())
            stack.append((word, match.group(2), line, counts))


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


PARSERS = {".c": c_functions, ".h": c_functions, ".lua": lua_functions, ".py": python_functions}


def exceptions(root):
    """Lines of `FILE why` or `FILE:FUNCTION why`."""
    found = {}
    if not os.path.exists(os.path.join(root, EXCEPTIONS)):
        return found
    for number, line in enumerate(read(root, EXCEPTIONS).splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            what, _, why = line.partition(" ")
            found[what] = (number, why.strip())
    return found


def too_long(root):
    for name in files(root, *PARSERS):
        text = read(root, name)
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield name, 1, f"{lines} lines in a file (at most {FILE_LINES}); split it by noun"
        parse = PARSERS[os.path.splitext(name)[1]]
        for function, first, last in parse(text):
            if last - first + 1 > FUNCTION_LINES:
                yield (f"{name}:{function}", first, f"{last - first + 1} lines in {function} "
                       f"(at most {FUNCTION_LINES}); take a step out of it")


def check(root):
    allowed = exceptions(root)
    used = set()
    for what, line, problem in too_long(root):
        if what in allowed:
            used.add(what)
        else:
            yield f"{what.split(':')[0]}:{line}: {problem}, or give the reason in {EXCEPTIONS}"
    for what, (number, why) in allowed.items():
        if not why:
            yield f"{EXCEPTIONS}:{number}: {what} has no reason; say why it may be long"
        if what not in used:
            yield f"{EXCEPTIONS}:{number}: {what} is not too long (any more); remove the line"


if __name__ == "__main__":
    main(check)
