"""Reading back: equal, or where it differs; damage is an answer and never another exception."""

from __future__ import annotations

import os

import pytest

from evkit.acquire import engine, readback
from evkit.acquire.output.branch import Branch
from evkit.acquire.output.e01out import E01Out
from evkit.core.errors import StorageError
from evkit.images.e01.header import Details
from evkit.images.e01.plan import Medium, Plan

MIB = 1 << 20
SIZE = 6 * MIB + 512


class Bytes:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def fill(self, view):
        part = self.data[self.at : self.at + len(view)]
        view[: len(part)] = part
        self.at += len(part)
        return len(part)


@pytest.fixture
def made(tmp_path):
    """Raw parts and an E01 of the same content, and what was read."""
    data = os.urandom(3 * MIB) + bytes(SIZE - 3 * MIB)
    branch = Branch(copy="master", folder=os.fsencode(tmp_path))
    plan = Plan(
        medium=Medium(size=SIZE), details=Details(acquired=0), guid=bytes(16), group=20,
        segment_size=2 * MIB,
    )  # fmt: skip
    out = E01Out([branch], plan)
    outcome = engine.read_all(
        Bytes(data),
        engine.Order(
            names=("md5", "sha1"),
            encoding=engine.Encoding(compression="fast", append=out.append),
        ),
    )
    files = out.finish(outcome.digests["md5"], outcome.digests["sha1"], [])
    parts = []
    for number, at in enumerate(range(0, SIZE, 2 * MIB)):
        (tmp_path / f"p{number}").write_bytes(data[at : at + 2 * MIB])
        parts.append(os.fsencode(tmp_path / f"p{number}"))
    (tmp_path / "whole").write_bytes(data)
    segments = {branch.part(part.name): part.sha256 for part in files}
    return outcome, parts, segments, os.fsencode(tmp_path / "whole")


def flip(path, at):
    with open(path, "r+b") as handle:
        handle.seek(at)
        byte = handle.read(1)[0]
        handle.seek(at)
        handle.write(bytes([byte ^ 16]))


def test_equal(made):
    outcome, parts, segments, whole = made
    assert len(segments) > 1
    seen = []
    for paths, files in (([whole], None), (parts, None), (list(segments), segments)):
        order = engine.Order(on_bytes=seen.append, expected=SIZE)
        answer = readback.compare(paths, outcome, files=files, order=order)
        assert answer.match, answer
        assert answer.fields()["state"] == "match"
    assert seen.count(SIZE) == 3


def test_raw_differences_are_located(made):
    outcome, parts, _, whole = made
    flip(whole, 5 * MIB + 9)
    answer = readback.compare([whole], outcome)
    assert (answer.match, answer.damage) == (False, ((5 * MIB, MIB),))
    flip(parts[1], 0)
    answer = readback.compare(parts, outcome)
    assert answer.damage == ((2 * MIB, MIB),)
    os.truncate(whole, SIZE - 1)
    assert not readback.compare([whole], outcome).match
    os.truncate(parts[0], 0)
    assert not readback.compare(parts, outcome).match


def test_e01_differences(made):
    outcome, _, segments, _ = made
    first = next(iter(segments))
    flip(first, os.path.getsize(first) // 2)
    answer = readback.compare(list(segments), outcome, files=segments)
    assert not answer.match
    assert answer.files == ("image.E01.part",)
    assert answer.damage or answer.unread


def test_a_segment_that_changes_nothing_of_the_medium_is_found(made):
    """Case details are covered by no digest of the medium."""
    outcome, _, segments, _ = made
    first = next(iter(segments))
    with open(first, "r+b") as handle:
        data = handle.read()
        place = data.index(b"table2") + 16  # next offset: readers look at sizes
        handle.seek(place + 40)
        handle.write(bytes([data[place + 40] ^ 1]))
    answer = readback.compare(list(segments), outcome, files=segments)
    assert not answer.match
    assert answer.files == ("image.E01.part",)


@pytest.mark.parametrize("damage", ["empty", "zeros", "text", "cut"])
def test_what_is_no_image_any_more(made, damage):
    outcome, _, segments, _ = made
    first = next(iter(segments))
    data = open_(first)
    with open(first, "wb") as handle:
        handle.write(
            {"empty": b"", "zeros": bytes(9999), "text": b"x" * 99, "cut": data[:999]}[damage]
        )
    answer = readback.compare(list(segments), outcome, files=segments)
    assert not answer.match


def open_(path):
    with open(path, "rb") as handle:
        return handle.read()


def test_a_file_that_is_gone_is_an_error_of_its_medium(made):
    outcome, parts, segments, whole = made
    for paths, files in (([whole], None), (parts, None), (list(segments), segments)):
        os.unlink(paths[-1])
        with pytest.raises(StorageError, match="cannot read"):
            readback.compare(paths, outcome, files=files)


def test_a_stop_does_not_wait_for_the_digests_of_all_segments(made, monkeypatch):
    outcome, _, segments, _ = made
    real, seen = readback._digest_files, []

    def digest(files, wrong, stop):
        assert stop.wait(20)
        real(files, wrong, stop)
        seen.append(len(wrong))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(readback, "_digest_files", digest)
    monkeypatch.setattr(readback.engine, "decode_all", interrupt)
    with pytest.raises(KeyboardInterrupt):
        readback.compare(list(segments), outcome, files=segments)
    assert seen == [1]  # the first one was given up
