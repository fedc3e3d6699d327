"""Maps: marks, questions, the text form of ddrescue, and everything that is not one."""

from __future__ import annotations

import os

import pytest

from evkit.acquire import mapfile
from evkit.acquire.mapfile import RescueMap, encode, parse
from evkit.core.errors import InputError

TEXT = b"""# Mapfile. Created by GNU ddrescue version 1.27
# current_pos  current_status  current_pass
0x00000200     *               1
#      pos        size  status
0x00000000  0x00000200  +
0x00000200  0x00000400  *
0x00000600  0x00000200  /
0x00000800  0x00000200  -
0x00000A00  0x00000600  ?
"""


def test_marks_join_and_split():
    chart = RescueMap(100)
    chart.mark(10, 10, "+")
    chart.mark(30, 10, "-")
    chart.mark(20, 10, "+")
    assert list(chart.blocks()) == [(0, 10, "?"), (10, 20, "+"), (30, 10, "-"), (40, 60, "?")]
    chart.mark(15, 20, "/")
    assert list(chart.ranges("/", "-")) == [(15, 25)]
    assert (chart.total("+"), chart.total("?", "/"), len(chart)) == (5, 90, 5)
    chart.mark(0, 100, "+")
    assert list(chart.blocks()) == [(0, 100, "+")]
    chart.mark(50, 0, "-")
    assert chart.total("-") == 0


def test_what_comes_next():
    chart = parse(TEXT)
    assert chart.next("?") == (0xA00, 0x600)
    assert chart.next("?", 0xB00) == (0xB00, 0x500)
    assert chart.next("*", 0x200) == (0x200, 0x400)
    assert chart.next("*", 0x600) is None
    assert chart.previous("*", 0x300) == (0x200, 0x100)
    assert chart.previous("*", 0x200) is None
    assert chart.previous("?", 0x1000) == (0xA00, 0x600)
    assert [chart.at(n) for n in (0, 0x200, 0xFFF)] == ["+", "*", "?"]


def test_no_medium_from_somewhere():
    chart = parse(TEXT)
    chart.mark(0xF00, 0x100, "+")
    chart.spoil(0x700)
    assert list(chart.ranges("-")) == [(0x700, 0x800)]
    assert chart.at(0xF00) == "+"
    assert chart.at(0x6FF) == "/"


@pytest.mark.parametrize(
    ("offset", "length", "status"), [(-1, 2, "+"), (0, 101, "+"), (0, 1, "x"), (5, -1, "+")]
)
def test_marks_that_cannot_be(offset, length, status):
    with pytest.raises(ValueError):
        RescueMap(100).mark(offset, length, status)


def test_round_trip():
    chart = parse(TEXT)
    assert (chart.position, chart.phase, chart.number, chart.size) == (0x200, "*", 1, 0x1000)
    again = parse(encode(chart))
    assert list(again.blocks()) == list(chart.blocks())
    assert encode(again) == encode(chart)
    assert [line for line in encode(chart).split(b"\n") if not line.startswith(b"#")] == [
        line for line in TEXT.split(b"\n") if not line.startswith(b"#")
    ]


def test_of_gaps():
    chart = mapfile.of_gaps([(512, 512), (4096, 1000)], 5096)
    assert encode(chart).decode().splitlines()[-4:] == [
        "0x00000000  0x00000200  +",
        "0x00000200  0x00000200  -",
        "0x00000400  0x00000C00  +",
        "0x00001000  0x000003E8  -",
    ]
    assert encode(chart).splitlines()[2].split() == [b"0x00000000", b"+", b"1"]
    assert list(mapfile.of_gaps([], 0).blocks()) == []
    assert parse(encode(mapfile.of_gaps([], 0))).size == 0


@pytest.mark.parametrize(
    "text",
    [
        b"0 ?\n0 512 +\n0x200 0x200 -\n",
        b"0x0 ? 3\r\n0x0\t01000 +\r\n512 512 -",
        b"\n# x\n   0x0   ?   1   # where\n\n0 01000 + # rescued\n 0X200 0x200 -\n\n",
    ],
)
def test_forms_that_are_understood(text):
    chart = parse(text)
    assert list(chart.blocks()) == [(0, 512, "+"), (512, 512, "-")]


