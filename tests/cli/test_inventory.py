"""`evkit inventory` on a real station, on images and on folders."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import acquirekit
import inventorykit as kit
import leftovers
import pytest

from evkit.cli import main
from evkit.core.errors import InterruptedByUserError, StorageError
from evkit.core.refs import parse_ref
from evkit.hashing.digests import digest_file
from evkit.hashing.piecefile import write_pieces
from evkit.hashing.pieces import PieceHasher
from evkit.inventory.database import store
from evkit.inventory.scan import Scan
from evkit.ledger.event import Draft, Subject
from evkit.station import Station

IMAGE = kit.SAMPLES / "usb-fat16.raw"
pytestmark = pytest.mark.skipif(not IMAGE.exists(), reason="the sample images are not here")


def _acquired(made, source, name="image.raw", *, tree=False, block_nodes=False):
    with made.open() as station:
        folder = os.fsdecode(station.folder(parse_ref("C1/E1/A1")))
        os.makedirs(folder)
        shutil.copyfile(source, os.path.join(folder, name))
        size, digests = digest_file(source)
        media = {"size": size, **digests}
        artifacts = [{"name": name, "role": "image", "size": size, **digests}]
        if tree:
            hasher = PieceHasher(block_nodes=block_nodes)
            digest_file(source, (), pieces=hasher)
            pieces = hasher.finish()
            data = write_pieces(os.path.join(folder, name + ".pieces"), pieces)
            sha256 = hashlib.sha256(data).hexdigest()
            artifacts.append(
                {"name": name + ".pieces", "role": "pieces", "size": len(data), "sha256": sha256}
            )
            media["pieces"] = pieces.fields()
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        start = Draft(kind="acquire-start", **common)
        end = Draft(
            kind="acquire-end",
            fields={
                "result": "complete", "made_by": "evkit", "media": media, "artifacts": artifacts,
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


def _inventories(made):
    with made.open() as station:
        return [event for _, event, _ in station.events("C1") if event.kind == "inventory"]


def _flip(path, offset):
    os.chmod(path, 0o644)
    with open(path, "r+b") as handle:
        handle.seek(offset)
        byte = handle.read(1)
        handle.seek(offset)
        handle.write(bytes([byte[0] ^ 1]))


def test_an_image_as_acquired_is_compared_with_its_pieces_first(run):
    folder, _ = _acquired(run.made, IMAGE, tree=True)
    out = run("inventory", "run", "C1/E1/A1", "--no-types")
    assert "recorded inventory of C1/E1/A1" in out
    assert "inventory.db" in os.listdir(folder)


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
@pytest.mark.parametrize(("blocks", "last"), [(False, 2097151), (True, 1064959)])
def test_a_changed_image_is_neither_listed_nor_signed(run, arguments, blocks, last):
    folder, _ = _acquired(run.made, IMAGE, tree=True, block_nodes=blocks)
    _flip(os.path.join(folder, "image.raw"), (1 << 20) + 5)
    out = run("inventory", "run", "C1/E1/A1", *arguments, expect=4)
    assert "the image of `C1/E1/A1` is not what was acquired" in out
    assert f"1,048,576 to {last:,};" in out
    assert "recorded root" in out
    assert "evkit verify C1/E1/A1 --record" in out
    assert not [name for name in os.listdir(folder) if "inventory" in name]
    assert _inventories(run.made) == []


def test_a_changed_image_without_pieces_is_seen_by_sha256(run):
    folder, digests = _acquired(run.made, IMAGE)
    _flip(os.path.join(folder, "image.raw"), 0)
    out = run("inventory", "run", "C1/E1", expect=4)
    assert digests["sha256"] in out
    assert os.listdir(folder) == ["image.raw"]
    assert _inventories(run.made) == []


def test_a_shorter_or_longer_image_is_not_the_acquired_one(run):
    folder, _ = _acquired(run.made, IMAGE, tree=True)
    path = os.path.join(folder, "image.raw")
    size = os.path.getsize(path)
    os.chmod(path, 0o644)
    for change in (-1, 1):
        os.truncate(path, size + change)
        out = run("inventory", "run", "C1/E1", expect=4)
        assert f"found length: {size + change:,} bytes" in out


@pytest.mark.parametrize("what", ["gone", "damaged", "of another image"])
def test_the_record_counts_and_not_the_pieces_file(run, what):
    """An attacker who changes the image changes the pieces file too; the signed root stays."""
    folder, _ = _acquired(run.made, IMAGE, tree=True)
    place = os.path.join(folder, "image.raw.pieces")
    if what == "damaged":
        _flip(place, 90)
    else:
        os.unlink(place)
    if what == "of another image":
        _flip(os.path.join(folder, "image.raw"), 77)
        hasher = PieceHasher()
        digest_file(os.path.join(folder, "image.raw"), (), pieces=hasher)
        write_pieces(place, hasher.finish())
    out = run("inventory", "run", "C1/E1", expect=4 if what == "of another image" else 0)
    assert ("is not what was acquired" in out) == (what == "of another image")


def test_an_unsigned_inventory_of_a_changed_image_is_not_signed_later(run, monkeypatch):
    folder, _ = _acquired(run.made, IMAGE, tree=True)
    from evkit.core.errors import IdentityError

    def fail(*_, **__):
        raise IdentityError("the stick with the key is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Station, "record", fail)
        run("inventory", "run", "C1/E1/A1", expect=12)
    _flip(os.path.join(folder, "image.raw"), 4000)
    assert "is not what was acquired" in run("inventory", "run", "C1/E1/A1", "--record", expect=4)
    assert _inventories(run.made) == []


def test_an_image_that_changes_while_it_is_listed(run, monkeypatch):
    folder, _ = _acquired(run.made, IMAGE, tree=True)
    whole = Scan.run

    def change(self):
        whole(self)
        _flip(os.path.join(folder, "image.raw"), 4000)

    monkeypatch.setattr(Scan, "run", change)
    assert "changed while they were listed" in run("inventory", "run", "C1/E1", expect=4)
    assert "inventory.db" not in os.listdir(folder)
    assert _inventories(run.made) == []


def test_an_acquisition_without_any_digest_is_undecided(run):
    with run.made.open() as station:
        folder = os.fsdecode(station.folder(parse_ref("C1/E1/A1")))
        os.makedirs(folder)
        shutil.copyfile(IMAGE, os.path.join(folder, "image.raw"))
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        artifact = {"name": "image.raw", "role": "image", "size": 1, "sha256": "00" * 32}
        end = Draft(
            kind="acquire-end", **common, subjects=(Subject("C1/E1/A1", {"sha256": "00" * 32}),),
            fields={"result": "complete", "made_by": "evkit", "artifacts": [artifact]},
        )  # fmt: skip
        station.record_many([Draft(kind="acquire-start", **common), end], run.made.officer)
    assert "to compare with" in run("inventory", "run", "C1/E1", expect=5)


@pytest.mark.parametrize("what", ["content", "list"])
def test_taken_in_files_that_changed_are_not_signed(run, tmp_path, what):
    source = tmp_path / "export"
    source.mkdir()
    (source / "a.txt").write_bytes(b"one")
    (source / "b.txt").write_bytes(b"two")
    acquirekit.intake_with(run.made, source)
    folder = run.made.path / "cases" / "C1" / "E1" / "A1"
    if what == "content":
        _flip(sorted((folder / "files").iterdir())[1], 0)
        out = run("inventory", "run", "C1/E1", expect=4)
        assert "1 file of `C1/E1/A1`" in out
        assert "rows of the list: 3" in out
    else:
        path = folder / "files.jsonl"
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b"a.txt", b"c.txt"))
        assert "list of files of `C1/E1/A1`" in run("inventory", "run", "C1/E1", expect=4)
    assert not list(folder.glob("inventory*"))
    assert _inventories(run.made) == []


def test_nothing_to_inventory(run):
    assert "has no acquisition with data" in run("inventory", "run", "C1/E1", expect=10)
    assert "no acquisition `C1/E1/A7`" in run("inventory", "run", "C1/E1/A7", expect=10)
    assert "is a case" in run("inventory", "run", "C1", expect=2)
    assert "is a case" in run("inventory", "list", "C1", expect=2)
    assert "no exhibit `C1/E9`" in run("inventory", "list", "C1/E9", expect=10)
    assert "no exhibit `C1/E9`" in run("inventory", "mark", "C1/E9", expect=10)


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
    out = run("inventory", "find", "C1/E1", expect=2)
    assert "nothing to look for" in out
    assert all(f"--{name}" in out for name in ("name", "path", "digest", "type", "size", "deleted"))
    run("inventory", "export", "C1/E1", "--format", "csv", "-o", tmp_path / "x.csv")
    run("inventory", "export", "C1/E1", "-o", tmp_path / "x.jsonl")
    assert "exists already" in run(
        "inventory", "export", "C1/E1", "-o", tmp_path / "x.jsonl", expect=15
    )


def test_no_command_leaves_the_ledger_open(run):
    _acquired(run.made, IMAGE)
    expected = {
        "run C1/E1 --no-types": 0,
        "list C1/E1": 0,
        "find C1 --deleted": 0,
        "list C9/E9": 10,
    }
    for words, code in expected.items():
        with leftovers.none():
            assert main.run(["inventory", *words.split()]) == code


def test_the_format_of_an_export_comes_from_the_ending(run, tmp_path):
    _acquired(run.made, IMAGE)
    run("inventory", "run", "C1/E1", "--no-types")
    run("inventory", "export", "C1/E1", "-o", tmp_path / "inv.CSV")
    assert (tmp_path / "inv.CSV").read_text("utf-8-sig").count(",") > 10
    assert not (tmp_path / "inv.CSV").read_bytes().startswith(b"{")
    run("inventory", "export", "C1/E1", "-o", tmp_path / "inv.jsonl")
    assert (tmp_path / "inv.jsonl").read_bytes().startswith(b"{")
    run("inventory", "export", "C1/E1", "-o", tmp_path / "inv.txt", "--format", "csv")
    for name in ("list", "list.xlsx", "csv"):
        out = run("inventory", "export", "C1/E1", "-o", tmp_path / name, expect=2)
        assert "does not tell the format" in out
        assert "--format csv" in out
        assert not (tmp_path / name).exists()


def test_a_case_is_searched_in_all_its_acquisitions(run, tmp_path):
    said = run("inventory", "find", "C1", "--deleted", expect=10)
    assert "`C1` has no inventory" in said
    assert "no data yet" in said
    _acquired(run.made, IMAGE)
    run("inventory", "run", "C1/E1")
    for number, name in enumerate(("letter.txt", "photo.txt", "left.txt"), 2):
        (tmp_path / name).write_bytes(name.encode())
        acquirekit.intake_with(run.made, tmp_path / name)
        if name != "left.txt":
            run("inventory", "run", f"C1/E1/A{number}")
    out = run("inventory", "find", "C1", "--name", "letter*", expect=3)
    assert "C1/E1/A1: 0 found" in out
    assert "C1/E1/A2: 1 found" in out
    assert "C1/E1/A3: 0 found" in out
    assert "C1/E1/A4: not searched, it has no inventory" in out
    found = json.loads(run("inventory", "find", "C1", "--name", "*.txt", "--json", expect=3))
    assert found["schema"] == "evkit/inventory-search/1"
    assert not found["complete"]
    assert [item["acquisition"] for item in found["searched"]] == [
        "C1/E1/A1",
        "C1/E1/A2",
        "C1/E1/A3",
    ]
    assert [entry["path"] for entry in found["searched"][2]["entries"]] == ["photo.txt"]
    assert found["not_searched"] == ["C1/E1/A4"]
    arguments = ("--name", "*.txt", "--limit", "1", "--json")
    few = json.loads(run("inventory", "find", "C1", *arguments, expect=3))["searched"]
    assert sum(len(item["entries"]) for item in few) == 1
    assert few[2]["more"]
    run("inventory", "run", "C1/E1/A4")
    found = json.loads(run("inventory", "find", "C1", "--name", "*.txt", "--json"))
    assert found["complete"]
    assert found["not_searched"] == []
    assert "no case `C9`" in run("inventory", "find", "C9", "--deleted", expect=10)
    assert "nothing to look for" in run("inventory", "find", "C1", expect=2)


def test_a_conversion_is_searched_with_what_it_was_made_from(run):
    _acquired(run.made, IMAGE)
    run("inventory", "run", "C1/E1")
    run("image", "convert", "C1/E1/A1")
    out = run("inventory", "find", "C1", "--name", "*")
    assert "C1/E1/A2: not searched, it has the content of C1/E1/A1" in out
    found = json.loads(run("inventory", "find", "C1", "--name", "*", "--json"))
    assert found["complete"]
    assert found["same_content"] == [{"acquisition": "C1/E1/A2", "as": "C1/E1/A1"}]
    os.unlink(run.made.path / "cases" / "C1" / "E1" / "A1" / "inventory.db")
    assert "has no inventory" in run("inventory", "find", "C1", "--name", "*", expect=10)


def test_help_says_what_find_does_not_do(run):
    assert "does not extract files" in " ".join(run("inventory", "find", "--help").split())


def test_a_path(run, tmp_path):
    out = run("inventory", "run", IMAGE, "-o", tmp_path / "x.db", "--json")
    assert json.loads(out)["coverage"]["result"] == "complete"
    assert "exists already" in run("inventory", "run", IMAGE, "-o", tmp_path / "x.db", expect=15)
    cut = tmp_path / "cut.raw"
    cut.write_bytes(IMAGE.read_bytes()[:300000])
    assert "could not be read" in run("inventory", "run", cut, "-o", tmp_path / "y.db", expect=3)
    every = json.loads(run("inventory", "list", tmp_path / "y.db", "--problems", "--json"))
    one = ("inventory", "list", tmp_path / "y.db", "--problems", "--limit", "1")
    found = json.loads(run(*one, "--json"))
    assert found["problems"] == every["problems"][:1]
    assert (found["more"], every["more"]) == (True, False)
    assert "… more; `--limit` sets how many are shown" in run(*one)
    deleted = json.loads(
        run("inventory", "list", tmp_path / "y.db", "--problems", "--deleted", "--json")
    )
    assert len(deleted["problems"]) + deleted["other_problems"] == len(every["problems"])
    assert deleted["other_problems"] >= 1


def test_a_folder_is_not_written_into(run, tmp_path):
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "a").write_text("a")
    target = folder / "i.db"
    assert "would lie in the folder" in run("inventory", "run", folder, "-o", target, expect=15)
    run("inventory", "run", folder)
    assert (tmp_path / "evidence.inventory.db").exists()
    assert os.listdir(folder) == ["a"]


def test_a_container_is_decoded_or_refused_whatever_its_name(run, vectors, tmp_path):
    disguised = tmp_path / "disk.raw"
    disguised.write_bytes(bytes(64) + b"\x7f\x10\xda\xbe" + bytes(960))
    out = run("inventory", "run", disguised, expect=14)
    assert "VirtualBox image" in out
    assert "does not decode" in out
    assert "hint:" in out
    assert "does not exist" in run("inventory", "run", tmp_path / "none.raw", expect=14)
    for name in ("ext2.qcow2", "ext2.vmdk", "ext2.vhd"):
        shutil.copyfile(vectors / "images" / name, disguised)
        database = tmp_path / f"{name}.db"
        run("inventory", "run", disguised, "--no-types", "-o", database)
        with kit.Inventory(os.fsencode(database)) as inventory:
            paths = {row["path"] for row in kit.of_kind(inventory, "name")}
        published = (vectors / "images" / "published" / f"{name}.paths").read_text().split()
        assert set(published) - {"/", "/$OrphanFiles"} <= paths


def test_a_path_with_the_shape_of_a_reference(run, tmp_path, monkeypatch):
    """It is the path when no case has that name, and the case when one has."""
    shutil.copy(IMAGE, tmp_path / "disk.ext4")
    shutil.copy(IMAGE, tmp_path / "C1")
    run("inventory", "run", "disk.ext4", "-o", "six.db")
    assert "write ./C1" in run("inventory", "run", "C1", expect=2)
    for words in (("list", "seven.db"), ("find", "seven.db", "--name", "x"), ("run", "C9/E1")):
        said = run("inventory", *words, expect=10)
        assert f"no file or folder `{words[1]}` is here" in said
    assert "write ./C1" in run("inventory", "export", "C1", "-o", "C1.csv", expect=2)
    for environment in ("with a station", "without"):
        for words in (
            ("list", "six.db"),
            ("find", "six.db", "--name", "*.csv"),
            ("compare", "six.db", "six.db"),
        ):
            run("inventory", *words)
        run("inventory", "export", "six.db", "-o", f"{environment}.csv")
        run("inventory", "report", "six.db", "-o", f"{environment}.html")
        monkeypatch.delenv("EVKIT_STATION", raising=False)
    said = run("inventory", "list", "seven.db", expect=10)
    assert "no file or folder `seven.db` is here" in said
    assert "--station DIR" in said
    run("inventory", "run", "./C1")


def test_an_inventory_that_was_stopped_is_named_and_goes_on(run, monkeypatch):
    folder, _ = _acquired(run.made, IMAGE)
    part = os.path.join(folder, "inventory.db.part")
    finish = store.Writer.finish

    def stop(writer, _meta):
        monkeypatch.setattr(store, "_BATCH", 1)
        writer.checkpoint()
        raise InterruptedByUserError("stopped by the user")

    with monkeypatch.context() as patch:
        patch.setattr(store.Writer, "finish", stop)
        said = run("inventory", "run", "C1/E1/A1", expect=130)
    assert "what was listed is kept" in said
    assert "`evkit inventory run C1/E1/A1 --resume`" in said
    assert os.path.exists(part)
    status = json.loads(run("status", "--json", expect=0))
    assert [(work["what"], work["state"], work["ref"]) for work in status["work"]] == [
        ("inventory", "stopped", "C1/E1/A1")
    ]
    assert "evkit inventory run C1/E1/A1 --resume" in run("status")
    refused = run("inventory", "run", "C1/E1/A1", expect=15)
    assert "inventory.db.part" in refused
    assert "--resume" in refused
    assert "--restart" in refused
    run("inventory", "run", "C1/E1/A1", "--resume", "--restart", expect=2)
    assert "digests" in run("inventory", "run", "C1/E1", "--resume", "--hash", "md5", expect=15)
    assert store.Writer.finish is finish
    found = json.loads(run("inventory", "run", "C1/E1/A1", "--resume", "--json"))
    assert found["resumed"] == int(found["meta"]["rows"])
    assert found["recorded"]
    assert sorted(os.listdir(folder)) == ["image.raw", "inventory.db"]
    assert json.loads(run("status", "--json"))["work"] == []
    with kit.Inventory(os.fsencode(os.path.join(folder, "inventory.db"))) as inventory:
        assert inventory.problems() == []


def test_a_stopped_inventory_can_be_begun_anew(run, monkeypatch):
    folder, _ = _acquired(run.made, IMAGE)

    def stop(writer, _meta):
        monkeypatch.setattr(store, "_BATCH", 1)
        writer.checkpoint()
        raise StorageError("full")

    with monkeypatch.context() as patch:
        patch.setattr(store.Writer, "finish", stop)
        run("inventory", "run", "C1/E1/A1", expect=16)
    found = json.loads(run("inventory", "run", "C1/E1/A1", "--restart", "--json", "--no-types"))
    assert found["resumed"] == 0
    assert sorted(os.listdir(folder)) == ["image.raw", "inventory.db"]


def test_a_path_that_was_stopped_names_the_command_that_goes_on(run, tmp_path, monkeypatch):
    def stop(writer, _meta):
        monkeypatch.setattr(store, "_BATCH", 1)
        writer.checkpoint()
        raise KeyboardInterrupt

    image = tmp_path / "a stick.raw"
    shutil.copyfile(IMAGE, image)
    with monkeypatch.context() as patch:
        patch.setattr(store.Writer, "finish", stop)
        said = run("inventory", "run", "./a stick.raw", "-o", "x.db", expect=130)
    assert "`evkit inventory run './a stick.raw' -o x.db --resume`" in said
    run("inventory", "run", "./a stick.raw", "-o", "x.db", "--resume")


def test_where_nothing_was_begun_nothing_goes_on(run, tmp_path, monkeypatch):
    folder, _ = _acquired(run.made, IMAGE)
    said = run("inventory", "run", "C1/E1/A1", "--resume", expect=2)
    assert f"no unfinished inventory `{folder}/inventory.db.part`" in said
    assert "leave `--resume` out" in said
    assert sorted(os.listdir(folder)) == ["image.raw"]
    run("inventory", "run", "C1/E1/A1", "--resume", "--dry-run", expect=2)

    def fail(*_, **__):
        raise StorageError("no room for the event")

    with monkeypatch.context() as patch:
        patch.setattr(Station, "record", fail)
        run("inventory", "run", "C1/E1/A1", expect=16)
    said = run("inventory", "run", "C1/E1/A1", "--resume", expect=2)
    assert "`evkit inventory run C1/E1/A1 --record`" in said
    run("inventory", "run", "C1/E1/A1", "--record")
    assert "leave `--resume` out" in run("inventory", "run", "C1/E1", "--resume", expect=2)
    assert sorted(os.listdir(folder)) == ["image.raw", "inventory.db"]

    path = ("inventory", "run", str(IMAGE), "--resume")
    assert "give `-o` as it was" in run(*path, expect=2)
    run("inventory", "run", str(IMAGE), "-o", "x.db")
    assert f"it is complete: `evkit inventory list {tmp_path}/x.db`" in run(
        *path, "-o", "x.db", expect=2
    )


def test_a_part_file_of_which_nothing_was_kept_is_begun_anew_and_said(run, tmp_path, capsys):
    (tmp_path / "x.db.part").write_bytes(b"")
    assert main.run(["inventory", "run", str(IMAGE), "-o", "x.db", "--resume"]) == 0
    said = capsys.readouterr().err
    assert "nothing was kept of the unfinished inventory; it is begun anew" in said
    assert not (tmp_path / "x.db.part").exists()


def test_stopped_before_anything_was_kept(run, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Scan, "run", stop)
    said = run("inventory", "run", str(IMAGE), "-o", "x.db", expect=130)
    assert "nothing was written" in said
    assert "--resume" not in said
    assert not os.path.exists("x.db.part")


def test_an_image_names_the_inventory_beside_it(run, tmp_path):
    shutil.copyfile(IMAGE, tmp_path / "usb.raw")
    said = run("inventory", "list", "./usb.raw", expect=14)
    assert "none beside it" in said
    command = f"evkit inventory run ./usb.raw -o {tmp_path}/usb.raw.inventory.db"
    assert command in said
    run(*command.split()[1:])
    for verb in (("list",), ("find", "--name", "*.txt"), ("export", "-o", "x.csv")):
        run("inventory", verb[0], "./usb.raw", *verb[1:])
    assert "does not exist" in run("inventory", "list", "./no.raw", expect=14)


def test_no_problems_is_said(run):
    _acquired(run.made, IMAGE)
    run("inventory", "run", "C1/E1")
    found = run("inventory", "list", "C1/E1", "--problems")
    assert found.startswith("everything that was found could be read\n")


def test_an_empty_image_has_no_bytes(run, tmp_path):
    (tmp_path / "empty.raw").touch()
    assert "image 0 bytes = partitions 0 + gaps 0" in run("inventory", "run", "./empty.raw")


def test_any_number_of_processes_gives_the_same_rows(run, tmp_path):
    found = []
    for jobs in ("1", "3"):
        run("inventory", "run", IMAGE, "--jobs", jobs, "-o", f"{jobs}.db", "--no-types")
        found.append(kit.plain_rows(tmp_path / f"{jobs}.db"))
    assert found[0] == found[1]
    assert "--jobs" in run("inventory", "run", IMAGE, "--jobs", "-1", expect=2)


def test_a_pipe_is_not_waited_for(run, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    said = run("inventory", "run", "./pipe", "-o", "x.db", expect=14)
    assert "neither a file nor a folder" in said
    assert "neither" in run("inventory", "run", "/dev/null", "-o", "x.db", expect=14)
