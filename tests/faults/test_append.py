"""An append stopped at every durable step, killed at random, on a full disk: nothing is lost."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import time
from functools import partial

import pytest
import stations
from stations import note

from evkit.core import durable
from evkit.core.errors import StorageError
from evkit.identity import keys
from evkit.identity.names import OfficerDetails
from evkit.merkle import tree
from evkit.station import Station, rootkey
from evkit.station.create import NewStation, create
from evkit.station.officers import enrol, revoke, rows

STOPPED = 9


def run_stopped(action, at: int | None) -> tuple[int, list[str]]:
    """Run `action` in a child that ends at its `at`-th durable step; return exit code and steps."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            count = 0

            def stop(kind: str, path: bytes) -> None:
                nonlocal count
                if count == at:
                    os._exit(STOPPED)
                count += 1
                os.write(writer, f"{kind} {os.path.basename(path)!r}\n".encode())

            durable.observe(stop)
            action()
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        steps = pipe.read().decode().splitlines()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), steps


def count_steps(action) -> list[str]:
    code, steps = run_stopped(action, None)
    assert code == 0
    assert len(steps) > 5
    return steps


def consistent(station: Station) -> int:
    """Check everything that must hold after any stop; return the size."""
    head = station.head()
    entries = list(station.entries())
    leaves = [tree.leaf_hash(entry.envelope) for entry in entries]
    assert len(entries) == head.size
    assert station.leaf_hashes() == leaves
    assert tree.root(leaves) == head.root
    assert station.checkpoint()
    list(station.events())
    for entry in entries:
        station.openings(entry.event_id)
    return head.size


def cheap(secret: bytes, params) -> bytes:
    """Stands in for scrypt, which is meant to take its time."""
    return hashlib.sha256(params.salt + secret).digest()


