"""What bytes an input must hold for a rule of libmagic to match it: necessary, not sufficient.

A rule that needs bytes which are not there cannot match, and leaving it out changes no answer.
Where this module cannot tell, it says that nothing is needed. Source: `mget`, `magiccheck` and
`file_strncmp` in libmagic's `softmagic.c`; regular expressions are POSIX extended ones.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Literal, NamedTuple

from evkit.inventory.types import compiled as mgc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.inventory.types.compiled import Rule

PLACED = mgc.INDIRECT_OFFSET | mgc.OFFSET_ADD | mgc.INDIRECT_ADD | mgc.FROM_END
_COMPACT, _OPTIONAL, _LOWER, _UPPER = 0x01, 0x02, 0x04, 0x08
_IGNORE = _LOWER | _UPPER
_REGEX_MOST = 8192  # libmagic's own limit for regular expressions
_LETTERS = frozenset(string.ascii_letters.encode())
_SPACE = frozenset(string.whitespace.encode())
NUMBERS: dict[int, tuple[int, Literal["little", "big"]]] = {
    mgc.BYTE: (1, "little"),
    mgc.SHORT: (2, "little"),
    mgc.LESHORT: (2, "little"),
    mgc.BESHORT: (2, "big"),
    mgc.LONG: (4, "little"),
    mgc.LELONG: (4, "little"),
    mgc.BELONG: (4, "big"),
    mgc.QUAD: (8, "little"),
    mgc.LEQUAD: (8, "little"),
    mgc.BEQUAD: (8, "big"),
}
QUADS = frozenset((mgc.QUAD, mgc.LEQUAD, mgc.BEQUAD))


class Key(NamedTuple):
    """Bytes that must stand at one of some places."""

    offsets: tuple[int, ...]
    value: bytes

    def there(self, head: bytes) -> bool:
        """Say whether an input has them."""
        return any(head.startswith(self.value, offset) for offset in self.offsets)


class Runs(NamedTuple):
    """Strings of which one of each set must stand somewhere before `limit`; 0 is no limit.

    With `ignore` they are lower-case and stand there in any case.
    """

    sets: tuple[frozenset[bytes], ...]
    limit: int
    ignore: bool = False

    def there(self, head: bytes) -> bool:
        """Say whether an input has them."""
        window = head[: self.limit] if self.limit else head
        if self.ignore:
            window = window.lower()
        return all(any(value in window for value in values) for values in self.sets)


def needed(rule: Rule) -> Key | Runs | None:
    """Return what a rule needs; None when nothing is known."""
    if rule.relation != b"=" or rule.flag & PLACED or rule.offset < 0:
        return None
    if rule.kind in NUMBERS:
        return _number(rule)
    if rule.kind == mgc.STRING:
        value = _literal(rule.value, rule.options)
        return Key((rule.offset,), value) if value else None
    if rule.kind == mgc.SEARCH:
        return _search(rule)
    if rule.kind == mgc.REGEX:
        return _regex(rule)
    return None


def _number(rule: Rule) -> Key | None:
    """Return the bytes of a number that its mask leaves whole, the longest run of them."""
    width, order = NUMBERS[rule.kind]
    mask = rule.mask[:width] if any(rule.mask) else b"\xff" * width
    if rule.operator != 0:  # another operator than `&`, or the number is inverted
        return None
    value = rule.value[:width]
    if order == "big":
        mask, value = mask[::-1], value[::-1]
    whole = max(re.finditer(rb"\xff+", mask), key=lambda found: len(found[0]), default=None)
    if whole is None:
        return None
    key = value[whole.start() : whole.end()]
    if rule.kind in QUADS:  # behind the end of the input libmagic compares with zeros
        key = key.rstrip(b"\0")
    return Key((rule.offset + whole.start(),), key) if key else None


def _search(rule: Rule) -> Key | Runs | None:
    value = _literal(rule.value, rule.options)
    if rule.span == 1:  # without options libmagic looks at two places
        return Key((rule.offset, rule.offset + 1), value) if value else None
    pieces = _pieces(rule.value, rule.options & ~_IGNORE)
    limit = rule.offset + rule.span + len(rule.value) if rule.span else 0
    if rule.options & (_COMPACT | _OPTIONAL):
        limit = 0  # white space in the input may be longer than in the rule
    return _runs([frozenset([piece]) for piece in pieces], limit, rule)


def _regex(rule: Rule) -> Runs | None:
    try:
        sets = _Expression(rule.value).sets()
    except ValueError:
        return None
    return _runs(sets, rule.offset + _REGEX_MOST, rule)


def _runs(sets: Sequence[frozenset[bytes]], limit: int, rule: Rule) -> Runs | None:
    ignore = bool(rule.options & _IGNORE)
    if ignore:
        sets = [frozenset(value.lower() for value in values) for values in sets]
    return Runs(tuple(sets), limit, ignore) if sets else None


def _pieces(value: bytes, options: int) -> list[bytes]:
    """Cut a string where its options let the input differ from it."""
    broken: frozenset[int] = frozenset()
    if options & _IGNORE:
        broken |= _LETTERS
    if options & (_COMPACT | _OPTIONAL):
        broken |= _SPACE
    pieces, piece = [], bytearray()
    for byte in value:
        if byte in broken:
            pieces.append(bytes(piece))
            piece.clear()
        else:
            piece.append(byte)
    pieces.append(bytes(piece))
    return [found for found in pieces if found]


def _literal(value: bytes, options: int) -> bytes:
    """Return the start of a string that the input must have as it is."""
    first = _pieces(value, options)[:1]
    return first[0] if first and value.startswith(first[0]) else b""


class _Expression:
    """A POSIX extended regular expression, read only as far as needed to find what it demands."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0

    def sets(self) -> list[frozenset[bytes]]:
        """Return sets of strings; each match holds one of each. ValueError: that is unknown."""
        found = self._branch()
        if self._at != len(self._text):
            raise ValueError("alternatives")
        return found

    def _branch(self) -> list[frozenset[bytes]]:
        found: list[frozenset[bytes]] = []
        run = bytearray()
        while self._at < len(self._text) and self._peek() not in b"|)":
            literal, inner = self._atom()
            least, once = self._times()
            if literal is not None and least:
                run += literal
                if once:
                    continue
            if run:
                found.append(frozenset([bytes(run)]))
                run.clear()
            if least:
                found += inner
        if run:
            found.append(frozenset([bytes(run)]))
        return found

    def _peek(self) -> bytes:
        return self._text[self._at : self._at + 1]

    def _take(self) -> bytes:
        if self._at >= len(self._text):
            raise ValueError("it ends too early")
        self._at += 1
        return self._text[self._at - 1 : self._at]

    def _atom(self) -> tuple[bytes | None, list[frozenset[bytes]]]:
        byte = self._take()
        if byte == b"(":
            return None, self._group()
        if byte == b"[":
            return self._bracket(), []
        if byte == b"\\":
            escaped = self._take()
            return (None if escaped.isalnum() or escaped in b"<>`'" else escaped), []
        return (None if byte in b".^$*+?{" else byte), []

    def _group(self) -> list[frozenset[bytes]]:
        branches = [self._branch()]
        while self._peek() == b"|":
            self._take()
            branches.append(self._branch())
        if self._take() != b")":
            raise ValueError("an open group")
        if len(branches) == 1:
            return branches[0]
        if not all(branches):
            return []
        longest = (max(branch, key=lambda values: min(map(len, values))) for branch in branches)
        return [frozenset().union(*longest)]

    def _bracket(self) -> bytes | None:
        start = self._at
        if self._peek() == b"^":
            self._take()
        if self._peek() == b"]":
            self._take()
        while (byte := self._take()) != b"]":
            if byte == b"[" and self._peek() in {b":", b".", b"="}:
                kind = self._take()
                end = self._text.find(kind + b"]", self._at)
                if end < 0:
                    raise ValueError("an open class")
                self._at = end + 2
        inside = self._text[start : self._at - 1]
        return inside if len(inside) == 1 and inside != b"^" else None

    def _times(self) -> tuple[int, bool]:
        """Return how often at least, and whether exactly once."""
        byte = self._peek()
        if not byte or byte not in b"*+?{":
            return 1, True
        self._take()
        if byte == b"{":
            end = self._text.find(b"}", self._at)
            counts = re.fullmatch(rb"(\d+)(,\d*)?", self._text[self._at : end])
            if end < 0 or counts is None:
                raise ValueError("a count")
            self._at = end + 1
            least = int(counts[1])
        else:
            least = int(byte == b"+")
        self._times()  # a second one, as in `a**`, makes it no stricter
        return least, False
