"""Backups: complete, checked, without the log key; recovery goes on under a new name."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tarfile

import pytest
import stations
from stations import note

from evkit.actions.station import RecoveryView
from evkit.core import ejson
from evkit.core.errors import CheckFailedError, IdentityError, InputError, RefusedError
from evkit.merkle import tree
from evkit.station import Station, backup, highwater, restore
from evkit.station.config import is_origin
from evkit.station.create import new_origin
from evkit.station.recover import Recovery, _next_origin, recover


@pytest.fixture(params=["b.tar", "folder"])
def target(request, tmp_path):
    return os.fsencode(tmp_path / request.param)


def _fill(made) -> None:
    folder = made.path / "cases" / "C1" / "E1" / "A1"
    folder.mkdir(parents=True)
    (folder / "image.raw").write_bytes(b"evidence" * 1000)
    with open(os.fsencode(folder) + b"/\xff\n", "wb") as handle:
        handle.write(b"odd name")
    (folder / "x.part").write_bytes(b"temporary")
    os.symlink("/etc/passwd", folder / "link")


def _made(station, target, *, evidence=False):
    return backup.make(station.place, station.origin, target, evidence=evidence)


def test_what_is_in_it(made, station, target, tmp_path):
    _fill(made)
    station.index()
    done = _made(station, target)
    assert done.head == station.head()
    assert done.left_out == 2
    (tmp_path / "out").mkdir()
    listing = restore.unpack(target, os.fsencode(tmp_path / "out"))
    names = set(listing.files)
    assert b"ledger.db" in names
    assert b"keys/officers/third-officer.key" in names
    assert b"trust/station-statement.json" in names
    assert not names & {b"keys/log.key", b"index.db", b"ledger.lock"}
    assert not any(name.startswith(b"cases/") for name in names)
    assert (listing.origin, listing.size, listing.root) == (
        station.origin, done.head.size, done.head.root,
    )  # fmt: skip
    assert [path.name for path in tmp_path.rglob("*.part")] == ["x.part"]  # not ours


def test_evidence_on_request(made, station, target, tmp_path):
    _fill(made)
    done = _made(station, target, evidence=True)
    assert done.left_out == 0
    (tmp_path / "out").mkdir()
    restore.unpack(target, os.fsencode(tmp_path / "out"))
    folder = os.fsencode(tmp_path / "out" / "cases" / "C1" / "E1" / "A1")
    assert sorted(os.listdir(folder)) == [b"image.raw", b"\xff\n"]


def test_it_is_never_written_over(station, target):
    _made(station, target)
    with pytest.raises(RefusedError):
        _made(station, target)


def test_each_change_is_found(station, tmp_path):
    target = tmp_path / "folder"
    _made(station, os.fsencode(target))
    files = [path for path in target.rglob("*") if path.is_file() and path.name != "backup.json"]
    assert len(files) > 5
    for number, path in enumerate(files):
        good = path.read_bytes()
        os.chmod(path, 0o600)
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        out = tmp_path / f"out{number}"
        out.mkdir()
        with pytest.raises(CheckFailedError, match=path.name):
            restore.unpack(os.fsencode(target), os.fsencode(out))
        path.unlink()
        with pytest.raises(CheckFailedError, match="is missing"):
            restore.unpack(os.fsencode(target), os.fsencode(tmp_path / f"gone{number}"))
        path.write_bytes(good)
    (target / "extra").write_bytes(b"x")
    with pytest.raises(CheckFailedError, match="list"):
        restore.unpack(os.fsencode(target), os.fsencode(tmp_path / "extra-out"))


def _tar(path, members) -> bytes:
    with tarfile.open(path, "w") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return os.fsencode(path)


def _info(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, "/etc/passwd"
    return info


@pytest.mark.parametrize("name", ["../escape", "/absolute", "a/../../b", "a//b", "./a", "a\\b"])
def test_hostile_names_in_a_tar(tmp_path, name):
    listing = {
        "schema": "evkit/backup/1", "created": "x", "origin": "a/b", "size": 1, "root": "00" * 32,
        "files": [{"path": name, "size": 1, "sha256": "00" * 32}],
    }  # fmt: skip
    data = json.dumps(listing, sort_keys=True, separators=(",", ":")).encode()
    members = [(_info(name, 1), b"x"), (_info("backup.json", len(data)), data)]
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError):
        restore.unpack(_tar(tmp_path / "b.tar", members), os.fsencode(tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE,
                                  tarfile.FIFOTYPE, tarfile.CHRTYPE])  # fmt: skip
def test_only_plain_files_in_a_tar(tmp_path, kind):
    with pytest.raises(InputError):
        restore.unpack(
            _tar(tmp_path / "b.tar", [(_info("x", 0, kind), b"")]), os.fsencode(tmp_path)
        )


@pytest.mark.parametrize("content", [b"", b"not a tar" * 100, bytes(10240)])
def test_what_is_no_backup(tmp_path, content):
    path = tmp_path / "b.tar"
    path.write_bytes(content)
    with pytest.raises(InputError):
        restore.unpack(os.fsencode(path), os.fsencode(tmp_path))


def _recovery(made, source, target, head, **more) -> Recovery:
    values = {
        "backup": source, "target": os.fsencode(target), "size": head.size, "root": head.root,
        "reason": "disk failed", "root_dir": os.fsencode(stations.template().path.parent / "root"),
        "root_passphrase": stations.ROOT_PHRASE,
    }  # fmt: skip
    return Recovery(**{**values, **more})


def test_recovery_goes_on_under_a_new_name(made, tmp_path):
    source = os.fsencode(tmp_path / "b.tar")
    with made.open() as station:
        station.record(note("C1", "before the backup"), made.officer)
        _made(station, source)
        old = [entry.event_id for entry in station.entries()]
        station.record(note("C1", "lost"), made.officer)
        outside, origin = station.head(), station.origin
    shutil.rmtree(made.path)
    done = recover(_recovery(made, source, tmp_path / "new", outside))
    assert re.fullmatch(re.escape(origin) + r"-r1-[0-9a-f]{8}", done.origin)
    assert done.previous_origin == origin
    assert (done.entries, done.lost) == (len(old), 1)
    with Station.open(tmp_path / "new") as station:
        entries = list(station.entries())
        assert [entry.event_id for entry in entries[1:-1]] == old[1:]
        assert station.head().root == tree.root(
            [tree.leaf_hash(entry.envelope) for entry in entries]
        )
        events = [event for _, event, _ in station.events()]
        assert events[0].kind == "station"
        assert events[0].fields["previous_origin"] == origin
        previous = events[0].fields["previous"]
        assert (previous["size"], previous["root"]) == (outside.size, outside.root.hex())
        assert previous["entries"] == len(old)
        assert events[-1].kind == "recover"
        assert events[-1].fields["reason"] == "disk failed"
        signer = station.signer(stations.OFFICER, stations.PHRASE)
        last = max(event.case_seq for event in events if event.case == "C1")
        after = station.record(note("C1", "goes on"), signer)
        assert after.event.case_seq == last + 1
        assert after.event.head.origin == done.origin
        assert station.checkpoint()
        assert station.state()
    assert (tmp_path / "new" / "previous" / "1" / "ledger.db").is_file()


def test_every_head_of_the_lost_ledger_can_be_computed_again(made, tmp_path):
    """Only leaf 0 differs, and its hash stands in the new first entry; also over two losses."""
    heads = {}
    at = made.path
    for number in (1, 2):
        with Station.open(at) as station:
            signer = station.signer(stations.OFFICER, stations.PHRASE)
            for n in range(4):
                station.record(note("C1", f"{number} {n}"), signer)
                head = station.head()
                heads[station.origin, head.size] = head.root
            source = os.fsencode(tmp_path / f"{number}.tar")
            _made(station, source)
        at = tmp_path / f"new{number}"
        recover(_recovery(made, source, at, head))
    with Station.open(at) as station:
        leaves = station.leaf_hashes()
        fields = next(station.events())[1].fields
    previous = fields["previous"]
    ledgers = [{"origin": fields["previous_origin"], **previous}, *previous["earlier"]]
    firsts = {entry["origin"]: bytes.fromhex(entry["first"]) for entry in ledgers}
    assert len(heads) == 8
    for (origin, size), root in heads.items():
        assert tree.root([firsts[origin], *leaves[1:size]]) == root


def test_recovery_twice(made, tmp_path):
    first, second = os.fsencode(tmp_path / "1.tar"), os.fsencode(tmp_path / "2.tar")
    with made.open() as station:
        _made(station, first)
        head, origin = station.head(), station.origin
    recover(_recovery(made, first, tmp_path / "new", head))
    with Station.open(tmp_path / "new") as station:
        _made(station, second)
        head = station.head()
    done = recover(_recovery(made, second, tmp_path / "newer", head))
    assert re.fullmatch(re.escape(origin) + r"-r2-[0-9a-f]{8}", done.origin)
    assert sorted(os.listdir(tmp_path / "newer" / "previous")) == ["1", "2"]


def test_two_recoveries_of_one_backup_are_two_ledgers(made, tmp_path, monkeypatch):
    """On two machines that know nothing of each other."""
    source = os.fsencode(tmp_path / "b.tar")
    with made.open() as station:
        _made(station, source)
        head = station.head()
    origins = set()
    for name in ("one", "two"):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / f"state-{name}"))
        origins.add(recover(_recovery(made, source, tmp_path / name, head)).origin)
    assert len(origins) == 2


def test_the_new_name_of_a_long_one_still_fits():
    assert is_origin(_next_origin("a" * 128))
    assert is_origin(_next_origin("a" * 110 + "/" + "b" * 17))


def test_the_old_station_is_retired_by_its_recovery(made, tmp_path):
    """It turns up again on the machine where another one went on from its backup."""
    source = os.fsencode(tmp_path / "b.tar")
    with made.open() as station:
        _made(station, source)
        head, origin = station.head(), station.origin
    done = recover(_recovery(made, source, tmp_path / "new", head))
    for _ in range(2):
        with made.open() as station:
            with pytest.raises(RefusedError, match="went on as") as caught:
                station.record(note("C1", "a second history"), made.officer)
            assert done.origin in caught.value.message
            assert station.head() == head
            with pytest.raises(RefusedError):
                station.mark()
    assert highwater.read(origin) == (head.size, head.root)
    with pytest.raises(RefusedError, match="has been used"):
        new_origin(origin)
    with Station.open(tmp_path / "new") as station:
        station.record(note("C1", "goes on"), station.signer(stations.OFFICER, stations.PHRASE))


def test_a_recovery_where_nobody_saw_the_old_station(made, tmp_path, monkeypatch):
    source = os.fsencode(tmp_path / "b.tar")
    with made.open() as station:
        _made(station, source)
        head = station.head()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another-user"))
    recover(_recovery(made, source, tmp_path / "new", head))
    with made.open() as station, pytest.raises(RefusedError, match="went on as"):
        station.record(note("C1", "x"), made.officer)


def test_a_recovery_that_fails_retires_nothing(made, tmp_path):
    source = os.fsencode(tmp_path / "b.tar")
    with made.open() as station:
        _made(station, source)
        head = station.head()
    with pytest.raises(IdentityError):
        recover(_recovery(made, source, tmp_path / "new", head, root_passphrase=b"wrong"))
    with made.open() as station:
        station.record(note("C1", "x"), made.officer)


def test_recovery_names_what_the_ledger_does_not_know(made, tmp_path):
    """The list of a backup is not signed: whoever holds it can add files and list them."""
    _fill(made)
    folder = tmp_path / "b"
    with made.open() as station:
        _made(station, os.fsencode(folder), evidence=True)
        head = station.head()
    roots = folder / "trust" / "roots"
    roots.mkdir()
    added = {
        "cases/C1/E1/A1/planted.raw": folder / "cases" / "C1" / "E1" / "A1" / "planted.raw",
        "trust/roots/planted.crt": roots / "planted.crt",
    }
    listing = json.loads((folder / "backup.json").read_bytes())
    for name, path in added.items():
        path.write_bytes(b"planted")
        digest = hashlib.sha256(b"planted").hexdigest()
        listing["files"].append({"path": name, "size": 7, "sha256": digest})
    (folder / "backup.json").write_bytes(ejson.dumps(listing))
    done = recover(_recovery(made, os.fsencode(folder), tmp_path / "new", head))
    assert set(done.unknown) >= {name.encode() for name in added}
    lines = RecoveryView(done=done).lines()
    assert any("planted.raw" in line for line in lines)
    assert RecoveryView(done=done).document()["unknown"]


def test_recovery_against_another_history(made, tmp_path):
    source = os.fsencode(tmp_path / "b.tar")
    with made.open() as station:
        _made(station, source)
        head = station.head()
    wrong = head._replace(root=bytes(32))
    with pytest.raises(CheckFailedError, match="contradicts"):
        recover(_recovery(made, source, tmp_path / "new", wrong))
    with pytest.raises(IdentityError):
        recover(_recovery(made, source, tmp_path / "new", head, root_passphrase=b"wrong"))
    with pytest.raises(IdentityError):
        recover(_recovery(made, source, tmp_path / "new", head, root_dir=None))
    assert not (tmp_path / "new").exists()
    assert not list(tmp_path.glob("new*"))


def test_recovery_of_a_doctored_backup(made, tmp_path):
    """The list is recomputed over a ledger with one entry less: the checkpoint tells."""
    import sqlite3

    folder = tmp_path / "b"
    with made.open() as station:
        _made(station, os.fsencode(folder))
        head = station.head()
    db = sqlite3.connect(folder / "ledger.db")
    db.execute("DROP TRIGGER entries_no_update")
    db.execute("UPDATE entries SET envelope = (SELECT envelope FROM entries WHERE idx = 1)"
               " WHERE idx = 2")  # fmt: skip
    db.commit()
    db.close()
    listing = json.loads((folder / "backup.json").read_bytes())
    for row in listing["files"]:
        if row["path"] == "ledger.db":
            data = (folder / "ledger.db").read_bytes()
            row["sha256"], row["size"] = hashlib.sha256(data).hexdigest(), len(data)
    (folder / "backup.json").write_bytes(ejson.dumps(listing))
    with pytest.raises(CheckFailedError, match="not those of its head"):
        recover(_recovery(made, os.fsencode(folder), tmp_path / "new", head))
