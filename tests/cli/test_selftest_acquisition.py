"""The part of the selftest about acquisition: complete, honest about its reach, and it can fail."""

from __future__ import annotations

import contextlib
import errno
import json
import os

import pytest

from evkit.acquire.reading import MediumReader
from evkit.acquire.rescue import Rescue
from evkit.actions import assertion_bench, assertion_checks, assertions
from evkit.cli.main import run
from evkit.core.aligned import AlignedWriter
from evkit.core.errors import CaseError, StorageError

NOT_TESTED = {
    "DA-AM-04", "DA-AM-07", "DA-AO-10", *(f"DA-AO-{number}" for number in range(11, 22)),
}  # fmt: skip


def test_every_assertion_has_a_row(tmp_path, capsys):
    path = tmp_path / "report.json"
    assert run(["selftest", "--report", str(path)]) == 0, capsys.readouterr().out
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines() if str(path) not in line)
    section = json.loads(path.read_bytes())["acquisition"]
    assert "not tested by NIST" in section["model"]
    assert "not tested by NIST" in " ".join(out.split())
    rows = {row["id"]: row for row in section["rows"]}
    wanted = [f"DA-AM-{n:02}" for n in range(1, 11)] + [f"DA-AO-{n:02}" for n in range(1, 25)]
    assert list(rows) == wanted
    assert {name for name, row in rows.items() if row["result"] == "not tested"} == NOT_TESTED
    assert {row["result"] for name, row in rows.items() if name not in NOT_TESTED} == {"passed"}
    assert all(row["done"] for row in rows.values())
    assert (section["expected"], section["passed"], section["failed"]) == (34, 20, 0)
    assert section["host"]["tool"].startswith("evkit ")
    assert section["started"] <= section["ended"]


def test_it_is_made_only_when_it_is_asked_for(capsys, monkeypatch):
    monkeypatch.setattr(assertions, "assertions", list)
    assert run(["selftest", "--json"]) == 0
    assert "acquisition" not in json.loads(capsys.readouterr().out)
    assert run(["selftest", "--json", "--acquisition"]) == 4
    assert json.loads(capsys.readouterr().out)["acquisition"]["result"] == "fail"


def test_a_report_that_exists_is_refused_before_the_work(tmp_path, monkeypatch, capsys):
    path = tmp_path / "report.json"
    path.write_bytes(b"older")
    monkeypatch.setattr(assertions, "run", lambda: pytest.fail("the work was done"))
    assert run(["selftest", "--report", str(path)]) == 15
    assert path.read_bytes() == b"older"


def test_a_row_cannot_vanish(monkeypatch):
    found = [assertions.Assertion(a.id, a.text, why="left out") for a in assertions.assertions()]
    assert len(found) == assertions.COUNT
    for rows in (found, found[:-1], [*found[:-1], found[0]]):
        monkeypatch.setattr(assertions, "assertions", lambda rows=rows: rows)
        assert assertions.run().good is (rows is found)


def tried(name: str, tmp_path) -> assertions.Row:
    (one,) = [one for one in assertions.assertions() if one.id == name]
    return assertions._tried(one, assertion_bench.Bench(os.fsencode(tmp_path)))


def skipped_sector(monkeypatch):
    real = MediumReader.fill

    def fill(self, view):
        count = real(self, view)
        view[count - 512 : count] = bytes(512)
        return count

    monkeypatch.setattr(MediumReader, "fill", fill)


def lost_tail(monkeypatch):
    real = MediumReader.fill
    monkeypatch.setattr(
        MediumReader, "fill", lambda self, view: real(self, view) - 512 if len(view) else 0
    )


def wide_errors(monkeypatch):
    """A whole page goes with every bad sector."""

    def read_sector(self, offset, view):
        page = offset // 4096 * 4096
        if any(start < page + 4096 and page < start + length for start, length in self._bad):
            raise OSError(errno.EIO, "Input/output error")
        return self.read(offset, view)

    monkeypatch.setattr(assertion_bench.FailingMedium, "read_sector", read_sector)


