"""Recording: numbering, pins, marks, refusals, commitments, batches."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sqlite3
from pathlib import Path

import pytest
import stations
from stations import note, open_case, register

from evkit.core import durable
from evkit.core.errors import (
    CaseError,
    CheckFailedError,
    IdentityError,
    InputError,
    LockedError,
    RefusedError,
    StorageError,
    UsageError,
)
from evkit.ledger import dsse
from evkit.ledger.checkpoint import parse_checkpoint_own
from evkit.ledger.commitments import verify_opening
from evkit.ledger.event import Draft, read_entry
from evkit.merkle import proof, tree
from evkit.station import Station, append, highwater, pins, state


def test_an_event_is_recorded(made, station):
    before = station.head()
    done = station.record(note("C1", "first look"), made.officer)
    head = station.head()
    assert (done.index, head.size) == (before.size, before.size + 1)
    assert done.notices == ()
    entry = read_entry(done.envelope)
    assert entry.event_id == done.event_id
    assert entry.event == done.event
    assert dsse.verify(entry.envelope, made.officer.certificate)
    assert entry.event.actor.officer == stations.OFFICER
    assert entry.event.head == (station.origin, before.size, before.root.hex())
    signed = parse_checkpoint_own(head.note)
    assert signed.checkpoint == (station.origin, head.size, head.root)
    assert signed.verify(station.trust.statement().vkey())
    assert station.checkpoint() == head.note
    path = proof.inclusion_proof(done.index, head.size, station.reader())
    assert proof.verify_inclusion(
        done.index, head.size, tree.leaf_hash(done.envelope), path, head.root
    )


def test_events_of_a_case_are_chained(made, station):
    station.record(open_case("C2"), made.officer)
    station.record(note("C1", "in between"), made.officer)
    done = station.record_many([note("C2", "a"), note("C1", "b"), note("C2", "c")], made.officer)
    events = [event for _, event, _ in station.events("C2")]
    ids = [event_id for _, _, event_id in station.events("C2")]
    assert [event.case_seq for event in events] == [1, 2, 3]
    assert [event.case_prev for event in events] == [None, *ids[:-1]]
    assert done[1].event.case_seq == 4
    assert all(event.case_seq is None for _, event, _ in station.events() if not event.case)


def test_subjects(made, station):
    opening, registration = (event_id for _, _, event_id in station.events("C1"))
    about_case = station.record(note("C1", "x"), made.officer).event.subjects
    assert about_case == (("C1#opening", {"sha256": opening}),)
    sealed = Draft(kind="seal", case="C1", exhibits=("C1/E1",), fields={"seal": ["S1"]})
    about_thing = station.record(sealed, made.officer).event.subjects
    assert about_thing == (("C1/E1#registration", {"sha256": registration}),)
    genesis = next(station.events())[1]
    assert genesis.subjects == (("station#statement", {"sha256": station.trust.statement_id()}),)
    assert genesis.head is None
    assert genesis.actor.certificate == station.trust.root().fingerprint


def test_a_batch_sees_its_own_beginning(made, station):
    batch = [open_case("C9"), register("C9/E1"), note("C9", "n")]
    done = station.record_many(batch, made.officer)
    assert done[1].event.subjects[0].digests == {"sha256": done[0].event_id}
    assert len({one.event.head for one in done}) == 1
    assert station.head().size == done[-1].index + 1
    assert station.store.head_at(done[0].index + 1) is None


@pytest.mark.parametrize(
    ("draft", "error"),
    [
        (open_case("c1"), UsageError),
        (open_case("C1"), RefusedError),
        (register("C1/E1"), RefusedError),
        (note("c1", "spelled differently"), UsageError),
        (Draft(kind="nonsense", case="C1"), UsageError),
        (Draft(kind="note", case="C1", fields={"no-such": "x"}), UsageError),
        (Draft(kind="note", case="C1", fields={"text": "x" * 60_000}), UsageError),
        (Draft(kind="station", case=None, fields={"name": "x", "origin": "y"}), IdentityError),
        (Draft(kind="revoke", case=None, fields={"officer": "x", "reason": "y"}), IdentityError),
    ],
)
def test_what_cannot_be_signed_leaves_nothing(made, station, draft, error):
    before, mark = station.head(), highwater.read(station.origin)
    with pytest.raises(error):
        station.record_many([note("C1", "good"), draft], made.officer)
    assert station.head() == before
    assert highwater.read(station.origin) == mark
    station.record(note("C1", "good"), made.officer)


def test_the_root_signs_only_its_own_kinds(made, station):
    with pytest.raises(IdentityError, match="agency root"):
        station.record(note("C1", "x"), made.root)


def test_personal_values_stay_outside(made, station):
    draft = Draft(
        kind="case-open",
        case="C3",
        fields={"title": "t"},
        sensitive={"victim.1.name": "کلثوم بی بی", "victim.1.cnic": "35202-1234567-1"},
    )
    done = station.record(draft, made.officer)
    assert "کلثوم".encode() not in done.envelope
    assert b"35202" not in read_entry(done.envelope).envelope.payload
    openings = station.openings(done.event_id)
    assert {o.name: o.value for o in openings} == dict(draft.sensitive)
    assert all(verify_opening(o, done.event.commitments[o.name]) for o in openings)
    again = station.record(note("C1", "none"), made.officer)
    assert station.openings(again.event_id) == []


def test_roles_follow_the_kind(made, station):
    station.profile = dataclasses.replace(station.profile, roles={"note": ("analyst",)})
    assert station.record(note("C1", "x"), made.officer).event.actor.role == "analyst"
    done = station.record(note("C1", "x"), made.officer, role="officer")
    assert done.event.actor.role == "officer"
    assert {entry.code for entry in done.event.deviations} == {"unusual-role"}
    assert station.record(open_case("C5"), made.officer).event.actor.role == "officer"
    with pytest.raises(IdentityError, match="does not have the role"):
        station.record(note("C1", "x"), made.officer, role="prosecutor")


def test_deviations_carry_the_reason(made, station):
    draft = Draft(kind="case-open", case="C4", fields={"title": "t"})
    done = station.record(draft, made.custodian, reason="night duty")
    assert done.event.deviations
    assert all(entry.reason == "night duty" for entry in done.event.deviations)
    assert "unusual-role" in {entry.code for entry in done.event.deviations}


def test_a_clock_that_jumps_is_recorded_not_refused(made, station, monkeypatch):
    monkeypatch.setenv("EVKIT_CLOCK", "1999-01-01T00:00:00+05:00")
    done = station.record(note("C1", "dead battery"), made.officer)
    codes = {entry.code for entry in done.event.deviations}
    assert codes >= {"certificate-time", "clock-backwards"}
    monkeypatch.setenv("EVKIT_CLOCK", "2199-01-01T00:00:00+05:00")
    done = station.record(note("C1", "the other way"), made.officer)
    assert "certificate-time" in {entry.code for entry in done.event.deviations}


def test_pins_follow_the_officer(made, station):
    assert pins.read(station.origin, made.officer.certificate.fingerprint) is None
    station.record(note("C1", "a"), made.officer)
    pin = pins.read(station.origin, made.officer.certificate.fingerprint)
    head = station.head()
    assert (pin.size, pin.root, pin.note) == (head.size, head.root, head.note)
    assert pins.read(station.origin, made.custodian.certificate.fingerprint) is None
    assert highwater.read(station.origin) == (head.size, head.root)


def test_a_restored_copy_is_refused(made, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(made.path, old)
    with made.open() as station:
        station.record(note("C1", "lost in the copy"), made.officer)
    for _ in range(2):
        with Station.open(old) as station:
            before = station.head()
            with pytest.raises(RefusedError) as caught:
                station.record(note("C1", "beside"), made.officer)
            assert "station recover" in caught.value.hint
            assert station.head() == before


def test_a_copy_that_went_on_elsewhere_is_refused(made, tmp_path, monkeypatch, isolated_home):
    other = tmp_path / "other"
    shutil.copytree(made.path, other)
    monkeypatch.setenv("XDG_STATE_HOME", str(isolated_home / "another-user"))
    with Station.open(other) as station:
        station.record_many([note("C1", "x"), note("C1", "y")], made.officer)
    monkeypatch.setenv("XDG_STATE_HOME", str(isolated_home / "state"))
    with made.open() as station:
        station.record(note("C1", "mine"), made.officer)
    with Station.open(other) as station, pytest.raises(RefusedError, match="not those"):
        station.record(note("C1", "z"), made.officer)


def test_a_pin_is_contradicted(made, tmp_path):
    """Somebody with the log key and this user's mark removed shows another history."""
    fork = tmp_path / "fork"
    shutil.copytree(made.path, fork)
    with made.open() as station:
        station.record(note("C1", "true history"), made.officer)
        origin = station.origin
    os.unlink(highwater.path_of(origin))
    with Station.open(fork) as station:
        station.record(note("C1", "false history"), made.custodian)
        before = station.head()
        os.unlink(highwater.path_of(origin))
        with pytest.raises(CheckFailedError) as caught:
            station.record(note("C1", "sign here"), made.officer)
        assert station.head() == before
    evidence = Path(caught.value.details["evidence"]).read_bytes()
    assert evidence.count(b"\xe2\x80\x94 " + origin.encode()) == 2
    assert caught.value.exit_code == 4


