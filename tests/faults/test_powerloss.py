"""Power lost at every durable step: the station opens, nothing recorded is lost, work goes on.

The states are those of `powerloss`: names and contents that were not synchronised are lost, kept,
or partly lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
from functools import partial
from pathlib import Path

import acquirekit as kit
import inventorykit
import powerloss
import pytest
import stations
from stations import note

from evkit.actions import bundle, inventory, latework, status
from evkit.core import durable
from evkit.core.errors import CaseError
from evkit.identity import keys
from evkit.identity.names import OfficerDetails
from evkit.inventory.database.reader import Inventory
from evkit.manifest import bag, layout
from evkit.manifest.tree import FolderTree, read
from evkit.manifest.zipread import ZipTree
from evkit.merkle import tree
from evkit.station import Station, highwater, rootkey
from evkit.station import layout as station_layout
from evkit.station.create import NewStation, create
from evkit.station.index import Index
from evkit.station.officers import enrol

SOME = 200  # states per test; all of them are played with `-m slow`
REF = "C1/E1/A1"
NEW = OfficerDetails(officer="new", name="New Officer", agency="Agency", roles=("officer",))
much = pytest.mark.parametrize("most", [SOME, pytest.param(None, marks=pytest.mark.slow)])


@pytest.fixture
def disk(memory, monkeypatch):
    """The folder that loses power: station, user's state and results; in memory if possible."""
    path = memory / "disk"
    path.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(path / "state"))
    return path


@pytest.fixture
def made(disk):
    return stations.ready(disk / "station")


def each(disk, action, most):
    """Run the action, then play the power losses; yield (cut, loss) with the disk made ready."""
    run = powerloss.watch(action, disk)
    assert run.code == 0
    assert len(run.cuts) > 5
    found = powerloss.losses(run)
    for loss in powerloss.sample(found, most):
        loss.play(disk)
        cut = run.cuts[loss.cut]
        yield cut, loss
    assert len(found) > len(run.cuts) // 2


def holds(made, cut) -> None:
    """What must hold of the station after any loss."""
    marked(made)
    kit.settled(made.path)
    with made.open() as station:
        size = consistent(station)
        entries = {entry.event_id for entry in station.entries()}
        assert cut.returned <= entries
        for _, event, _ in station.events():
            if event.kind in {"acquire-end", "intake-end"}:
                kit.as_recorded(made.path / "cases" / event.acquisitions[0], event)
        begun_is_shown(station)
        same_as_rebuilt(station)
        done = station.record(note("C1", "after the power came back"), made.officer)
        assert done.index == size
        assert done.notices == ()
        assert consistent(station) == size + 1


def marked(made) -> None:
    """No head that has its checkpoint lies above the mark (opening would sign the last one)."""
    with made.open() as station:
        origin = station.origin
    with contextlib.closing(sqlite3.connect(made.path / "ledger.db")) as db:
        signed = db.execute("SELECT MAX(size) FROM heads WHERE note IS NOT NULL").fetchone()[0]
    assert highwater.read(origin).size >= signed


def consistent(station: Station) -> int:
    """Check the ledger against itself; return its size."""
    head = station.head()
    leaves = [tree.leaf_hash(entry.envelope) for entry in station.entries()]
    assert len(leaves) == head.size
    assert station.leaf_hashes() == leaves
    assert tree.root(leaves) == head.root
    assert station.checkpoint()
    return head.size


def begun_is_shown(station: Station) -> None:
    """What was begun and has no end is work that `status` names."""
    shown = {(work.ref, work.what) for work in status.run(station).work if work.state != "recorded"}
    begun, ended = set(), set()
    for _, event, _ in station.events():
        what, _, when = event.kind.rpartition("-")
        if what in {"acquire", "intake"}:
            (begun if when == "start" else ended).add((event.acquisitions[0], what))
    assert begun - ended <= shown
    assert not ended & shown


