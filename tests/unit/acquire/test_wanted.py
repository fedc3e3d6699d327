"""The list of a targeted acquisition: its lines, its patterns, what is refused."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evkit.acquire import wanted
from evkit.core.errors import InputError


def texts(data):
    return [item.text for item in wanted.parse(data)]


def matches(pattern, path):
    """Say whether a pattern names this path itself."""
    nodes = wanted.opened([wanted.tree_of(wanted.parse(pattern))])
    for name in path.split(b"/"):
        nodes = wanted.step(nodes, name)
    return any(node.ends for node in nodes)


def test_lines():
    assert texts(b"a\n\n# no\n b \nc\r\n\xef\xbb\xbfd") == [b"a", b" b ", b"c", b"\xef\xbb\xbfd"]
    assert texts(b"\xef\xbb\xbfa\n") == [b"a"]
    assert texts(b"/a//b/./c/\n") == [b"/a//b/./c/"]
    assert wanted.parse(b"/a//b/./c/\n")[0].parts == (b"a", b"b", b"c")
    assert [item.number for item in wanted.parse(b"#\na\n#\nb\n")] == [1, 2]


def test_nul_separated_items_are_exact():
    items = wanted.parse(b"#a\x00*\nb\x00[\\\x00")
    assert [item.parts for item in items] == [(b"#a",), (b"*\nb",), (b"[\\",)]
    assert all(item.is_exact for item in items)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        (b"a", b"a", True),
        (b"a", b"a/b", False),
        (b"*.db", b"x.db", True),
        (b"*.db", b".db", True),
        (b"*.db", b"d/x.db", False),
        (b"?", b"\xff", True),
        (b"?", b"ab", False),
        (b"[a-c]x", b"bx", True),
        (b"[!a-c]x", b"bx", False),
        (b"[^a]x", b"bx", True),
        (b"[]]", b"]", True),
        (b"[a-]", b"-", True),
        (b"[.]", b"x", False),
        (b"\\*", b"*", True),
        (b"\\*", b"x", False),
        (b"\\#x", b"#x", True),
        (b"a\\\\b", b"a\\b", True),
        (b"\\**", b"*x", True),
        (b"**", b"a/b/c", True),
        (b"**/x", b"x", True),
        (b"**/x", b"a/b/x", True),
        (b"a/**", b"a", True),
        (b"a/**/b", b"a/b", True),
        (b"a/**/b", b"a/x/y/b", True),
        (b"a/**/b", b"a/x", False),
        (b"**/**/b", b"b", True),
        (b"a/*/b", b"a/b", False),
        (b"***", b"abc", True),
        (b"a.b", b"axb", False),
        (b"A", b"a", False),
        (b"*\n", b"a", True),
        (b"n?w", b"n\nw", True),
    ],
)
def test_patterns(pattern, path, expected):
    assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    "line",
    [b"..", b"a/../b", b"a[", b"a[]", b"[!]", b"[z-a]", b"a\\", b"Users\\bob", b"a/\\", b"",
     b"x" * 40_000, b"/".join([b"**", b"a"] * 9)],
)  # fmt: skip
def test_lines_that_are_refused(line):
    with pytest.raises(InputError):
        wanted.parse(line + b"\n")


def test_dots_in_nul_lists_are_refused():
    with pytest.raises(InputError, match="leaves the folder"):
        wanted.parse(b"a/../../x\x00")


def test_too_many(monkeypatch):
    monkeypatch.setattr(wanted, "MAX_ITEMS", 3)
    monkeypatch.setattr(wanted, "MAX_PATTERNS", 1)
    assert len(wanted.parse(b"a\nb\nc*\n")) == 3
    for data in (b"a\nb\nc\nd\n", b"a*\nb*\n"):
        with pytest.raises(InputError, match="items"):
            wanted.parse(data)


def test_no_name_makes_a_match_slow():
    """Stars are atomic: without that this takes longer than the age of the universe."""
    start = time.process_time()
    assert not matches(b"*a*a*a*a*a*a*a*a*a*a*a*b", b"a" * 255)
    assert time.process_time() - start < 1


@given(st.text("ab.*?", max_size=8), st.text("ab.", min_size=1, max_size=8))
def test_as_fnmatch_says(pattern, name):
    """Within one name, patterns without ranges mean what they mean elsewhere."""
    if pattern in {"", ".", "..", "**"} or name in {".", ".."}:
        return
    assert matches(pattern.encode(), name.encode()) == fnmatch.fnmatchcase(name, pattern)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_an_error(data):
    try:
        items = wanted.parse(data)
    except InputError:
        return
    wanted.tree_of(items)
    assert all(b".." not in item.parts for item in items)


def test_only_the_names_that_can_come_next():
    top = wanted.opened([wanted.tree_of(wanted.parse(b"b/x\na/y\nb/*\n"))])
    assert wanted.exact_only(top) == [b"a", b"b"]
    assert wanted.exact_only(wanted.step(top, b"b")) is None
    assert wanted.exact_only(wanted.step(top, b"a")) == [b"y"]
