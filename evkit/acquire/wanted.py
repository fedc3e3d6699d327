r"""The list of a targeted acquisition: which paths and patterns are wanted below a folder.

Lines are patterns: `*` and `?` within a name, `[abc]`, and `**` for any folders; `\` takes the
next sign as it is; `#` begins a comment. A list with NUL bytes holds exact paths and nothing else.
Names are bytes and compared exactly. `docs/spec/targeted.md`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from evkit.core.errors import InputError
from evkit.core.text import escape_bytes

MAX_LIST: Final = 256 << 20
MAX_ITEM: Final = 32768  # bytes of one item
MAX_ITEMS: Final = 2_000_000
MAX_PATTERNS: Final = 20_000  # of them patterns; exact paths cost less
MAX_DEEP: Final = 8  # `**` in one pattern
DEEP: Final = re.compile(b"/")  # stands for `**`; no name holds a slash
_BOM: Final = b"\xef\xbb\xbf"
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that is wanted.

    Attributes:
        number: from 1, in the order of the list.
        text: as it stands in the list.
        parts: one for each name: exact bytes, a compiled pattern, or `DEEP` for `**`.
    """

    number: int
    text: bytes
    parts: tuple[bytes | re.Pattern[bytes], ...]

    @property
    def is_exact(self) -> bool:
        """Whether it names one path."""
        return all(isinstance(part, bytes) for part in self.parts)


@dataclass(kw_only=True)
class Node:
    """A place in the tree of all items: what may come next, and which items end here."""

    exact: dict[bytes, Node] = field(default_factory=dict)
    patterns: dict[bytes, tuple[re.Pattern[bytes], Node]] = field(default_factory=dict)
    deep: Node | None = None
    ends: list[int] = field(default_factory=list)
    passes: bool = False  # reached by `**`: it stays where it is for every folder below


def parse(data: bytes) -> list[Item]:
    """Return the items of a list.

    Raises:
        InputError: a line is malformed, leaves the folder, or there are too many; names the line.
    """
    if data.startswith(_WIDE):
        raise InputError(
            "the list of files is UTF-16 text", hint="save it as UTF-8, one path on a line"
        )
    if b"\x00" in data:
        return _checked([_exact(raw, n) for n, raw in _numbered(data.split(b"\x00")) if raw])
    found = []
    for number, line in _numbered(data.removeprefix(_BOM).split(b"\n")):
        text = line.removesuffix(b"\r")
        if text and not text.startswith(b"#"):
            found.append(_pattern(text, number))
    return _checked(found)


def tree_of(items: list[Item]) -> Node:
    """Return all items as one tree, so that a folder is looked at once for all of them."""
    top = Node()
    for item in items:
        node = top
        for part in item.parts:
            node = _next(node, part)
        node.ends.append(item.number)
    return top


def _next(node: Node, part: bytes | re.Pattern[bytes]) -> Node:
    if part is DEEP:
        if node.deep is None:
            node.deep = Node(passes=True)
        return node.deep
    if isinstance(part, bytes):
        return node.exact.setdefault(part, Node())
    return node.patterns.setdefault(part.pattern, (part, Node()))[1]


def opened(nodes: list[Node]) -> list[Node]:
    """Return the nodes with those behind their `**`, which may stand for no folder at all."""
    found: dict[int, Node] = {}
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if id(node) not in found:
            found[id(node)] = node
            waiting += [node.deep] if node.deep is not None else []
    return list(found.values())


def step(nodes: list[Node], name: bytes) -> list[Node]:
    """Return where the nodes are after one more name; the nodes are `opened` ones."""
    found: list[Node] = []
    for node in nodes:
        if node.passes:
            found.append(node)
        after = node.exact.get(name)
        if after is not None:
            found.append(after)
        found += [child for test, child in node.patterns.values() if test.fullmatch(name)]
    return opened(found)


def exact_only(nodes: list[Node]) -> list[bytes] | None:
    """Return the only names that can come next, None when the folder must be listed."""
    if any(node.passes or node.patterns for node in nodes):
        return None
    return sorted({name for node in nodes for name in node.exact})


def _numbered(parts: list[bytes]) -> list[tuple[int, bytes]]:
    for number, part in enumerate(parts, 1):
        if len(part) > MAX_ITEM:
            raise InputError(f"item {number} of the list of files has over {MAX_ITEM} bytes")
    return list(enumerate(parts, 1))


