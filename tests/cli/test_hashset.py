"""`evkit hashset` and `evkit inventory mark` on a real station."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import hashsetkit
import inventorykit as kit
import pytest

from evkit.core.errors import IdentityError
from evkit.core.refs import parse_ref
from evkit.hashing.digests import digest_file
from evkit.inventory.hashsets import marks
from evkit.inventory.hashsets.reader import HashSet
from evkit.ledger.event import Draft, Subject
from evkit.station import Station

IMAGE = kit.SAMPLES / "usb-fat16.raw"
pytestmark = pytest.mark.skipif(not IMAGE.exists(), reason="the sample images are not here")


@pytest.fixture
def listed(run):
    """An acquisition with an inventory; returns folder and stream rows by path."""
    with run.made.open() as station:
        folder = os.fsdecode(station.folder(parse_ref("C1/E1/A1")))
        os.makedirs(folder)
        shutil.copyfile(IMAGE, os.path.join(folder, "image.raw"))
        size, digests = digest_file(IMAGE)
        artifacts = [{"name": "image.raw", "role": "image", "size": size, **digests}]
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        fields = {"result": "complete", "made_by": "evkit", "media": {"size": size, **digests},
                  "artifacts": artifacts}  # fmt: skip
        station.record_many(
            [
                Draft(kind="acquire-start", **common),
                Draft(
                    kind="acquire-end", fields=fields,
                    subjects=(Subject("C1/E1/A1", digests),), **common,
                ),
            ],
            run.made.officer,
        )  # fmt: skip
    run("inventory", "run", "C1/E1", "--no-types")
    with kit.Inventory(os.fsencode(os.path.join(folder, "inventory.db"))) as inventory:
        streams = {
            number: row["digests"]
            for number, row in inventory.rows("stream")
            if "digests" in row and row["size"]
        }
    return folder, streams


def events(run, kind, case=None):
    with run.made.open() as station:
        return [event for _, event, _ in station.events(case) if event.kind == kind]


def test_a_set_is_imported_recorded_listed_and_removed(run, tmp_path):
    source = hashsetkit.nsrl(tmp_path / "RDS.db", [hashsetkit.nsrl_row(n) for n in range(20)])
    out = run("hashset", "import", source, "--name", "nsrl", "--source", "NIST")
    assert "recorded hashset of the station" in out
    assert "20 entries" in out
    path = tmp_path / "station" / "hashsets" / "nsrl.hashset"
    with HashSet(os.fsencode(path)) as found:
        assert found.has("sha1", hashsetkit.digests(7)[1])
        assert found.header.category == "known"
        assert not found.header.sensitive
    fields = events(run, "hashset")[0].fields
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert fields["file"] == {
        "name": "nsrl.hashset", "size": path.stat().st_size, "sha256": digest,
    }  # fmt: skip
    assert fields["source"] == {
        "name": "RDS.db", "size": source.stat().st_size, "format": "nsrl", "origin": "NIST",
        "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
    }  # fmt: skip
    assert fields["release"] == "2026.09.1 modern 2026-09-15"
    assert fields["digests"] == {"sha256": 20, "sha1": 20, "md5": 20}
    listing = json.loads(run("hashset", "list", "--json"))
    assert [item["name"] for item in listing["hashsets"]] == ["nsrl"]
    shown = json.loads(run("hashset", "show", "nsrl", "--json"))
    assert shown["set"]["entries"] == 20
    assert "the one on record" in run("hashset", "verify", "nsrl")
    run("hashset", "remove", "nsrl", "--why", "old")
    assert not path.exists()
    assert events(run, "hashset-remove")[0].fields["file"]["sha256"] == digest
    assert "removed by entry" in run("hashset", "list")
    assert "no hash set `nsrl`" in run("hashset", "show", "nsrl", expect=10)
    run("hashset", "import", source, "--name", "nsrl")
    assert path.exists()


def test_imports_that_are_refused(run, tmp_path):
    source = tmp_path / "x"
    source.write_text(hashsetkit.digests(1)[0].hex() + "\n")
    before = len(events(run, "hashset"))
    assert "nothing says what a match" in run(
        "hashset", "import", source, "--name", "own", expect=2
    )
    assert "cannot be the name" in run(
        "hashset", "import", source, "--name", "../x", "--kind", "known", expect=2
    )
    for data in ("nothing\n", "", hashlib.sha256(b"").hexdigest() + "\n"):
        source.write_text(data)
        run("hashset", "import", source, "--name", "own", "--kind", "known", expect=14)
    run("hashset", "import", tmp_path / "none", "--name", "own", "--kind", "known", expect=14)
    folder = tmp_path / "station" / "hashsets"
    assert not folder.exists() or not os.listdir(folder)
    assert len(events(run, "hashset")) == before
    source.write_text(hashsetkit.digests(1)[0].hex() + "\n")
    run("hashset", "import", source, "--name", "own", "--kind", "known")
    again = run("hashset", "import", source, "--name", "own", "--kind", "known", expect=15)
    assert "there is a hash set `own`" in again


def test_a_dry_run_counts_and_writes_nothing(run, tmp_path):
    source = hashsetkit.vics(tmp_path / "vic.json", range(9))
    out = run(
        "hashset", "import", source, "--name", "vic", "--category", "1", "--dry-run", "--json"
    )
    document = json.loads(out)
    assert (document["done"], document["recorded"]) == (False, False)
    assert document["set"]["entries"] == 3
    assert document["set"]["left_out"] == {"other-category": 6}
    assert document["set"]["sensitive"] is True
    assert document["set"]["category"] == "notable"
    assert not (tmp_path / "station" / "hashsets").exists()


def test_a_set_that_cannot_be_signed_is_not_kept(run, tmp_path, monkeypatch):
    source = tmp_path / "x"
    source.write_text(hashsetkit.digests(1)[0].hex() + "\n")
    with monkeypatch.context() as patch:

        def refused(*_, **__):
            raise IdentityError("the key is away")

        patch.setattr(Station, "record", refused)
        run("hashset", "import", source, "--name", "own", "--kind", "known", expect=12)
    assert os.listdir(tmp_path / "station" / "hashsets") == []
    left = tmp_path / "station" / "hashsets" / "own.hashset"
    left.write_bytes(b"of a run that was stopped before its record")
    run("hashset", "import", source, "--name", "own", "--kind", "known")
    run("hashset", "verify", "own")


def test_a_set_outside_a_station(run, tmp_path, monkeypatch):
    monkeypatch.delenv("EVKIT_STATION")
    source = tmp_path / "x"
    source.write_text(hashsetkit.digests(1)[0].hex() + "\n")
    arguments = ("--name", "own", "--kind", "notable", "-o", "own.hashset")
    assert "not recorded" in run("hashset", "import", source, *arguments)
    assert "compared with no record" in run("hashset", "verify", "./own.hashset")
    run("hashset", "import", source, *arguments, expect=15)
    path = tmp_path / "own.hashset"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    run("hashset", "show", "own.hashset", expect=14)


def test_a_set_that_was_exchanged_or_is_gone(run, listed, tmp_path):
    source = tmp_path / "x"
    source.write_text(hashsetkit.digests(1)[0].hex() + "\n")
    run("hashset", "import", source, "--name", "own", "--kind", "notable")
    path = tmp_path / "station" / "hashsets" / "own.hashset"
    source.write_text(hashsetkit.digests(2)[0].hex() + "\n")
    run("hashset", "import", source, "--name", "own", "--kind", "notable", "-o", "other.hashset")
    os.replace(tmp_path / "other.hashset", path)
    assert "not the one that entry" in run("hashset", "verify", "own", expect=4)
    run("inventory", "mark", "C1/E1", expect=4)
    path.unlink()
    assert "is missing" in run("hashset", "list", expect=3)
    run("inventory", "mark", "C1/E1", expect=14)
    folder, _ = listed
    assert not [name for name in os.listdir(folder) if "marks" in name]


def test_streams_are_marked_and_the_inventory_stays(run, listed, tmp_path):
    folder, streams = listed
    database = os.path.join(folder, "inventory.db")
    before = digest_file(database)
    numbers = sorted(streams)
    known, notable, weak = numbers[0], numbers[1], numbers[2]
    lists = {
        "known": [streams[known]["sha256"], streams[notable]["sha256"]],
        "notable": [streams[notable]["sha256"], streams[weak]["md5"]],
    }
    for name, digests in lists.items():
        (tmp_path / name).write_text("".join(f"{digest}\n" for digest in digests))
        run("hashset", "import", tmp_path / name, "--name", name, "--kind", name)
    out = run("inventory", "mark", "C1/E1")
    assert "recorded marks of C1/E1/A1" in out
    assert "1 by MD5 or SHA-1 alone" in out
    assert digest_file(database) == before
    path = os.path.join(folder, "inventory.db.marks.jsonl")
    event = events(run, "marks", "C1")[0]
    assert event.fields["file"]["sha256"] == digest_file(path, ("sha256",))[1]["sha256"]
    found = marks.marks_for(os.fsencode(database))
    wanted = {streams[number]["sha256"] for number in (known, notable)}
    same = {number for number in numbers if streams[number]["sha256"] in wanted}
    weaker = {n for n in numbers if streams[n]["md5"] == streams[weak]["md5"]}
    counts = event.fields["counts"]
    assert counts["streams"] >= len(streams)
    assert (counts["marked"], counts["weak"]) == (len(same | weaker), len(weaker - same))
    assert set(found.streams()) == same | weaker
    assert [(mark.set, mark.category, mark.digest, mark.weak) for mark in found.of(notable)] == [
        ("known", "known", "sha256", False), ("notable", "notable", "sha256", False),
    ]  # fmt: skip
    assert [(mark.set, mark.digest, mark.weak) for mark in found.of(weak)] == [
        ("notable", "md5", True)
    ]
    assert found.of(max(numbers) + 1) == ()
    assert "looked up in hash sets known, notable" in run("custody", "log", "C1/E1")
    run("inventory", "mark", "C1/E1/A1", "--hashset", "known")
    assert marks.marks_for(os.fsencode(database)).path.endswith(b"marks-2.jsonl")
    assert len(events(run, "marks", "C1")) == 2


def test_marks_that_cannot_be_made(run, listed, tmp_path):
    folder, streams = listed
    assert "has no hash set" in run("inventory", "mark", "C1/E1", expect=10)
    (tmp_path / "x").write_text(next(iter(streams.values()))["sha256"] + "\n")
    run("hashset", "import", tmp_path / "x", "--name", "own", "--kind", "notable")
    run("inventory", "mark", "C1/E1", "--hashset", "other", expect=10)
    run("inventory", "mark", "C1/E2", expect=10)
    run("inventory", "mark", "C1/E1/A2", expect=10)
    out = json.loads(run("inventory", "mark", "C1/E1", "--dry-run", "--json"))
    assert out["done"] is False
    assert out["counts"]["notable"] >= 1
    database = os.path.join(folder, "inventory.db")
    os.chmod(database, 0o644)
    with open(database, "r+b") as handle:
        handle.seek(60)
        handle.write(b"\1")
    assert "is not the one that entry" in run("inventory", "mark", "C1/E1", expect=4)
    assert events(run, "marks", "C1") == []


def test_an_inventory_file_without_a_station(run, tmp_path, monkeypatch):
    monkeypatch.delenv("EVKIT_STATION")
    image = shutil.copyfile(IMAGE, tmp_path / "disk.raw")
    run("inventory", "run", image, "--no-types")
    with kit.Inventory(os.fsencode(tmp_path / "disk.raw.inventory.db")) as inventory:
        number, row = next(item for item in inventory.rows("stream") if item[1].get("size"))
    (tmp_path / "x").write_text(row["digests"]["md5"] + "\n")
    run(
        "hashset", "import", tmp_path / "x", "--name", "own", "--kind", "notable", "-o", "o.hashset"
    )
    run("inventory", "mark", "./disk.raw.inventory.db", expect=2)
    run("inventory", "mark", "./disk.raw.inventory.db", "--hashset", "own", expect=2)
    out = json.loads(
        run("inventory", "mark", "./disk.raw.inventory.db", "--hashset", "./o.hashset", "--json")
    )
    assert (out["done"], out["recorded"]) == (True, False)
    found = marks.marks_for(os.fsencode(tmp_path / "disk.raw.inventory.db"))
    assert found.of(number)[0].weak


def test_marks_answer_searches_only_as_they_were_recorded(run, listed, tmp_path):
    folder, streams = listed
    assert "was not compared" in run("inventory", "find", "C1/E1/A1", "--notable", expect=5)
    number, digests = next(iter(streams.items()))
    (tmp_path / "x").write_text(digests["sha256"] + "\n")
    run("hashset", "import", tmp_path / "x", "--name", "own", "--kind", "notable")
    run("inventory", "mark", "C1/E1")
    found = json.loads(run("inventory", "find", "C1/E1/A1", "--notable", "--json"))
    assert number in {entry["stream_row"] for entry in found["entries"]}
    assert "nothing found" in run("inventory", "find", "C1/E1/A1", "--known")
    run("inventory", "report", "C1/E1", "-o", "x.html")
    path = os.path.join(folder, "inventory.db.marks.jsonl")
    stray = os.path.join(folder, "inventory.db.marks-2.jsonl")
    shutil.copyfile(path, stray)  # of a run that was stopped before its record
    run("inventory", "find", "C1/E1/A1", "--notable")
    with open(path, "rb") as handle:
        whole = handle.read()
    os.chmod(path, 0o644)
    with open(path, "wb") as handle:
        handle.write(whole.replace(b'"created":"20', b'"created":"19'))
    for command in (("find", "C1/E1/A1", "--notable"), ("report", "C1/E1", "-o", "y.html")):
        assert "were recorded" in run("inventory", *command, expect=4)
    os.unlink(path)
    run("inventory", "find", "C1/E1/A1", "--notable", expect=14)
    assert not os.path.exists(tmp_path / "y.html")
