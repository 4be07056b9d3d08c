"""Every webhook of the catalogue reaches its handler, on the real wire."""

import json
import os
import re
import time

from engine import ROOT, Engine

SAMPLES = os.path.join(ROOT, "tests", "data", "webhooks")
LOGGING = """
local voice = require("voice")
local function tell(handler)
   return function(ev)
      voice.log.info(handler, voice.json.encode(ev))
   end
end
return {%s}
"""
ROW = re.compile(r"^\| `(\S+/\S+)` \| `(\w+)` \| `(\w+)` \| (yes)? ?\|$", re.MULTILINE)


def catalogue():
    with open(os.path.join(ROOT, "docs/reference/webhooks.md"), encoding="utf-8") as file:
        return ROW.findall(file.read())


def sample(name):
    with open(os.path.join(SAMPLES, name.replace("/", "_") + ".json"), encoding="utf-8") as file:
        body = json.load(file)
    body["timestamp"] = time.time()
    return body


def script(*handlers):
    return LOGGING % ", ".join(f'{name} = tell("{name}")' for name in handlers)


def told(engine, handler, kind):
    """The event that the handler of a logging script was given."""
    prefix = handler + " "
    entry = engine.wait_log(lambda line: line.get("msg", "").startswith(prefix)
                            and f'"kind":"{kind}"' in line["msg"])
    return json.loads(entry["msg"][len(prefix):])


def test_every_event_reaches_its_handler(binary):
    events = [row for row in catalogue() if not row[3]]
    assert len(events) == 14
    with Engine(binary, script(*{row[2] for row in events})) as engine:
        for name, kind, handler, _ in events:
            body = sample(name)
            assert engine.webhook(body) == (200, {"status": "ok"}), name
            seen = told(engine, handler, kind)
            assert seen["name"] == name and abs(seen["at"] - body["timestamp"]) < 0.002
            there = {key for key, value in body["data"].items() if value is not None}
            assert seen["raw"]["data"].keys() == there, name


def test_an_event_without_its_handler_goes_to_on_event(binary):
    with Engine(binary, script("on_event")) as engine:
        for name in ("call/missed", "sms/received", "aftercall/tags_updated", "fax/received"):
            assert engine.webhook(sample(name))[0] == 200
        assert told(engine, "on_event", "missed")["reason"] == "OUT_PLANNING"
        assert told(engine, "on_event", "sms_received")["from"] == "+33601020304"
        assert told(engine, "on_event", "tags_updated")["tags"] == ["lead"]
        assert told(engine, "on_event", "other")["raw"]["data"]["thing"] == "scroll"


def test_the_menu_has_the_id_of_the_dashboard(binary):
    with Engine(binary, script("on_ringing")) as engine:
        assert engine.webhook(sample("call/ringing"))[0] == 200
        seen = told(engine, "on_ringing", "ringing")
        assert seen["ivr"]["id"] == 10077 and seen["raw"]["data"]["ivr"]["scenario"]["ivr_id"] == 77
        assert seen["call_id"] == "10345678901234567890"
        assert seen["user"]["id"] == "12345678"
        assert engine.webhook(sample("call/hangup"))[0] == 200