def same_as_rebuilt(station: Station) -> None:
    """The projection for look-ups says what one made from the ledger says."""
    fresh = Index.open(b":memory:", station.store)
    try:
        index = station.index()
        assert index.cases() == fresh.cases()
        assert index.exhibits("C1") == fresh.exhibits("C1")
        assert index.events("C1") == fresh.events("C1")
    finally:
        fresh.close()


def finish_all(made, what) -> None:
    """Do what `status` tells: nothing may be left over afterwards."""
    with made.open() as station:
        for action in (latework.sign_late, latework.finish):
            try:
                action(station, made.officer, kit.EXHIBIT, what)
            except CaseError:
                continue
        assert station.journals() == []
    kit.settled(made.path)


def taken(disk, made, action, most, what) -> None:
    """Work that ends in an acquisition folder."""
    whole = 0
    for cut, loss in each(disk, action, most):
        print(loss, cut.kind, cut.path)
        kit.settled(made.path)
        end = kit.end_of(made, REF)
        if cut.kind == "end":
            assert end.fields["result"] == "complete"
            assert not (made.path / "cases" / REF / "journal.json").exists()
        whole += end is not None
        holds(made, cut)
        finish_all(made, what)
    assert whole > 0


@much
def test_acquire(disk, made, tmp_path, most):
    (tmp_path / "stick").write_bytes(os.urandom(40_000))
    taken(disk, made, lambda: kit.acquire_with(made, tmp_path / "stick"), most, "acquire")


@much
def test_intake_of_files(disk, made, tmp_path, most):
    top = tmp_path / "export"
    top.mkdir()
    for number in range(2):
        (top / str(number)).write_bytes(os.urandom(5000))
    taken(disk, made, lambda: kit.intake_with(made, top), most, "intake")


@much
@pytest.mark.parametrize("form", ["raw", "ewf"])
def test_intake_of_an_image(disk, made, tmp_path, vectors, form, most):
    source = tmp_path / "image.dd"
    source.write_bytes(os.urandom(40_000))
    if form == "ewf":
        source = vectors / "images" / "ext2.split.E01"
    action = lambda: kit.intake_with(made, source, kind="image")  # noqa: E731
    taken(disk, made, action, most, "intake")


@much
@pytest.mark.parametrize("count", [1, 3])
def test_append(disk, made, count, most):
    def action() -> None:
        with made.open() as station:
            for turn in range(2):
                drafts = [note("C1", f"{turn} {n}") for n in range(count)]
                station.record_many(drafts, made.officer)

    with made.open() as station:
        before = station.head().size
    sizes = set()
    for cut, loss in each(disk, action, most):
        print(loss, cut.kind, cut.path)
        with made.open() as station:
            sizes.add(station.head().size - before)
        holds(made, cut)
    assert sizes == {0, count, 2 * count}


@much
@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_bundle_create(disk, made, tmp_path, name, most):
    (tmp_path / "stick").write_bytes(os.urandom(9000))
    kit.acquire_with(made, tmp_path / "stick")
    (disk / "out").mkdir()
    target = disk / "out" / name
    complete = {}
    for cut, loss in each(disk, lambda: pack(made, target), most):
        print(loss, cut.kind, cut.path)
        if cut.kind == "end" or target.exists():
            complete[loss.cut] = check_bundle(target)
            with made.open() as station:
                assert [event for _, event, _ in station.events("C1")][-1].kind == "bundle"
        holds(made, cut)
    assert complete


def pack(made, target):
    request = bundle.Request(case="C1", output=os.fsencode(target), with_exhibits=True)
    with made.open() as station:
        return bundle.create(station, made.officer, request)


