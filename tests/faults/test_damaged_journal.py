"""A journal that is damaged is named, and keeps nobody from settling what others left."""

from __future__ import annotations

import json
import os

import acquirekit as kit
import pytest
import resumekit as rk
import stations

from evkit.acquire import journal
from evkit.actions import latework, status
from evkit.actions.unfinished import unfinished
from evkit.core import ejson
from evkit.core.errors import CaseError, InputError, RefusedError
from evkit.core.refs import parse_ref
from evkit.ledger.event import Draft

GOOD = journal.Journal(
    what="acquire", ref="C1/E2/A1", started="2026-11-22T10:00:00.000Z", pid=2**22 + 1
)
DAMAGE = {
    "empty": b"",
    "cut": journal.encode(GOOD)[:-9],
    "no-text": b"\xff\xfe" * 40,
    "deep": b"[" * 5000,
    "too-long": b" " * (journal.MAX_BYTES + 1),
    "other-schema": b'{"schema":"evkit/journal/2"}',
    "no-reference": journal.encode(GOOD).replace(b"C1/E2/A1", b"..;x/../."),
    "a-case": journal.encode(GOOD).replace(b"C1/E2/A1", b"C1"),
    "of-another": journal.encode(GOOD).replace(b"C1/E2/A1", b"C1/E1/A1"),
    "other-words": journal.encode(GOOD).replace(b"4194305", b"-4"),
}


@pytest.fixture
def memory(monkeypatch):
    rk.small_steps(monkeypatch)
    with rk.memory() as folder:
        yield folder


@pytest.fixture
def source(memory):
    path = memory / "stick.dd"
    path.write_bytes(rk.content())
    return path


def leave(made, data, ref="C1/E2/A1"):
    """Put a journal into the folder of an acquisition."""
    folder = made.path / "cases" / ref
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "journal.json").write_bytes(data)
    return folder


def begin(made, ref="C1/E2/A1", what="acquire", result=None):
    """Record the start, and maybe the end, of an acquisition."""
    exhibit = ref.rpartition("/")[0]
    common = {"case": "C1", "exhibits": (exhibit,), "acquisitions": (ref,)}
    with made.open() as station:
        if station.state("C1").state.exhibit(exhibit) is None:
            station.record(stations.register(exhibit), made.officer)
        start = {} if what == "acquire" else {"kind": "files"}
        station.record(Draft(kind=f"{what}-start", fields=start, **common), made.officer)
        if result is not None:
            fields = {"result": result, "made_by": "evkit"}
            station.record(Draft(kind=f"{what}-end", fields=fields, **common), made.officer)


def finish(made, ref, what="acquire"):
    with made.open() as station:
        return latework.finish(station, made.officer, ref, what)


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("act", ["resume", "finish", "record"])
def test_the_work_of_others_goes_on(memory, source, act, name, monkeypatch):
    made = rk.fresh(memory, "work", monkeypatch)
    begin(made)
    bad = leave(made, DAMAGE[name])
    if act == "resume":
        rk.stop_after(lambda: rk.acquire(made, source, "raw"), 2)
        done = rk.go_on(made)
        assert done.exit_code == 0
        notices, entry = done.document()["notices"], done.ended.index
        assert kit.end_of(made, "C1/E1/A1").fields["result"] == "complete"
    else:
        state = "unsigned" if act == "record" else "running"
        begin(made, "C1/E1/A1")
        value = {"what": "acquire", "ref": "C1/E1/A1", "state": state}
        draft = {"kind": "acquire-end", "case": "C1", "exhibits": ["C1/E1"],
                 "acquisitions": ["C1/E1/A1"], "fields": {"result": "failed", "error": "full"},
                 "sensitive": {}, "subjects": [], "happened": None, "authority": None,
                 "purpose": None, "place": None, "deviations": []}  # fmt: skip
        value |= {"draft": draft} if act == "record" else {}
        value |= {"started": GOOD.started, "pid": GOOD.pid, "schema": journal.SCHEMA}
        leave(made, ejson.dumps(value), "C1/E1/A1")
        with made.open() as station:
            settle = latework.sign_late if act == "record" else latework.finish
            done = settle(station, made.officer, "C1/E1", "acquire")
        notices, entry = done.document()["notices"], done.done[0][2]
    assert entry is not None
    assert [text for text in notices if str(bad / "journal.json") in text]
    assert os.listdir(bad) == ["journal.json"]
    assert (bad / "journal.json").read_bytes() == DAMAGE[name]


def test_an_attempt_at_the_same_exhibit_goes_on(memory, source, monkeypatch):
    made = rk.fresh(memory, "work", monkeypatch)
    begin(made, "C1/E1/A1")
    leave(made, b"{", "C1/E1/A1")
    rk.stop_after(lambda: rk.acquire(made, source, "e01"), 2)
    done = rk.go_on(made)
    assert (done.ref, done.exit_code) == ("C1/E1/A2", 0)
    assert "A1/journal.json` is damaged" in done.document()["notices"][-1]
    with pytest.raises(InputError, match=r"A1/journal\.json` is damaged"):
        rk.go_on(made)


