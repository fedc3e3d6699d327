"""Progress printers: what is shown, when, and on a signal."""

from __future__ import annotations

import json
import os
import signal

import pytest

from evkit.cli import progress
from evkit.core import clock


@pytest.fixture
def time_stands(monkeypatch):
    """A clock that the test moves."""
    state = {"now": 100.0}
    monkeypatch.setattr(clock, "monotonic", lambda: state["now"])
    return state


def test_a_log_gets_a_line_a_minute(time_stands, capsys):
    made = progress.printer("auto")
    made.begin("acquire", 1000, "bytes")
    for second in range(1, 181):
        time_stands["now"] = 100.0 + second
        made.update("acquire", second)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("evkit: acquire: 60 B of 1000 B (6 %)")
    assert lines[0].endswith("15:40 left")


def test_json_lines(time_stands, capsys):
    made = progress.printer("json")
    made.begin("hash", None, "files")
    time_stands["now"] += 2
    made.update("hash", 7)
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert rows[-1] == {
        "schema": "evkit/progress/1", "task": "hash", "done": 7, "total": None, "unit": "files",
    }  # fmt: skip


def test_nothing_means_nothing_but_a_signal_still_answers(time_stands, capsys):
    made = progress.printer("none")
    made.begin("acquire", 2048, "bytes")
    time_stands["now"] += 1
    made.update("acquire", 1024)
    assert capsys.readouterr().err == ""
    os.kill(os.getpid(), signal.SIGUSR1)
    assert "acquire: 1 KiB of 2 KiB (50 %)" in capsys.readouterr().err


def test_the_bar_goes_to_stderr_and_leaves_stdout_alone(time_stands, capsys):
    made = progress.printer("bar")
    made.begin("acquire", 10**12, "bytes")
    time_stands["now"] += 1
    made.update("acquire", 5 * 10**11)
    made.note("half of it")
    made.end("acquire", 10**12)
    out, err = capsys.readouterr()
    assert out == ""
    assert "evkit: half of it" in err


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**40 * 5, "5 TiB")]
)
def test_sizes(count, text):
    assert progress.human_bytes(count) == text


def test_durations():
    assert progress.human_seconds(59.9) == "0:59"
    assert progress.human_seconds(3661) == "1:01:01"
