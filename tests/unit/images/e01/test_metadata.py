"""Case details of E01: names, dates, encodings."""

from __future__ import annotations

import zlib

import pytest

from evkit.images.e01.metadata import read_header


def header(text: str, encoding: str = "latin-1", mark: bytes = b"") -> bytes:
    return zlib.compress(mark + text.encode(encoding))


TEXT = "1\r\nmain\r\nc\tn\te\tm\tr\tp\r\nFIR\tE1\tÄ\t2026 11 2 3 4 5\tf\t0\r\n\r\n"


@pytest.mark.parametrize(
    ("kind", "encoding", "mark"),
    [
        ("header", "latin-1", b""),
        ("header", "utf-8", b""),
        ("header", "utf-16-le", b"\xff\xfe"),
        ("header2", "utf-16-le", b"\xff\xfe"),
        ("header2", "utf-16-le", b""),
        ("header2", "utf-16-be", b"\xfe\xff"),
    ],
)
def test_encodings(kind, encoding, mark):
    assert read_header(kind, header(TEXT, encoding, mark)) == {
        "case_number": "FIR",
        "evidence_number": "E1",
        "examiner_name": "Ä",
        "acquisition_date": "2026-11-02 03:04:05 (no time zone)",
        "compression": "fast",
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1142163845", "2006-03-12T11:44:05Z"),
        ("0", "0"),
        ("2002 3 4 10 19", "2002 3 4 10 19"),
        ("9" * 30, "9" * 30),
        ("99999 1 1 1 1 1", "99999 1 1 1 1 1"),
        ("soon", "soon"),
    ],
)
def test_dates(value, shown):
    text = f"1\nmain\nm\n{value}\n\n"
    assert read_header("header", header(text)) == {"acquisition_date": shown}


@pytest.mark.parametrize("text", ["", "main", "main\na", "1\nother\na\tb\n1\t2", "\0" * 50])
def test_texts_without_values(text):
    assert read_header("header", header(text)) is None


def test_more_values_than_names_and_the_other_way_round():
    assert read_header("header", header("main\na\n1\t2\t3\n")) == {"description": "1"}
    assert read_header("header", header("main\na\tc\n1\n")) == {"description": "1"}


def test_a_stream_with_no_end_and_none():
    whole = header(TEXT)
    assert read_header("header", whole[:-3]) is None
    assert read_header("header", b"not zlib") is None
    assert read_header("header", whole + b"behind it") is not None


def test_the_form_of_ewfx():
    text = "<?xml?><xheader>\n<acquiry_date>now</acquiry_date><notes>a &lt; b</notes><x></x>"
    assert read_header("xheader", header(text)) == {"acquisition_date": "now", "notes": "a < b"}
