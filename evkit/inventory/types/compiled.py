"""The compiled database of libmagic (`magic.mgc`): rules taken out of it, and a smaller one made.

A file is records of one size: a header (magic number, version, count of rule records, count of
records of named parts), the rules in the order in which they are tried, and the named parts. A
record of level 0 begins a rule; those of higher levels go on with it. Source: `struct magic` in
libmagic's `file.h`, of 5.41 to 5.45 (versions 16 and 18) and 5.46 to 5.48 (20 and 21).
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from evkit.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Kinds of a test that this package knows.
BYTE, SHORT, LONG, STRING = 1, 2, 4, 5
BESHORT, BELONG, LESHORT, LELONG = 7, 8, 10, 11
REGEX, SEARCH, QUAD, LEQUAD, BEQUAD = 17, 20, 24, 25, 26
INDIRECT, NAME, USE = 41, 45, 46

# Bits of a rule's flag.
INDIRECT_OFFSET, OFFSET_ADD, INDIRECT_ADD = 0x01, 0x02, 0x04
BINARY, TEXT, FROM_END, FROM_START = 0x20, 0x40, 0x80, 0x100

_NUMBER = 0xF11E041C
_COUNTS = struct.Struct("<II")
_DESCRIPTION, _MIME = 160, 224  # where they stand in a record, ended by a zero


class _Layout(NamedTuple):
    """How records of a version begin; behind that they are alike."""

    size: int
    level: int  # which of the first fields says how deep the record is
    flag: int

    @property
    def pattern(self) -> str:
        # relation, length, kind, 2 left out, operator, 2 left out, offset, 8 left out, mask, value
        fields = "<HBBBBBxxBxxi8x8s128s"
        return f"{fields}{self.size - struct.calcsize(fields)}x"


_OLD, _NEW = _Layout(376, 0, 1), _Layout(432, 1, 0)
_LAYOUTS = {16: _OLD, 18: _OLD, 20: _NEW, 21: _NEW}


@dataclass(frozen=True, slots=True)
class Rule:
    """A test of level 0 with all that hangs on it.

    Attributes:
        records: its bytes, with those of its continuations.
        flag: for which kind of input it is tried and how its offset is meant.
        relation: `=` or another comparison, as a byte.
        kind: of the test (`STRING`, `BELONG` …).
        operator: what is done with the mask before comparing.
        offset: of the test, in bytes from the start.
        mask: the 8 bytes that are a mask, or a range and options (32-bit each).
        value: what is compared with, without padding for strings, 8 bytes for numbers.
        uses: names of the parts that it uses.
        jumps: it judges other places of the input by all the rules again.
        level: 0, or how deep a continuation is.
    """

    records: bytes
    flag: int
    relation: bytes
    kind: int
    operator: int
    offset: int
    mask: bytes
    value: bytes
    uses: frozenset[bytes]
    jumps: bool
    level: int = 0

    @property
    def span(self) -> int:
        """How many bytes or lines a search or a regular expression looks at; 0 for all."""
        return int.from_bytes(self.mask[:4], "little")

    @property
    def silent(self) -> bool:
        """Whether a match says nothing by itself: no description and no MIME type."""
        return self.records[_DESCRIPTION] == 0 and self.records[_MIME] == 0

    @property
    def options(self) -> int:
        """The letters behind the slash of a string, search or regular expression, as bits."""
        return int.from_bytes(self.mask[4:], "little")


@dataclass(frozen=True)
class Database:
    """A compiled database.

    Attributes:
        header: its first record.
        rules: in the order in which libmagic tries them.
        parts: the named ones.
    """

    header: bytes
    rules: tuple[Rule, ...]
    parts: dict[bytes, Rule]

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Take a compiled database apart.

        Raises:
            InputError: it is not one, of an unknown version, or cut off.
        """
        if sys.byteorder != "little" or len(data) < 16 or _COUNTS.unpack_from(data)[0] != _NUMBER:  # noqa: PLR2004
            raise InputError("not a compiled database of libmagic")
        version = _COUNTS.unpack_from(data)[1]
        layout = _LAYOUTS.get(version)
        if layout is None:
            raise InputError(f"a compiled database of an unknown version, {version}")
        size, counts = layout.size, _COUNTS.unpack_from(data, 8)
        if len(data) != size * (1 + sum(counts)):
            raise InputError("a compiled database with records missing")
        body = memoryview(data)[size:]
        parts = _rules(body[counts[0] * size :], layout)
        return cls(
            data[:size],
            tuple(_rules(body[: counts[0] * size], layout)),
            _first(part for part in parts if part.kind == NAME),
        )

    def write(self, rules: Iterable[Rule]) -> bytes:
        """Make a database of some of the rules, with the named parts that they use."""
        kept = list(rules)
        wanted = self._closure(kept)
        parts = [part for name, part in self.parts.items() if name in wanted]
        first = b"".join(rule.records for rule in kept)
        second = b"".join(part.records for part in parts)
        size = len(self.header)
        head = self.header[:8] + _COUNTS.pack(len(first) // size, len(second) // size)
        return head + self.header[16:] + first + second

    def jumps(self, rule: Rule) -> bool:
        """Say whether a rule, or a part that it uses, judges other places by all the rules."""
        return rule.jumps or any(self.parts[name].jumps for name in self._closure([rule]))

    def steps(self, rule: Rule) -> list[Rule]:
        """Return the records of a rule one by one, itself first."""
        layout = _LAYOUTS[_COUNTS.unpack_from(self.header)[1]]
        rows = list(struct.Struct(layout.pattern).iter_unpack(rule.records))
        size = layout.size
        return [
            _rule(rule.records[number * size : (number + 1) * size], [row], layout)
            for number, row in enumerate(rows)
        ]

    def _closure(self, rules: Iterable[Rule]) -> set[bytes]:
        found: set[bytes] = set()
        waiting = {name for rule in rules for name in rule.uses}
        while waiting:
            name = waiting.pop()
            if name in self.parts and name not in found:
                found.add(name)
                waiting |= self.parts[name].uses
        return found


def _rules(body: memoryview, layout: _Layout) -> list[Rule]:
    rows = list(struct.Struct(layout.pattern).iter_unpack(body))
    starts = [number for number, row in enumerate(rows) if row[layout.level] == 0]
    if not rows:
        return []
    if not starts or starts[0] != 0:
        raise InputError("a compiled database that begins inside a rule")
    ends = [*starts[1:], len(rows)]
    size = layout.size
    return [
        _rule(bytes(body[start * size : end * size]), rows[start:end], layout)
        for start, end in zip(starts, ends, strict=True)
    ]


def _rule(records: bytes, rows: list[tuple[Any, ...]], layout: _Layout) -> Rule:
    top = rows[0]
    relation, length, kind, operator, offset, mask, value = top[3:]
    return Rule(
        records=records,
        flag=top[layout.flag],
        relation=bytes([relation]),
        kind=kind,
        operator=operator,
        offset=offset,
        mask=mask,
        value=_value(kind, length, value),
        uses=frozenset(_name(row[-1]) for row in rows if row[5] == USE),
        jumps=any(row[5] == INDIRECT for row in rows),
        level=top[layout.level],
    )


def _value(kind: int, length: int, value: bytes) -> bytes:
    if kind in {REGEX, NAME}:
        return _name(value) if kind == NAME else value.split(b"\0")[0]
    return value[:length] if kind in {STRING, SEARCH} else value[:8]


def _name(value: bytes) -> bytes:
    return value.split(b"\0")[0].lstrip(b"^")


def _first(parts: Iterable[Rule]) -> dict[bytes, Rule]:
    found: dict[bytes, Rule] = {}
    for part in parts:
        found.setdefault(part.value, part)  # libmagic takes the first of a name
    return found