@pytest.mark.parametrize("what", ["acquire", "intake"])
@pytest.mark.parametrize("name", DAMAGE)
def test_it_is_closed_when_its_acquisition_is_named(memory, name, what, monkeypatch):
    made = rk.fresh(memory, "work", monkeypatch)
    begin(made, what=what)
    folder = leave(made, DAMAGE[name])
    (folder / "image.raw.part").write_bytes(b"read")
    (folder / "pieces.part").write_bytes(b"x")
    other = "intake" if what == "acquire" else "acquire"
    with pytest.raises(CaseError, match="has no unfinished"):
        finish(made, "C1/E2/A1", other)
    with pytest.raises(InputError, match="damaged") as caught:
        finish(made, "C1/E2", what)
    assert f"evkit {what} --finish --exhibit C1/E2/A1" in caught.value.hint
    done = finish(made, "C1/E2/A1", what)
    assert "recorded as failed; its damaged journal is now" in done.lines()[0]
    end = kit.end_of(made, "C1/E2/A1")
    assert (end.kind, end.fields["result"]) == (f"{what}-end", "failed")
    assert end.fields["error"].endswith("its journal is damaged")
    with made.open() as station:
        starts = [i for _, e, i in station.events("C1") if e.kind == f"{what}-start"]
        assert station.journals() == []
        assert status.run(station).exit_code == 0
    assert end.fields["started"] == starts[0]
    assert sorted(os.listdir(folder)) == ["image.raw.part", "journal.damaged.json"]
    assert (folder / "journal.damaged.json").read_bytes() == DAMAGE[name]
    with pytest.raises(CaseError):
        finish(made, "C1/E2/A1", what)


def test_closing_stopped_at_every_step(memory, monkeypatch):
    """The end is recorded once, and the journal is not lost."""
    at, code = 0, 9
    while code == 9:
        made = rk.fresh(memory, str(at), monkeypatch)
        begin(made)
        folder = leave(made, b"{")
        code, _ = kit.run_stopped(lambda made=made: finish(made, "C1/E2/A1"), at)
        try:
            finish(made, "C1/E2/A1")
        except CaseError:
            assert not os.path.lexists(folder / "journal.json")
        assert kit.end_of(made, "C1/E2/A1").fields["result"] == "failed"
        assert os.listdir(folder) == ["journal.damaged.json"]
        at += 1
    assert code == 0
    assert at > 8


def test_what_had_ended_or_had_not_begun(memory, monkeypatch):
    made = rk.fresh(memory, "work", monkeypatch)
    begin(made, result="complete")
    leave(made, b"{")
    done = finish(made, "C1/E2/A1")
    assert done.done[0][1].startswith("was recorded already")
    assert kit.end_of(made, "C1/E2/A1").fields["result"] == "complete"
    folder = leave(made, b"{", "C1/E2/A2")
    done = finish(made, "C1/E2/A2")
    assert done.done[0][1] == "had not begun; its damaged journal is removed"
    assert not folder.exists()


def test_work_that_runs_is_not_closed(memory, monkeypatch):
    made = rk.fresh(memory, "work", monkeypatch)
    begin(made)
    from evkit.actions.longwork import lock_folder

    held = lock_folder(os.fsencode(leave(made, b"{")))
    try:
        with pytest.raises(RefusedError, match="another process"):
            finish(made, "C1/E2/A1")
    finally:
        os.close(held)


@pytest.mark.parametrize("kind", ["fifo", "loop", "folder-without-number"])
def test_strange_journals(memory, kind, monkeypatch):
    """Nothing is waited for, and what lies in the folder of no acquisition is named as well."""
    made = rk.fresh(memory, "work", monkeypatch)
    begin(made)
    folder = made.path / "cases" / "C1" / "E2" / ("old" if kind.startswith("folder") else "A1")
    folder.mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(folder / "journal.json")
    elif kind == "loop":
        (folder / "journal.json").symlink_to("journal.json")
    else:
        (folder / "journal.json").write_bytes(b"{")
    with made.open() as station:
        found = unfinished(station, parse_ref("C1/E1"), "acquire")
        assert found.works == ()
        assert [one.folder for one in found.others] == [os.fsencode(folder)]
        assert str(folder / "journal.json") in found.notices[0]
        shown = status.run(station)
    assert shown.exit_code == 3
    damaged = [work for work in shown.work if work.state == status.DAMAGED]
    assert [work.path for work in damaged] == [os.fsencode(folder / "journal.json")]


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("begun", [True, False])
def test_status_names_the_acquisition_and_what_to_do(memory, name, begun, monkeypatch):
    made = rk.fresh(memory, "work", monkeypatch)
    if begun:
        begin(made, what="intake")
    leave(made, DAMAGE[name])
    with made.open() as station:
        shown = status.run(station)
    assert shown.exit_code == 3
    assert [(work.ref, work.state) for work in shown.work] == [("C1/E2/A1", "damaged")]
    what = "intake" if begun else "acquire"
    assert f"    evkit {what} --finish --exhibit C1/E2/A1" in shown.lines()
    assert json.dumps(shown.document())