def no_leftovers(folder) -> None:
    """What was not finished has no final name."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix == ".json":
            assert path.stat().st_size > 0


@pytest.fixture
def made(memory):
    return stations.ready(memory / "station")


@pytest.mark.parametrize("count", [1, 7])
def test_an_append_stopped_at_every_step(memory, monkeypatch, count):
    template = stations.ready(memory / "template")

    def append(path):
        def run() -> None:
            with Station.open(path) as station:
                drafts = [note("C1", f"note {n}") for n in range(count)]
                station.record_many(drafts, template.officer)

        return run

    monkeypatch.setenv("XDG_STATE_HOME", str(memory / "state-count"))
    made = stations.ready(memory / "count")
    with made.open() as station:
        station.record(note("C1", "before"), made.officer)
    total = len(count_steps(append(made.path)))
    committed = 0
    for at in range(total):
        monkeypatch.setenv("XDG_STATE_HOME", str(memory / f"state-{at}"))
        made = stations.ready(memory / f"station-{at}")
        with made.open() as station:
            station.record(note("C1", "before"), made.officer)
            before = station.leaf_hashes()
        code, _ = run_stopped(append(made.path), at)
        assert code == STOPPED
        with made.open() as station:
            size = consistent(station)
            assert size in {len(before), len(before) + count}
            assert station.leaf_hashes(len(before)) == before
            committed += size > len(before)
            done = station.record(note("C1", "after"), made.officer)
            assert done.index == size
            assert done.notices == ()
            assert consistent(station) == size + 1
        no_leftovers(memory)
    assert 0 < committed < total


def test_making_a_station_stopped_at_every_step(memory, monkeypatch):
    monkeypatch.setattr(keys, "_derive", cheap)

    def request(folder):
        return NewStation(
            path=os.fsencode(folder / "station"),
            name="Unit",
            agency="Agency",
            origin=None,
            profile="pk",
            root_dir=os.fsencode(folder / "root"),
            root_passphrase=b"root",
        )

    (memory / "count").mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(memory / "count" / "state"))
    total = len(count_steps(lambda: create(request(memory / "count"))))
    for at in range(total):
        folder = memory / f"try-{at}"
        folder.mkdir()
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        code, _ = run_stopped(partial(create, request(folder)), at)
        assert code == STOPPED
        if not (folder / "station").exists():
            create(request(folder))
        with Station.open(folder / "station") as station:
            assert consistent(station) == 1


def test_enrolling_stopped_at_every_step_is_finished_by_the_same_command(memory, monkeypatch):
    monkeypatch.setattr(keys, "_derive", cheap)
    details = OfficerDetails(
        officer="new-officer", name="New Officer", agency=stations.AGENCY, roles=("officer",)
    )

    def enrolling(made):
        def run() -> None:
            with made.open() as station:
                enrol(station, details, made.root, b"new phrase")

        return run

    total = len(count_steps(enrolling(stations.ready(memory / "count"))))
    for at in range(total):
        monkeypatch.setenv("XDG_STATE_HOME", str(memory / f"state-{at}"))
        made = stations.ready(memory / f"station-{at}")
        code, _ = run_stopped(enrolling(made), at)
        assert code == STOPPED
        with made.open() as station:
            consistent(station)
            row = {r.certificate.officer: r for r in rows(station)}.get("new-officer")
            if row is None or row.enrolled is None:
                enrol(station, details, made.root, b"new phrase")
            signer = station.signer("new-officer", b"new phrase")
            station.record(note("C1", "first"), signer)
            kinds = [entry.kind for entry in station.entries()]
            assert kinds.count("enrol") == 3


def test_revoking_stopped_after_its_event_still_holds(memory, monkeypatch):
    made = stations.ready(memory / "count")
    fingerprint = made.custodian.certificate.fingerprint

    def revoking(ready):
        def run() -> None:
            with ready.open() as station:
                revoke(station, stations.CUSTODIAN, ready.root, "ended")

        return run

    total = len(count_steps(revoking(made)))
    for at in range(total):
        monkeypatch.setenv("XDG_STATE_HOME", str(memory / f"state-{at}"))
        made = stations.ready(memory / f"station-{at}")
        run_stopped(revoking(made), at)
        with made.open() as station:
            consistent(station)
            if not any(entry.kind == "revoke" for entry in station.entries()):
                continue
            with pytest.raises(Exception, match="is revoked"):
                station.record(note("C1", "x"), made.custodian)
            if station.trust.crl().find(made.custodian.certificate.serial) is None:
                revoke(station, stations.CUSTODIAN, made.root, "ended")
            assert station.trust.crl().find(made.custodian.certificate.serial)
            assert [e.kind for e in station.entries()].count("revoke") == 1
    assert fingerprint


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_random(made, rounds):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    acknowledged: list[str] = []
    for number in range(rounds):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reader)
                with made.open() as station:
                    os.write(writer, b"ready\n")
                    while True:
                        done = station.record(note("C1", "n"), made.officer)
                        os.write(writer, done.event_id.encode() + b"\n")
            finally:
                os._exit(1)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            assert pipe.readline() == b"ready\n"
            said = b"" if number else pipe.readline()  # one at least, however busy the machine is
            time.sleep(chance.random() * 0.1)
            os.kill(child, signal.SIGKILL)
            lines = (said + pipe.read()).split(b"\n")
        os.waitpid(child, 0)
        acknowledged += [line.decode() for line in lines[:-1]]
        with made.open() as station:
            assert consistent(station)
    with made.open() as station:
        recorded = {entry.event_id for entry in station.entries()}
        assert set(acknowledged) <= recorded
        station.record(note("C1", "still works"), made.officer)
    assert len(acknowledged) > 0


def test_two_writers(made):
    """Two processes append at once; both get through and every entry is there once."""
    each = 15
    children = []
    for signer in (made.officer, made.custodian):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with made.open() as station:
                    for n in range(each):
                        station.record(note("C1", f"{signer.certificate.officer} {n}"), signer)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0, 0]
    with made.open() as station:
        consistent(station)
        events = [event for _, event, _ in station.events("C1")]
        assert [event.case_seq for event in events] == list(range(1, len(events) + 1))
        texts = [event.fields.get("text") for event in events if event.kind == "note"]
        assert len(texts) == len(set(texts)) == 2 * each
        officers = [event.actor.officer for event in events[-2 * each :]]
        assert len(set(officers)) == 2


def test_a_store_that_cannot_grow(made):
    with made.open() as station:
        before = station.head()
        db = station.store._db
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageError, match="full") as caught:
            station.record_many([note("C1", "x" * 2000) for _ in range(50)], made.officer)
        assert caught.value.exit_code == 16
        assert "free space" in caught.value.hint
        assert station.head() == before
        db.execute("PRAGMA max_page_count = 1073741823")
        station.record(note("C1", "after space was made"), made.officer)
        consistent(station)


@pytest.fixture
def small_disk(tmp_path, program):
    """A tmpfs of 1 MiB; only root can mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = [program("mount"), "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder
    subprocess.run([program("umount"), "-l", str(folder)], check=True)


def fill(path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.closing(os.fdopen(descriptor, "wb", buffering=0)) as handle:
        with pytest.raises(OSError) as caught:  # noqa: PT012 - until the disk is full
            while True:
                handle.write(bytes(4096))
        assert caught.value.errno == errno.ENOSPC


def test_a_full_disk(small_disk):
    made = stations.ready(small_disk / "station")
    filler = small_disk / "filler"
    recorded = 0
    with made.open() as station:
        fill(filler)
        before = station.head()
        caught = None
        while caught is None:
            try:
                station.record(note("C1", "x" * 3000), made.officer)
                recorded += 1
            except StorageError as error:
                caught = error
        assert caught.exit_code == 16
        assert station.head().size == before.size + recorded
    with made.open() as station:
        assert station.head().size == before.size + recorded
        filler.unlink()
        station.record(note("C1", "after space was made"), made.officer)
        assert consistent(station) == before.size + recorded + 1


def test_a_journal_of_the_database_left_behind(made, tmp_path):
    """Killed inside SQLite's commit: the rollback journal is there; opening undoes the rest."""
    with made.open() as station:
        station.record(note("C1", "kept"), made.officer)
        before = station.head()
    child = os.fork()
    if child == 0:
        db = sqlite3.connect(made.path / "ledger.db", isolation_level=None)
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN IMMEDIATE")
        for n in range(500):
            db.execute("INSERT INTO nodes VALUES (60, ?, zeroblob(32))", (n,))
        os._exit(0)
    os.waitpid(child, 0)
    assert (made.path / "ledger.db-journal").exists()
    with made.open() as station:
        assert station.head() == before
        consistent(station)
        station.record(note("C1", "goes on"), made.officer)


def test_the_root_is_not_made_twice(memory, monkeypatch):
    """A stop between the root's key and its certificate keeps the key."""
    monkeypatch.setattr(keys, "_derive", cheap)
    folder = os.fsencode(memory / "root")
    keys_seen = set()
    steps = count_steps(lambda: rootkey.make(os.fsencode(memory / "count"), "A", b"pw"))
    for at in range(len(steps)):
        run_stopped(lambda: rootkey.make(folder, "A", b"pw"), at)
        if rootkey.exists(folder):
            with open(os.path.join(folder, b"root.key"), "rb") as handle:
                keys_seen.add(handle.read())
    signer = rootkey.open_or_make(folder, "A", b"pw")
    assert signer.certificate.signed_by(signer.certificate)
    assert len(keys_seen) == 1
