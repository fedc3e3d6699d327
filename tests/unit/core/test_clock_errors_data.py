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
     "2026-11-22T14:05:00Z\n", "2026-02-29T00:00:00Z", "2026-11-22T24:30:00Z",
     "2026-11-22T24:00:00Z", "2026-11-22T14:05:60Z", "2026-11-22T14:05:00+00:60",
     "2026-11-22T14:05:00+24:00", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
     "0000-01-01T00:00:00Z"],
)  # fmt: skip
def test_not_times(text):
    with pytest.raises(InputError):
        clock.parse(text)


def test_a_hostile_time_is_escaped_in_the_message():
    with pytest.raises(InputError) as caught:
        clock.parse("\x1b[2J")
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00.000Z", "0999-12-31T23:59:59.999Z"])
def test_early_years_are_written_with_four_digits(text):
    assert clock.format_utc(clock.parse(text)) == text


def test_nanoseconds_that_no_calendar_holds():
    assert clock.format_ns(-62_135_596_800 * 10**9) == "0001-01-01T00:00:00.000000000Z"
    for nanoseconds in (10**30, -(10**30), 253_402_300_800 * 10**9):
        with pytest.raises(InputError, match="years 1 to 9999"):
            clock.format_ns(nanoseconds)


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
    with pytest.raises(InputError, match="limit of 5 bytes"):
        data.load_yaml(path, max_bytes=5)
    for text in ("a: [", "!!python/object/apply:os.system ['true']", "a: \x00"):
        path.write_text(text)
        with pytest.raises(InputError):
            data.load_yaml(path)
    with pytest.raises(InputError, match="cannot read"):
        data.load_yaml(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a: 1\na: 2\n", "'a'"), ("b: {c: 1, c: 1}\n", "'c'"), ("yes: 1\ntrue: 2\n", "True"),
        ("- {x: 1, 'x': 2}\n", "'x'"), ("!!set {a, a}\n", "'a'"),
    ],
)  # fmt: skip
def test_yaml_with_a_repeated_key_is_refused(tmp_path, text, key):
    path = tmp_path / "f.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=f"key {key} appears twice"):
        data.load_yaml(path)


@pytest.mark.parametrize(
    "text",
    [
        "a: 2026-13-45", "a: 2026-01-01 25:00:00", "a: " + "9" * 5000, "!!int x", "!!bool abc",
        "!!float abc", "!!timestamp x", "2001-12-14t21:59:43.10-99:30", "[" * 5000, "? [a]\n: 1",
        "a: &x 1\nb: *x", "&a [*a]", "a: &x {k: 1}\nb: {<<: *x}", "a: 1\n---\nb: 2", "a: \ud800",
    ],
)  # fmt: skip
def test_hostile_yaml_is_an_input_error(tmp_path, text):
    path = tmp_path / "f.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError) as caught:
        data.load_yaml(path)
    assert "\n" not in caught.value.message


def test_silent_progress_takes_everything_and_prints_nothing(capfd):
    SILENT.begin("t", None)
    SILENT.update("t", 1)
    SILENT.end("t", 1)
    SILENT.note("x")
    SILENT.warn("x")
    assert capfd.readouterr() == ("", "")
