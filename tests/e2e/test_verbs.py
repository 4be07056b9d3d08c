"""The command line."""

import json
import os
import re
import subprocess
import tempfile

from engine import ROOT, Engine


def run(binary, *arguments, seconds=60, settings=None, cwd=ROOT, stdin=None):
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            environment[name] = os.environ[name]
    environment.update(settings or {})
    done = subprocess.run([binary, *arguments], capture_output=True, timeout=seconds, cwd=cwd,
                          env=environment, text=True, input=stdin, check=False)
    return done.returncode, done.stdout, done.stderr


def test_version_names_the_libraries(binary):
    code, out, _ = run(binary, "version", "--json")
    version = json.loads(out)
    assert code == 0 and re.match(r"\d+\.\d+\.\d+$", version["version"])
    assert version["libraries"]["lua"].startswith("5.4") and version["vad"] in ("silero", "webrtc")
    code, out, _ = run(binary, "version")
    assert code == 0 and "libuv 1." in out


def test_help_names_every_verb(binary):
    code, out, _ = run(binary, "help")
    assert code == 0
    for verb in ("run", "check", "test", "call", "version", "help"):
        assert f"voiceengine {verb}" in out
        assert run(binary, "help", verb)[0] == 0
        assert run(binary, verb, "--help")[0] == 0
    assert "VE_STREAM_RATE" in run(binary, "help", "settings")[1]


def test_usage_errors_end_with_2(binary):
    for arguments in (("dance",), ("run",), ("run", "a.lua", "b.lua"), ("call",), ("check",),
                      ("call", "--script", "a", "--connect", "b"), ("help", "dance")):
        code, out, err = run(binary, *arguments)
        assert code == 2 and out == "" and len(err) > 20, arguments


def test_check(binary):
    code, out, _ = run(binary, "check", "scripts/main.lua")
    assert (code, out) == (0, "scripts/main.lua: ok\n")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "broken.lua")
        with open(path, "w", encoding="utf-8") as file:
            file.write("local x = 1\nlocal y = = 2\n")
        code, _, err = run(binary, "check", path)
        assert code == 1 and "broken.lua:2:" in err and "local y = = 2" in err
        code, out, _ = run(binary, "check", path, "--json")
        answer = json.loads(out)
        assert code == 1 and answer["ok"] is False and answer["line"] == 2
        assert answer["source"] == "local y = = 2"
    assert run(binary, "check", "/nonexistent/main.lua")[0] == 1


def test_bad_settings_are_refused_with_their_place(binary):
    with tempfile.TemporaryDirectory() as folder:
        def refused(settings, *words, env_file=None):
            if env_file is not None:
                with open(os.path.join(folder, ".env"), "w", encoding="utf-8") as file:
                    file.write(env_file)
            script = os.path.join(ROOT, "scripts", "main.lua")
            code, _, err = run(binary, "run", script, settings=settings, cwd=folder)
            assert code == 1, err
            for word in ("WHERE", "FIX") + words:
                assert word in err, (word, err)
            return err

        refused({"VE_STREAM_RATE": "44100"}, "VE_STREAM_RATE", "8000, 16000, 24000", "environment")
        refused({"VE_HTTP_PORT": "65536"}, "VE_HTTP_PORT", "0 to 65535")
        refused({}, "VE_MAX_CALLS", ".env, line 3", env_file="# mine\n\nVE_MAX_CALLS = many\n")
        refused({"VE_HTTP_HOST": "0.0.0.0"}, "RINGOVER_WEBHOOK_SECRET", "reached from outside",
                env_file="")
        refused({"RINGOVER_WEBSOCKET_HOST": "0.0.0.0"}, "RINGOVER_STREAMER_AUTH_TOKEN")
        refused({"VE_HTTP_HOST": "0.0.0.0", "RINGOVER_WEBHOOK_SECRET": "your_secret_here"},
                "sample values do not count")
        refused({"VE_TLS_CERT": "cert.pem"}, "both, or neither")
        err = refused({"RINGOVER_WEBHOOK_SECRET_FILE": "/nonexistent"}, "RINGOVER_WEBHOOK_SECRET_FILE")
        assert "permissions" in err


def test_a_taken_port_is_named(binary):
    with Engine(binary) as engine:
        with tempfile.TemporaryDirectory() as folder:
            code, _, err = run(binary, "run", os.path.join(ROOT, "scripts", "main.lua"), cwd=folder,
                               settings={"VE_HTTP_PORT": str(engine.http_port)})
            assert code == 1 and str(engine.http_port) in err


def test_secrets_for_development_are_made_once(binary):
    settings = {"RINGOVER_WEBHOOK_SECRET": None, "RINGOVER_STREAMER_AUTH_TOKEN": None}
    with Engine(binary, settings=settings) as engine:
        path = os.path.join(engine.dir, "data", "dev.env")
        assert os.stat(path).st_mode & 0o777 == 0o600
        text = open(path, encoding="utf-8").read()
        secret = re.search(r"RINGOVER_WEBHOOK_SECRET=(\w{64})\n", text).group(1)
        assert secret not in engine.log()
        assert engine.webhook(b"{}", "")[0] == 401, "never unsigned"
        code, out, err = run(binary, "call", "--connect", f"http://127.0.0.1:{engine.http_port}",
                             "--digits", "9", "--at", "1s", "--json",
                             settings={"VE_DATA_DIR": os.path.join(engine.dir, "data")})
        assert code == 0, err
        assert json.loads(out)["outcome"] == "caller_hangup"
