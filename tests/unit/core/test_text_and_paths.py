from __future__ import annotations

import pytest

from evkit.core import paths
from evkit.core.errors import InputError
from evkit.core.text import escape, escape_bytes, is_clean, shorten


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name.txt", "plain name.txt"),
        ("اردو\u200cنام", "اردو\u200cنام"),
        ("क्\u200dष", "क्\u200dष"),
        ("report\u200d.pdf", r"report\u{200d}.pdf"),
        ("اردو\u200c\u200cنام", "اردو\u200c" + r"\u{200c}نام"),
        ("\u200cنام", r"\u{200c}نام"),
        ("a.pdf\u2800\u2800.exe", r"a.pdf\u{2800}\u{2800}.exe"),
        ("a\\b", "a\\\\b"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\r\t\x00\x7f", r"a\x0ab\x0d\x09\x00\x7f"),
        ("\x9b", r"\u{9b}"),
        ("x\u202egnp", r"x\u{202e}gnp"),
        ("\u2066\u2069\u200b\ufeff\u2028", r"\u{2066}\u{2069}\u{200b}\u{feff}\u{2028}"),
        ("\U000e0041", r"\u{e0041}"),
    ],
)
def test_escape(text, shown):
    assert escape(text) == shown
    assert is_clean(shown.replace("\\", ""))
    assert is_clean(text) is (text == shown)


IGNORABLE = (  # Unicode 15, DerivedCoreProperties: Default_Ignorable_Code_Point
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip


def test_what_a_font_may_ignore_is_escaped():
    """Two names that print alike must not be two names; the joiners that Urdu needs stay."""
    for first, last in IGNORABLE:
        for code in range(first, last + 1):
            assert not is_clean(chr(code)), hex(code)
            assert is_clean("\u0648" + chr(code)) is (code in {0x200C, 0x200D}), hex(code)


def test_bytes_that_are_not_utf_8():
    assert escape_bytes(b"a\xff\\xff") == r"a\xff\\xff"
    assert escape_bytes(b"\xed\xa0\x80") == r"\xed\xa0\x80"


def test_shorten():
    assert shorten("short", 5) == "short"
    assert shorten("0123456789", 5) == "01…89"


@pytest.mark.parametrize("raw", [b"a", "اردو\n".encode(), b"\xff\n\\", b"\xed\xa0\x80", b""])
def test_fields_round_trip(raw):
    fields = paths.to_fields(raw)
    assert paths.from_fields(fields) == raw
    assert ("path_b64" in fields) is (raw in {b"\xff\n\\", b"\xed\xa0\x80"})


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"path": 1}, {"path": "\ud800"}, {"path": "a", "path_b64": "YQ=="},
        {"path": "a", "path_b64": "/w=="}, {"path": "\\xff", "path_b64": "/x=="},
        {"path": "\\xff", "path_b64": "/w"}, {"path": "\\xff", "path_b64": "/w==\n"},
        {"path": "\\xff", "path_b64": 1}, {"path": "\\xff", "path_b64": "_w=="},
    ],
)  # fmt: skip
def test_contradicting_fields_are_refused(fields):
    with pytest.raises(InputError):
        paths.from_fields(fields)


def test_base64_has_one_spelling():
    assert paths.unb64(paths.b64(b"\xfb\xff")) == b"\xfb\xff"
    for wrong in ("-_8=", "+/9=", "+/8", "+/8=\n", "é", "+ /8="):
        with pytest.raises(InputError):
            paths.unb64(wrong)
