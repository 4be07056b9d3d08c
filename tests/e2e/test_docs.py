"""What the README and docs show is true: every code block is run, every list is complete."""

import json
import os
import re
import shlex
import subprocess
import tempfile

from engine import ROOT, Engine
from test_verbs import run

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Commands of shell blocks that are not run here, and why.
NOT_RUN = {
    "sh tests/run.sh": "it is what runs this test",
    "sh tests/run.sh --all": "it is what runs this test",
    "sh examples/quickstart.sh": "runs until it is stopped; the demo below takes the same way",
}


def pages():
    yield "README.md"
    for folder, _, files in os.walk(os.path.join(ROOT, "docs")):
        for name in sorted(files):
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def blocks(language):
    for page in pages():
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            for match in BLOCK.finditer(file.read()):
                if match.group(1) == language:
                    yield page, match.group(2)


def check_lua(binary, page, code):
    """A whole script loads; a fragment at least compiles."""
    if not re.search(r"^return ", code, re.MULTILINE):
        code = "local call, ev, sim, caller\nlocal function fragment()\n" + code + "\nend\n" \
            "return { on_call = fragment }"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "main.lua")
        with open(path, "w", encoding="utf-8") as file:
            file.write(code)
        status, _, err = run(binary, "check", path)
        assert status == 0, f"{page}: {err}\n{code}"


def test_lua_blocks_load(binary):
    count = 0
    for page, code in blocks("lua"):
        check_lua(binary, page, code)
        count += 1
    assert count > 0


def test_json_blocks_are_json(binary):
    del binary
    for page, code in blocks("json"):
        for line in code.splitlines() if code.count("\n{") else [code]:
            try:
                json.loads(line)
            except ValueError as error:
                raise AssertionError(f"{page}: {error}\n{line}") from error


def test_shell_blocks_run(binary):
    with Engine(binary) as engine, tempfile.TemporaryDirectory() as folder:
        environment = {"PATH": os.environ["PATH"], "HOME": folder,
                       "VE_DATA_DIR": os.path.join(engine.dir, "data"),
                       "RINGOVER_WEBHOOK_SECRET": "test-webhook-secret",
                       "RINGOVER_STREAMER_AUTH_TOKEN": "test-stream-token"}
        for page, code in blocks("sh"):
            for line in code.splitlines():
                command = line.split(" # ")[0].split("   #")[0].strip()
                if not command or command.startswith("#") or command in NOT_RUN:
                    continue
                command = command.replace("build/voiceengine", shlex.quote(binary))
                command = command.replace("127.0.0.1:8000", f"127.0.0.1:{engine.http_port}")
                done = subprocess.run(["sh", "-c", command], cwd=ROOT, env=environment, input="",
                                      capture_output=True, text=True, timeout=100, check=False)
                assert done.returncode == 0, f"{page}: {command}\n{done.stdout}\n{done.stderr}"


def test_every_setting_is_documented(binary):
    with open(os.path.join(ROOT, "docs/reference/settings.md"), encoding="utf-8") as file:
        page = dict(re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`)? ?\|", file.read(), re.MULTILINE))
    code, out, _ = run(binary, "help", "settings")
    assert code == 0
    known = re.findall(r"^  ([A-Z0-9_]+) +(.*)$", out, re.MULTILINE)
    assert sorted(page) == sorted(name for name, _ in known)
    for name, purpose in known:
        assert not page[name] or purpose.endswith(f"({page[name]})"), name


def test_the_demo_ends_well(binary):
    with tempfile.TemporaryDirectory() as folder:
        wav = os.path.join(folder, "demo.wav")
        script = os.path.join(ROOT, "scripts", "main.lua")
        code, out, err = run(binary, "call", "--script", script, "--demo", "--out", wav,
                             seconds=110)
        assert code == 0, out + err
        assert re.search(r"demo: seed \d+", out) and "every turn was handled as expected" in out
        assert out.count("answered after") == 4 and "not understood" in out, out
        assert os.path.getsize(wav) > 16000 * 2 * 2 * 10


test_the_demo_ends_well.seconds = 150
