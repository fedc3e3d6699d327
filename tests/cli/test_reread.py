"""`evkit acquire --reread`: the source read a second time, with an answer of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import acquirekit as kit
import pytest

from evkit.acquire import engine, reading, rereading
from evkit.acquire.source import open_source
from evkit.acquire.stopping import Stop
from evkit.core.errors import InterruptedByUserError, StorageError
from evkit.core.progress import SILENT

MIB = 1 << 20


@pytest.fixture
def stick(tmp_path):
    path = tmp_path / "stick.dd"
    path.write_bytes(os.urandom(5 * MIB))
    return path


def before_second_reading(monkeypatch, act):
    """Do something between the two readings of the source."""
    real = rereading.compare

    def compare(*arguments):
        act()
        return real(*arguments)

    monkeypatch.setattr(rereading, "compare", compare)


def overwrite(path: Path, offset: int, data: bytes):
    with open(path, "r+b") as handle:
        handle.seek(offset)
        handle.write(data)


@pytest.mark.parametrize("form", ["raw", "e01"])
def test_the_same_bytes_again(run, stick, form):
    out = run("acquire", stick, "--exhibit", "C1/E1", "--format", form, "--reread")
    assert "the source was read again after the page cache was asked to let it go: equal" in out
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["source_reread"] == {"state": "match", "how": "cache-dropped"}
    assert end.fields["verification"]["state"] == "match"


def test_not_asked_is_on_record(run, stick):
    out = json.loads(run("acquire", stick, "--exhibit", "C1/E1", "--json"))
    assert out["source_reread"] == {"state": "not-asked"}
    assert kit.end_of(run.made, "C1/E1/A1").fields["source_reread"] == {"state": "not-asked"}


@pytest.mark.parametrize("form", ["raw", "e01"])
def test_other_bytes_fail_and_the_image_stays_verified(run, stick, form, monkeypatch):
    before_second_reading(monkeypatch, lambda: overwrite(stick, 3 * MIB + 7, b"CHANGED"))
    command = ("acquire", stick, "--exhibit", "C1/E1", "--format", form, "--reread")
    out = run(*command, expect=4)
    assert (
        f"FAIL: the source gives other bytes now, first in bytes {3 * MIB:,} to {4 * MIB:,}" in out
    )
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["result"] == "complete"
    assert end.fields["verification"]["state"] == "match"
    again = end.fields["source_reread"]
    assert (again["state"], again["damage"], again["damaged_ranges"]) == (
        "mismatch", [[3 * MIB, MIB]], 1,
    )  # fmt: skip
    kit.as_recorded(run.made.path / "cases/C1/E1/A1", end)


def test_block_nodes_locate_to_the_block(run, stick, monkeypatch):
    before_second_reading(monkeypatch, lambda: overwrite(stick, 3 * MIB + 7, b"CHANGED"))
    run("acquire", stick, "--exhibit", "C1/E1", "--format", "raw", "--block-nodes", "--reread",
        expect=4)  # fmt: skip
    again = kit.end_of(run.made, "C1/E1/A1").fields["source_reread"]
    assert again["damage"] == [[3 * MIB, 16384]]


def test_a_stream_cannot_be_read_again(run):
    out = run("acquire", "-", "--exhibit", "C1/E1", "--reread", expect=2)
    assert "a stream cannot be read a second time" in out


def test_stopped_while_reading_again(run, stick, monkeypatch):
    real = rereading._Skipping.fill

    def fill(self, view):
        if self._reader.done:
            raise InterruptedByUserError("stopped by the user")
        return real(self, view)

    monkeypatch.setattr(rereading._Skipping, "fill", fill)
    out = run("acquire", stick, "--exhibit", "C1/E1", "--reread", expect=130)
    assert "reading the source again was stopped" in out
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["source_reread"]["state"] == "stopped"
    assert end.fields["result"] == "complete"


def test_a_source_that_is_gone_then(run, stick, monkeypatch):
    def gone(_self, _view):
        raise StorageError("the source is gone")

    monkeypatch.setattr(rereading._Skipping, "fill", gone)
    out = run("acquire", stick, "--exhibit", "C1/E1", "--reread", expect=16)
    assert "could not be read again: the source is gone" in out
    again = kit.end_of(run.made, "C1/E1/A1").fields["source_reread"]
    assert again == {"state": "failed", "how": "cache-dropped", "error": "the source is gone"}


def test_resumed_work_keeps_the_wish(run, stick, monkeypatch):
    stick.write_bytes(os.urandom(24 * MIB))
    real = reading.MediumReader.fill

    def fill(self, view):
        if self.done >= 16 * MIB:
            raise InterruptedByUserError("stopped by the user")
        return real(self, view)

    monkeypatch.setattr(reading.MediumReader, "fill", fill)
    run("acquire", stick, "--exhibit", "C1/E1", "--format", "raw", "--reread", expect=130)
    monkeypatch.setattr(reading.MediumReader, "fill", real)
    out = run("acquire", "--resume", "--exhibit", "C1/E1")
    assert "the source was read again" in out


def test_finished_work_is_not_read_again(run, stick, monkeypatch):
    stick.write_bytes(os.urandom(24 * MIB))
    real = reading.MediumReader.fill

    def fill(self, view):
        if self.done >= 16 * MIB:
            raise InterruptedByUserError("stopped by the user")
        return real(self, view)

    monkeypatch.setattr(reading.MediumReader, "fill", fill)
    run("acquire", stick, "--exhibit", "C1/E1", "--format", "raw", "--reread", expect=130)
    monkeypatch.setattr(reading.MediumReader, "fill", real)
    out = run("acquire", "--finish", "--exhibit", "C1/E1", expect=5)
    assert "was not read again" in out
    assert kit.end_of(run.made, "C1/E1/A1").fields["source_reread"] == {"state": "not-made"}


class Failing:
    """A reader of a medium in memory: `bad` cannot be read, every read is noted."""

    def __init__(self, content, bad=()):
        self.content, self.bad, self.done, self.reads, self.gaps = content, bad, 0, [], []

    def fill(self, view):
        count = min(len(view), len(self.content) - self.done)
        view[:count] = self.content[self.done : self.done + count]
        self.reads.append((self.done, count))
        for offset, length in self.bad:
            start, end = max(offset, self.done), min(offset + length, self.done + count)
            if start < end:
                view[start - self.done : end - self.done] = bytes(end - start)
                self.gaps.append((start, end - start))
        self.done += count
        return count

    def close(self):
        pass


def compare(monkeypatch, tmp_path, first, second, out, bad=()):
    """Compare two readings; `out` was not readable at first, `bad` is not readable now."""
    path = tmp_path / "source"
    path.write_bytes(second)
    reader = Failing(second, bad)
    monkeypatch.setattr(rereading, "MediumReader", lambda *_, **__: reader)
    source = Failing(first)
    outcome = engine.read_all(source, engine.Order())
    opened = open_source(os.fsencode(path))
    try:
        return rereading.compare(opened, outcome, out, Stop(), SILENT), reader
    finally:
        opened.close()


def test_what_was_unreadable_is_left_out_and_not_read(monkeypatch, tmp_path):
    second = os.urandom(3 * MIB)
    out = [(MIB + 512, 1024), (2 * MIB, 512)]
    first = bytearray(second)
    for offset, length in out:
        first[offset : offset + length] = bytes(length)
    again, reader = compare(monkeypatch, tmp_path, bytes(first), second, out)
    assert (again.state, again.left_out, again.unread) == ("match", 1536, 0)
    for at, count in reader.reads:
        assert all(at + count <= offset or at >= offset + length for offset, length in out)


def test_a_change_beside_a_gap_is_found(monkeypatch, tmp_path):
    second = bytearray(os.urandom(3 * MIB))
    first = bytes(MIB + 512) + bytes(second[MIB + 512 :])
    second[: MIB + 512] = bytes(MIB + 512)
    second[MIB + 600] ^= 1
    again, _ = compare(monkeypatch, tmp_path, first, bytes(second), [(MIB, 512)])
    assert (again.state, again.damage) == ("mismatch", ((MIB, MIB),))


def test_what_cannot_be_read_now_is_no_difference(monkeypatch, tmp_path):
    content = os.urandom(4 * MIB)
    again, _ = compare(monkeypatch, tmp_path, content, content, [], bad=[(MIB, 512)])
    assert (again.state, again.unread, again.damage, again.exit_code) == ("incomplete", 512, (), 3)


def test_a_change_beside_what_cannot_be_read_now_is_found(monkeypatch, tmp_path):
    content = os.urandom(4 * MIB)
    second = bytearray(content)
    second[2 * MIB] ^= 1
    again, _ = compare(monkeypatch, tmp_path, content, bytes(second), [], bad=[(MIB, 512)])
    assert (again.state, again.damage, again.exit_code) == ("mismatch", ((2 * MIB, MIB),), 4)


@pytest.mark.parametrize("size", [0, 1, 511, MIB - 1, MIB + 1])
def test_every_length(monkeypatch, tmp_path, size):
    content = os.urandom(size)
    again, _ = compare(monkeypatch, tmp_path, content, content, [])
    assert (again.state, again.exit_code) == ("match", 0)
    if size:
        again, _ = compare(monkeypatch, tmp_path, content, content[:-1] + b"\x00\x01"[:1], [])
        assert again.state in {"mismatch", "match"}
        assert (again.state == "match") == (content[-1:] == b"\x00")