def _checked(found: list[tuple[bytes, tuple[bytes | re.Pattern[bytes], ...]]]) -> list[Item]:
    items = [Item(number=n, text=text, parts=parts) for n, (text, parts) in enumerate(found, 1)]
    if not items:
        raise InputError("the list of files names nothing", hint="one path or pattern on a line")
    patterns = sum(not item.is_exact for item in items)
    if len(items) > MAX_ITEMS or patterns > MAX_PATTERNS:
        raise InputError(
            f"the list of files has {len(items)} items, {patterns} of them patterns",
            hint=f"at most {MAX_ITEMS} items and {MAX_PATTERNS} patterns; name folders instead",
        )
    return items


def _exact(raw: bytes, number: int) -> tuple[bytes, tuple[bytes, ...]]:
    parts = tuple(part for part in raw.split(b"/") if part not in (b"", b"."))
    _inside(parts, raw, number)
    return raw, parts


def _pattern(text: bytes, number: int) -> tuple[bytes, tuple[bytes | re.Pattern[bytes], ...]]:
    parts = tuple(part for part in text.split(b"/") if part not in (b"", b"."))
    read: list[bytes | re.Pattern[bytes]] = []
    for part in parts:
        if part == b"**":
            if not (read and read[-1] is DEEP):
                read.append(DEEP)
        else:
            read.append(_part(part, number))
    _inside(tuple(part for part in read if isinstance(part, bytes)), text, number)
    if sum(part is DEEP for part in read) > MAX_DEEP:
        raise InputError(f"item {number} of the list of files has over {MAX_DEEP} times `**`")
    return text, tuple(read)


def _inside(parts: tuple[bytes, ...], text: bytes, number: int) -> None:
    if b".." in parts:
        raise InputError(
            f"item {number} of the list of files leaves the folder: `{escape_bytes(text)}`",
            hint="paths are relative to the folder that is acquired; `..` is not taken",
        )


def _part(part: bytes, number: int) -> bytes | re.Pattern[bytes]:
    """Read one name: exact bytes, or a pattern where a sign of patterns stands unescaped."""
    plain, pieces, at = bytearray(), [b""], 0  # regular expressions between the stars
    is_pattern = False
    while at < len(part):
        sign = part[at : at + 1]
        at += 1
        is_pattern = is_pattern or sign in (b"*", b"?", b"[")
        if sign == b"*":
            pieces += [b""] if pieces[-1] or len(pieces) == 1 else []
        elif sign == b"?":
            pieces[-1] += b"."
        elif sign == b"[":
            found, at = _class(part, at, number)
            pieces[-1] += found
        else:
            if sign == b"\\":
                sign, at = _escaped(part, at, number), at + 1
            plain += sign
            pieces[-1] += re.escape(sign)
    return re.compile(_joined(pieces), re.DOTALL) if is_pattern else bytes(plain)


def _joined(pieces: list[bytes]) -> bytes:
    """Join what stands between stars; atomic, so that no name can make the match slow."""
    if len(pieces) == 1:
        return pieces[0]
    first, *middle, last = pieces
    return first + b"".join(b"(?>.*?%b)" % piece for piece in middle) + b".*" + last


def _escaped(part: bytes, at: int, number: int) -> bytes:
    sign = part[at : at + 1]
    if sign and sign in b"\\#*?[]! ":
        return sign
    raise InputError(
        f"item {number} of the list of files has a `\\` that escapes nothing",
        hint="write / between folders, and \\\\ for a backslash in a name",
    )


def _class(part: bytes, at: int, number: int) -> tuple[bytes, int]:
    """Read `[…]` from behind its bracket; return a regular expression and where it ends."""
    negated = part[at : at + 1] in (b"!", b"^")
    at += negated
    end = part.find(b"]", at + 1)  # a `]` that comes first is one of the signs
    if end < 0:
        raise InputError(
            f"item {number} of the list of files has a `[` without its `]`",
            hint="write \\[ for a bracket in a name",
        )
    members: set[int] = set()
    inside = part[at:end]
    place = 0
    while place < len(inside):
        first = inside[place]
        if inside[place + 1 : place + 2] == b"-" and place + 2 < len(inside):
            members.update(range(first, inside[place + 2] + 1))
            place += 3
        else:
            members.add(first)
            place += 1
    body = b"".join(b"\\x%02x" % value for value in sorted(members)) or b""
    if not body:
        raise InputError(f"item {number} of the list of files has an empty range in `[…]`")
    return b"[" + (b"^" if negated else b"") + body + b"]", end + 1