def test_shorter_and_longer_maps():
    assert list(parse(TEXT, 0x2000).ranges("?")) == [(0xA00, 0x1600)]
    assert parse(TEXT, 0xB00).total("?") == 0x100
    assert parse(TEXT, 0x700).total("/") == 0x100
    with pytest.raises(InputError, match="up to 512 were read, the medium has 511") as error:
        parse(TEXT, 511)
    assert "another medium" in error.value.hint
    late = parse(b"0 ?\n512 512 +\n", 1024)  # of a part of the medium: nothing is said before it
    assert list(late.blocks()) == [(0, 512, "?"), (512, 512, "+")]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"", "no line that says where"),
        (b"# only a comment\n", "no line that says where"),
        (b"0x0 0x200 +\n", "no line that says where"),
        (b"123\n456\n", "no line that says where"),
        (b"0 ?\n0 512\n", "line 2 is not"),
        (b"0 ?\n0 512 x\n", "line 2 is not"),
        (b"0 ?\n0 512 ++\n", "line 2 is not"),
        (b"0 ?\n-1 512 +\n", "line 2 is not"),
        (b"0 ?\n0 512 +\n\x1b[31m 1 +\n", r"line 3 is not .*`\\x1b\[31m"),
        (b"0 ?\n0 512 +\n1024 512 +\n", "a gap before line 3"),
        (b"0 ?\n0 512 +\n511 512 +\n", "an overlap in line 3"),
        (b"0 ?\n0 512 +\n0 512 +\n", "an overlap in line 3"),
        (b"0 ?\n0 0 +\n", "range that cannot be"),
        (b"0 ?\n1 0x7FFFFFFFFFFFFFFF ?\n", "range that cannot be"),
        (b"0 ?\n0 0xFFFFFFFFFFFFFFFF ?\n", "over 2"),
        (b"0 ?\n0 9999999999999999999999 ?\n", "over 2"),
        (b"0 ?\n09 512 +\n", "not a number"),
        (b"0 ?\n0 512 \xff\n", "line 2 is not"),
    ],
)
def test_what_is_not_a_map(text, match):
    with pytest.raises(InputError, match=match):
        parse(text)


def test_every_cut_and_flip_is_an_error_or_a_map():
    for length in range(len(TEXT)):
        _any(TEXT[:length])
    for at in range(len(TEXT)):
        for bit in (1, 4, 32, 128):
            _any(TEXT[:at] + bytes([TEXT[at] ^ bit]) + TEXT[at + 1 :])


def _any(data):
    try:
        chart = parse(data, 0x1000)
    except InputError:
        return
    assert sum(length for _, length, _ in chart.blocks()) == chart.size == 0x1000
    assert encode(parse(encode(chart))) == encode(chart)


def test_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(mapfile, "MAX_RANGES", 3)
    with pytest.raises(InputError, match="more than 3 ranges"):
        parse(TEXT)
    monkeypatch.setattr(mapfile, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="over the limit of 100"):
        parse(TEXT)
    (tmp_path / "map").write_bytes(TEXT)
    with pytest.raises(InputError, match="over the limit"):
        mapfile.read(os.fsencode(tmp_path / "map"))


def test_read_names_the_file(tmp_path):
    (tmp_path / "a\nb").write_bytes(b"rubbish")
    with pytest.raises(InputError, match=r"`.*a\\x0ab` cannot be used as a map"):
        mapfile.read(os.fsencode(tmp_path / "a\nb"))
    (tmp_path / "good").write_bytes(TEXT)
    assert mapfile.read(os.fsencode(tmp_path / "good"), 0x1000).total("-") == 0x200


def test_a_map_of_many_ranges():
    size = 1 << 40
    chart = RescueMap(size)
    for number in range(100_000):
        chart.mark(number * 8192, 512, "-")
    assert len(chart) == 200_000
    assert chart.total("-") == 100_000 * 512
    assert chart.next("-", 50_000 * 8192 + 1) == (50_000 * 8192 + 1, 511)
    again = parse(encode(chart), size)
    assert list(again.blocks()) == list(chart.blocks())
