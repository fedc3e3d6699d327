"""`evkit inventory` on a real station, on images and on folders."""

from __future__ import annotations

import json
import os
import shutil

import inventorykit as kit
import pytest
import stations

from evkit.cli import main
from evkit.cli.session import Session
from evkit.core.refs import parse_ref
from evkit.hashing.digests import digest_file
from evkit.ledger.event import Draft, Subject
from evkit.station import Station

IMAGE = kit.SAMPLES / "usb-fat16.raw"
pytestmark = pytest.mark.skipif(not IMAGE.exists(), reason="the sample images are not here")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run one command line on a station of its own with one acquired image, `C1/E1/A1`."""
    made = stations.ready(tmp_path / "station")
    monkeypatch.setattr(Station, "signer", lambda *_: made.officer)
    monkeypatch.setattr(Session, "passphrase", lambda *_, **__: b"")
    monkeypatch.setenv("EVKIT_STATION", str(made.path))
    monkeypatch.setenv("EVKIT_OFFICER", stations.OFFICER)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, expect=0):
        code = main.run([str(argument) for argument in arguments])
        streams = capsys.readouterr()
        assert code == expect, streams
        return streams.out if expect in {0, 3} else streams.err

    run.made = made
    return run


def _acquired(made, source, name="image.raw"):
    with made.open() as station:
        folder = os.fsdecode(station.folder(parse_ref("C1/E1/A1")))
        os.makedirs(folder)
        shutil.copyfile(source, os.path.join(folder, name))
        size, digests = digest_file(source)
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        start = Draft(kind="acquire-start", **common)
        end = Draft(
            kind="acquire-end",
            fields={
                "result": "complete", "made_by": "evkit", "media": {"size": size, **digests},
                "artifacts": [{"name": name, "role": "image", "size": size, **digests}],
            },
            subjects=(Subject("C1/E1/A1", digests),),
            **common,
        )  # fmt: skip
        station.record_many([start, end], made.officer)
    return folder, digests


def test_an_acquisition_is_inventoried_and_recorded(run):
    folder, digests = _acquired(run.made, IMAGE)
    out = run("inventory", "run", "C1/E1")
    assert "recorded inventory of C1/E1/A1" in out
    path = os.path.join(folder, "inventory.db")
    with run.made.open() as station:
        event = [event for _, event, _ in station.events("C1") if event.kind == "inventory"][-1]
    fields = event.fields
    with kit.Inventory(os.fsencode(path)) as inventory:
        assert fields["row_root"] == inventory.meta["row_root"]
        assert fields["engine_root"] == inventory.meta["engine_root"]
        assert fields["rows"] == int(inventory.meta["rows"])
        coverage = inventory.coverage()
        source = kit.of_kind(inventory, "source")[0]
    assert source["acquisition"] == "C1/E1/A1"
    assert source["digests"] == digests
    assert fields["coverage"] == {k: v for k, v in coverage.items() if k not in {"row", "result"}}
    assert fields["result"] == "complete"
    assert fields["database"] == {
        "name": "inventory.db",
        "size": os.path.getsize(path),
        "sha256": digest_file(path, ("sha256",))[1]["sha256"],
    }
    assert "libtsk" in fields["engine_version"]
    assert "libmagic" in fields["engine_version"]
    assert event.subjects[0].name == "C1/E1/A1"


def test_a_second_inventory_does_not_replace_the_first(run):
    folder, _ = _acquired(run.made, IMAGE)
    run("inventory", "run", "C1/E1/A1", "--no-types")
    first = digest_file(os.path.join(folder, "inventory.db"))
    run("inventory", "run", "C1/E1/A1", "--hash", "sha256")
    assert sorted(os.listdir(folder)) == ["image.raw", "inventory-2.db", "inventory.db"]
    assert digest_file(os.path.join(folder, "inventory.db")) == first


def test_an_inventory_without_its_event_can_be_recorded(run, monkeypatch):
    folder, _ = _acquired(run.made, IMAGE)
    from evkit.core.errors import IdentityError

    def fail(*_, **__):
        raise IdentityError("the stick with the key is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Station, "record", fail)
        run("inventory", "run", "C1/E1/A1", expect=12)
    assert os.listdir(folder).count("inventory.db") == 1
    out = run("inventory", "run", "C1/E1/A1", "--record")
    assert "recorded inventory of C1/E1/A1" in out
    assert "has no inventory without a record" in run(
        "inventory", "run", "C1/E1/A1", "--record", expect=10
    )


def test_a_dry_run_writes_nothing(run):
    folder, _ = _acquired(run.made, IMAGE)
    assert "would write" in run("inventory", "run", "C1/E1", "--dry-run")
    assert os.listdir(folder) == ["image.raw"]


def test_nothing_to_inventory(run):
    assert "has no acquisition with data" in run("inventory", "run", "C1/E1", expect=10)
    assert "no acquisition `C1/E1/A7`" in run("inventory", "run", "C1/E1/A7", expect=10)
    assert "is a case" in run("inventory", "run", "C1", expect=2)


def test_list_find_and_export(run, tmp_path):
    _acquired(run.made, IMAGE)
    run("inventory", "run", "C1/E1")
    out = run("inventory", "list", "C1/E1")
    assert all(len(line) <= 80 for line in out.splitlines() if not line.startswith("rows"))
    assert "line\\x0abreak.txt" in out
    assert "\x1b" not in out
    out = run("inventory", "find", "C1/E1", "--name", "ledger_draft.csv")
    assert "deleted-contiguous-guess" in out
    found = json.loads(run("inventory", "find", "C1/E1/A1", "--type", "image/*", "--json"))
    assert found["schema"] == "evkit/inventory-list/1"
    assert {"/holiday.txt", "/DCIM/IMG_0001.JPG"} <= {item["path"] for item in found["entries"]}
    assert "nothing to look for" in run("inventory", "find", "C1/E1", expect=2)
    run("inventory", "export", "C1/E1", "--format", "csv", "-o", tmp_path / "x.csv")
    run("inventory", "export", "C1/E1", "-o", tmp_path / "x.jsonl")
    assert "exists already" in run(
        "inventory", "export", "C1/E1", "-o", tmp_path / "x.jsonl", expect=15
    )


def test_a_path(run, tmp_path):
    out = run("inventory", "run", IMAGE, "-o", tmp_path / "x.db", "--json")
    assert json.loads(out)["coverage"]["result"] == "complete"
    assert "exists already" in run("inventory", "run", IMAGE, "-o", tmp_path / "x.db", expect=15)
    cut = tmp_path / "cut.raw"
    cut.write_bytes(IMAGE.read_bytes()[:300000])
    assert "could not be read" in run("inventory", "run", cut, "-o", tmp_path / "y.db", expect=3)
    run("inventory", "list", tmp_path / "y.db", "--problems")


def test_a_folder_is_not_written_into(run, tmp_path):
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "a").write_text("a")
    target = folder / "i.db"
    assert "would lie in the folder" in run("inventory", "run", folder, "-o", target, expect=15)
    run("inventory", "run", folder)
    assert (tmp_path / "evidence.inventory.db").exists()
    assert os.listdir(folder) == ["a"]


def test_a_container_given_as_raw_is_refused(run, vectors, tmp_path):
    out = run("inventory", "run", vectors / "images" / "ext2.qcow2", expect=14)
    assert "does not decode" in out
    assert "hint:" in out
    disguised = tmp_path / "disk.raw"
    shutil.copyfile(vectors / "images" / "ext2.vmdk", disguised)
    assert "vmdk" in run("inventory", "run", disguised, expect=14)
    assert "does not exist" in run("inventory", "run", tmp_path / "none.raw", expect=14)
