"""Questions of the carrier: what the script returns is what the wire gets, in time."""

import http.client
import json
import socket
import threading
import time

from engine import SECRET, Engine
from ringover import EVENT, Sender

SCRIPT = """
local voice = require("voice")
return {
   on_routing = function(ev)
      voice.log.info("asked", ev.call_id)
      if ev.from == "+33600000001" then
         return nil
      elseif ev.from == "+33600000002" then
         error("no idea")
      elseif ev.from == "+33600000003" then
         while true do end
      elseif ev.from == "+33600000004" then
         return { agents = { "+33 1 23 45 67 89" }, dispach = "ringall" }
      elseif ev.from == "+33600000005" then
         return "+33123456789"
      end
      return {
         name = "reception",
         dispatch = "topdown",
         agents = {
            { number = "+33123456789", ring_duration = 30 },
            { user_id = 31142 },
            { email = "ada@example.com", ring_delay = 5 },
            { number = 33184800001, internal = true, order = 9 },
         },
      }
   end,
   on_contact = function(ev)
      if ev.from ~= "+33612345678" then
         return nil
      end
      return { firstname = "Ada", lastname = "Martin", company = "Example SA", is_shared = true,
               url = "https://crm.example.com/c/42", data = { Plan = "Gold", ["Open tickets"] = 2 } }
   end,
   on_contact_search = function(ev)
      if ev.query == "nobody" then
         return {}
      end
      return { { firstname = "Ada", numbers = { "+33612345678",
                                                { number = "33184800000", type = "office" } } } }
   end,
   on_ivr_code = function(ev)
      if ev.code == "0042" then
         return 404
      end
      return tonumber(ev.code)
   end,
}
"""


class Asker(Sender):
    """Asks the questions of the catalogue; each is a new one unless `at` is given."""

    serial = 0

    def ask(self, resource, name, at=None, **data):
        Asker.serial += 1
        data = {"call_id": Asker.serial, "direction": "inbound", "from_number": "33612345678",
                "to_number": "33184800000", **data}
        body = {"resource": resource, "event": name, "timestamp": at or time.time(), "data": data}
        status, answer = self.send(body)
        return status, json.loads(answer) if answer else None

    def routing(self, number="33600000000", **data):
        return self.ask("call", "routing", from_number=number, **data)

    def code(self, code):
        return self.ask("call", "ivr_response_code", code=code)


def asking(binary, script=SCRIPT):
    engine = Engine(binary, script)
    return engine, Asker(engine.http_port, SECRET)


def test_routing_goes_out_with_every_attribute(binary):
    engine, asker = asking(binary)
    with engine:
        flags = {"is_pre_answer": False, "is_caller_id": True, "is_head_line": False}
        assert asker.routing() == (200, {
            "name": "reception", "dispatch": "topdown", "max_attempts": 1, "start_delay": 0,
            "is_stay_not_connected": True, "is_stay_in_call": False,
            "is_stay_planned_snoozed": True, "is_stay_snoozed": False, "ring_overlap": 0,
            "agents": [
                {"agent_type": "agent_external", "number": 33123456789, "ring_duration": 30,
                 "ring_delay": 0, "order": 1, **flags},
                {"agent_type": "agent_internal_identified_by_userid", "user_id": 31142,
                 "ring_duration": 25, "ring_delay": 0, "order": 2},
                {"agent_type": "agent_internal_identified_by_email", "email": "ada@example.com",
                 "ring_duration": 25, "ring_delay": 5, "order": 3},
                {"agent_type": "agent_internal_identified_by_number", "number": 33184800001,
                 "ring_duration": 25, "ring_delay": 0, "order": 9},
            ]})
        status, answer = asker.routing("33600000005")
        assert status == 200 and [agent["number"] for agent in answer["agents"]] == [33123456789]


def test_routing_without_an_opinion_is_204(binary):
    engine, asker = asking(binary)
    with engine:
        assert asker.routing("33600000001") == (204, None)
        assert asker.routing("33600000002") == (204, None), "the handler raises"
        assert asker.routing("33600000003") == (204, None), "the handler never ends"
        assert asker.routing("33600000004") == (204, None), "the table has a misspelt field"
        engine.wait_log(lambda line: "unknown field 'dispach'" in line.get("error", ""))
        assert asker.routing()[0] == 200, "and the next question is answered as ever"


def test_contacts_go_out_as_documented(binary):
    engine, asker = asking(binary)
    with engine:
        assert asker.ask("call", "contact") == (200, {
            "firstname": "Ada", "lastname": "Martin", "company": "Example SA", "is_shared": True,
            "url": "https://crm.example.com/c/42", "data": {"Plan": "Gold", "Open tickets": "2"}})
        assert asker.ask("call", "contact", from_number="33700000000") == (204, None)
        numbers = [{"number": 33612345678, "type": "other"},
                   {"number": 33184800000, "type": "office"}]
        assert asker.ask("search", "contact", query_search="ada") == (
            200, [{"firstname": "Ada", "numbers": numbers}])
        assert asker.ask("search", "contact", query_search="nobody") == (200, [])