def test_the_pin_in_the_ledger_is_checked_too(made, tmp_path):
    """Without the state folder, the head in the officer's last event still binds."""
    with made.open() as station:
        station.record(note("C1", "pins the head before"), made.officer)
        origin, size = station.origin, station.head().size
    shutil.rmtree(state.folder())
    db = sqlite3.connect(made.path / "ledger.db")
    db.execute("DROP TRIGGER nodes_no_update")
    db.execute("UPDATE nodes SET hash = zeroblob(32) WHERE level = 0 AND idx = 1")
    db.execute("UPDATE nodes SET hash = zeroblob(32) WHERE level > 0")
    db.commit()
    db.close()
    with made.open() as station, pytest.raises(CheckFailedError, match="contradicts"):
        station.record(note("C1", "x"), made.officer)
    assert size
    assert origin


def test_a_swapped_checkpoint_is_noticed(made):
    with made.open() as station:
        station.record(note("C1", "a"), made.officer)
        station.record(note("C1", "b"), made.officer)
        old = station.store.head_at(station.head().size - 1).note
    db = sqlite3.connect(made.path / "ledger.db")
    db.execute("DROP TRIGGER heads_no_update")
    db.execute("UPDATE heads SET note = ? WHERE size = (SELECT max(size) FROM heads)", (old,))
    db.commit()
    db.close()
    with made.open() as station:
        with pytest.raises(CheckFailedError, match="stored checkpoint"):
            station.checkpoint()
        with pytest.raises(CheckFailedError):
            station.record(note("C1", "c"), made.officer)