def filled_with_ones(monkeypatch):
    real = Rescue.run

    def rescue(self, take, *rest):
        def shifted(offset, view):
            take(offset, view)
            for start, length in assertion_checks.BAD:
                if start == offset + len(view):
                    take(start, memoryview(bytearray(b"\xff" * length)))

        return real(self, shifted, *rest)

    monkeypatch.setattr(Rescue, "run", rescue)


def nothing_refused(monkeypatch):
    monkeypatch.setattr("evkit.acquire.preflight.room", lambda _: 1 << 62)
    monkeypatch.setattr("evkit.acquire.preflight.space_for", lambda *_, **__: 0)


def quiet_writes(monkeypatch):
    """A failed write is passed over, and nothing is read back."""
    flush, finish = AlignedWriter._flush, AlignedWriter.finish

    def passed_over(self, view):
        with contextlib.suppress(StorageError):
            flush(self, view)

    def finished(self):
        with contextlib.suppress(StorageError):
            finish(self)
        self.close()
        return self.written

    monkeypatch.setattr(AlignedWriter, "_flush", passed_over)
    monkeypatch.setattr(AlignedWriter, "finish", finished)
    monkeypatch.setattr("evkit.acquire.completing.Completer.verify", lambda _: None)


def deaf_judge(monkeypatch):
    monkeypatch.setattr("evkit.verify.container._compare", lambda image, *_: (["md5"], []))
    monkeypatch.setattr("evkit.verify.container._lost", lambda *_: None)


def no_places(monkeypatch):
    monkeypatch.setattr("evkit.hashing.pieces.locate", lambda *_: [(0, assertion_bench.SIZE)])


def writable_source(monkeypatch):
    from evkit.acquire import source

    monkeypatch.setattr(
        source, "_open_quietly", lambda path: os.open(path, os.O_RDWR | os.O_CLOEXEC)
    )


def touched_source(monkeypatch):
    real = MediumReader.close

    def close(self):
        os.utime(os.readlink(f"/proc/self/fd/{self._fd}"), ns=(1, 1))
        real(self)

    monkeypatch.setattr(MediumReader, "close", close)


def wrong_sizes(monkeypatch):
    from evkit.acquire import imaging

    real = imaging.Artifact

    def artifact(**values):
        return real(**{**values, "size": values["size"] + 1})

    monkeypatch.setattr("evkit.acquire.completing.Artifact", artifact)


def misread_hpa(monkeypatch):
    monkeypatch.setattr("evkit.acquire.drive.configured", lambda _: 2000)


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("DA-AM-06", lost_tail),
        ("DA-AM-07", misread_hpa),
        ("DA-AM-08", skipped_sector),
        ("DA-AM-09", wide_errors),
        ("DA-AM-10", filled_with_ones),
        ("DA-AO-03", quiet_writes),
        ("DA-AO-04", nothing_refused),
        ("DA-AO-07", deaf_judge),
        ("DA-AO-08", no_places),
        ("DA-AO-23", wrong_sizes),
        ("DA-AO-24", writable_source),
        ("DA-AO-24", touched_source),
    ],
)
def test_a_defect_fails_its_row(tmp_path, monkeypatch, name, defect):
    (tmp_path / "good").mkdir()
    (tmp_path / "bad").mkdir()
    expected = assertions.NOT_TESTED if name in NOT_TESTED else assertions.PASSED
    assert tried(name, tmp_path / "good").result == expected
    with monkeypatch.context() as patched:
        defect(patched)
        row = tried(name, tmp_path / "bad")
    assert row.result == assertions.FAILED, row
    assert row.done


def test_an_error_is_a_failure_and_safe_to_print(tmp_path, monkeypatch):
    def broken(_: object) -> str:
        raise RuntimeError("library \x1b[2J is gone")

    monkeypatch.setattr(assertion_checks, "accurate", broken)
    row = tried("DA-AM-08", tmp_path)
    assert (row.result, "\x1b" in row.done) == (assertions.FAILED, False)


def test_the_stand_in_for_a_station():
    with pytest.raises(CaseError, match="no station"):
        assertion_bench.no_station()
