"""Ranges of times: dates, moments, and local times whose zone nobody knows."""

from __future__ import annotations

import datetime as dt

import pytest
import reportkit as kit
from hypothesis import given
from hypothesis import strategies as st

from evkit.core.errors import UsageError
from evkit.inventory.search.find import Criteria, entries
from evkit.inventory.search.findtime import parse_letters, parse_times

NS = 10**9
HOUR = 3600 * NS


def at(text):
    return int(dt.datetime.fromisoformat(text).timestamp()) * NS


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("2025-03-08", "2025-03-08T23:59:59Z", "2025-03-09T00:00:00Z"),
        ("2025-03-01..2025-03-08", "2025-03-01T00:00:00Z", "2025-02-28T23:59:59Z"),
        ("2025-03-08..", "2999-01-01T00:00:00Z", "2025-03-07T23:59:59Z"),
        ("..2025-03-08", "1700-01-01T00:00:00Z", "2025-03-09T00:00:00Z"),
        ("2025-03-08T12:00:00+05:00..", "2025-03-08T07:00:00Z", "2025-03-08T06:59:59Z"),
        ("..2025-03-08T12:00:00+05:00", "2025-03-08T07:00:00Z", "2025-03-08T07:00:01Z"),
        ("2025-03-08T07:00:00Z", "2025-03-08T07:00:00Z", "2025-03-08T07:00:01Z"),
    ],
)
def test_times_in_utc(text, inside, outside):
    found = parse_times(text)
    assert found.holds(at(inside), "utc")
    assert not found.holds(at(outside), "utc")


def test_dates_meet_local_times_as_they_were_written():
    found = parse_times("2025-03-08")
    assert not found.widened
    assert found.holds(at("2025-03-08T23:59:59Z"), "local-unknown")
    assert not found.holds(at("2025-03-09T00:00:00Z"), "local-unknown")


def test_a_moment_meets_local_times_of_any_zone():
    """12:00 UTC is 00:00 of that day in the far west and 02:00 of the next in the far east."""
    found = parse_times("2025-03-08T12:00:00Z")
    assert found.widened
    for text, fits in (
        ("2025-03-07T23:59:59Z", False), ("2025-03-08T00:00:00Z", True),
        ("2025-03-09T02:00:00Z", True), ("2025-03-09T02:00:01Z", False),
    ):  # fmt: skip
        assert found.holds(at(text), "local-unknown") == fits, text


@given(
    st.integers(-(2**40), 2**40), st.integers(0, 2**30), st.integers(-12, 14), st.integers(0, 2**31)
)
def test_no_local_time_is_missed(start, length, offset, after):
    """Whatever zone the writer was in: a moment in the range fits when it was written there."""
    base = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    first = base + dt.timedelta(seconds=start % 2**32)
    last = first + dt.timedelta(seconds=length)
    text = "..".join(moment.isoformat().replace("+00:00", "Z") for moment in (first, last))
    found = parse_times(text)
    moment = (start % 2**32 + after % (length + 1)) * NS
    assert found.holds(moment, "utc")
    assert found.holds(moment + offset * HOUR, "local-unknown")


@pytest.mark.parametrize(
    "text",
    ["", "..", "2025", "2025-13-01", "2025-03-08T12:00:00", "8.3.2025", "2025-03-09..2025-03-08",
     "2025-03-08...2025-03-09", "٢٠٢٥-03-08", "2025-03-08..x", "now", "\x1b[31m"],
)  # fmt: skip
def test_what_is_no_range(text):
    with pytest.raises(UsageError) as caught:
        parse_times(text)
    assert "\x1b" not in caught.value.message


def test_letters():
    assert parse_letters("b,M") == "mb"
    for text in ("", ",", "x", "mx"):
        with pytest.raises(UsageError):
            parse_letters(text)


@pytest.fixture
def inventory(tmp_path):
    rows = [
        *kit.disk(),
        kit.name(11, "/m", times={"m": str(at("2025-03-08T10:00:00Z"))}),
        kit.name(12, "/b", times={"b": str(at("2025-03-08T10:00:00Z")), "m": "0"}),
        kit.name(13, "/fat", zone="local-unknown", times={"m": str(at("2025-03-09T01:00:00Z"))}),
        kit.name(14, "/none", times={}), kit.stream(11), kit.stream(12), kit.stream(13),
        kit.stream(99, digest="abc"),
    ]  # fmt: skip
    with kit.opened(kit.made(tmp_path / "i.db", rows)) as found:
        yield found


def test_finding_by_time(inventory):
    def paths(text, **more):
        wanted = Criteria(time=parse_times(text), **more)
        return [entry.shown for entry in entries(inventory, wanted)]

    assert paths("2025-03-08") == ["/m", "/b"]
    assert paths("2025-03-08", times="m") == ["/m"]
    assert paths("2025-03-09") == ["/fat"]
    assert paths("2025-03-08T12:00:00Z..2025-03-08T13:00:00Z") == ["/fat"]
    assert paths("2025-03-08", name="b") == ["/b"]


def test_finding_by_mark(inventory):
    class Marks:
        def streams(self, category=None):
            return iter([stream] if category == "notable" else [])

    stream = next(n for n, row in inventory.rows("stream") if row["inode"] == 12)
    found = list(entries(inventory, Criteria(mark="notable"), Marks()))
    assert [(entry.shown, entry.stream_row) for entry in found] == [("/b", stream)]
    assert list(entries(inventory, Criteria(mark="known"), Marks())) == []
    assert list(entries(inventory, Criteria(mark="notable", name="x"), Marks())) == []
    digest = Criteria(mark="notable", digest="0" * 64)
    assert list(entries(inventory, digest, Marks())) == []
