"""Case details: every language in `header2`, ASCII in `header`, nothing changed unseen."""

from __future__ import annotations

import dataclasses
import zlib

import e01kit
import pytest

from evkit.core.errors import UsageError
from evkit.images.e01 import header
from evkit.images.e01.header import Details


def texts(details):
    built = header.build(details)
    raw = zlib.decompress(built.header2)
    assert raw[:2] == b"\xff\xfe"
    return raw[2:].decode("utf-16-le"), zlib.decompress(built.header), built.altered


def fields(details):
    text2, text, altered = texts(details)
    lines = text2.split("\n")
    values2 = dict(zip(lines[2].split("\t"), lines[3].split("\t"), strict=True))
    lines = text.decode("ascii").split("\r\n")
    values = dict(zip(lines[2].split("\t"), lines[3].split("\t"), strict=True))
    return values2, values, altered


def test_the_texts_byte_for_byte():
    text2, text, altered = texts(e01kit.DETAILS)
    assert text2 == (
        "3\nmain\na\tc\tn\te\tt\tmd\tsn\tav\tov\tm\tu\tp\tdc\n"
        "USB stick\tFIR-12/2026\tE1\tA. Khan\tseized at the gate\tDataTraveler 3.0\t0019E06B\t"
        "evkit 0.1.0\tLinux\t1795653339\t1795653339\t0\t\n\n"
        "srce\n0\t1\np\tn\tid\tev\ttb\tlo\tpo\tah\tgu\taq\n0\t0\n\t\t\t\t\t-1\t-1\t\t\t\n\n"
        "sub\n0\t1\np\tn\tid\tnu\tco\tgu\n0\t0\n\t\t\t\t1\t\n\n"
    )
    assert text == (
        b"1\r\nmain\r\nc\tn\ta\te\tt\tav\tov\tm\tu\tp\r\n"
        b"FIR-12/2026\tE1\tUSB stick\tA. Khan\tseized at the gate\tevkit 0.1.0\tLinux\t"
        b"2026 11 26 5 35 39\t2026 11 26 5 35 39\t0\r\n\r\n"
    )
    assert altered == ()


@pytest.mark.parametrize(
    "name",
    ["محمد علی", "Ünal Öz", "張偉", "کلثوم\u200cبی بی", "𐤊𐤋 \U0001f50d", "e\u0301", "\u202eabc"],
)
def test_any_language(name):
    values2, values, altered = fields(dataclasses.replace(e01kit.DETAILS, examiner=name))
    assert values2["e"] == name
    assert values["e"] == "".join(c if c.isascii() else "?" for c in name)
    assert altered == ()


def test_what_would_break_the_table_is_replaced_and_said():
    details = dataclasses.replace(
        e01kit.DETAILS, notes="a\tb\r\nc\0d\x1be\x7f", model="\udcff x", serial="\n"
    )
    values2, values, altered = fields(details)
    assert values2["t"] == values["t"] == "a b  c d e "
    assert values2["md"] == "\ufffd x"
    assert values2["sn"] == " "
    assert altered == ("notes", "model", "serial")


def test_long_values_are_cut_and_said():
    for value, kept in (
        ("x" * 2999, 2999), ("x" * 3000, 2999), ("ع" * 5000, 2999),
        ("\U0001f50d" * 1499, 1499), ("\U0001f50d" * 1500, 1499), ("x" + "\U0001f50d" * 1500, 1500),
    ):  # fmt: skip
        values2, values, altered = fields(dataclasses.replace(e01kit.DETAILS, notes=value))
        assert values2["t"] == value[:kept]
        assert len(values2["t"].encode("utf-16-le")) <= 2 * 2999
        assert len(values["t"]) == kept
        assert altered == (("notes",) if kept < len(value) else ())


def test_times_before_1970_and_of_the_system():
    details = Details(acquired=-1, utc_offset=-300, system_time=86400)
    values2, values, _ = fields(details)
    assert (values2["m"], values2["u"]) == ("-1", "86400")
    assert (values["m"], values["u"]) == ("1969 12 31 18 59 59", "1970 1 1 19 0 0")
    assert values2["c"] == values2["av"] == ""


def test_times_beyond_the_calendar_are_refused():
    for seconds in (10**12, -(10**12), 10**30):
        with pytest.raises(UsageError, match="years 1 to 9999"):
            header.build(Details(acquired=seconds))
