"""What RFC 6455 forbids, on the real wire of both ports: refused, with the right code, and without
harm to the call beside it."""

import os
import socket
import struct
import time

from engine import Engine, TOKEN
from phone import BINARY, CLOSE, PING, PONG, TEXT, Phone, audio_of, tone

ECHO = 'return { on_call = function(call) call:echo() end }'
SAY = """
    return { on_call = function(call)
        for i = 1, 200 do call:say("This goes on and on, number " .. i .. ".") end
    end }
"""
KEY = "AAAAAAAAAAAAAAAAAAAAAA=="


def request(port, line="GET /stream/call_1 HTTP/1.1", **fields):
    """The status of an upgrade request with some fields changed (None: left out)."""
    head = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec_WebSocket_Key": KEY, "Sec_WebSocket_Version": "13",
            "Authorization": f"Bearer {TOKEN}", **fields}
    text = line + "\r\n" + "".join(f"{name.replace('_', '-')}: {value}\r\n"
                                   for name, value in head.items() if value is not None)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall((text + "\r\n").encode())
        answer = sock.makefile("rb").readline()
    return int(answer.split()[1])


def test_only_a_right_handshake_opens_a_connection(binary):
    with Engine(binary, ECHO) as engine:
        port = engine.media_port
        assert request(port) == 101
        assert request(port, "POST /stream/call_1 HTTP/1.1") == 405
        assert request(port, "GET /stream/call_1 HTTP/1.0") == 400
        assert request(port, "GET /stream/call_1 HTTP/2.0") in (400, 505)
        assert request(port, Sec_WebSocket_Version="8") == 426
        assert request(port, Sec_WebSocket_Version=None) == 426
        for key in (None, "", "AAAA", "A" * 24, KEY[:-2] + "B=", KEY + "AAAA"):
            assert request(port, Sec_WebSocket_Key=key) == 400, key
        assert request(port, Connection="close") == 400
        assert request(port, Upgrade=None) in (400, 426)
        assert request(port, Content_Length="5") == 400
        assert request(port, Host=None) == 400
        assert request(port, Origin="http://evil.example") == 403
        assert request(port, Origin="null") == 403
        assert request(port, Origin=f"http://127.0.0.1:{port}") == 101


def masked(first, payload=b"", length=None):
    """A frame with any first byte and any claim of length."""
    claim = len(payload) if length is None else length
    if claim < 126:
        head = bytes([first, 128 | claim])
    elif claim < 65536:
        head = bytes([first, 254]) + struct.pack("!H", claim)
    else:
        head = bytes([first, 255]) + struct.pack("!Q", claim)
    return head + bytes(4) + payload


def close_frame(code, reason=b""):
    return masked(0x88, struct.pack("!H", code) + reason)


FORBIDDEN = [
    ("unmasked", b"\x82\x02ab", 1002),
    ("a reserved bit", masked(0xC2, b"ab"), 1002),
    ("a reserved opcode", masked(0x83, b"ab"), 1002),
    ("a reserved control opcode", masked(0x8B, b""), 1002),
    ("a ping in pieces", masked(0x09, b"ab"), 1002),
    ("a long ping", masked(0x89, b"a" * 126), 1002),
    ("a continuation of nothing", masked(0x80, b"ab"), 1002),
    ("a message inside a message", masked(0x02, b"ab") + masked(0x82, b"ab"), 1002),
    ("bytes that are no text", masked(0x81, b"\xff\xfe"), 1007),
    ("a cut character at the end", masked(0x81, b"\xe2\x82"), 1007),
    ("a surrogate", masked(0x81, b"\xed\xa0\x80"), 1007),
    ("bad text in the second piece", masked(0x01, b"ab") + masked(0x80, b"\xc0\x80"), 1007),
    ("a terabyte", masked(0x82, b"ab", 1 << 40), 1009),
    ("a byte more than a mebibyte", masked(0x82, b"ab", (1 << 20) + 1), 1009),
    ("the highest bit of a length", b"\x82\xff" + b"\xff" * 8 + bytes(4), 1002),
    ("a length not in its shortest form", b"\x82\xfe\x00\x02" + bytes(4) + b"ab", 1002),
    ("a close frame of one byte", masked(0x88, b"a"), 1002),
    ("a close reason that is no text", close_frame(1000, b"\xff"), 1007),
] + [(f"close code {code}", close_frame(code), 1002)
     for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)]


