"""What a rule needs of an input: told for strings, numbers, searches and regular expressions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from magicfile import database, record

from evkit.inventory.types import compiled as mgc
from evkit.inventory.types.compiled import Database
from evkit.inventory.types.literals import Key, Runs, needed


def need(kind, value, **more):
    (rule,) = Database.read(database([record(kind, value, **more)])).rules
    return needed(rule)


def mask(span=0, options=0):
    return span.to_bytes(4, "little") + options.to_bytes(4, "little")


def runs(*words, limit=8192, ignore=False):
    return Runs(tuple(frozenset([word]) for word in words), limit, ignore)


@pytest.mark.parametrize(
    ("kind", "value", "more", "expected"),
    [
        (mgc.STRING, b"PK\x03\x04", {}, Key((0,), b"PK\x03\x04")),
        (mgc.STRING, b"a\0b", {"offset": 7}, Key((7,), b"a\0b")),
        (mgc.STRING, b"#! /bin/sh", {"mask": mask(options=1)}, Key((0,), b"#!")),
        (mgc.STRING, b"<Html", {"mask": mask(options=4)}, Key((0,), b"<")),
        (mgc.STRING, b"html", {"mask": mask(options=4)}, None),
        (mgc.STRING, b"x", {"relation": b">"}, None),
        (mgc.STRING, b"x", {"flag": mgc.BINARY | mgc.INDIRECT_OFFSET}, None),
        (mgc.STRING, b"x", {"flag": mgc.BINARY | mgc.FROM_END}, None),
        (mgc.BELONG, b"\x04\x03\x02\x01", {}, Key((0,), b"\x01\x02\x03\x04")),
        (mgc.LELONG, b"\x04\x03\x02\x01", {"offset": 2}, Key((2,), b"\x04\x03\x02\x01")),
        (mgc.LELONG, bytes(4), {}, Key((0,), bytes(4))),
        (mgc.BELONG, b"\x00\xff\xd8\xff", {"mask": b"\0\xff\xff\xff" + bytes(4)},
         Key((0,), b"\xff\xd8\xff")),
        (mgc.LELONG, b"\x50\x2a\x4d\x18", {"mask": b"\xf0\xff\xff\xff" + bytes(4)},
         Key((1,), b"\x2a\x4d\x18")),
        (mgc.BELONG, b"\x01\0\0\0", {"mask": b"\x0f" + bytes(7)}, None),
        (mgc.BELONG, b"\x01\0\0\0", {"operator": 0x40}, None),
        (mgc.LEQUAD, b"\x01\x02" + bytes(6), {}, Key((0,), b"\x01\x02")),
        (mgc.LEQUAD, bytes(8), {}, None),
        (mgc.BYTE, b"\x80", {"offset": 3}, Key((3,), b"\x80")),
        (mgc.SEARCH, b"abc", {"mask": mask(16), "offset": 4}, runs(b"abc", limit=23)),
        (mgc.SEARCH, b"abc", {"mask": mask(1)}, Key((0, 1), b"abc")),
        (mgc.SEARCH, b"<Title ", {"mask": mask(16, 5)}, runs(b"<title", limit=0, ignore=True)),
        (mgc.REGEX, b"^import.*;$", {}, runs(b"import", b";")),
        (mgc.REGEX, b"(a|b)c", {}, Runs((frozenset([b"a", b"b"]), frozenset([b"c"])), 8192)),
        (mgc.REGEX, b"(a|b?)c", {}, runs(b"c")),
        (mgc.REGEX, b"a|b", {}, None),
        (mgc.REGEX, b"x(ab+c){2,}y*z", {}, runs(b"x", b"ab", b"c", b"z")),
        (mgc.REGEX, b"x(ab){0,2}", {}, runs(b"x")),
        (mgc.REGEX, b"a{1}", {}, runs(b"a")),
        (mgc.REGEX, b"[{]\\.[^x][]a]b", {}, runs(b"{.", b"b")),
        (mgc.REGEX, b"[[:space:]]x", {}, runs(b"x")),
        (mgc.REGEX, b"\\<if\\>", {}, runs(b"if")),
        (mgc.REGEX, b"[ab", {}, None),
        (mgc.REGEX, b"(ab", {}, None),
        (mgc.REGEX, b"ab)", {}, None),
        (mgc.REGEX, b"a{x", {}, None),
        (mgc.REGEX, b"[0-9]+", {}, None),
        (13, b"pascal", {}, None),
    ],
)  # fmt: skip
def test_what_is_needed(kind, value, more, expected):
    assert need(kind, value, **more) == expected


def test_a_need_is_looked_for():
    assert Key((0, 2), b"ab").there(b"xxab")
    assert not Key((0, 2), b"ab").there(b"xab")
    assert Runs((frozenset([b"a", b"b"]), frozenset([b"c"])), 0).there(b"xxbxc")
    assert not Runs((frozenset([b"a", b"b"]), frozenset([b"c"])), 4).there(b"xxbxc")
    assert Runs((frozenset([b"title"]),), 0, ignore=True).there(b"<TITLE>")


LITERAL = st.sampled_from("abAB01 .(").map(
    lambda c: ((f"\\{c}" if c in ".(" else c).encode(), c.encode())
)
CLASS = st.sampled_from([(b"[a-c]", b"b"), (b"[^x]", b"q"), (b".", b"z"), (b"[{]", b"{")])


def _joined(parts):
    return b"".join(p[0] for p in parts), b"".join(p[1] for p in parts)


def _repeated(draw):
    (pattern, text), times = draw
    mark, count = times
    return b"(" + pattern + b")" + mark, text * count


def _either(draw):
    first, second, left = draw
    return b"(" + first[0] + b"|" + second[0] + b")", (first if left else second)[1]


TIMES = st.sampled_from(
    [(b"*", 0), (b"*", 2), (b"+", 1), (b"+", 3), (b"?", 0), (b"?", 1), (b"{2}", 2), (b"{0,3}", 0),
     (b"{1,}", 2)]
)  # fmt: skip
EXPRESSION = st.recursive(
    LITERAL | CLASS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4).map(_joined)
        | st.tuples(inner, TIMES).map(_repeated)
        | st.tuples(inner, inner, st.booleans()).map(_either)
    ),
    max_leaves=12,
)


@given(EXPRESSION, st.sampled_from([0, 4]))
def test_what_a_regular_expression_matches_has_what_it_needs(made, options):
    pattern, text = made
    if len(pattern) > 120:
        return
    found = need(mgc.REGEX, pattern, mask=mask(options=options))
    if options:
        text = text.swapcase()
    assert found is None or found.there(b"before" + text + b"behind")