@pytest.mark.parametrize("what", ["pins", "marks"])
def test_a_damaged_state_file_is_no_pass(made, station, what):
    station.record(note("C1", "a"), made.officer)
    folder = os.path.join(state.folder(), what.encode())
    path = os.path.join(folder, os.listdir(folder)[0])
    for content in (b"", b"{}", b"\xff\xff", b'{"schema":"evkit/pin/1"}'):
        with open(path, "wb") as handle:
            handle.write(content)
        before = station.head()
        with pytest.raises(InputError, match="is damaged"):
            station.record(note("C1", "b"), made.officer)
        assert station.head() == before


def test_without_the_log_key(made, station):
    os.unlink(made.path / "keys" / "log.key")
    before = station.head()
    with pytest.raises(IdentityError, match="no log key"):
        station.record(note("C1", "a"), made.officer)
    assert station.head() == before


def test_with_another_log_key(made, station):
    from evkit.identity.keys import generate_log_key

    os.unlink(made.path / "keys" / "log.key")
    generate_log_key(os.fsencode(made.path / "keys" / "log.key"))
    with pytest.raises(IdentityError, match="not the one"):
        station.record(note("C1", "a"), made.officer)


def test_a_head_without_checkpoint_is_signed_on_opening(made, monkeypatch):
    class Stop(Exception):
        pass

    def stop(kind: str, path: bytes) -> None:
        nonlocal commits
        commits += kind == "commit"
        if commits == 2:
            raise Stop

    commits = 0
    with made.open() as station:
        before = station.head().size
        durable.observe(stop)
        try:
            with pytest.raises(Stop):
                station.record(note("C1", "committed"), made.officer)
        finally:
            durable.observe(None)
        assert station.head().note is None
    with made.open() as station:
        assert station.head().size == before + 1
        assert station.head().note is not None
        assert station.notices == ["signed the last head; the append before was stopped"]
    with made.open() as station:
        assert station.notices == []


def _codes(done) -> list[str]:
    return [entry.code for entry in done.event.deviations]


def test_without_a_mark_the_event_says_so(made, station):
    """A copied folder on another machine, or a state folder that was emptied."""
    assert _codes(station.record(note("C1", "known"), made.officer)) == []
    os.unlink(highwater.path_of(station.origin))
    first, second = station.record_many(
        [note("C1", "a"), note("C1", "b")], made.officer, reason="new workstation"
    )
    assert _codes(first) == ["no-high-water-mark"]
    assert first.event.deviations[0].reason == "new workstation"
    assert "no high-water mark" in second.notices[0]
    assert "no-high-water-mark" not in _codes(second)
    third = station.record(note("C1", "c"), made.officer)
    assert (_codes(third), third.notices) == ([], ())


