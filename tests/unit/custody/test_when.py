"""Stated times and their precision."""

from __future__ import annotations

import datetime as dt

import pytest

from evkit.core.errors import UsageError
from evkit.custody.when import local_text, parse_when, span


@pytest.mark.parametrize(
    ("text", "time", "precision"),
    [
        ("2026-11-22T14:05:33+05:00", "2026-11-22T09:05:33.000Z", "second"),
        ("2026-11-22T14:05:33.5Z", "2026-11-22T14:05:33.000Z", "second"),
        ("2026-11-22 14:05", "2026-11-22T09:05:00.000Z", "minute"),
        ("2026-11-22T14", "2026-11-22T09:00:00.000Z", "hour"),
        ("2026-11-22", "2026-11-21T19:00:00.000Z", "day"),
        ("2026-11", "2026-10-31T19:00:00.000Z", "month"),
        ("2026-11-22Z", "2026-11-22T00:00:00.000Z", "day"),
    ],
)
def test_forms(text, time, precision):
    when = parse_when(text, "+05:00")
    assert (when.time, when.precision) == (time, precision)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026", "2026-13-01", "2026-11-31", "2026-11-22T25:00", "2026-11-22 14:05 PKT",
     "22/11/2026", "٢٠٢٦-١١-٢٢", "0000-01-01", "0001-01-01", "2026-11-22T14:05+99:00"],
)  # fmt: skip
def test_not_times(text):
    with pytest.raises(UsageError):
        parse_when(text, "+05:00")


def test_spans():
    day = span("2026-11-21T19:00:00.000Z", "day")
    assert day.end - day.start == dt.timedelta(days=1)
    assert span("9999-12-31T23:59:59.000Z", "month").end.year == 9999


def test_people_read_the_time_of_the_place():
    moment = dt.datetime(2026, 11, 21, 19, 0, tzinfo=dt.UTC)
    assert local_text(moment, "+05:00", "day") == "2026-11-22"
    assert local_text(moment, "-03:30") == "2026-11-21 15:30"
    assert local_text(moment, "nonsense") == "2026-11-21 19:00"
    assert local_text(dt.datetime(1, 1, 1, tzinfo=dt.UTC), "-05:00")
