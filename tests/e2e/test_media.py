"""The media side: tokens, paths, rates, what the agent sends, taking over."""

import array
import json
import time

from engine import Engine, TOKEN, event, matches
from phone import BINARY, TEXT, Phone, Refused, audio_of, event_of, rms, tone

ECHO = 'return { on_call = function(call) call:echo() end }'
WAIT = 'return { on_call = function(call) call:sleep("60s") end }'


def stream(engine, call_id, **more):
    return Phone(engine.media_port, f"/stream/call_{call_id}", **more)


def refused(engine, path, port=None, **more):
    try:
        Phone(port or engine.media_port, path, **more).close()
    except Refused as answer:
        return answer.status, json.loads(answer.body)["error"]["code"]
    return 101, None


def test_token_is_needed_before_the_upgrade(binary):
    with Engine(binary, WAIT) as engine:
        path = "/stream/call_1"
        assert refused(engine, path, token=None) == (401, "unauthorized")
        assert refused(engine, path, token="wrong-token") == (401, "unauthorized")
        assert refused(engine, path + "?token=wrong", token=None) == (401, "unauthorized")
        assert engine.get("/api/v1/calls")[1]["calls"] == []
        Phone(engine.media_port, path + "?token=" + TOKEN, token=None).close()
        Phone(engine.media_port, "/stream/call_2").close()
        assert TOKEN not in engine.log()


def test_both_addresses_name_the_call(binary):
    with Engine(binary, WAIT) as engine:
        for port, path, call_id in (
                (engine.media_port, "/stream/call_18446744073709551615", "18446744073709551615"),
                (engine.http_port, "/api/v1/streaming/audio/call_77", "77"),
                (engine.http_port, "/api/v1/streaming/audio/78", "78"),
                (engine.http_port, "/api/v1/streaming/audio/room-9?call_id=79", "79")):
            phone = Phone(port, path)
            record = engine.record(call_id, "active")
            assert record["session_id"] == path.split("?")[0].rsplit("/", 1)[1]
            phone.close()
            assert engine.record(call_id, "ended")["outcome"] == "caller_hangup"
        assert refused(engine, "/stream/no%20spaces") == (404, "not_found")
        assert refused(engine, "/elsewhere") == (404, "not_found")


def test_first_text_frame_names_the_call(binary):
    with Engine(binary, WAIT) as engine:
        phone = Phone(engine.http_port, "/api/v1/streaming/audio/session-5")
        phone.send_json({"callId": "4242", "from": "+33600000001", "sampleRate": 8000})
        record = engine.record(4242, "active")
        assert record["session_id"] == "session-5" and record["from"] == "+33600000001"
        phone.close()
        # Without any name it is its own call.
        phone = Phone(engine.http_port, "/api/v1/streaming/audio/session-6")
        engine.record("session-6", "active")
        phone.close()


def test_a_plain_request_is_told_to_upgrade(binary):
    with Engine(binary, WAIT) as engine:
        status, fields, _ = engine.request("GET", "/stream/call_1", port=engine.media_port)
        assert status == 426 and fields["upgrade"] == "websocket"


