"""Who may come in: address lists, proxies, rates, TLS, and what a SIGHUP changes."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

from engine import TOKEN, Engine, event, matches, sign

EVENT = "/api/v1/webhooks/ringover/event"


def post(engine, call_id, **headers):
    body = json.dumps(event("hangup", call_id)).encode()
    fields = {"X-Ringover-Signature": sign(body)}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    status, answered, text = engine.request("POST", EVENT, body, fields)
    return status, json.loads(text), answered


def code_of(answer):
    return answer["error"]["code"]


def test_only_listed_addresses_may_send_webhooks(binary):
    with Engine(binary, settings={"VE_WEBHOOK_ALLOW": "192.0.2.0/24, 2001:db8::/32"}) as engine:
        status, answer, _ = post(engine, 1)
        assert (status, code_of(answer)) == (403, "address_not_allowed")
        # whoever says that he stands for another is not believed
        assert post(engine, 1, X_Forwarded_For="192.0.2.7")[0] == 403
        assert engine.get("/api/v1/calls")[1]["active"] == 0
        line = engine.wait_log(lambda entry: entry["event"] == "turned_away")
        assert line["peer"] == "127.0.0.1" and line["code"] == "address_not_allowed"
        assert engine.request("GET", "/healthz")[0] == 200, "the list is for webhooks"


def test_a_trusted_proxy_names_the_address(binary):
    with Engine(binary, settings={"VE_WEBHOOK_ALLOW": "192.0.2.0/24, 2001:db8::/32",
                                  "VE_TRUSTED_PROXIES": "127.0.0.0/8, 10.0.0.0/8"}) as engine:
        for forwarded, expected in (
                ("192.0.2.7", 200),
                ("2001:db8::7", 200),
                ("203.0.113.1, 192.0.2.7, 10.1.1.1", 200),  # two proxies
                ("192.0.2.7, 203.0.113.1", 403),            # the first part is the caller's own word
                ("192.0.2.7, nonsense", 403),
                ("", 403)):
            assert post(engine, 1, X_Forwarded_For=forwarded)[0] == expected, forwarded
        assert post(engine, 1)[0] == 403, "the proxy itself is not listed"


def upgrade(engine, port, path, headers=""):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                      f"Authorization: Bearer {TOKEN}\r\n{headers}\r\n").encode())
        return int(peer.recv(4096).split(b" ")[1])


def test_only_listed_addresses_may_stream(binary):
    with Engine(binary, settings={"VE_MEDIA_ALLOW": "192.0.2.0/24"}) as engine:
        assert upgrade(engine, engine.media_port, "/stream/call_5") == 403
        assert upgrade(engine, engine.http_port, "/api/v1/streaming/audio/5") == 403
        assert post(engine, 5)[0] == 200, "webhooks have a list of their own"
    with Engine(binary, settings={"VE_MEDIA_ALLOW": "127.0.0.1"}) as engine:
        assert upgrade(engine, engine.media_port, "/stream/call_5") == 101
        assert upgrade(engine, engine.http_port, "/api/v1/streaming/audio/6") == 101
        for call_id in (5, 6):
            engine.webhook(event("hangup", call_id))


def test_one_address_may_send_so_many_webhooks(binary):
    with Engine(binary, settings={"VE_WEBHOOKS_PER_IP": "5", "VE_TRUSTED_PROXIES": "127.0.0.1"}
                ) as engine:
        answers = [post(engine, 5, X_Forwarded_For="192.0.2.1") for _ in range(20)]
        statuses = [status for status, _, _ in answers]
        assert statuses[:5] == [200] * 5 and 429 in statuses, statuses
        _, answer, fields = next(one for one in answers if one[0] == 429)
        assert code_of(answer) == "too_many" and fields["retry-after"] == "1"
        assert post(engine, 5, X_Forwarded_For="192.0.2.2")[0] == 200, "each address for itself"
        metrics = engine.request("GET", "/metrics")[2].decode()
        count = statuses.count(429)
        assert f'voiceengine_turned_away_total{{code="too_many"}} {count}' in metrics


def test_a_list_that_cannot_be_read_stops_the_start(binary):
    for value in ("example.com", "10.0.0.1/8", "10.0.0.0/40"):
        engine = Engine(binary, settings={"VE_WEBHOOK_ALLOW": value}, expect_ready=False)
        assert engine.process.wait(20) == 1
        engine.reader.join(5)
        assert "VE_WEBHOOK_ALLOW" in engine.log() and value in engine.log()
        engine.stop()


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def test_sighup_changes_secrets_and_lists(binary):
    with tempfile.TemporaryDirectory() as folder:
        secret = os.path.join(folder, "secret")
        write(secret, "the-first-secret\n")
        settings = {"RINGOVER_WEBHOOK_SECRET": None, "RINGOVER_WEBHOOK_SECRET_FILE": secret}
        with Engine(binary, settings=settings) as engine:
            body = json.dumps(event("hangup", 5)).encode()
            first, second = sign(body, "the-first-secret"), sign(body, "the-second-secret")
            assert engine.webhook(body, first)[0] == 200
            assert engine.webhook(body, second)[0] == 401
            write(secret, "the-second-secret\n")
            assert engine.webhook(body, second)[0] == 401, "not before the signal"
            engine.process.send_signal(signal.SIGHUP)
            engine.wait_log(matches("^Settings and secrets were reloaded"))
            assert engine.webhook(body, first)[0] == 401
            assert engine.webhook(body, second)[0] == 200
            with open(os.path.join(engine.dir, ".env"), "w", encoding="utf-8") as file:
                file.write("VE_WEBHOOK_ALLOW=192.0.2.0/24\nVE_MAX_CALLS=7\n")
            engine.process.send_signal(signal.SIGHUP)
            line = engine.wait_log(lambda entry: entry["event"] == "restart_needed")
            assert line["setting"] == "VE_MAX_CALLS"
            engine.wait_log(matches("reloaded"), after=len(engine.entries()) - 2)
            assert engine.webhook(body, second)[0] == 403


def test_sighup_with_a_mistake_changes_nothing(binary):
    with tempfile.TemporaryDirectory() as folder:
        secret = os.path.join(folder, "secret")
        write(secret, "the-first-secret\n")
        settings = {"RINGOVER_WEBHOOK_SECRET": None, "RINGOVER_WEBHOOK_SECRET_FILE": secret}
        with Engine(binary, settings=settings) as engine:
            write(secret, "the-second-secret\n")
            with open(os.path.join(engine.dir, ".env"), "w", encoding="utf-8") as file:
                file.write("VE_STREAM_RATE=44100\n")
            engine.process.send_signal(signal.SIGHUP)
            line = engine.wait_log(lambda entry: entry["event"] == "settings_refused")
            assert "VE_STREAM_RATE" in line["error"] and "line 1" in line["where"]
            body = json.dumps(event("hangup", 5)).encode()
            assert engine.webhook(body, sign(body, "the-first-secret"))[0] == 200
            assert "the-second-secret" not in engine.log()


def certificate(folder, name):
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key + ".new",
                    "-out", cert + ".new"], check=True, capture_output=True)
    os.replace(key + ".new", key)
    os.replace(cert + ".new", cert)
    return cert, key


def shake(port, cert, version=None):
    """The subject of the server's certificate, and the version that was agreed."""
    context = ssl.create_default_context(cafile=cert)
    if version:
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as peer:
            names = dict(pair[0] for pair in peer.getpeercert()["subject"])
            return names["commonName"], peer.version()


