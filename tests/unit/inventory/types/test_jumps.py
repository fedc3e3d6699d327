"""What hangs on a rule: tests on the way to it are judged as libmagic judges them, or let pass."""

from __future__ import annotations

import pytest
from magicfile import database, record

from evkit.inventory.types import compiled as mgc
from evkit.inventory.types.compiled import Database
from evkit.inventory.types.jumps import Effect, judged, reached, ways


def read(*rules, parts=()):
    return Database.read(database(list(rules), list(parts)))


def one(kind, value, **more):
    return read(record(kind, value, **more)).rules[0]


UNSIGNED = mgc.BINARY | 0x08


@pytest.mark.parametrize(
    ("kind", "value", "more", "head", "expected"),
    [
        (mgc.BYTE, b"\x05", {"relation": b"<"}, b"\x04", True),
        (mgc.BYTE, b"\x05", {"relation": b"<"}, b"\x05", False),
        (mgc.BYTE, b"\x05", {"relation": b"<"}, b"\xff", True),  # minus one
        (mgc.BYTE, b"\x05", {"relation": b"<", "flag": UNSIGNED}, b"\xff", False),
        (mgc.BYTE, b"\x05", {"relation": b">"}, b"\xff", False),
        (mgc.BYTE, b"\x05", {"relation": b">", "flag": UNSIGNED}, b"\xff", True),
        (mgc.BYTE, b"\x00", {"relation": b"!"}, b"\x00", False),
        (mgc.BYTE, b"\x00", {"relation": b"!"}, b"\x01", True),
        (mgc.BYTE, b"\x00", {"relation": b"!"}, b"", True),
        (mgc.BYTE, b"\x00", {}, b"", False),
        (mgc.BYTE, b"\x81", {"relation": b"&"}, b"\xc1", True),
        (mgc.BYTE, b"\x41", {"relation": b"&"}, b"\x43", True),
        (mgc.BYTE, b"\x41", {"relation": b"^"}, b"\x43", False),
        (mgc.BESHORT, b"\x34\x12", {}, b"\x12\x34", True),
        (mgc.LESHORT, b"\x34\x12", {}, b"\x12\x34", False),
        (mgc.BELONG, b"\x00\x01\x00\x00", {"mask": b"\0\xff\0\0" + bytes(4)}, b"\x07\x08\x01\x09",
         True),
    ],
)  # fmt: skip
def test_a_number_is_compared(kind, value, more, head, expected):
    judge = judged(one(kind, value, **more))
    assert judge is not None
    assert judge(head) is expected


@pytest.mark.parametrize(
    ("kind", "value", "more"),
    [
        (mgc.BELONG, b"\x00\x01", {"operator": 2}),
        (mgc.LEQUAD, b"\x07", {}),
        (mgc.STRING, b"abc", {}),
        (mgc.BYTE, b"\x00", {"relation": b"x"}),
        (mgc.BYTE, b"\x00", {"flag": mgc.BINARY | mgc.OFFSET_ADD}),
    ],
)
def test_other_tests_are_let_pass(kind, value, more):
    assert judged(one(kind, value, **more)) is None


def test_a_jump_is_reached_through_the_tests_above_it():
    base = read(
        record(mgc.BYTE, b"\x01"),
        record(mgc.BYTE, b"\x02", level=1, offset=1),
        record(mgc.INDIRECT, b"", level=2, offset=9),
        record(mgc.BYTE, b"\x03", level=1, offset=1),
        record(mgc.BYTE, b"\x04", level=2, offset=2),
        record(mgc.USE, b"part\0", level=3),
        parts=[record(mgc.NAME, b"part\0"), record(mgc.INDIRECT, b"", level=1)],
    )
    way = ways(base, base.rules[0])
    assert reached(way, b"\x01\x02\x00")
    assert reached(way, b"\x01\x03\x04")
    assert not reached(way, b"\x01\x03\x05")
    assert not reached(way, b"\x02\x02\x04")


def test_a_silent_rule_has_an_effect_when_a_first_continuation_may_match():
    base = read(
        record(mgc.BYTE, b"\x00"),
        record(mgc.STRING, b"abc", level=1, offset=4),
        record(mgc.STRING, b"x", level=2, offset=9),
        record(mgc.BYTE, b"\x05", level=1, offset=1, relation=b">"),
    )
    effect = Effect(base.steps(base.rules[0]))
    assert effect.known
    assert effect.possible(b"\x00\x00\x00\x00abc")
    assert effect.possible(b"\x00\x06")
    assert not effect.possible(b"\x00\x05\x00\x00abd")


@pytest.mark.parametrize(
    "rules",
    [
        [record(mgc.BYTE, b"\0", says=b"something"), record(mgc.STRING, b"a", level=1)],
        [record(mgc.BYTE, b"\0", mime=b"a/b"), record(mgc.STRING, b"a", level=1)],
        [record(mgc.BYTE, b"\0"), record(mgc.STRING, b"a", level=1), record(13, b"b", level=1)],
    ],
)
def test_an_effect_that_cannot_be_told_is_said(rules):
    base = read(*rules)
    assert not Effect(base.steps(base.rules[0])).known
