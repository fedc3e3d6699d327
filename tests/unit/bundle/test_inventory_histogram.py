"""Times in bins: the width grows with what there is, never with the order it came in."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evkit.bundle.inventory.histogram import NS, WIDTHS, Activity, Series, _year

TIMES = st.lists(st.integers(-(2**33), 2**33), max_size=60)


@given(TIMES, st.integers(1, 20))
def test_order_does_not_matter_and_nothing_is_lost(times, most):
    one, other = Series(most), Series(most)
    for second in times:
        one.add(second * NS + 999_999_999)
    for second in reversed(times):
        other.add(second * NS)
    assert one.bins() == other.bins()
    assert one.width == other.width
    assert sum(count for _, count in one.bins()) == one.count == len(times)
    assert len(one.bins()) <= most or one.width == WIDTHS[-1]


@given(TIMES)
def test_the_document_gives_the_bins_back(times):
    series = Series(5)
    for second in times:
        series.add(second * NS)
    flat, at, found = series.document()["bins"], 0, []
    for distance, count in zip(flat[::2], flat[1::2], strict=True):
        at += distance
        found.append((at, count))
    assert found == series.bins()


@pytest.mark.parametrize("width", WIDTHS[1:])
def test_each_width_divides_the_next(width):
    assert width % WIDTHS[WIDTHS.index(width) - 1] == 0


@given(st.datetimes(dt.datetime(1600, 1, 1), dt.datetime(2299, 12, 31)))
def test_years_are_those_of_the_calendar(moment):
    seconds = int((moment - dt.datetime(1970, 1, 1)) // dt.timedelta(seconds=1))
    assert _year(seconds) == moment.year


def test_local_times_of_unknown_zone_stay_apart():
    activity = Activity()
    activity.take({"zone": "utc", "times": {"m": "0", "b": str(3600 * NS)}})
    activity.take({"zone": "local-unknown", "times": {"m": "0"}})
    activity.take({"zone": "utc"})
    document = activity.document()
    assert {zone: sorted(letters) for zone, letters in document.items()} == {
        "local-unknown": ["m"], "utc": ["b", "m"],
    }  # fmt: skip
    assert activity.years() == [
        ("local-unknown", [(1970, [1, 0, 0, 0])]),
        ("utc", [(1970, [1, 0, 0, 1])]),
    ]
