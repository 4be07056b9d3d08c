"""A stand-in for Ringover's webhook sender: signs in every form, retries, repeats, reorders."""

import base64
import hashlib
import hmac
import http.client
import json
import random
import time

EVENT = "/api/v1/webhooks/ringover/event"


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Sender:
    """Sends from one key, to one engine, as from a dashboard that has `url` as its address."""

    # Every way to sign that a dashboard may have used.
    FORMS = ("hmac", "hmac-bare", "jwt", "jwt-flat", "jwt-bearer", "jwt-both", "key", "key-base64",
             "key-header", "base64-header", "bearer", "bearer-base64", "v3")

    def __init__(self, port, key, url="https://agent.example.com"):
        self.port = port
        self.key = key.encode()
        self.url = url

    def token(self, raw, flat=False, path=EVENT):
        event = raw.decode()
        claims = event if flat else f'{{"url":"{self.url}{path}","payload":{event}}}'
        text = base64url(b'{"alg":"HS512","typ":"JWT"}') + "." + base64url(claims.encode())
        return text + "." + base64url(hmac.new(self.key, text.encode(), hashlib.sha512).digest())

    def sign(self, raw, form="hmac", path=EVENT):
        """The header fields that this form adds."""
        digest = hmac.new(self.key, raw, hashlib.sha256).hexdigest()
        encoded = base64.b64encode(self.key).decode()
        now = str(int(time.time()))
        url = (self.url + path).encode()
        v3 = hmac.new(self.key, b"POST" + url + raw + now.encode(), hashlib.sha256).digest()
        token = "X-Ringover-Webhook-Signature"
        return {
            "none": lambda: {},
            "hmac": lambda: {"X-Ringover-Signature": "sha256=" + digest},
            "hmac-bare": lambda: {"X-Ringover-Signature": digest},
            "jwt": lambda: {token: self.token(raw, path=path)},
            "jwt-flat": lambda: {token: self.token(raw, flat=True)},
            "jwt-bearer": lambda: {"Authorization": "Bearer " + self.token(raw, path=path)},
            "jwt-both": lambda: {token: self.token(raw, path=path),
                                 "Authorization": "Bearer " + self.token(raw, path=path)},
            "key": lambda: {"Authorization": self.key.decode()},
            "key-base64": lambda: {"Authorization": encoded},
            "key-header": lambda: {token: self.key.decode()},
            "base64-header": lambda: {token: encoded},
            "bearer": lambda: {"Authorization": "Bearer " + self.key.decode()},
            "bearer-base64": lambda: {"Authorization": "Bearer " + encoded},
            "v3": lambda: {"X-Ringover-Webhook-Signature-V3": base64.b64encode(v3).decode(),
                           "X-Ringover-Request-Signature-V3-Timestamp": now},
        }[form]()

    def post(self, raw, fields, path=EVENT, timeout=20):
        """status, body"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", path, raw, {"Content-Type": "application/json", **fields})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def send(self, body, form="hmac", path=EVENT):
        """One delivery; a body that is no bytes yet becomes JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.post(raw, self.sign(raw, form, path), path)

    def deliver(self, body, form="hmac", attempts=5, pause=0.1):
        """As Ringover does: again, with a higher `attempt`, until it is answered 2xx. Returns how
        many attempts it took; fails when there were too many."""
        for attempt in range(1, attempts + 1):
            try:
                status, _ = self.send({**body, "attempt": attempt}, form)
                if 200 <= status < 300:
                    return attempt
            except OSError:
                pass  # the engine is away: that is what repeating is for
            time.sleep(pause)
        raise AssertionError(f"not delivered in {attempts} attempts: {body}")

    def storm(self, bodies, seed, repeats=1, form="hmac"):
        """Delivers all bodies in an order drawn from a seed, each 1 + `repeats` times."""
        order = list(bodies) * (1 + repeats)
        random.Random(seed).shuffle(order)
        for body in order:
            self.deliver(body, form)
        return order
