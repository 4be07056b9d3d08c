"""What was answered 2xx is on the disk: restarts, repeats, old events, a full disk, two engines."""

import contextlib
import glob
import json
import os
import resource
import shutil
import sqlite3
import tempfile
import threading
import time

from engine import Engine, event, matches, sign

SCRIPT = """
return { on_missed_call = function(ev) print("handled " .. ev.call_id) end }
"""


class Data:
    """A data folder that outlives the engines."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="ve-e2e-data-")
        return self

    def __exit__(self, kind, value, trace):
        shutil.rmtree(self.dir, ignore_errors=True)

    def engine(self, binary, script=SCRIPT, **more):
        return Engine(binary, script=script, settings={"VE_DATA_DIR": self.dir}, **more)


def handled(engine):
    return [entry["msg"].split()[1] for entry in engine.entries()
            if entry.get("event") == "script" and entry.get("msg", "").startswith("handled ")]


# The handler's own mark is on the disk before the event is finished; a line of the log may be lost
# with the process that was about to write it.
MARKING = """
local voice = require("voice")
return { on_missed_call = function(ev) voice.tenant.kv.set("handled " .. ev.call_id, true) end }
"""


def marked(data):
    """The ids that the handler has marked in the tenant's store; the engine must have ended."""
    found = set()
    for name in glob.glob(os.path.join(data.dir, "**", "*.db"), recursive=True):
        with contextlib.closing(sqlite3.connect(name)) as db:
            rows = db.execute("SELECT key FROM kv WHERE key LIKE 'handled %'").fetchall()
        found.update(row[0].split()[1] for row in rows)
    return found


def kill_again_and_again(binary, rounds, pause=0.0):
    """Kills the engine under load so many times: (ids answered 2xx, starts in ms)."""
    taken, starts, number = [], [], iter(range(1, 1000000))
    with Data() as data:
        for _ in range(rounds):
            before = time.monotonic()
            engine = data.engine(binary, MARKING)
            starts.append((time.monotonic() - before) * 1000)
            stop = time.monotonic() + 0.15

            def sender():
                while time.monotonic() < stop:
                    call_id = str(next(number))
                    try:
                        if engine.webhook(event("missed", call_id))[0] == 200:
                            taken.append(call_id)
                    except OSError:
                        return
                    time.sleep(pause)

            threads = [threading.Thread(target=sender) for _ in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.12)
            engine.process.kill()
            for thread in threads:
                thread.join()
            engine.stop()
        missing = set(taken)
        for _ in range(20):
            with data.engine(binary, MARKING):
                time.sleep(0.5)  # what was left unfinished comes again at the start
            missing = set(taken) - marked(data)
            if not missing:
                break
    assert not missing, sorted(missing)
    return taken, starts


def test_a_killed_engine_loses_nothing_it_has_answered(binary):
    taken, _ = kill_again_and_again(binary, 5)
    assert len(taken) > 50


def test_a_repeat_is_answered_and_does_nothing(binary):
    body = json.dumps(event("missed", 77)).encode()
    again = json.loads(body)
    again["attempt"] = 2
    with Data() as data:
        with data.engine(binary) as engine:
            assert engine.webhook(body)[0] == 200
            assert engine.webhook(body)[0] == 200
            engine.wait_log(matches("^handled 77"))
        with data.engine(binary) as after:
            assert after.webhook(body)[0] == 200
            assert after.webhook(again)[0] == 200, "another attempt is the same event"
            assert after.webhook(event("missed", 78))[0] == 200
            after.wait_log(matches("^handled 78"))
            assert handled(after) == ["78"]
        assert handled(engine) == ["77"]


def test_events_far_from_our_time_are_refused(binary):
    def post(engine, seconds):
        body = event("missed", 1)
        body["timestamp"] = time.time() + seconds
        status, answer = engine.webhook(body)
        return status, answer.get("error", {}).get("code")

    with Engine(binary) as engine:
        assert post(engine, 290) == (200, None)
        assert post(engine, 320) == (401, "stale")
        assert post(engine, -4 * 86400 + 60) == (200, None)
        assert post(engine, -4 * 86400 - 60) == (401, "stale")
    with Engine(binary, settings={"VE_WEBHOOK_MAX_AGE": "60"}) as engine:
        assert post(engine, -30) == (200, None)
        assert post(engine, -90) == (401, "stale")


def test_two_engines_do_not_share_a_folder(binary):
    with Data() as data, data.engine(binary) as first:
        second = data.engine(binary, expect_ready=False)
        assert second.process.wait(20) == 1
        second.stop()
        lines = [line for line in second.log().splitlines() if "in use by another process" in line]
        assert lines and f"pid {first.process.pid}" in lines[0], second.log()


def test_a_full_disk_is_answered_503_until_there_is_room(binary):
    """A limit on the size of files stands for the full disk."""
    body = "x" * 50000
    with Engine(binary) as engine:
        path = os.path.join(engine.dir, "data", "local", "store.db-wal")
        assert engine.webhook(event("missed", 1))[0] == 200
        room = os.path.getsize(path) + 100000
        resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        refused = 0
        for number in range(2, 40):
            raw = json.dumps(event("missed", number, note=body)).encode()
            status, fields, answer = engine.request(
                "POST", "/api/v1/webhooks/ringover/event", raw, {"X-Ringover-Signature": sign(raw)})
            if status != 200:
                assert (status, json.loads(answer)["error"]["code"]) == (503, "not_stored")
                assert int(fields["retry-after"]) > 0
                refused += 1
        assert refused > 10
        engine.wait_log(lambda line: line.get("event") == "store_failing")
        resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert engine.webhook(event("missed", 100, note=body))[0] == 200
        engine.wait_log(lambda line: line.get("event") == "store_recovered")


def test_a_damaged_store_is_salvaged_or_refused(binary):
    with Data() as data:
        with data.engine(binary) as engine:
            assert engine.webhook(event("missed", 1))[0] == 200
        path = os.path.join(data.dir, "local", "store.db")
        with open(path, "r+b") as file:
            file.seek(4096 * 3)
            file.write(b"\xa5" * 4096 * 3)
        # As after a crash: then it looks at every page.
        with open(os.path.join(data.dir, "local", "lease"), "w", encoding="ascii") as file:
            file.write("pid 1\n")
        with data.engine(binary) as engine:
            salvaged = engine.wait_log(lambda line: line.get("event") == "store_salvaged")
            assert os.path.exists(os.path.join(data.dir, "local", salvaged["kept"]))
            assert engine.webhook(event("missed", 2))[0] == 200
        with open(path, "wb") as file:
            file.write(b"this is no database at all, whatever its name says\n" * 200)
        engine = data.engine(binary, expect_ready=False)
        assert engine.process.wait(20) == 1
        engine.stop()
        assert "not a store of voiceengine" in engine.log(), engine.log()