def test_a_code_becomes_a_status(binary):
    engine, asker = asking(binary)
    with engine:
        for code, status in (("0042", 404), (200, 200), (201, 201), (403, 403), (599, 599)):
            assert asker.code(code)[0] == status, code
        for code in (204, 304):
            assert asker.code(code) == (code, None), "these have no body"
        for code in (199, 600, 100, "x"):
            assert asker.code(code) == (200, {}), (code, "no status: the default")


def test_without_handlers_there_are_defaults(binary):
    engine, asker = asking(binary, "return {}")
    with engine:
        assert asker.routing() == (204, None)
        assert asker.ask("call", "contact") == (204, None)
        assert asker.ask("search", "contact", query_search="x") == (204, None)
        assert asker.code(1234) == (200, {})


class Silent:
    """A server that takes requests and says nothing: what a script waits for in vain."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        return self

    def __exit__(self, *_):
        self.listener.close()

    def engine(self, binary):
        script = """
            local voice = require("voice")
            local function slow(ev)
               voice.log.info("asked", ev.call_id)
               voice.http({ url = "%s/slow", timeouts = { first = "60s", total = "60s" } })
               voice.log.info("answered", ev.call_id)
               return 500
            end
            return { on_routing = slow, on_contact = slow, on_contact_search = slow,
                     on_ivr_code = slow }
        """ % self.base
        return Engine(binary, script, {"OPENAI_BASE_URL": self.base})


def test_a_late_script_is_not_waited_for(binary):
    with Silent() as silent, silent.engine(binary) as engine:
        asker = Asker(engine.http_port, SECRET)
        # The script would wait for a minute, the requests would give up after 20 s.
        assert asker.routing() == (204, None)
        assert asker.ask("call", "contact") == (204, None)
        assert asker.ask("search", "contact", query_search="x") == (204, None)
        assert asker.code(1) == (200, {})
        late = [entry for entry in engine.entries() if entry.get("event") == "default_answer"]
        assert len(late) == 4 and all("in time" in entry["why"] for entry in late)
        assert "answered" not in [entry.get("msg", "").split()[0] for entry in engine.entries()
                                  if entry.get("event") == "script"]


def test_a_question_that_was_open_at_a_crash_is_not_asked_again(binary):
    with Silent() as silent, silent.engine(binary) as engine:
        asker = Asker(engine.http_port, SECRET)
        at = time.time()

        def ask():
            try:
                asker.routing(call_id=77005, at=at)
            except (OSError, http.client.HTTPException):
                pass  # the engine is gone

        thread = threading.Thread(target=ask)
        thread.start()
        engine.wait_log(lambda entry: entry.get("msg") == "asked 77005")
        engine.restart()
        thread.join()
        assert Asker(engine.http_port, SECRET).routing(call_id=77005, at=at) == (204, None)
        assert told(engine, 77005) == 1


def told(engine, call_id):
    """How often the script was asked, once everything that was logged before has come."""
    marker = Asker(engine.http_port, SECRET)
    marker.routing(call_id=99000 + call_id % 1000)
    engine.wait_log(lambda entry: entry.get("msg") == f"asked {99000 + call_id % 1000}")
    return sum(entry.get("msg") == f"asked {call_id}" for entry in engine.entries())


def test_a_repeat_gets_the_same_answer_and_is_asked_once(binary):
    engine, asker = asking(binary)
    with engine:
        at = time.time()
        first = asker.routing(call_id=77001, at=at)
        for _ in range(5):
            assert asker.routing(call_id=77001, at=at) == first and first[0] == 200
        assert told(engine, 77001) == 1


def test_repeats_at_the_same_time_are_asked_once(binary):
    engine, asker = asking(binary)
    with engine:
        at = time.time()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(
            asker.routing(call_id=77002, at=at))) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 10 and all(answer == answers[0] for answer in answers)
        assert answers[0][0] == 200 and told(engine, 77002) == 1


def test_a_restart_never_asks_again(binary):
    engine, asker = asking(binary)
    with engine:
        at = time.time()
        assert asker.routing(call_id=77003, at=at)[0] == 200
        engine.wait_log(lambda entry: entry.get("msg") == "asked 77003")
        engine.restart()
        again = Asker(engine.http_port, SECRET)
        assert again.routing(call_id=77003, at=at) == (204, None), "the default, not the script"
        assert told(engine, 77003) == 1
        assert again.routing(call_id=77004)[0] == 200


def test_a_peer_that_leaves_hurts_nobody(binary):
    engine, asker = asking(binary)
    with engine:
        for number in range(20):
            raw = json.dumps({"resource": "call", "event": "routing", "timestamp": time.time(),
                              "data": {"call_id": 88000 + number}}).encode()
            connection = http.client.HTTPConnection("127.0.0.1", engine.http_port, timeout=10)
            connection.request("POST", EVENT, raw, asker.sign(raw))
            connection.close()
        assert asker.routing()[0] == 200
