"""The HTTP side: signatures, refusals, ids, the API."""

import http.client
import json
import socket

from engine import Engine, event, matches, sign

EVENT = "/api/v1/webhooks/ringover/event"
TEST = "/api/v1/webhooks/ringover/test"


def test_signed_event_makes_a_call(binary):
    with Engine(binary) as engine:
        assert engine.webhook(event("ringing", 7534779999276888538)) == (200, {"status": "ok"})
        status, record = engine.get("/api/v1/calls/7534779999276888538")
        assert status == 200
        assert record["from"] == "+33612345678" and record["to"] == "+33184800000"
        assert record["state"] == "announced" and record["turns"] == []
        line = engine.wait_log(matches("^Webhook signature verified for call ID"))
        assert line["msg"] == "Webhook signature verified for call ID 7534779999276888538"
        engine.webhook(event("hangup", 7534779999276888538))


def test_ids_up_to_64_bits_stay_exact(binary):
    with Engine(binary) as engine:
        for call_id in (18446744073709551615, "18446744073709551614", 9007199254740993):
            assert engine.webhook(event("ringing", call_id))[0] == 200
            assert engine.get(f"/api/v1/calls/{call_id}")[1]["call_id"] == str(call_id)
        listed = engine.get("/api/v1/calls")[1]
        assert listed["active"] == 3 and len(listed["calls"]) == 3
        for call_id in (18446744073709551615, "18446744073709551614", 9007199254740993):
            engine.webhook(event("hangup", call_id))
            assert engine.record(call_id, "ended")["outcome"] == "caller_hangup"


def test_wrong_signatures_are_refused(binary):
    body = json.dumps(event("ringing", 5)).encode()
    good = sign(body)
    wrong = [
        ("", "signature_missing"),
        ("sha256=" + "0" * 64, "signature_bad"),
        (good.upper().replace("SHA256", "sha256"), "signature_bad"),
        (good[:-1], "signature_bad"),
        (sign(body, "another secret"), "signature_bad"),
        (sign(body + b" "), "signature_bad"),
    ]
    with Engine(binary) as engine:
        for signature, code in wrong:
            status, answer = engine.webhook(body, signature)
            assert (status, answer["error"]["code"]) == (401, code), signature
        assert engine.webhook(body, good[len("sha256="):])[0] == 200, "the prefix is optional"
        assert engine.get("/api/v1/calls")[1]["active"] == 1
        engine.webhook(event("hangup", 5))


def test_two_signatures_are_refused(binary):
    body = json.dumps(event("ringing", 5)).encode()
    with Engine(binary) as engine:
        connection = http.client.HTTPConnection("127.0.0.1", engine.http_port, timeout=10)
        connection.putrequest("POST", EVENT)
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("X-Ringover-Signature", sign(body))
        connection.putheader("X-Ringover-Signature", sign(body))
        connection.endheaders(body)
        answer = connection.getresponse()
        assert answer.status == 401
        assert json.loads(answer.read())["error"]["code"] == "signature_bad"


def test_refusals_are_json_with_a_code(binary):
    with Engine(binary) as engine:
        def refused(status, code, *request, **more):
            got, fields, body = engine.request(*request, **more)
            assert got == status, (request, got, body)
            assert fields["content-type"] == "application/json"
            error = json.loads(body)["error"]
            assert error["code"] == code and len(error["message"]) > 10
            return fields

        for body in (b"{", b"[]", b'{"event":1}', b'{"a":1,"a":2,"event":"x"}', b"\xff", b""):
            refused(400, "bad_json", "POST", EVENT, body, {"X-Ringover-Signature": sign(body)})
        refused(404, "not_found", "GET", "/nowhere")
        refused(404, "not_found", "POST", EVENT + "/more", b"{}")
        refused(404, "call_not_found", "GET", "/api/v1/calls/123")
        assert refused(405, "method_not_allowed", "GET", EVENT)["allow"] == "POST"
        assert refused(405, "method_not_allowed", "DELETE", "/healthz")["allow"] == "GET"
        refused(400, "bad_limit", "GET", "/api/v1/calls?limit=many")
        refused(411, "length_required", "POST", EVENT, iter([b"{}"]),
                {"Transfer-Encoding": "chunked"})
        refused(413, "body_too_large", "POST", EVENT, b"x" * (1024 * 1024 + 1))
        assert engine.request("POST", EVENT, b"x" * (1024 * 1024))[0] == 401, "1 MiB is allowed"


