"""Names of segments, and which files of a folder belong to an image."""

from __future__ import annotations

import os

import e01variants as v
import pytest

from evkit.images.e01.names import extension, find_segments, number_of, siblings

KNOWN = {1: ".E01", 99: ".E99", 100: ".EAA", 125: ".EAZ", 126: ".EBA", 775: ".EZZ", 776: ".FAA",
         14971: ".ZZZ", 14972: ".E14972"}  # fmt: skip


def test_extensions_both_ways():
    for number, text in KNOWN.items():
        assert extension(number) == text.encode()
        assert number_of(b"x" + text.encode()) == number
        assert number_of(b"x" + text.lower().encode()) == number
    assert extension(100, b"e") == b".eaa"
    assert extension(2, b"S") == b".S02"
    assert number_of(b"x.SAA", b"S") == 100
    for name in (b"x.E00", b"x.E100", b"x.DAA", b"x.dd", b"x.E1", b"x", b"x.E00001", b"x.S01"):
        assert number_of(name) is None


def test_every_number_has_its_own_extension():
    seen = {extension(number): number for number in range(1, 15100)}
    assert len(seen) == 15099
    assert all(number_of(b"x" + text) == number for text, number in seen.items())


@pytest.fixture
def folder(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / name).write_bytes(v.MAGIC + bytes(5))
        return lambda name: os.fsencode(tmp_path / name)

    return make


def names(paths):
    return [os.path.basename(path).decode() for path in paths]


def test_segments_up_to_a_hole(folder):
    at = folder("a.E01", "a.E02", "a.E04", "b.E01", "a.E01.txt")
    assert names(find_segments(at("a.E01"))) == ["a.E01", "a.E02"]
    assert names(find_segments(at("a.E02"))) == ["a.E01", "a.E02"]
    assert names(find_segments(at("a.E04"))) == ["a.E04"]
    assert sorted(siblings(at("a.E01"))) == [1, 2, 4]


def test_names_in_mixed_case(folder):
    at = folder("a.E01", "a.e02", "a.E03")
    assert names(find_segments(at("a.e02"))) == ["a.E01", "a.e02", "a.E03"]
    at = folder("b.e01", "b.e02")
    assert names(find_segments(at("b.e02"))) == ["b.e01", "b.e02"]


def test_words_that_read_like_names(folder, tmp_path):
    at = folder("a.E01")
    (tmp_path / "a.EXE").write_bytes(b"MZ")
    (tmp_path / "a.LOG").write_bytes(b"text")
    assert list(siblings(at("a.E01"))) == [1]
    assert names(find_segments(at("a.EXE"))) == ["a.EXE"]
    assert names(find_segments(at("a.raw"))) == ["a.raw"]


def test_the_hundredth_segment(folder):
    at = folder(*[f"a.E{n:02}" for n in range(1, 100)], "a.EAA", "a.EAB")
    assert len(find_segments(at("a.EAB"))) == 101


def test_the_series_of_smart(folder):
    at = folder("a.s01", "a.s02")
    assert names(find_segments(at("a.s02"))) == ["a.s01", "a.s02"]
