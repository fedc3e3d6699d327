"""The high-water mark: nothing is appended below it or beside it."""

from __future__ import annotations

import os

import pytest

from evkit.core.errors import InputError, RefusedError
from evkit.merkle import tree
from evkit.station import highwater, state

ORIGIN = "agency/unit-1"
LEAVES = [tree.leaf_hash(bytes([n])) for n in range(9)]
READER = tree.Subtrees(LEAVES)


def _advance(size: int) -> None:
    state.prepare(highwater.path_of(ORIGIN))
    highwater.advance(ORIGIN, size, tree.root(LEAVES[:size]))


def test_no_mark_says_nothing():
    assert highwater.check(ORIGIN, 9, READER) is None


def test_the_same_and_more():
    _advance(5)
    assert highwater.check(ORIGIN, 5, READER) == (5, tree.root(LEAVES[:5]))
    assert highwater.check(ORIGIN, 9, READER) == (5, tree.root(LEAVES[:5]))
    assert highwater.check("other/unit", 1, READER) is None


def test_below_the_mark():
    _advance(9)
    with pytest.raises(RefusedError) as caught:
        highwater.check(ORIGIN, 8, READER)
    assert caught.value.exit_code == 15
    assert "station recover" in caught.value.hint
    assert caught.value.details["mark"] == f"9:{tree.root(LEAVES).hex()}"
    assert caught.value.details["ledger"] == f"8:{tree.root(LEAVES[:8]).hex()}"


def test_beside_the_mark():
    _advance(5)
    other = tree.Subtrees([LEAVES[0], *LEAVES[:8]])
    with pytest.raises(RefusedError, match="not those"):
        highwater.check(ORIGIN, 9, other)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\xff",
        b'{"schema":"evkit/high-water/1"}',
        b'{"origin":"agency/unit-1","root":"00","schema":"evkit/high-water/1","size":1}',
        b'{"origin":"agency/unit-1","root":"' + b"0" * 64 + b'","schema":"evkit/high-water/1",'
        b'"size":"1"}',
        b'{"origin":"other","root":"' + b"0" * 64 + b'","schema":"evkit/high-water/1","size":1}',
        b'{"origin":"agency/unit-1","root":"' + b"0" * 64 + b'","schema":"evkit/high-water/2",'
        b'"size":1}',
        b"x" * 100_000,
    ],
)
def test_damage_is_not_a_pass(content):
    _advance(5)
    path = highwater.path_of(ORIGIN)
    with open(path, "wb") as handle:
        handle.write(content)
    with pytest.raises(InputError, match="high-water mark"):
        highwater.check(ORIGIN, 9, READER)


def test_it_lies_outside_and_is_private(isolated_home):
    _advance(1)
    path = highwater.path_of(ORIGIN)
    assert path.startswith(os.fsencode(isolated_home / "state" / "evkit"))
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700


def test_the_default_place(monkeypatch, isolated_home):
    monkeypatch.delenv("XDG_STATE_HOME")
    assert state.folder() == os.fsencode(isolated_home / ".local" / "state" / "evkit")


@pytest.mark.parametrize("value", ["state", "./state", "", "~/state"])
def test_a_relative_state_folder_is_ignored(monkeypatch, isolated_home, value):
    """As the XDG base directory specification asks: else each folder would have its own marks."""
    monkeypatch.setenv("XDG_STATE_HOME", value)
    assert state.folder() == os.fsencode(isolated_home / ".local" / "state" / "evkit")
