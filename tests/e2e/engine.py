"""A real engine process for the end-to-end tests."""

import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SECRET = "test-webhook-secret"
TOKEN = "test-stream-token"
# A sanitized engine is several times slower.
READY_SECONDS = 20


class Engine:
    """`voiceengine run` on free ports, with a scripts folder and data folder of its own."""

    def __init__(self, binary, script=None, settings=None, expect_ready=True):
        self.dir = tempfile.mkdtemp(prefix="ve-e2e-")
        self.scripts = os.path.join(self.dir, "scripts")
        os.mkdir(self.scripts)
        self.script = os.path.join(self.scripts, "main.lua")
        if script is None:
            shutil.copy(os.path.join(ROOT, "scripts", "main.lua"), self.script)
        else:
            self.save(script)
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": self.dir,
            "VE_LOG": "json",
            "VE_HTTP_PORT": "0",
            "RINGOVER_WEBSOCKET_PORT": "0",
            "VE_DATA_DIR": os.path.join(self.dir, "data"),
            "RINGOVER_WEBHOOK_SECRET": SECRET,
            "RINGOVER_STREAMER_AUTH_TOKEN": TOKEN,
            "VE_WEBHOOKS_PER_IP": "0",  # all tests come from one address
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        environment.update(settings or {})
        self.binary = binary
        self.environment = {name: value for name, value in environment.items() if value is not None}
        self.lines = []  # the log, as texts
        self.changed = threading.Condition()
        self.http_port = self.media_port = None
        self._start()
        if expect_ready:
            self._wait_ready(0)

    def _start(self):
        self.process = subprocess.Popen(
            [self.binary, "run", self.script], cwd=self.dir, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _wait_ready(self, after):
        ready = self.wait_log(lambda line: line.get("event") == "ready", READY_SECONDS, after)
        self.http_port, self.media_port = ready["http_port"], ready["media_port"]

    def restart(self, sig=signal.SIGKILL, settings=None):
        """Ends the process and starts it again on the same folder, on new ports."""
        self.process.send_signal(sig)
        self.process.wait(60)
        self.reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        after = len(self.entries())
        self.environment.update(settings or {})
        self._start()
        self._wait_ready(after)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        code = self.stop()
        if kind is None:
            assert code == 0, f"the engine ended with {code}:\n" + self.log()

    def _read(self):
        for raw in self.process.stderr:
            with self.changed:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append("")
            self.changed.notify_all()

    def save(self, text, name="main.lua"):
        with open(os.path.join(self.scripts, name), "w", encoding="utf-8") as file:
            file.write(text)

    def log(self):
        with self.changed:
            return "\n".join(self.lines)

    def entries(self):
        found = []
        for line in self.log().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                pass
        return found

    def wait_log(self, wanted, seconds=10, after=0):
        """The first log entry (of those after the first `after`) that fits; fails with the log."""
        end = time.monotonic() + seconds
        while True:
            for entry in self.entries()[after:]:
                if wanted(entry):
                    return entry
            with self.changed:
                left = end - time.monotonic()
                if left <= 0 or (self.lines and self.lines[-1] == "" and self.process.poll() is not None):
                    raise AssertionError("the log line did not come:\n" + "\n".join(self.lines))
                self.changed.wait(min(left, 0.2))

    def request(self, method, path, body=None, headers=None, port=None):
        """status, headers (lower case), body bytes"""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.http_port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, fields, answer.read()
        finally:
            connection.close()

    def get(self, path, headers=None):
        status, _, body = self.request("GET", path, headers=headers)
        return status, json.loads(body)

    def webhook(self, body, signature=None, path="/api/v1/webhooks/ringover/event"):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if signature is None:
            headers["X-Ringover-Signature"] = sign(raw)
        elif signature:
            headers["X-Ringover-Signature"] = signature
        status, _, answer = self.request("POST", path, raw, headers)
        return status, json.loads(answer)

    def record(self, call_id, state=None, seconds=10):
        """The call's record, once it is in that state."""
        end = time.monotonic() + seconds
        while True:
            status, record = self.get(f"/api/v1/calls/{call_id}")
            if status == 200 and state in (None, record["state"]):
                return record
            assert time.monotonic() < end, f"call {call_id} is not {state}: {status} {record}"
            time.sleep(0.02)

    def stop(self, sig=signal.SIGTERM, seconds=60):
        """Ends the process; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        return code


def sign(raw, secret=SECRET):
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def event(name, call_id, **data):
    """A webhook's body."""
    data = {"call_id": call_id, "channel_id": "77001", "from_number": "33612345678",
            "to_number": "33184800000", "direction": "inbound", **data}
    return {"resource": "call", "event": name, "timestamp": time.time(), "attempt": 1,
            "data": data}


def matches(pattern):
    """For wait_log: the sentence for people matches."""
    return lambda entry: re.search(pattern, entry.get("msg", "")) is not None
