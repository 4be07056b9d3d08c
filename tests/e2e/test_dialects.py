"""What media connections may speak: raw samples, audio in JSON, RTP; and FreeSWITCH's own ways."""

import array
import audioop
import base64
import json
import socket
import struct
import time

from engine import Engine, TOKEN, matches
from phone import BINARY, PING, PONG, TEXT, Phone, Refused, audio_of, rms, tone

ECHO = 'return { on_call = function(call) call:echo() end }'
WAIT = 'return { on_call = function(call) call:sleep("60s") end }'
SAY = """
    return { on_call = function(call)
        call:say("One two three four five six seven.")
        call:sleep("60s")
    end }
"""
PCMU, PCMA, L16, EVENTS = 0, 8, 96, 101


class Rtp:
    """A peer that sends one packet in each message."""

    def __init__(self, phone, kind):
        self.phone, self.kind = phone, kind
        self.seq, self.stamp, self.ssrc = 65530, 0xFFFFFE00, 0x1234

    def send(self, payload, kind=None, marker=0, step=160):
        kind = self.kind if kind is None else kind
        head = struct.pack("!BBHII", 0x80, marker << 7 | kind, self.seq, self.stamp, self.ssrc)
        self.phone.send(BINARY, head + payload)
        self.seq = (self.seq + 1) & 0xFFFF
        self.stamp = (self.stamp + step) & 0xFFFFFFFF

    def encode(self, samples):
        raw = samples.tobytes()
        if self.kind == PCMU:
            return audioop.lin2ulaw(raw, 2)
        if self.kind == PCMA:
            return audioop.lin2alaw(raw, 2)
        return audioop.byteswap(raw, 2)

    def talk(self, samples):
        """In real time, 20 ms each."""
        begin = time.monotonic()
        for i in range(0, len(samples) - 159, 160):
            self.send(self.encode(samples[i:i + 160]))
            time.sleep(max(0, begin + (i / 160 + 1) * 0.02 - time.monotonic()))

    def heard(self):
        """All packets: (type, seq, stamp, marker), and the samples at 8 kHz."""
        packets, samples = [], array.array("h")
        with self.phone.changed:
            messages = [data for _, opcode, data in self.phone.messages if opcode == BINARY]
        for data in messages:
            version, kind, seq, stamp, _ = struct.unpack("!BBHII", data[:12])
            assert version == 0x80
            packets.append((kind & 127, seq, stamp, kind >> 7))
            if kind & 127 == PCMU:
                samples.frombytes(audioop.ulaw2lin(data[12:], 2))
            elif kind & 127 == PCMA:
                samples.frombytes(audioop.alaw2lin(data[12:], 2))
            elif kind & 127 == L16:
                samples.frombytes(audioop.byteswap(data[12:], 2))
        return packets, samples


def steepest(samples):
    return max(abs(a - b) for a, b in zip(samples, samples[1:]))


def check_rtp_echo(engine, path, kind):
    phone = Phone(engine.media_port, path)
    rtp = Rtp(phone, kind)
    rtp.talk(tone(8000, 1.0))
    time.sleep(0.2)
    packets, samples = rtp.heard()
    phone.close()
    assert len(packets) >= 45 and {packet[0] for packet in packets} == {kind}, packets[:3]
    for (_, seq, stamp, _), (_, seq2, stamp2, marker) in zip(packets, packets[1:]):
        assert (seq2 - seq) & 0xFFFF == 1
        assert marker or (stamp2 - stamp) & 0xFFFFFFFF == 160
    middle = samples[2000:6000]
    assert abs(rms(middle) / rms(tone(8000, 0.5)) - 1) < 0.1
    assert steepest(middle) < 8000 * 2 * 3.1416 * 440 / 8000 * 1.5, "a click"


def test_rtp_is_found_out_and_answered_in_its_codec(binary):
    with Engine(binary, ECHO) as engine:
        for call_id, kind in enumerate((PCMU, PCMA, L16), 1):
            check_rtp_echo(engine, f"/stream/call_{call_id}", kind)


def test_three_calls_at_once_do_not_mix(binary):
    with Engine(binary, ECHO) as engine:
        phones = [Phone(engine.media_port, f"/stream/call_{i}") for i in range(3)]
        rtps = [Rtp(phone, kind) for phone, kind in zip(phones, (PCMU, PCMA, L16))]
        tones = [tone(8000, 1.0, hz) for hz in (300, 700, 1100)]
        begin = time.monotonic()
        for i in range(50):
            for rtp, sound in zip(rtps, tones):
                rtp.send(rtp.encode(sound[i * 160:i * 160 + 160]))
            time.sleep(max(0, begin + (i + 1) * 0.02 - time.monotonic()))
        time.sleep(0.2)
        for rtp, hz in zip(rtps, (300, 700, 1100)):
            _, samples = rtp.heard()
            middle = samples[2000:6000]
            crossings = sum((a < 0) != (b < 0) for a, b in zip(middle, middle[1:]))
            assert abs(crossings - hz) < hz * 0.03, (hz, crossings)
            assert abs(rms(middle) / rms(tones[0]) - 1) < 0.1
        for phone in phones:
            phone.close()