def test_the_test_address_tells_what_it_thinks(binary):
    with Engine(binary) as engine:
        body = b'{"test":"webhook"}'
        for signature, verdict in (("", "missing"), (sign(body), "valid"), ("sha256=00", "invalid")):
            assert engine.webhook(body, signature, TEST) == (
                200, {"status": "ok", "signature": verdict})
        statuses = [engine.webhook(body, "", TEST)[0] for _ in range(30)]
        assert 429 in statuses, "it is open to everybody, so it must be limited"
        assert engine.get("/api/v1/calls")[1]["active"] == 0


def test_api_is_open_to_this_machine_only(binary):
    with Engine(binary) as engine:
        path = "/api/v1/calls"
        assert engine.request("GET", path)[0] == 200
        # A page of another site, or a proxy in front, is not this machine.
        assert engine.request("GET", path, headers={"Host": "example.com"})[0] == 401
        assert engine.request("GET", path, headers={"X-Forwarded-For": "10.0.0.1"})[0] == 401
        assert engine.request("GET", "/healthz", headers={"Host": "example.com"})[0] == 200


def test_api_tokens(binary):
    settings = {"VE_API_TOKEN": "operator-token", "VE_API_TOKEN_READ": "reader-token"}
    with Engine(binary, settings=settings) as engine:
        def status(header):
            return engine.request("GET", "/api/v1/calls", headers=header)[0]
        assert status({}) == 401
        assert status({"Authorization": "Bearer wrong-token"}) == 401
        assert status({"Authorization": "Bearer operator-token"}) == 200
        assert status({"Authorization": "bearer reader-token"}) == 200
        assert "operator-token" not in engine.log()


def test_health_names_the_media_address(binary):
    with Engine(binary) as engine:
        status, health = engine.get("/api/v1/health")
        assert status == 200 and health["status"] == "ok"
        assert health["media"]["url"] == f"ws://127.0.0.1:{engine.media_port}/stream/"
        started = engine.wait_log(matches("^Ringover streaming server started on"))
        assert started["msg"] == f"Ringover streaming server started on 127.0.0.1:{engine.media_port}"


def test_garbage_does_not_hurt(binary):
    with Engine(binary) as engine:
        for garbage in (b"\x00" * 100, b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", b"\r\n" * 50,
                        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                        b"\x16\x03\x01\x02\x00\x01\x00"):
            for port in (engine.http_port, engine.media_port):
                with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                    client.sendall(garbage)
                    client.shutdown(socket.SHUT_WR)
                    client.settimeout(5)
                    while client.recv(4096):
                        pass
        assert engine.request("GET", "/healthz")[0] == 200


def test_missed_and_voicemail_reach_the_script(binary):
    with Engine(binary) as engine:
        assert engine.webhook(event("missed", 41))[0] == 200
        assert engine.webhook(event("voicemail", 42, message="https://cdn.example.com/v.mp3"))[0] == 200
        engine.wait_log(matches(r"missed call from \+33612345678"))
        engine.wait_log(matches(r"voicemail from \+33612345678 https://cdn.example.com/v.mp3"))


def test_unknown_events_are_accepted(binary):
    script = """
        local voice = require("voice")
        return { on_event = function(ev) voice.log("got", ev.name, ev.raw.data.thing) end }
    """
    with Engine(binary, script) as engine:
        body = {"resource": "fax", "event": "received", "data": {"thing": "scroll"}}
        assert engine.webhook(body)[0] == 200
        engine.wait_log(matches("got fax/received scroll"))