def check_bundle(target) -> None:
    """A bundle that has its name is whole: every file is as both lists of the bag say."""
    found = ZipTree(str(target)) if target.is_file() else FolderTree(str(target))
    files = {name: read(found, name, 1 << 24) for name in found.sizes}
    if target.is_file():
        found.close()
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    listed = {}
    for name in (bag.PAYLOAD_LIST, bag.TAG_LIST):
        listed |= {line[66:]: line[:64] for line in files[name].decode().splitlines()}
    assert listed.items() <= digests.items()
    assert digests.keys() - listed.keys() == {bag.TAG_LIST, layout.SIGNATURE}


@much
def test_inventory_run(disk, made, most):
    kit.acquire_with(made, inventorykit.SAMPLES / "disc.iso")
    path = made.path / "cases" / REF / "inventory.db"
    recorded = 0
    for number, (cut, loss) in enumerate(each(disk, lambda: list_all(made), most)):
        print(loss, cut.kind, cut.path)
        with made.open() as station:
            events = [e for _, e, _ in station.events("C1") if e.kind == "inventory"]
        if path.exists():
            with Inventory(os.fsencode(path)) as listed:
                assert listed.problems() == []
        if events:
            fields = events[0].fields["database"]
            assert hashlib.sha256(path.read_bytes()).hexdigest() == fields["sha256"]
        assert events or cut.kind != "end"
        recorded += len(events)
        holds(made, cut)
        if not events and (path.exists() or number % 40 == 0):
            list_all(made, record=path.exists())
            holds(made, cut)
    assert recorded > 0


def list_all(made, **options) -> None:
    request = inventory.RunRequest(what=REF, is_ref=True, **options)
    with made.open() as station:
        assert inventory.run(request, station=station, signer=made.officer).recorded


@much
@pytest.mark.parametrize("root_dir", ["root", None])
def test_station_init(disk, monkeypatch, root_dir, most):
    monkeypatch.setattr(keys, "_derive", lambda secret, params: hashlib.sha256(secret).digest())
    stations.template()  # made with real keys, or the next test would meet cheap ones
    root = None if root_dir is None else os.fsencode(disk / root_dir)
    request = NewStation(
        path=os.fsencode(disk / "station"), name="Unit", agency="Agency", origin=None,
        profile="pk", root_dir=root, root_passphrase=b"root",
    )  # fmt: skip
    there = 0
    for cut, loss in each(disk, lambda: create(request), most):
        print(loss, cut.kind, cut.path)
        assert (disk / "station").exists() or cut.kind != "end"
        if not (disk / "station").exists():
            create(request)
        else:
            there += 1
            register = (root and Path(os.fsdecode(root))) or disk / "station" / "keys" / "root"
            with Station.open(disk / "station") as station:
                assert station.origin.encode() in (register / "origins.txt").read_bytes()
        with Station.open(disk / "station") as station:
            assert consistent(station) == 1
            if there:
                assert cut.returned <= {entry.event_id for entry in station.entries()}
            status.run(station)
            signer = rootkey.unlock(root or station.place.path(station_layout.ROOT_HOME), b"root")
            enrol(station, NEW, signer, b"new phrase")
            with_officer = station.signer(NEW.officer, b"new phrase")
            station.record(stations.open_case("C1"), with_officer)
            assert consistent(station) == 3
        kit.settled(disk / "station")
    assert there > 0


@pytest.mark.parametrize("what", ["acquire", "intake"])
def test_killed_and_then_the_power_is_lost(disk, tmp_path, what):
    """What a killed run left without its sync bears what the next run records."""
    (tmp_path / "stick").write_bytes(os.urandom(9000))
    action = {"acquire": kit.acquire_with, "intake": kit.intake_with}[what]
    lost = 0
    for at in range(1000):
        made = stations.ready(disk / "station")
        first = powerloss.watch(partial(action, made, tmp_path / "stick"), disk, at)
        if first.code == 0:
            break
        if first.cuts[-1].kind in {"dirsync", "fsync"}:
            second = powerloss.watch(partial(action, made, tmp_path / "stick"), disk, None, first)
            assert second.code == 0
            loss = powerloss.loss_of(second.cuts[-1], len(second.cuts), "lost", "empty")
            loss.play(disk)
            print(at, first.cuts[-1].path)
            lost += 1
            kit.settled(made.path)
            holds(made, second.cuts[-1])
        clear(disk)
    assert lost > 10


