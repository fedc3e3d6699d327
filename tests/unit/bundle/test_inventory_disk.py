"""The bar of a disk is to scale, and bounded however many places were not read."""

from __future__ import annotations

import pytest
import reportkit as kit
from hypothesis import given
from hypothesis import strategies as st

from evkit.bundle.inventory.disk import WIDTH, bar


def _bar(size=1 << 20, unread=(), rows=None):
    listed = rows or kit.disk(size)
    return bar(
        size,
        [(n, r) for n, r in enumerate(listed) if r["row"] == "partition"],
        [(n, r) for n, r in enumerate(listed) if r["row"] == "filesystem"],
        unread,
    )


def test_segments_stand_where_they_are():
    found = _bar()
    assert [part.kind for part in found.main] == ["gap", "partition", "partition"]
    assert [part.look for part in found.main] == ["gap", "f1", "locked"]
    assert found.main[2].x == pytest.approx(WIDTH / 2)
    assert sum(part.width for part in found.main) == pytest.approx(WIDTH, rel=0.01)
    assert found.main[1].label == "ext4"


def test_a_partition_table_and_a_hybrid_stand_beside():
    rows = kit.disk()
    rows.insert(1, {**rows[1], "kind": "metadata", "offset": 0, "size": 512, "partition": 9})
    rows.insert(1, {**rows[1], "kind": "whole", "offset": 0, "size": 1 << 20, "partition": 8})
    assert sorted(part.kind for part in _bar(rows=rows).beside) == ["metadata", "whole"]


def test_files_have_no_bar():
    assert bar(0, [], [], ()) is None


@given(
    st.integers(1, 2**53),
    st.lists(st.tuples(st.integers(0, 2**53), st.integers(1, 2**53)), max_size=40),
)
def test_unread_places_stay_on_the_bar(size, places):
    found = _bar(size=max(size, 8193), unread=places)
    assert found.unread_ranges == len(places)
    for x, width in found.unread:
        assert 0 <= x <= x + width <= WIDTH + 0.1
        assert width >= 2
    assert bool(found.unread) == bool(places)


def test_a_million_unread_places_are_drawn_as_few():
    found = _bar(1 << 40, [(n << 20, 512) for n in range(1 << 15)])
    assert len(found.unread) <= 700
    assert found.unread_bytes == 512 << 15