def test_forbidden_frames_are_answered_with_their_code(binary):
    with Engine(binary, ECHO) as engine:
        beside = Phone(engine.media_port, "/stream/call_1")
        for i, (what, frame, code) in enumerate(FORBIDDEN):
            phone = Phone(engine.media_port, f"/stream/call_{100 + i}")
            phone.socket.sendall(frame)
            assert phone.wait_closed() == code, f"{what}: {phone.closed}"
            phone.socket.close()
        beside.send(BINARY, tone(16000, 0.1).tobytes())
        beside.wait(audio_of)
        beside.close()


def test_codes_that_may_be_sent_are_sent_back(binary):
    with Engine(binary, ECHO) as engine:
        for i, code in enumerate((1000, 1001, 1011, 3000, 4999)):
            phone = Phone(engine.media_port, f"/stream/call_{i}")
            phone.socket.sendall(close_frame(code, "bye é".encode()))
            assert phone.wait_closed() == code
            phone.socket.close()
        phone = Phone(engine.media_port, "/stream/call_9")
        phone.socket.sendall(masked(0x88))
        assert phone.wait_closed() == 1005
        phone.socket.close()


def test_a_flood_of_pings_costs_the_others_nothing(binary):
    with Engine(binary, ECHO) as engine:
        beside = Phone(engine.media_port, "/stream/call_1")
        engine.record(1, "active")
        flood = socket.create_connection(("127.0.0.1", engine.media_port), timeout=10)
        flood.sendall((f"GET /stream/call_2 HTTP/1.1\r\nHost: 127.0.0.1:{engine.media_port}\r\n"
                       "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                       f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
                       f"Authorization: Bearer {TOKEN}\r\n\r\n").encode())
        flood.setblocking(False)
        pings = masked(0x89, b"x" * 125) * 500
        sent = 0
        for _ in range(50):  # never reading: what comes back must not pile up
            try:
                sent += flood.send(pings)
            except (BlockingIOError, ConnectionError):
                pass
            beside.send(BINARY, tone(16000, 0.02).tobytes())
            time.sleep(0.02)
        assert sent > 100000
        beside.wait(audio_of)
        time.sleep(0.3)
        answers = [at for at, opcode, data in beside.messages if audio_of(opcode, data)]
        assert len(answers) >= 49, len(answers)
        memory = memory_of(engine)
        assert memory < 200 * 1024 * 1024, memory
        flood.close()
        beside.close()


def memory_of(engine):
    with open(f"/proc/{engine.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_peer_that_never_reads_does_not_hold_up_the_others(binary):
    with Engine(binary, SAY) as engine:
        before = memory_of(engine)
        phone = Phone(engine.media_port, "/stream/call_1")
        phone.wait(audio_of)
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", engine.media_port))
        deaf.sendall((f"GET /stream/call_2 HTTP/1.1\r\nHost: 127.0.0.1:{engine.media_port}\r\n"
                      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                      f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
                      f"Authorization: Bearer {TOKEN}\r\n\r\n").encode())
        engine.record(2, "active")
        heard = len(phone.messages)
        time.sleep(4)
        assert len(phone.messages) - heard > 20, "the other call starves"
        assert memory_of(engine) - before < 100 * 1024 * 1024
        deaf.close()
        phone.close()


def test_text_in_pieces_with_pings_between(binary):
    with Engine(binary, ECHO) as engine:
        phone = Phone(engine.http_port, "/api/v1/streaming/audio/session-1")
        phone.send(TEXT, '{"call_id":', last=False)
        phone.send(PING, b"between")
        phone.send(0, '"42"}')
        assert phone.wait(lambda opcode, data: opcode == PONG and data) == b"between"
        assert engine.record(42, "active")["session_id"] == "session-1"
        phone.send(CLOSE, struct.pack("!H", 1000))
        assert phone.wait_closed() == 1000
