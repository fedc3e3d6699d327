"""Inputs that rules of libmagic's database match or nearly match, and a database made by hand."""

from __future__ import annotations

import random
import struct

from evkit.inventory.types import compiled as mgc
from evkit.inventory.types.literals import NUMBERS

WORDS = b"Some words, 12 of them; class import <a href=\\begin{x} def x(): -- \t.text SiSU\n"


def record(
    kind, value, *, level=0, offset=0, flag=mgc.BINARY, relation=b"=", mask=bytes(8), **more
):
    """Return one record of version 18."""
    length = more.get("length", len(value))
    fields = struct.pack(
        "<HBBBBBBBBBBiiI8s128s64s80s8s64s",
        *(level, flag, 0, relation[0], length, kind, 0, 0, more.get("operator", 0), 0, 0),
        *(offset, 0, 1, mask, value),
        *(more.get("says", b""), more.get("mime", b""), b"", b""),
    )
    assert len(fields) == 376
    return fields


def database(rules, parts=()):
    """Return a compiled database of version 18 of records."""
    head = struct.pack("<IIII", 0xF11E041C, 18, len(rules), len(parts))
    return head.ljust(376, b"\0") + b"".join(rules) + b"".join(parts)


def put(base: bytes, offset: int, value: bytes) -> bytes:
    """Return an input with a value written into it."""
    made = bytearray(base.ljust(offset, b"\0"))
    made[offset : offset + len(value)] = value
    return bytes(made)


def inputs(steps, chance: random.Random):
    """Yield inputs that have what a rule compares with, in several surroundings."""
    rule = steps[0]
    offset = min(max(rule.offset, 0), 200_000)
    value = _bytes(rule)
    noise, zeros = chance.randbytes(offset + 300), bytes(offset + 300)
    text = (WORDS * (offset // len(WORDS) + 5))[: offset + 300]
    for base in (noise, zeros, text, b"\xff" * (offset + 64)):
        yield put(base, offset, value)
    yield put(text, offset, value)[: offset + len(value)]
    yield put(zeros, offset, value)[: offset + len(value) - 1]
    deep = put(chance.choice((noise, zeros)), offset, value)
    for step in steps[1:6]:
        if 0 <= step.offset < 5000 and (step.kind in NUMBERS or step.kind == mgc.STRING):
            deep = put(deep, step.offset, _bytes(step))
    yield deep


def _bytes(rule) -> bytes:
    if rule.kind not in NUMBERS:
        return rule.value
    width, order = NUMBERS[rule.kind]
    return rule.value[:width][:: -1 if order == "big" else 1]