def test_tls_on_both_ports_and_a_new_certificate(binary):
    with tempfile.TemporaryDirectory() as folder:
        cert, key = certificate(folder, "first")
        with Engine(binary, settings={"VE_TLS_CERT": cert, "VE_TLS_KEY": key}) as engine:
            for port in (engine.http_port, engine.media_port):
                assert shake(port, cert, ssl.TLSVersion.TLSv1_2) == ("first", "TLSv1.2")
                assert shake(port, cert, ssl.TLSVersion.TLSv1_3) == ("first", "TLSv1.3")
                try:
                    shake(port, cert, ssl.TLSVersion.TLSv1_1)
                    raise AssertionError("TLS 1.1 was accepted")
                except ssl.SSLError:
                    pass
            # a connection that is open goes on through the change
            context = ssl.create_default_context(cafile=cert)
            plain = socket.create_connection(("127.0.0.1", engine.http_port), timeout=10)
            kept = context.wrap_socket(plain, server_hostname="127.0.0.1")
            shutil.copy(cert, os.path.join(folder, "first.pem"))
            certificate(folder, "second")
            engine.process.send_signal(signal.SIGHUP)
            for name in ("http", "media"):
                engine.wait_log(lambda entry, port=name: entry["event"] == "tls_reloaded"
                                and entry["port"] == port)
            assert shake(engine.http_port, cert)[0] == "second"
            assert shake(engine.media_port, cert)[0] == "second"
            kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert kept.recv(4096).startswith(b"HTTP/1.1 200")
            kept.close()
            # one that cannot be read changes nothing
            write(cert, "this is no certificate")
            engine.process.send_signal(signal.SIGHUP)
            engine.wait_log(matches("^The certificate was not reloaded"))
            try:
                shake(engine.http_port, os.path.join(folder, "first.pem"))
                raise AssertionError("the first certificate is back")
            except ssl.SSLCertVerificationError:
                pass
