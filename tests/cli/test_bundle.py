"""bundle create and show on the command line, on a real station."""

from __future__ import annotations

import json
import os

import pytest
import stations

from evkit.core import durable
from evkit.core.errors import StorageError
from evkit.ledger.event import Draft
from evkit.manifest.tree import FolderTree, read
from evkit.manifest.zipread import ZipTree

IMAGE = b"boot" + bytes(1 << 16)


@pytest.fixture
def made(tmp_path, monkeypatch):
    ready = stations.ready(tmp_path / "station")
    phrase = tmp_path / "phrase"
    phrase.write_bytes(stations.PHRASE)
    monkeypatch.setenv("EVKIT_STATION", str(ready.path))
    monkeypatch.setenv("EVKIT_PASSPHRASE_FILE", str(phrase))
    monkeypatch.setenv("EVKIT_OFFICER", stations.OFFICER)
    monkeypatch.setenv("EVKIT_NONINTERACTIVE", "1")
    return ready


@pytest.fixture
def with_image(made, evkit, tmp_path):
    source = tmp_path / "source.img"
    source.write_bytes(IMAGE)
    evkit("acquire", str(source), "--exhibit", "C1/E1", "--format", "raw", "--verify", "none")
    return made


def private(made) -> None:
    """A registration with personal fields."""
    draft = Draft(
        kind="register", case="C1", exhibits=("C1/E2",), fields={"what": "SIM"},
        sensitive={"owner.name": "Zainab", "owner.cnic": "35202", "phone_number": "0300"},
    )  # fmt: skip
    with made.open() as station:
        station.record(draft, made.officer)


def test_a_folder_and_a_zip_hold_the_same_kind_of_files(with_image, evkit, tmp_path):
    out = evkit("bundle", "create", "C1", "-o", str(tmp_path / "b"), "--with-exhibits")
    assert "evkit: bundle of case C1 in" in out
    evkit("bundle", "create", "C1", "-o", str(tmp_path / "b.zip"), "--with-exhibits")
    tree = FolderTree(str(tmp_path / "b"))
    with ZipTree(str(tmp_path / "b.zip")) as packed:
        folders = [{name.split("/")[1] for name in t.sizes if "/" in name} for t in (tree, packed)]
        assert folders[0] == folders[1] == {"events", "exhibits", "ledger", "trust"}
        name = "data/exhibits/C1/E1/A1/image.raw"
        assert read(tree, name, 1 << 20) == read(packed, name, 1 << 20) == IMAGE
        assert packed.entries[name].method == 0
    trust = read(tree, "data/trust/root.crt", 1 << 16)
    (tmp_path / "root.crt").write_bytes(trust)
    for target in ("b", "b.zip"):
        evkit(
            "verify", str(tmp_path / target), "--trust", str(tmp_path / "root.crt"), "--no-history"
        )


def test_without_exhibits(with_image, evkit, tmp_path):
    out = evkit("bundle", "create", "C1", "-o", str(tmp_path / "b"), "--json")
    document = json.loads(out)
    assert document["schema"] == "evkit/bundle/1"
    assert document["files"] == len(FolderTree(str(tmp_path / "b")).sizes)
    out = evkit("bundle", "show", str(tmp_path / "b"))
    assert "nothing was verified" in out
    assert "not enclosed: C1/E1/A1 image.raw (65,540 bytes): not asked for" in out


def test_the_event_is_recorded_first(with_image, evkit, tmp_path):
    evkit(
        "bundle", "create", "C1", "-o", str(tmp_path / "b"), "--recipient", "City court",
        "--medium", "stick 7", "--with-exhibits", "--set", "purpose=trial",
    )  # fmt: skip
    with with_image.open() as station:
        _, event, _ = list(station.events("C1"))[-1]
    assert event.kind == "bundle"
    assert event.purpose == "trial"
    assert event.fields == {
        "form": "folder", "with_exhibits": True, "withheld": 0, "exhibits": ["C1/E1"],
        "enclosed": ["C1/E1/A1"], "recipient": "City court", "medium": "stick 7",
    }  # fmt: skip


def test_a_dry_run_writes_nothing(with_image, evkit, tmp_path):
    with with_image.open() as station:
        before = station.head().size
    out = evkit("bundle", "create", "C1", "-o", str(tmp_path / "b"), "--dry-run", "--with-exhibits")
    assert "would make a bundle" in out
    assert not (tmp_path / "b").exists()
    with with_image.open() as station:
        assert station.head().size == before