def test_a_greeting_reaches_a_peer_that_turns_out_to_speak_rtp(binary):
    with Engine(binary, SAY) as engine:
        phone = Phone(engine.media_port, "/stream/call_1")
        rtp = Rtp(phone, PCMU)
        rtp.talk(array.array("h", [0] * 8000 * 4))
        packets, samples = rtp.heard()
        times = [at for at, opcode, _ in phone.messages if opcode == BINARY]
        turns = engine.record(1)["turns"]
        phone.close()
    assert turns[0]["agent"] == "One two three four five six seven."
    assert len(packets) > 80 and rms(samples) > 300
    # Paced: what cannot be taken back is not sent far ahead.
    for i in range(5, len(times)):
        assert i * 0.02 - (times[i] - times[0]) < 0.15


def test_keys_in_rtp_are_gathered_and_sent(binary):
    script = """
        local voice = require("voice")
        return { on_call = function(call)
            local answer = call:gather { digits = { max = 3 }, timeout = "10s" }
            voice.log("digits", answer and answer.digits)
            call:dtmf("9*#")
            call:sleep("60s")
        end }
    """
    with Engine(binary, script) as engine:
        phone = Phone(engine.media_port, "/stream/call_1?dialect=rtp")
        rtp = Rtp(phone, PCMU)
        rtp.talk(array.array("h", [0] * 1600))
        for key in (1, 0, 10):
            for k in range(8):
                payload = struct.pack("!BBH", key, 10 | (0x80 if k > 4 else 0), 160 * min(k + 1, 5))
                rtp.send(payload, EVENTS, k == 0, step=0)
            rtp.stamp += 800
        engine.wait_log(matches(r"digits 10\*$"))
        phone.wait(lambda opcode, data: opcode == BINARY and data[1] & 127 == EVENTS)
        time.sleep(1)
        keys = [(data[12], data[13] >> 7) for _, opcode, data in phone.messages
                if opcode == BINARY and data[1] & 127 == EVENTS]
        phone.close()
    pressed = [key for key, end in keys if not end]
    assert pressed == [9] * 5 + [10] * 5 + [11] * 5, keys
    assert sum(end for _, end in keys) == 9


def test_binary_answers_where_they_are_asked_for(binary):
    with Engine(binary, SAY, {"VE_STREAM_RATE": "8000"}) as engine:
        phone = Phone(engine.media_port, "/stream/call_1?out=binary")
        phone.wait(lambda opcode, data: opcode == BINARY)
        time.sleep(2)
        messages = [(at, len(data)) for at, opcode, data in phone.messages if opcode == BINARY]
        assert not any(audio_of(opcode, data) for _, opcode, data in phone.messages)
        phone.close()
    assert sum(size == 320 for _, size in messages) > len(messages) * 0.9
    sent = 0
    for at, size in messages:
        sent += size / 16000
        assert sent - (at - messages[0][0]) < 0.2, "far ahead of real time"


