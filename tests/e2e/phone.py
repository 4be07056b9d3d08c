"""A WebSocket client of our own, so that the engine's server is not tested by the engine's client."""

import array
import base64
import hashlib
import json
import math
import os
import socket
import struct
import threading
import time

from engine import TOKEN

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The upgrade was answered with something else than 101."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body!r}")
        self.status, self.body = status, body


class Phone:
    """One media connection; messages are collected by a thread."""

    def __init__(self, port, path, headers=None, token=TOKEN):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        fields = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade",
                  "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"}
        if token:
            fields["Authorization"] = f"Bearer {token}"
        fields.update(headers or {})
        head = f"GET {path} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.socket.sendall((head + "\r\n").encode())
        self.file = self.socket.makefile("rb")
        self._read_answer(key)
        self.socket.settimeout(None)
        self.messages = []  # (seconds, opcode, bytes)
        self.closed = None  # close code
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read_answer(self, key):
        status = int(self.file.readline().split()[1])
        fields = {}
        while True:
            line = self.file.readline().decode().strip()
            if not line:
                break
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        if status != 101:
            body = self.file.read(int(fields.get("content-length", 0)))
            self.socket.close()
            raise Refused(status, body)
        wanted = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        assert fields["sec-websocket-accept"] == wanted
        self.fields = fields

    def _read_frame(self):
        head = self.file.read(2)
        if len(head) < 2:
            return None
        opcode, length = head[0] & 15, head[1] & 127
        assert not head[1] & 128, "the server masks"
        if length == 126:
            length = struct.unpack("!H", self.file.read(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", self.file.read(8))[0]
        return opcode, self.file.read(length)

    def _read(self):
        try:
            while True:
                frame = self._read_frame()
                if frame is None:
                    break
                opcode, data = frame
                with self.changed:
                    if opcode == CLOSE:
                        self.closed = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
                        self.changed.notify_all()
                        break
                    self.messages.append((time.monotonic(), opcode, data))
                    self.changed.notify_all()
                if opcode == PING:
                    self.send(PONG, data)
        except OSError:
            pass
        with self.changed:
            if self.closed is None:
                self.closed = 1006
            self.changed.notify_all()

    def send(self, opcode, data=b"", last=True):
        if isinstance(data, str):
            data = data.encode()
        head = bytes([(128 if last else 0) | opcode])
        if len(data) < 126:
            head += bytes([128 | len(data)])
        elif len(data) < 65536:
            head += bytes([128 | 126]) + struct.pack("!H", len(data))
        else:
            head += bytes([128 | 127]) + struct.pack("!Q", len(data))
        mask = os.urandom(4)
        body = (int.from_bytes(data, "little") ^ int.from_bytes(
            (mask * (len(data) // 4 + 1))[:len(data)], "little")).to_bytes(len(data), "little")
        self.socket.sendall(head + mask + body)

    def send_json(self, value):
        self.send(TEXT, json.dumps(value))

    def wait(self, wanted, seconds=10):
        """The first message for which wanted(opcode, bytes) is true."""
        end = time.monotonic() + seconds
        at = 0
        with self.changed:
            while True:
                for _, opcode, data in self.messages[at:]:
                    value = wanted(opcode, data)
                    if value:
                        return value
                at = len(self.messages)
                left = end - time.monotonic()
                assert left > 0 and self.closed is None, f"no such message; closed: {self.closed}"
                self.changed.wait(left)

    def wait_closed(self, seconds=10):
        with self.changed:
            assert self.changed.wait_for(lambda: self.closed is not None, seconds), "still open"
            return self.closed

    def close(self, code=1000):
        try:
            self.send(CLOSE, struct.pack("!H", code))
        except OSError:
            pass
        self.wait_closed()
        self.socket.close()

    def cut(self):
        """As when a cable is pulled."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.wait_closed()
        self.socket.close()

    def speech(self):
        """All agent audio so far: (rate, samples)."""
        rate, samples = 0, array.array("h")
        with self.changed:
            for _, opcode, data in self.messages:
                audio = audio_of(opcode, data)
                if audio:
                    rate = audio[0]
                    samples.extend(audio[1])
        return rate, samples


def audio_of(opcode, data):
    """(rate, samples) of a streamAudio message, else None."""
    if opcode != TEXT:
        return None
    message = json.loads(data)
    if message.get("type") != "streamAudio":
        return None
    body = message["data"]
    assert body["audioDataType"] == "raw"
    samples = array.array("h")
    samples.frombytes(base64.b64decode(body["audioData"], validate=True))
    return body["sampleRate"], samples


def event_of(name):
    """For Phone.wait: the message {"event": name, ...}."""
    def wanted(opcode, data):
        message = json.loads(data) if opcode == TEXT else {}
        return message if message.get("event") == name else None
    return wanted


def tone(rate, seconds, hz=440, level=8000):
    return array.array("h", [int(level * math.sin(2 * math.pi * hz * i / rate))
                             for i in range(int(rate * seconds))])


def rms(samples):
    return math.sqrt(sum(s * s for s in samples) / len(samples)) if samples else 0.0
