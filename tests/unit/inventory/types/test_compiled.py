"""libmagic's compiled database: taken apart, put together, damaged."""

from __future__ import annotations

import random

import pytest
from magicfile import database, record

from evkit.core.errors import InputError
from evkit.inventory.types import compiled as mgc
from evkit.inventory.types.compiled import Database

RULES = [
    record(mgc.STRING, b"MZ", says=b"a program"),
    record(mgc.USE, b"part\0", level=1, offset=60),
    record(mgc.BELONG, b"\x01\x02\x03\x04", offset=8),
    record(mgc.INDIRECT, b"", level=1, offset=16),
    record(mgc.STRING, b"PK", mime=b"application/zip"),
]
PARTS = [
    record(mgc.NAME, b"part\0"),
    record(mgc.USE, b"^deep\0", level=1),
    record(mgc.NAME, b"deep\0"),
    record(mgc.INDIRECT, b"", level=1, offset=4),
    record(mgc.NAME, b"unused\0"),
]


def test_a_database_is_taken_apart():
    base = Database.read(database(RULES, PARTS))
    assert [rule.value for rule in base.rules] == [b"MZ", b"\x01\x02\x03\x04\0\0\0\0", b"PK"]
    assert [rule.offset for rule in base.rules] == [0, 8, 0]
    assert [rule.silent for rule in base.rules] == [False, True, False]
    assert base.rules[0].uses == {b"part"}
    assert set(base.parts) == {b"part", b"deep", b"unused"}


def test_a_jump_is_seen_through_named_parts():
    base = Database.read(database(RULES, PARTS))
    assert [base.jumps(rule) for rule in base.rules] == [True, True, False]


def test_a_smaller_database_holds_the_rules_in_order_and_what_they_use():
    base = Database.read(database(RULES, PARTS))
    small = Database.read(base.write([base.rules[0], base.rules[2]]))
    assert [rule.records for rule in small.rules] == [base.rules[0].records, base.rules[2].records]
    assert set(small.parts) == {b"part", b"deep"}
    assert Database.read(base.write([base.rules[2]])).parts == {}


def test_the_steps_of_a_rule_are_its_records():
    base = Database.read(database(RULES, PARTS))
    assert [(step.level, step.kind) for step in base.steps(base.rules[0])] == [
        (0, mgc.STRING),
        (1, mgc.USE),
    ]


def test_of_two_parts_with_a_name_the_first_counts():
    twice = [record(mgc.NAME, b"part\0", offset=1), record(mgc.NAME, b"part\0", offset=2)]
    assert Database.read(database(RULES, twice)).parts[b"part"].offset == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a compiled database"),
        (b"\x1c\x04\x1e\xf1", "not a compiled database"),
        (bytes(376), "not a compiled database"),
        (database(RULES).replace(b"\x12", b"\x13", 1), "unknown version, 19"),
        (database(RULES)[:-1], "records missing"),
        (database(RULES) + bytes(376), "records missing"),
        (database([record(mgc.STRING, b"x", level=1)]), "begins inside a rule"),
    ],
)
def test_what_is_no_database_is_said(data, says):
    with pytest.raises(InputError, match=says):
        Database.read(data)


def test_a_damaged_database_is_read_or_refused():
    chance = random.Random(5)
    whole = database(RULES, PARTS)
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            base = Database.read(bytes(data))
        except InputError:
            continue
        for rule in base.rules:
            base.steps(rule)
            base.jumps(rule)
        assert Database.read(base.write(base.rules)).rules == base.rules
