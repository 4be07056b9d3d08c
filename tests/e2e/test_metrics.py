"""/metrics: both formats, by the rules that Prometheus' own checker has, and what is counted."""

import os
import re

from engine import ROOT, Engine, event

SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)$')
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}


def read(engine, accept=None):
    status, fields, body = engine.request("GET", "/metrics",
                                          headers={"Accept": accept} if accept else None)
    assert status == 200
    return fields["content-type"], body.decode()


def parse(text, openmetrics=False):
    """{family: (type, help, {sample with labels: value})}; raises on whatever is out of order."""
    families, name, seen = {}, None, set()
    lines = text.splitlines()
    if openmetrics:
        assert lines.pop() == "# EOF"
    for line in lines:
        if line.startswith("# HELP "):
            name, help_text = line[7:].split(" ", 1)
            assert name not in families, f"{name} comes twice"
            families[name] = [None, help_text, {}]
        elif line.startswith("# TYPE "):
            family, kind = line[7:].split(" ")
            assert family == name and kind in SUFFIXES
            families[name][0] = kind
        else:
            sample, labels, value = SAMPLE.match(line).groups()
            kind = families[name][0]
            base = name[:-6] if kind == "counter" and not openmetrics else name
            assert sample in [base + suffix for suffix in SUFFIXES[kind]], line
            assert (sample, labels) not in seen, f"{line} comes twice"
            seen.add((sample, labels))
            families[name][2][sample + (labels or "")] = float(value)
    return families


def check_names(families, openmetrics):
    for name, (kind, help_text, samples) in families.items():
        assert help_text.endswith(".") and samples, name
        assert re.fullmatch(r"(voiceengine|process)_[a-z0-9_]+", name), name
        assert (kind == "counter" and not openmetrics) == name.endswith("_total"), name
        assert not re.search(r"milli|_ms|minutes|kilobytes", name), f"{name}: base units"
        if kind == "histogram":
            buckets = [value for key, value in samples.items() if "_bucket" in key]
            assert buckets == sorted(buckets) and len(buckets) >= 3, name


def test_metrics_in_both_formats(binary):
    with Engine(binary) as engine:
        engine.webhook(event("ringing", 5))
        engine.webhook(event("hangup", 5))
        engine.record(5, "ended")
        kind, text = read(engine)
        assert kind == "text/plain; version=0.0.4; charset=utf-8"
        plain = parse(text)
        check_names(plain, False)
        kind, text = read(engine, "application/openmetrics-text; version=1.0.0")
        assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        opened = parse(text, True)
        check_names(opened, True)
        assert sorted(name.removesuffix("_total") for name in plain) == sorted(opened)


def test_metrics_count_what_happened(binary):
    with Engine(binary) as engine:
        before = parse(read(engine)[1])
        assert before["voiceengine_calls"][2] == {"voiceengine_calls": 0}
        assert "voiceengine_calls_ended_total" not in before
        engine.webhook(event("ringing", 5))
        during = parse(read(engine)[1])
        assert during["voiceengine_calls"][2]["voiceengine_calls"] == 1
        engine.webhook(event("hangup", 5))
        engine.record(5, "ended")
        after = parse(read(engine)[1])
        assert after["voiceengine_calls_started_total"][2]["voiceengine_calls_started_total"] == 1
        ended = after["voiceengine_calls_ended_total"][2]
        assert ended == {'voiceengine_calls_ended_total{outcome="caller_hangup"}': 1}
        assert after["voiceengine_call_seconds"][2]["voiceengine_call_seconds_count"] == 1
        port = 'voiceengine_received_bytes_total{port="http"}'
        assert after["voiceengine_received_bytes_total"][2][port] > 200
        assert after["process_resident_memory_bytes"][2]["process_resident_memory_bytes"] > 1e6
        assert after["process_open_fds"][2]["process_open_fds"] > 4


def test_metrics_need_a_token_once_there_is_one(binary):
    with Engine(binary, settings={"VE_API_TOKEN_READ": "read-token-1234"}) as engine:
        assert engine.request("GET", "/metrics")[0] == 401
        allowed = engine.request("GET", "/metrics",
                                 headers={"Authorization": "Bearer read-token-1234"})
        assert allowed[0] == 200


def test_metrics_are_all_documented(binary):
    with open(os.path.join(ROOT, "docs/reference/metrics.md"), encoding="utf-8") as file:
        page = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", file.read(), re.MULTILINE))
    with Engine(binary) as engine:
        engine.webhook(event("ringing", 5))
        engine.webhook(event("hangup", 5))
        engine.record(5, "ended")
        told = parse(read(engine)[1])
    for name, (kind, _, _) in told.items():
        assert page.get(name) == kind, f"docs/reference/metrics.md lacks {name} ({kind})"