@pytest.mark.parametrize(
    ("withhold", "left", "withheld"),
    [
        ((), {"owner.name", "owner.cnic", "phone_number"}, 0),
        (("--withhold", "owner"), {"phone_number"}, 2),
        (("--withhold", "owner.cnic,phone_number"), {"owner.name"}, 2),
        (("--withhold", "all"), set(), 3),
    ],
)
def test_withholding(made, evkit, tmp_path, withhold, left, withheld):
    private(made)
    evkit("bundle", "create", "C1", "-o", str(tmp_path / "b"), *withhold)
    folder = tmp_path / "b" / "data" / "openings"
    found = {
        opening["name"]
        for path in (folder.iterdir() if folder.exists() else ())
        for opening in json.loads(path.read_bytes())
    }
    assert found == left
    values = b"".join(path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file())
    assert (b"Zainab" in values) is ("owner.name" in left)
    out = evkit("verify", str(tmp_path / "b"), expect=5)
    assert (f"{withheld} personal values withheld" in out) is bool(withheld)
    evkit("verify", str(tmp_path / "b"), "--require", "openings", expect=5)


def test_withholding_a_field_that_is_not_there(made, evkit, tmp_path):
    private(made)
    out = evkit("bundle", "create", "C1", "-o", str(tmp_path / "b"), "--withhold", "ownr", expect=2)
    assert "`ownr`" in out
    assert "owner.cnic" in out


def test_refusals_record_nothing(with_image, evkit, tmp_path):
    with with_image.open() as station:
        before = station.head().size
        folder = os.fsdecode(station.place.home) + "/cases/C1/E1/A1"
    (tmp_path / "taken").mkdir()
    evkit("bundle", "create", "C1", "-o", str(tmp_path / "taken"), expect=15)
    evkit("bundle", "create", "C1", "-o", str(tmp_path / "no" / "b"), expect=15)
    evkit("bundle", "create", "NONE", "-o", str(tmp_path / "b"), expect=10)
    evkit("bundle", "create", "C1", "-o", str(tmp_path / "b"), "--set", "form=zip", expect=2)
    os.chmod(f"{folder}/image.raw", 0o644)
    with open(f"{folder}/image.raw", "ab") as handle:
        handle.write(b"x")
    out = evkit("bundle", "create", "C1", "-o", str(tmp_path / "b"), "--with-exhibits", expect=14)
    assert "not what was recorded" in out
    with with_image.open() as station:
        assert station.head().size == before


def test_evidence_that_was_changed_makes_no_bundle(with_image, evkit, tmp_path):
    with with_image.open() as station:
        path = os.fsdecode(station.place.home) + "/cases/C1/E1/A1/image.raw"
    os.chmod(path, 0o644)
    with open(path, "r+b") as handle:
        handle.write(b"B")
    for name in ("b", "b.zip"):
        out = evkit(
            "bundle", "create", "C1", "-o", str(tmp_path / name), "--with-exhibits", expect=4
        )
        assert "expected: sha256:" in out
        assert not (tmp_path / name).exists()
        assert not (tmp_path / f"{name}.part").exists()


def test_evidence_that_is_elsewhere_is_declared(with_image, evkit, tmp_path):
    with with_image.open() as station:
        os.unlink(os.fsdecode(station.place.home) + "/cases/C1/E1/A1/image.raw")
    out = evkit("bundle", "create", "C1", "-o", str(tmp_path / "b"), "--with-exhibits")
    assert "not enclosed: C1/E1/A1 image.raw: the file is not at the station" in out


@pytest.mark.parametrize("stride", [29, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_stopped_at_every_step(made, tmp_path, name, stride):
    """Whatever write fails, no bundle has the final name unless it is complete, and all goes on."""
    from evkit.actions.bundle import Request, create

    with made.open() as station:
        for number in range(0, 4000, stride):
            target = tmp_path / f"{number}-{name}"
            request = Request(case="C1", output=os.fsencode(target))
            seen = 0

            def stop(kind, path, number=number, target=target):
                nonlocal seen
                if os.fsencode(target) in path:
                    seen += 1
                    if seen > number:
                        raise OSError(28, "No space left on device")

            durable.observe(stop)
            try:
                create(station, made.officer, request)
            except (OSError, StorageError):
                assert not target.exists() or complete(target)
                continue
            finally:
                durable.observe(None)
            break
        else:
            pytest.fail("never finished")
    assert complete(target)


def complete(path) -> bool:
    from evkit.verify.bundle import verify_bundle
    from evkit.verify.supplied import Supplied

    if path.is_dir():
        return not verify_bundle(FolderTree(str(path)), Supplied()).has("FAIL")
    with ZipTree(str(path)) as tree:
        return not verify_bundle(tree, Supplied()).has("FAIL")


def test_show_refuses_what_is_no_bundle(evkit, tmp_path):
    evkit("bundle", "show", str(tmp_path), expect=14)
    (tmp_path / "x.zip").write_bytes(b"PK")
    evkit("bundle", "show", str(tmp_path / "x.zip"), expect=14)
    evkit("bundle", "show", str(tmp_path / "absent.zip"), expect=14)
    (tmp_path / "memo.txt").write_text("a memo")
    assert "is no bundle" in evkit("bundle", "show", str(tmp_path / "memo.txt"), expect=14)
