"""The telephone of `voiceengine call`, against a server that is not an engine."""

import http.server
import json
import threading

from test_verbs import run

SETTINGS = {"RINGOVER_WEBHOOK_SECRET": "a-secret-for-the-test-1",
            "RINGOVER_STREAMER_AUTH_TOKEN": "a-token-for-the-test-1"}


class Busy:
    """Takes webhooks, and is too busy for the first ones."""

    def __init__(self, refusals):
        self.events = []
        busy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                busy.events.append(json.loads(body))
                self.send_response(503 if len(busy.events) <= refusals else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def call(self, binary):
        port = self.server.server_address[1]
        return run(binary, "call", "--connect", f"http://127.0.0.1:{port}", "--media",
                   f"ws://127.0.0.1:{port}/stream", "--digits", "1", settings=SETTINGS)


def test_an_event_is_sent_again_when_the_engine_is_busy(binary):
    with Busy(refusals=2) as server:
        code, out, err = server.call(binary)
    told = [(event["event"], event["attempt"]) for event in server.events]
    assert told[:4] == [("ringing", 1), ("ringing", 2), ("ringing", 3), ("answered", 1)], told
    channels = {event["data"]["channel_id"] for event in server.events[:3]}
    assert len(channels) == 1
    assert code == 1 and "media" in err, out + err  # it has no media to offer


def test_an_engine_that_stays_busy_is_given_up(binary):
    with Busy(refusals=100) as server:
        code, out, err = server.call(binary)
    assert code == 1 and "503" in err, out + err
    assert [event["attempt"] for event in server.events] == [1, 2, 3, 4, 5]
