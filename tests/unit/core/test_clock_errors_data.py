from __future__ import annotations

import datetime as dt

import pytest

from evkit.core import clock, data, errors
from evkit.core.errors import ExitCode, InputError, UsageError, worst
from evkit.core.progress import SILENT


def test_a_fixed_clock_stands_still(monkeypatch):
    monkeypatch.setenv(clock.FIXED, "2026-11-22T14:05:00.250+05:00")
    moment = clock.now()
    assert moment.text() == "2026-11-22T09:05:00.250Z"
    assert moment.local() == "2026-11-22T14:05:00+05:00"
    assert (moment.offset, moment.source) == ("+05:00", "fixed")
    monkeypatch.setenv(clock.FIXED, "2026-11-22T09:05:00-03:30")
    assert clock.now().local() == "2026-11-22T09:05:00-03:30"


def test_the_system_clock():
    first, second = clock.now(), clock.now()
    assert first.source == "system"
    assert first.utc <= second.utc
    assert clock.parse(first.local()).tzinfo is not None


@pytest.mark.parametrize(
    "text",
    ["", "2026-11-22", "2026-11-22T14:05:00", "2026-11-22 14:05:00Z", "2026-13-01T00:00:00Z",
     "2026-11-22T14:05:00z", "٢٠٢٦-11-22T14:05:00Z", "2026-11-22T14:05:00+0500",
     "2026-11-22T14:05:00Z\n", "2026-02-29T00:00:00Z", "2026-11-22T24:30:00Z"],
)  # fmt: skip
def test_not_times(text):
    with pytest.raises(InputError):
        clock.parse(text)


def test_nanoseconds_keep_every_digit():
    assert clock.format_ns(1) == "1970-01-01T00:00:00.000000001Z"
    assert clock.format_ns(-1) == "1969-12-31T23:59:59.999999999Z"
    assert clock.format_ns(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456789Z"
    assert clock.format_utc(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((), 0), ((0, 0), 0), ((0, 3), 3), ((3, 4), 4), ((5, 3), 5), ((4, 5), 4), ((130, 4), 130),
        ((1, 130), 1), ((14, 0), 14), ((14, 3), 3),
    ],
)  # fmt: skip
def test_the_worst_code_wins(codes, expected):
    assert worst(*codes) == expected


def test_every_error_has_its_own_code_and_slug():
    kinds = errors.EvkitError.__subclasses__()
    assert len({kind.exit_code for kind in kinds}) == len({kind.slug for kind in kinds})
    assert {kind.exit_code for kind in kinds} | {ExitCode.OK, ExitCode.INTERNAL} == set(ExitCode)
    problem = errors.RefusedError("no", hint="do that", details={"a": "b"})
    assert (str(problem), problem.hint, problem.details) == ("no", "do that", {"a": "b"})


def test_data_folders_are_found(repository):
    assert data.folder("sample_images") == repository / "sample_images"
    with pytest.raises(UsageError, match="does not hold"):
        data.folder("nothing")
    with pytest.raises(UsageError, match="does not hold"):
        data.package_file("core", "nothing.yaml")


def test_yaml_is_read_safely_and_capped(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text("a: [1, x]\n")
    assert data.load_yaml(path) == {"a": [1, "x"]}
    with pytest.raises(InputError, match="over 5 bytes"):
        data.load_yaml(path, max_bytes=5)
    for text in ("a: [", "!!python/object/apply:os.system ['true']", "a: \x00"):
        path.write_text(text)
        with pytest.raises(InputError):
            data.load_yaml(path)


def test_silent_progress_takes_everything():
    SILENT.begin("t", None)
    SILENT.update("t", 1)
    SILENT.end("t", 1)
    SILENT.note("x")
    SILENT.warn("x")
