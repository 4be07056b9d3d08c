"""Every way to sign a webhook, its rotation, its sections, its age: on the real wire."""

import http.client
import json
import time

from engine import Engine, event
from ringover import EVENT, Sender

MAIN, CONTACT, SEARCH, ROUTING = "main-key-0001", "contact-key-0001", "search-key-0001", "routing-key-01"
URL = "https://agent.example.com"
SETTINGS = {
    "RINGOVER_WEBHOOK_SECRET": MAIN,
    "RINGOVER_WEBHOOK_SECRET_CONTACT": CONTACT,
    "RINGOVER_WEBHOOK_SECRET_SEARCH": SEARCH,
    "RINGOVER_WEBHOOK_SECRET_ROUTING": ROUTING,
    "RINGOVER_WEBHOOK_URL": URL,
}
NOTHING = "return {}"


def code(answer):
    return answer[0], json.loads(answer[1])["error"]["code"] if answer[0] >= 400 else ""


def missed(call_id, **more):
    return {**event("missed", call_id), **more}


def test_every_form_of_signature_is_taken(binary):
    with Engine(binary, NOTHING, SETTINGS) as engine:
        sender = Sender(engine.http_port, MAIN, URL)
        for number, form in enumerate(Sender.FORMS):
            if form != "v3":
                assert code(sender.send(missed(100 + number), form)) == (200, ""), form
        assert code(sender.send(missed(200), "v3")) == (401, "signature_missing"), "off by default"
    with Engine(binary, NOTHING, {**SETTINGS, "VE_WEBHOOK_V3": "on"}) as engine:
        sender = Sender(engine.http_port, MAIN, URL)
        assert code(sender.send(missed(201), "v3")) == (200, "")
        body = json.dumps(missed(202)).encode()
        fields = sender.sign(body, "v3")
        fields["X-Ringover-Request-Signature-V3-Timestamp"] = str(int(time.time()) - 400000)
        assert code(sender.post(body, fields)) == (401, "signature_bad")


def test_every_form_with_another_key_is_refused(binary):
    with Engine(binary, NOTHING, {**SETTINGS, "VE_WEBHOOK_V3": "on"}) as engine:
        sender = Sender(engine.http_port, "not-the-key-0001", URL)
        for form in Sender.FORMS:
            assert code(sender.send(missed(1), form)) == (401, "signature_bad"), form
        assert code(sender.send(missed(1), "none")) == (401, "signature_missing")
        assert "not-the-key" not in engine.log() and MAIN not in engine.log()


def test_the_event_is_what_the_token_holds(binary):
    script = """
        local voice = require("voice")
        return { on_missed_call = function(ev) voice.log.info("missed", ev.call_id) end }
    """
    with Engine(binary, script, SETTINGS) as engine:
        sender = Sender(engine.http_port, MAIN, URL)
        fields = sender.sign(json.dumps(missed(7)).encode(), "jwt")
        assert code(sender.post(json.dumps(missed(8)).encode(), fields)) == (200, "")
        engine.wait_log(lambda line: line.get("msg") == "missed 7")
        assert "missed 8" not in engine.log()


def test_a_token_for_another_address_is_refused(binary):
    with Engine(binary, NOTHING, SETTINGS) as engine:
        for url in ("https://other.example.com", URL + "/somewhere"):
            sender = Sender(engine.http_port, MAIN, url)
            assert code(sender.send(missed(1), "jwt")) == (401, "signature_bad")


def test_a_key_brings_its_section_only(binary):
    sections = {CONTACT: "call/contact", SEARCH: "search/contact", ROUTING: "call/routing",
                MAIN: "call/missed"}
    with Engine(binary, NOTHING, SETTINGS) as engine:
        for key in sections:
            for owner, name in sections.items():
                resource, what = name.split("/")
                body = {"resource": resource, "event": what, "timestamp": time.time(),
                        "data": {"call_id": 9, "query_search": "x"}}
                got = code(Sender(engine.http_port, key, URL).send(body, "key"))
                if owner == key:
                    assert got[0] in (200, 204), (key, name, got)
                else:
                    assert got == (401, "signature_bad"), (key, name)