def test_audio_in_json_is_answered_in_kind(binary):
    with Engine(binary, ECHO) as engine:
        phone = Phone(engine.media_port, "/stream/call_1")
        phone.send_json({"event": "start", "streamSid": "MZ1", "start": {
            "callSid": "CA1", "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000}}})
        sound = tone(8000, 0.5)
        for i in range(0, len(sound), 160):
            payload = base64.b64encode(audioop.lin2ulaw(sound[i:i + 160].tobytes(), 2)).decode()
            phone.send_json({"event": "media", "media": {"track": "inbound", "payload": payload}})
            time.sleep(0.02)
        time.sleep(0.3)
        heard = array.array("h")
        for _, opcode, data in phone.messages:
            message = json.loads(data)
            assert message["event"] == "media" and message["streamSid"] == "MZ1"
            payload = base64.b64decode(message["media"]["payload"])
            heard.frombytes(audioop.ulaw2lin(payload, 2))
        phone.send_json({"event": "stop", "streamSid": "MZ1"})
        assert phone.wait_closed() == 1000
    assert abs(rms(heard[800:3200]) / rms(tone(8000, 0.3)) - 1) < 0.1


def refused(engine, path):
    try:
        Phone(engine.media_port, path).close()
    except Refused as answer:
        return answer.status, json.loads(answer.body)["error"]["code"]
    return 101, None


def test_a_wish_that_makes_no_sense_is_refused(binary):
    with Engine(binary, WAIT) as engine:
        for wish in ("dialect=mp3", "out=smoke", "rate=1", "rate=x", "rate=96000", "channels=3",
                     "dialect=" + "x" * 100):
            assert refused(engine, "/stream/call_1?" + wish) == (400, "bad_stream"), wish
        assert refused(engine, "/stream/call_1?dialect=json&rate=8000&channels=2") == (101, None)


def test_settings_choose_for_every_connection(binary):
    settings = {"VE_STREAM_DIALECT": "rtp", "VE_RTP_TYPES": "97=L16/16000 0=PCMU",
                "VE_RTP_L16_ORDER": "little"}
    with Engine(binary, SAY, settings) as engine:
        phone = Phone(engine.media_port, "/stream/call_1")
        first = phone.wait(lambda opcode, data: opcode == BINARY and data)
        phone.close()
    assert first[1] & 127 == 97 and len(first) == 12 + 640
    sound = array.array("h", first[12:])
    assert steepest(sound) < 8000, "the other byte order"


# --- FreeSWITCH's mod_audio_stream and mod_audio_fork ---------------------------------------------

def switch(engine, path, extra=""):
    """The handshake as libwsc writes it: no blanks behind the colons, lower-case values."""
    port = engine.media_port
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.sendall((f"GET {path} HTTP/1.1\r\nHost:127.0.0.1:{port}\r\nUpgrade:websocket\r\n"
                  "Connection:upgrade\r\nSec-WebSocket-Key:AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                  f"Sec-WebSocket-Version:13\r\n{extra}Origin:http://127.0.0.1:{port}\r\n"
                  f"Authorization:Bearer {TOKEN}\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        byte = sock.recv(1)
        assert byte, head
        head += byte
    return sock, head.decode().lower()


def test_a_handshake_without_blanks_and_with_deflate(binary):
    offer = ("Sec-WebSocket-Extensions:permessage-deflate; client_no_context_takeover; "
             "server_no_context_takeover; client_max_window_bits=9\r\n")
    with Engine(binary, WAIT) as engine:
        sock, head = switch(engine, "/stream/call_1", offer)
        assert " 101 " in head and "sec-websocket-accept:" in head
        assert "extensions" not in head, "audio is not compressed"
        engine.record(1, "active")
        sock.close()


def test_subprotocols_of_the_switches_are_echoed(binary):
    with Engine(binary, WAIT) as engine:
        for i, name in enumerate(("audio.drachtio.org", "audio.jambonz.org")):
            for offer in (name, "other, " + name):
                line = f"Sec-WebSocket-Protocol:{offer}\r\n"
                sock, head = switch(engine, f"/stream/call_{i}", line)
                assert f"sec-websocket-protocol: {name}" in head, head
                sock.close()
        sock, head = switch(engine, "/stream/call_9", "Sec-WebSocket-Protocol:mqtt\r\n")
        assert " 101 " in head and "sec-websocket-protocol" not in head
        sock.close()


def test_pings_are_answered_and_an_empty_message_ends_the_audio(binary):
    with Engine(binary, ECHO) as engine:
        phone = Phone(engine.media_port, "/stream/call_1")
        phone.send(TEXT, "metadata may be any text")
        for i in range(5):
            phone.send(BINARY, tone(16000, 0.02).tobytes())
            phone.send(PING, b"ping")
        assert phone.wait(lambda opcode, data: opcode == PONG and data) == b"ping"
        phone.wait(audio_of)
        phone.send(BINARY, b"")
        assert phone.wait_closed() == 1000
        assert engine.record(1, "ended")["outcome"] == "caller_hangup"


def test_the_left_channel_is_the_caller(binary):
    with Engine(binary, ECHO, {"VE_STREAM_RATE": "8000"}) as engine:
        phone = Phone(engine.media_port, "/stream/call_1")
        phone.send_json({"sampleRate": 8000, "mixType": "stereo"})
        left, right = tone(8000, 0.5), tone(8000, 0.5, 1500)
        both = array.array("h", (s for pair in zip(left, right) for s in pair)).tobytes()
        for i in range(0, len(both), 646):  # also in the middle of a pair
            phone.send(BINARY, both[i:i + 646])
        deadline = time.monotonic() + 10
        while len(phone.speech()[1]) < 3900 and time.monotonic() < deadline:
            time.sleep(0.05)
        _, samples = phone.speech()
        phone.close()
    assert samples[:3900] == left[:3900]