def test_a_first_mark_after_a_kill_is_not_lost(disk):
    root = bytes(32)
    action = partial(highwater.advance, "ledger", 7, root)
    for at in range(1000):
        first = powerloss.watch(action, disk, at)
        if first.code == 0:
            break
        second = powerloss.watch(action, disk, None, first)
        powerloss.loss_of(second.cuts[-1], at, "lost", "empty").play(disk)
        assert highwater.read("ledger") == (7, root)
        clear(disk)
    assert at > 8


def clear(disk) -> None:
    for path in disk.iterdir():
        shutil.rmtree(path)


# The played disk itself: what it forgets, and what it does not.


def after(disk, action, names="kept", data="empty", stop=None):
    """Lose power at the end of an action; return what is left, by name."""
    run = powerloss.watch(action, disk, stop)
    wanted = (len(run.cuts) - 1, names, data)
    powerloss.loss_of(run.cuts[-1], *wanted).play(disk)
    return {
        os.path.relpath(path, disk): path.read_bytes()
        for path in sorted(disk.rglob("*"))
        if path.is_file()
    }


def test_what_was_written_durably_stays(disk):
    def action() -> None:
        durable.make_dir(disk / "a" / "b")
        durable.write_new(os.fsencode(disk / "a" / "b" / "new"), b"whole")
        durable.replace(os.fsencode(disk / "a" / "state"), b"2")

    for names in powerloss.NAMES:
        for data in powerloss.DATA:
            assert after(disk, action, names, data) == {"a/b/new": b"whole", "a/state": b"2"}
            shutil.rmtree(disk / "a")


def test_what_was_not_synchronised_goes(disk):
    (disk / "old").write_bytes(b"old")

    def action() -> None:
        (disk / "unannounced").write_bytes(b"12345678")
        durable.step("unlink", disk / "old")
        (disk / "old").unlink()

    assert after(disk, action, "lost") == {"old": b"old"}
    assert after(disk, action, "kept", "half") == {"unannounced": b"1234"}
    (disk / "old").touch()
    (disk / "unannounced").unlink()
    assert after(disk, action, "kept", "zeros") == {"unannounced": b"1234\0\0\0\0"}


def test_a_rename_without_its_folder_sync_is_undone(disk):
    (disk / "one").write_bytes(b"1")
    (disk / "two").write_bytes(b"2")

    def action() -> None:
        durable.step("rename", disk / "two")
        (disk / "one").rename(disk / "two")

    assert after(disk, action, "lost") == {"one": b"1", "two": b"2"}
    assert after(disk, action, "kept") == {"two": b"1"}


@pytest.mark.parametrize(("skipped", "left"), [("fsync", {"new": b""}), ("fsync_dir", {})])
def test_a_missing_sync_is_seen(disk, monkeypatch, skipped, left):
    """Without its fsync a file is empty under its name; without the folder's it has no name."""
    action = partial(durable.write_new, os.fsencode(disk / "new"), b"whole")
    names = "kept" if skipped == "fsync" else "lost"
    if skipped == "fsync":
        real = durable.step
        monkeypatch.setattr(durable, "step", lambda *w: None if w[0] == "fsync" else real(*w))
    else:
        monkeypatch.setattr(durable, "fsync_dir", lambda _: None)
    assert after(disk, action, names) == left


def test_stopped_at_a_step(disk):
    action = partial(durable.write_new, os.fsencode(disk / "new"), b"whole")
    run = powerloss.watch(action, disk, 2)
    assert run.code == powerloss.STOPPED
    assert [kind for kind, _ in run.steps] == ["create", "write", "fsync"]
    assert [name.suffix for name in disk.iterdir()] == [".part"]
