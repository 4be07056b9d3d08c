"""Requests of scripts out of a real engine: a secret reaches its own server and nothing else."""

import http.server
import threading

from engine import Engine, event

KEY = "sk-e2e-0123456789"
SCRIPT = """
local voice = require("voice")
return {
   on_missed_call = function()
      local key = { Authorization = "Bearer ${OPENAI_API_KEY}" }
      local answer = voice.http({ url = "BASE/echo", headers = key })
      print("one " .. answer.status .. " " .. answer.body)
      local words = {}
      voice.http_events({ url = "BASE/events", headers = key }, function(event)
         words[#words + 1] = event.data
      end)
      print("two " .. table.concat(words, " "))
      print("three " .. select(2, voice.http({ url = "http://127.0.0.1:1/", headers = key })))
   end,
}
"""


class Echo(http.server.BaseHTTPRequestHandler):
    """Says back what it was told, or a stream of two events."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.server.seen.append(self.headers.get("Authorization"))
        stream = self.path == "/v1/events"
        body = b"data: a\n\ndata: b\n\n" if stream else self.headers["Authorization"].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if stream else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_a_secret_goes_to_its_own_server_alone(binary):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}/v1"
    settings = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": base}
    try:
        with Engine(binary, SCRIPT.replace("BASE", base), settings) as engine:
            assert engine.webhook(event("missed", 77))[0] == 200
            for wanted in ("one 200 Bearer " + "*" * len(KEY), "two a b", "three not_allowed"):
                engine.wait_log(lambda line, want=wanted: line.get("msg") == want)
            assert not any(KEY in line for line in engine.lines)
    finally:
        server.shutdown()
        server.server_close()
    assert server.seen == [f"Bearer {KEY}", f"Bearer {KEY}"]