def test_a_late_checkpoint_does_not_hide_that_there_was_no_mark(made):
    with made.open() as station:
        stop = _stop_at_commit(2)
        try:
            with pytest.raises(stop):
                station.record(note("C1", "committed"), made.officer)
        finally:
            durable.observe(None)
        os.unlink(highwater.path_of(station.origin))
    with made.open() as station:
        assert station.head().note is not None
        assert highwater.read(station.origin) == station.head()[:2]
        assert _codes(station.record(note("C1", "a"), made.officer)) == ["no-high-water-mark"]
        assert _codes(station.record(note("C1", "b"), made.officer)) == []


def _stop_at_commit(number):
    """Observe durable steps; the `number`-th commit (from 1) raises."""
    count = 0

    class Stop(BaseException):
        pass

    def observer(kind: str, path: bytes) -> None:
        nonlocal count
        count += kind == "commit" and path.endswith(b"ledger.db")
        if count == number:
            raise Stop

    durable.observe(observer)
    return Stop


@pytest.mark.parametrize("again", ["opened", "recorded", "asked"])
def test_a_head_signed_late_moves_the_mark_first(made, tmp_path, again):
    """Stopped between commit and checkpoint; whoever signs the head later moves the mark."""
    old = tmp_path / "old"
    with made.open() as station:
        station.record(note("C1", "seen"), made.officer)
        shutil.copytree(made.path, old)
        stop = _stop_at_commit(2)
        try:
            with pytest.raises(stop):
                station.record(note("C1", "committed"), made.officer)
        finally:
            durable.observe(None)
        if again == "recorded":
            with pytest.raises(UsageError):
                station.record(Draft(kind="nonsense", case="C1"), made.officer)
        elif again == "asked":
            station.checkpoint()
    if again == "opened":
        made.open().close()
    with made.open() as station:
        assert station.head().note is not None
        assert highwater.read(station.origin) == station.head()[:2]
    with Station.open(old) as station, pytest.raises(RefusedError):
        station.record(note("C1", "a fork"), made.officer)


def test_the_mark_moves_before_the_checkpoint_is_stored(made, station):
    station.record(note("C1", "seen"), made.officer)
    stop = _stop_at_commit(2)
    try:
        with pytest.raises(stop):
            station.record(note("C1", "committed"), made.officer)
    finally:
        durable.observe(None)
    assert station.head().note is None
    assert highwater.read(station.origin) == station.head()[:2]


def test_a_failure_after_the_commit_is_a_notice(made, station, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise StorageError("no space")

    monkeypatch.setattr(highwater, "advance", full)
    done = station.record(note("C1", "kept"), made.officer)
    assert "recorded" in done.notices[0]
    assert station.find(str(done.index)).event_id == done.event_id


@pytest.mark.parametrize(
    "error", [IdentityError("no log key"), InputError("damaged"), LockedError("held")]
)
@pytest.mark.parametrize("where", ["log_signer", "sign_head"])
def test_any_error_after_the_commit_is_a_notice(made, station, monkeypatch, error, where):
    """What is in the ledger must never look as if it were not."""
    real = getattr(append, where)
    before = station.head().size

    def broken(*arguments: object) -> object:
        if station.store.head().size > before:
            raise error
        return real(*arguments)

    monkeypatch.setattr(append, where, broken)
    done = station.record(note("C1", "kept"), made.officer)
    assert done.notices[0].startswith("recorded; ")
    assert error.message in done.notices[0]
    monkeypatch.setattr(append, where, real)
    assert station.checkpoint()


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM entries WHERE idx = 2",
        (
            "INSERT INTO entries SELECT 5, substr(event_id, 2) || 'x', kind, NULL, NULL, NULL,"
            " signer, envelope FROM entries WHERE idx = 1"
        ),
    ],
)
def test_rows_that_are_not_those_of_the_head(made, station, change):
    """Somebody with the file and an SQL shell: nothing is added on top of it."""
    db = station.store._db
    db.execute("DROP TRIGGER entries_no_delete")
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute(change)
    with pytest.raises(InputError, match="entries, but its head"):
        station.record(note("C1", "x"), made.officer)


def test_finding_entries(made, station):
    done = station.record(note("C1", "a"), made.officer)
    assert station.find(str(done.index)).event_id == done.event_id
    assert station.find(done.event_id[:12]).index == done.index
    assert station.find(done.event_id.upper()).index == done.index
    for wrong in ("99999", done.event_id[:7], "f" * 64, "", "x", "٣"):
        with pytest.raises(CaseError):
            station.find(wrong)


def test_check_before_long_work(made, station):
    station.check(made.officer, "acquire-start")
    os.unlink(made.path / "keys" / "log.key")
    with pytest.raises(IdentityError):
        station.check(made.officer, "acquire-start")


def test_an_empty_batch(made, station):
    before = station.head()
    assert station.record_many([], made.officer) == []
    assert station.head() == before
