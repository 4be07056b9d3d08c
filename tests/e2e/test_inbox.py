"""What was answered 2xx is on the disk: restarts, repeats, old events, a full disk, two engines."""

import json
import os
import resource
import shutil
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


def test_a_killed_engine_loses_nothing_it_has_answered(binary):
    taken, done, number = [], [], iter(range(1, 100000))
    with Data() as data:
        for _ in range(5):
            engine = data.engine(binary)
            stop = time.monotonic() + 0.15

            def sender():
                while time.monotonic() < stop:
                    call_id = str(next(number))
                    try:
                        if engine.webhook(event("missed", call_id))[0] == 200:
                            taken.append(call_id)
                    except OSError:
                        return

            threads = [threading.Thread(target=sender) for _ in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.12)
            engine.process.kill()
            for thread in threads:
                thread.join()
            engine.stop()
            done += handled(engine)
        with data.engine(binary) as engine:
            end = time.monotonic() + 10
            while set(taken) - set(done) - set(handled(engine)):
                assert time.monotonic() < end, sorted(set(taken) - set(done) - set(handled(engine)))
                time.sleep(0.02)
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