def test_old_and_new_key_while_they_change(binary):
    settings = {**SETTINGS, "RINGOVER_WEBHOOK_SECRET": "the-new-key-1",
                "RINGOVER_WEBHOOK_SECRET_PREVIOUS": MAIN}
    with Engine(binary, NOTHING, settings) as engine:
        for number, form in enumerate(("hmac", "jwt", "key")):
            assert Sender(engine.http_port, MAIN, URL).send(missed(2 * number), form)[0] == 200
            assert Sender(engine.http_port, "the-new-key-1", URL).send(
                missed(2 * number + 1), form)[0] == 200


def test_two_headers_must_both_be_right(binary):
    with Engine(binary, NOTHING, SETTINGS) as engine:
        sender = Sender(engine.http_port, MAIN, URL)
        body = json.dumps(missed(3)).encode()
        good = sender.sign(body, "hmac")
        assert sender.post(body, {**good, **sender.sign(body, "bearer")})[0] == 200
        wrong = {**good, "Authorization": "Bearer " + "0" * 20}
        assert code(sender.post(body, wrong)) == (401, "signature_bad")


def test_one_header_twice_is_refused(binary):
    with Engine(binary, NOTHING, SETTINGS) as engine:
        for name, value in (("X-Ringover-Webhook-Signature", MAIN), ("Authorization", MAIN)):
            connection = http.client.HTTPConnection("127.0.0.1", engine.http_port, timeout=10)
            connection.putrequest("POST", EVENT)
            connection.putheader("Content-Length", "2")
            connection.putheader(name, value)
            connection.putheader(name, value)
            connection.endheaders(b"{}")
            answer = connection.getresponse()
            assert answer.status == 401
            assert json.loads(answer.read())["error"]["code"] == "signature_bad"


def test_events_of_the_wrong_time_are_stale(binary):
    with Engine(binary, NOTHING, SETTINGS) as engine:
        sender = Sender(engine.http_port, MAIN, URL)
        now = time.time()
        assert code(sender.send(missed(1, timestamp=now + 330))) == (401, "stale")
        assert code(sender.send(missed(2, timestamp=now + 270))) == (200, "")
        assert code(sender.send(missed(3, timestamp=now - 345700))) == (401, "stale")
        assert code(sender.send(missed(4, timestamp=now - 345500))) == (200, "")
    with Engine(binary, NOTHING, {**SETTINGS, "VE_WEBHOOK_MAX_AGE": "60"}) as engine:
        sender = Sender(engine.http_port, MAIN, URL)
        assert code(sender.send(missed(5, timestamp=time.time() - 90))) == (401, "stale")
        assert code(sender.send(missed(6, timestamp=time.time() - 30))) == (200, "")


def test_a_secret_path_stands_for_the_signature_of_ivr_codes(binary):
    settings = {**SETTINGS, "VE_WEBHOOK_PATH_SECRET": "path-secret-01"}
    code_event = {"resource": "call", "event": "ivr_response_code", "timestamp": time.time(),
                  "data": {"call_id": 5, "code": 1234}}
    with Engine(binary, NOTHING, settings) as engine:
        sender = Sender(engine.http_port, ROUTING, URL)
        secret = EVENT + "/path-secret-01"
        body = json.dumps(code_event).encode()
        assert sender.post(body, {}, secret)[0] == 200
        assert code(sender.post(body, {})) == (401, "signature_missing")
        assert code(sender.post(body, {}, EVENT + "/path-secret-02")) == (404, "not_found")
        assert code(sender.post(json.dumps(missed(1)).encode(), {}, secret)) == (
            401, "signature_missing"), "the path vouches for IVR codes alone"
        assert code(sender.post(body, {"Authorization": "wrong-wrong"}, secret)) == (
            401, "signature_bad")
        assert sender.send(code_event, "key")[0] == 200, "a signature is as good"
        assert "path-secret" not in engine.log()
    with Engine(binary, NOTHING, SETTINGS) as engine:
        sender = Sender(engine.http_port, ROUTING, URL)
        assert code(sender.post(body, {}, secret)) == (404, "not_found"), "no secret is set"