def check_echo(binary, rate, out_rate, sizes):
    settings = {"VE_STREAM_RATE": str(out_rate)}
    with Engine(binary, ECHO, settings) as engine:
        phone = stream(engine, 9)
        phone.send_json({"sampleRate": rate})
        engine.record(9, "active")
        time.sleep(0.2)
        data = tone(rate, 1.0).tobytes()
        at = 0
        while at < len(data):
            for size in sizes:
                phone.send(BINARY, data[at:at + size])
                at += size
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            got_rate, samples = phone.speech()
            if len(samples) >= out_rate * 0.95:
                break
            time.sleep(0.05)
        phone.close()
    assert got_rate == out_rate
    assert abs(len(samples) - out_rate) < out_rate * 0.05, len(samples)
    middle = samples[out_rate // 4:out_rate // 2]
    assert abs(rms(middle) / rms(tone(out_rate, 0.25)) - 1) < 0.05
    # A click would be a step that a 440 Hz tone of this level cannot make.
    step = max(abs(a - b) for a, b in zip(middle, middle[1:]))
    assert step < 8000 * 2 * 3.1416 * 440 / out_rate * 1.3, step


def test_rates_in_and_out(binary):
    for rate, out_rate in ((8000, 16000), (16000, 24000), (24000, 8000), (16000, 16000)):
        check_echo(binary, rate, out_rate, [rate // 50 * 2])


def test_messages_of_any_size(binary):
    check_echo(binary, 16000, 16000, [1, 3, 640, 4096, 7, 1001])


def test_a_mebibyte_is_taken_and_more_is_refused(binary):
    with Engine(binary, WAIT) as engine:
        phone = stream(engine, 9)
        phone.send(BINARY, b"\0" * (1024 * 1024))
        phone.send_json({"event": "something"})
        engine.record(9, "active")
        phone.send(BINARY, b"\0" * (1024 * 1024 + 1))
        assert phone.wait_closed() == 1009


def test_agent_audio_is_chunked_and_paced(binary):
    script = """
        return { on_call = function(call)
            call:say("One two three four five six seven eight nine ten.")
            call:sleep("60s")
        end }
    """
    settings = {"VE_STREAM_CHUNK_BYTES": "2560", "VE_STREAM_RATE": "8000"}
    with Engine(binary, script, settings) as engine:
        phone = stream(engine, 9)
        phone.wait(audio_of)
        # The first sound, then everything else in its own time: never far ahead of it.
        engine.wait_log(matches("^Audio streamed to Ringover for call ID 9$"))
        record_turns = lambda: engine.record(9)["turns"]
        deadline = time.monotonic() + 20
        while "ten." not in str(record_turns()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert record_turns()[0]["agent"] == "One two three four five six seven eight nine ten."
        times = [(at, len(audio_of(opcode, data)[1])) for at, opcode, data in phone.messages
                 if audio_of(opcode, data)]
        phone.close()
    assert all(count <= 1280 for _, count in times)
    assert sum(count == 1280 for _, count in times) >= len(times) - 3, "whole chunks"
    first, sent = times[0][0], 0
    for at, count in times:
        sent += count
        ahead = sent / 8000 - (at - first)
        assert ahead < 0.5, f"{ahead:.3f} s ahead of real time"


def test_the_line_is_logged_once_per_answer(binary):
    script = """
        return { on_call = function(call)
            call:say("First.") call:say("Second.") call:sleep("60s")
        end }
    """
    with Engine(binary, script) as engine:
        phone = stream(engine, 9)
        engine.wait_log(matches("^Real-time audio streaming started for call ID 9$"))
        deadline = time.monotonic() + 20
        while "Second." not in str(engine.record(9)["turns"]) and time.monotonic() < deadline:
            time.sleep(0.05)
        lines = [line for line in engine.entries()
                 if line.get("msg") == "Audio streamed to Ringover for call ID 9"]
        phone.close()
    assert len(lines) == 2, lines


def test_digits_and_transfer_go_out(binary):
    script = """
        local voice = require("voice")
        return { on_call = function(call)
            call:dtmf("12#") call:dtmf("7")
            voice.log("outcome", call:transfer("+33184800010", { timeout = "10s" }))
            call:sleep("60s")
        end }
    """
    with Engine(binary, script) as engine:
        engine.webhook(event("ringing", 9, channel_id="1"))
        phone = stream(engine, 9)
        assert phone.wait(event_of("transfer"))["data"] == "33184800010"
        digits = [json.loads(data)["data"] for _, opcode, data in phone.messages
                  if opcode == TEXT and json.loads(data).get("event") == "digits"]
        assert digits == ["12#", 7]
        engine.webhook(event("answered", 9, channel_id="2"))
        engine.wait_log(matches("outcome answered"))
        phone.close()
        assert engine.record(9, "ended")["outcome"] == "transferred"


def test_pressed_keys_reach_the_script(binary):
    script = """
        local voice = require("voice")
        return { on_call = function(call)
            local answer = call:gather { digits = { max = 4, terminator = "#" }, timeout = "10s" }
            voice.log("digits", answer and answer.digits)
            call:hangup()
        end }
    """
    with Engine(binary, script) as engine:
        for call_id, keys in ((9, "1234"), (10, "07#")):
            phone = stream(engine, call_id)
            engine.record(call_id, "active")
            time.sleep(0.2)
            for key in keys:
                phone.send_json({"event": "dtmf", "digit": key})
            engine.wait_log(matches("digits " + keys.rstrip("#") + "$"))
            assert phone.wait_closed() == 1000
            assert engine.record(call_id, "ended")["outcome"] == "hangup"


def test_a_second_connection_takes_over(binary):
    with Engine(binary, ECHO) as engine:
        first = stream(engine, 9)
        engine.record(9, "active")
        second = stream(engine, 9)
        assert first.wait_closed() == 1000
        second.send_json({"sampleRate": 16000})
        second.send(BINARY, tone(16000, 0.1).tobytes())
        second.wait(audio_of)
        assert engine.record(9)["state"] == "active"
        second.close()


def test_a_lost_connection_may_come_back(binary):
    with Engine(binary, ECHO) as engine:
        first = stream(engine, 9)
        engine.record(9, "active")
        first.cut()
        time.sleep(0.5)
        assert engine.record(9)["state"] == "active", "within the grace"
        second = stream(engine, 9)
        second.send(BINARY, tone(16000, 0.1).tobytes())
        second.wait(audio_of)
        second.cut()
        assert engine.record(9, "ended")["outcome"] == "caller_hangup"


def test_an_upgrade_from_a_page_is_refused(binary):
    with Engine(binary, WAIT) as engine:
        headers = {"Origin": "https://evil.example"}
        assert refused(engine, "/stream/call_1", headers=headers)[0] == 403
        own = {"Origin": f"http://127.0.0.1:{engine.media_port}"}
        stream(engine, 1, headers=own).close()


def test_unknown_calls_can_be_refused(binary):
    with Engine(binary, WAIT, {"VE_MEDIA_UNKNOWN": "refuse"}) as engine:
        assert refused(engine, "/stream/call_9") == (404, "unknown_call")
        engine.webhook(event("ringing", 9))
        phone = stream(engine, 9)
        engine.record(9, "active")
        phone.close()


def test_a_script_error_is_logged_and_apologised_for(binary):
    script = """
        local function deep(call)
            call:say("Before the fault.")
            error("the desk is on fire")
        end
        return { on_call = function(call) deep(call) end }
    """
    with Engine(binary, script) as engine:
        phone = stream(engine, 9)
        error = engine.wait_log(lambda line: line.get("event") == "script_error", 20)
        assert error["error"] == "main.lua:4: the desk is on fire"
        assert "main.lua:6" in error["traceback"] and error["call"] == "9"
        assert phone.wait_closed(30) == 1000
        rate, samples = phone.speech()
        assert len(samples) / rate > 4, "the apology was not heard"
        assert engine.record(9, "ended")["outcome"] == "failed"
        assert array.array("h", samples[-rate:]).count(0) < rate


def test_sigterm_with_a_call_in_progress(binary):
    script = """
        return { on_call = function(call)
            call:say("This sentence goes on for a while so that we are in the middle of it.")
            call:hangup()
        end }
    """
    engine = Engine(binary, script)
    phone = stream(engine, 9)
    phone.wait(audio_of)
    engine.process.terminate()
    engine.wait_log(lambda line: line.get("event") == "draining")
    # No new calls, but this one goes on to its end.
    try:
        status = refused(engine, "/stream/call_10")[0]
    except OSError:
        status = "closed"
    assert status in (503, "closed"), status
    assert phone.wait_closed(30) == 1000
    rate, samples = phone.speech()
    assert len(samples) / rate > 2
    assert engine.process.wait(30) == 0, engine.log()
    engine.stop()


def test_a_second_sigterm_stops_at_once(binary):
    engine = Engine(binary, WAIT)
    phone = stream(engine, 9)
    engine.record(9, "active")
    engine.process.terminate()
    engine.wait_log(lambda line: line.get("event") == "draining")
    begin = time.monotonic()
    assert engine.stop() == 0
    assert time.monotonic() - begin < 10
    assert phone.wait_closed() in (1001, 1006)
