"""Editing a script while the engine runs."""

import os
import tempfile
import time

from engine import Engine, matches
from phone import Phone
from test_verbs import run

SAY = 'return {{ on_call = function(call) call.log("hello from {}") call:sleep("60s") end }}'


def loaded(engine, after):
    return engine.wait_log(lambda line: line.get("event") == "scripts_loaded", 10, after)


def call(engine, call_id):
    phone = Phone(engine.media_port, f"/stream/call_{call_id}")
    engine.record(call_id, "active")
    return phone


def test_a_save_is_what_the_next_call_runs(binary):
    with Engine(binary, SAY.format("one")) as engine:
        first = call(engine, 1)
        engine.wait_log(matches("hello from one"))
        seen = len(engine.entries())
        engine.save(SAY.format("two"))
        assert loaded(engine, seen)["generation"] == 2
        second = call(engine, 2)
        engine.wait_log(matches("hello from two"))
        assert engine.record(1)["state"] == "active", "a running call is not touched"
        first.close()
        second.close()


def test_a_broken_save_keeps_the_old_one_and_says_why(binary):
    with Engine(binary, SAY.format("one")) as engine:
        for number, (text, message, line) in enumerate((
                ("return {\n  on_call = function(call)\n", "main.lua:3:", 3),
                ('error("no desk")', "main.lua:1: no desk", 1),
                ("return { on_cal = function() end }", "did you mean 'on_call'?", 0),
                ("return 42", "must return a table of handlers", 0),
                ("while true do end", "takes too long to load", 1)), 1):
            seen = len(engine.entries())
            engine.save(text)
            refusal = engine.wait_log(lambda entry: entry.get("event") == "reload_refused", 20, seen)
            assert message in refusal["error"] and refusal["line"] == line, refusal
            if line == 1:
                assert refusal["source"] == text
            seen = len(engine.entries())
            phone = call(engine, number)
            engine.wait_log(matches("hello from one"), 10, seen)
            phone.close()
        seen = len(engine.entries())
        engine.save(SAY.format("mended"))
        loaded(engine, seen)
        phone = call(engine, 9)
        engine.wait_log(matches("hello from mended"))
        phone.close()


def test_editors_ways_of_saving_become_one_reload(binary):
    with Engine(binary, SAY.format("one")) as engine:
        seen = len(engine.entries())
        engine.save("-- helper\nreturn { word = 'x' }", "helper.lua")
        new = os.path.join(engine.scripts, ".main.lua.new")
        with open(new, "w", encoding="utf-8") as file:
            file.write("local helper = require('helper')\n" + SAY.format("renamed"))
        os.rename(new, engine.script)
        loaded(engine, seen)
        time.sleep(0.3)
        assert len([e for e in engine.entries()[seen:] if e.get("event") == "scripts_loaded"]) == 1
        seen = len(engine.entries())
        engine.save("return { word = 'y' }", "helper.lua")
        loaded(engine, seen)


def test_sighup_loads_again(binary):
    import signal
    with Engine(binary, SAY.format("one")) as engine:
        seen = len(engine.entries())
        engine.process.send_signal(signal.SIGHUP)
        loaded(engine, seen)


def test_a_pipe_in_place_of_a_script_is_refused(binary):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "main.lua")
        os.mkfifo(path)
        status, _, err = run(binary, "check", path, seconds=20)
        assert status == 1 and "main.lua" in err, err
