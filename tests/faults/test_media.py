"""Acquiring to media as they are in the field: FAT, exFAT, full, write-protected, moved."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil

import acquirekit as kit
import filesystems
import pytest
import stations

from evkit.acquire import udev
from evkit.actions import acquire_places, acquire_where, copies
from evkit.core import durable
from evkit.core.errors import RefusedError, StorageError, UsageError
from evkit.hashing.piecefile import read_pieces
from evkit.images.e01.reader import E01Image
from evkit.verify.report import CONTENT

SIZE = (9 << 20) + 512
KINDS = ("vfat", "exfat")


@pytest.fixture
def made(tmp_path):
    return stations.ready(tmp_path / "station")


@pytest.fixture
def stick(tmp_path):
    """A source that cannot be compressed."""
    path = tmp_path / "stick.dd"
    path.write_bytes(os.urandom(SIZE))
    return path


def content_of(folder, names):
    """What the files of an image decode to."""
    if names[0].endswith(".E01"):
        with E01Image([os.fsencode(folder / name) for name in names]) as image:
            return image.read(0, image.size)
    return b"".join((folder / name).read_bytes() for name in names)


def images(end):
    return [i["name"] for i in end.fields["artifacts"] if i["role"] in {"image", "segment"}]


def checked(made, ref, copy=None):
    """Verify an acquisition at its station; return the report."""
    from evkit.actions import verify
    from evkit.actions.verify_inputs import Options, Request

    request = Request(
        what=(ref,), options=Options(no_history=True), open_station=made.open, copy=copy
    )
    return verify.run(request).reports[0]


@pytest.mark.parametrize("form", ["raw", "e01"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_image_on(kind, form, made, stick, tmp_path, program):
    to = tmp_path / "to"
    with filesystems.mounted(kind, to, program):
        got = kit.acquire_with(made, stick, to=os.fsencode(to), format=form, split=2 << 20)
        assert got.exit_code == 0, got.lines()
        end = kit.end_of(made, got.ref)
        folder = to / "C1/E1/A1"
        names = images(end)
        beside = ["acquisition-log.json", "image.raw.pieces"]
        assert sorted(os.listdir(folder)) == sorted([*names, *beside])
        assert len(names) == 5
        assert content_of(folder, names) == stick.read_bytes()
        assert read_pieces(os.fsencode(folder / "image.raw.pieces")).size == SIZE
        for item in end.fields["artifacts"]:
            if item["name"] in names:
                data = (folder / item["name"]).read_bytes()
                assert hashlib.sha256(data).hexdigest() == item["sha256"]
        report = checked(made, got.ref)
        assert report.answer(CONTENT) == "PASS"
        assert any(text.startswith("read from the master copy") for text in report.reach)
    report = checked(made, got.ref)
    assert report.answer(CONTENT) == "UNDECIDED"
    assert not report.has("FAIL")


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_given_without_hard_links_and_never_taken(kind, tmp_path, program):
    with filesystems.mounted(kind, tmp_path / "to", program):
        target = tmp_path / "to" / "image.raw.pieces"
        durable.write_new(os.fsencode(target), b"one", mode=0o444)
        with pytest.raises(OSError, match=r"not (permitted|implemented|supported)"):
            os.link(target, tmp_path / "to" / "other")
        with pytest.raises(RefusedError):
            durable.write_new(os.fsencode(target), b"two", mode=0o444)
        assert target.read_bytes() == b"one"
        assert [path.name for path in (tmp_path / "to").glob("image*")] == ["image.raw.pieces"]


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS, errno.ENOTSUP])
def test_a_driver_that_refuses_modes(error, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "chmod", refuse)
    durable.write_new(os.fsencode(tmp_path / "x"), b"1", mode=0o444)
    assert (tmp_path / "x").read_bytes() == b"1"


def test_a_failing_driver_is_not_taken_for_one_without_modes(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "chmod", fail)
    with pytest.raises(StorageError):
        durable.write_new(os.fsencode(tmp_path / "x"), b"1", mode=0o444)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("form", ["raw", "e01"])
def test_no_file_is_longer_than_fat_holds(form, made, stick, tmp_path, program, monkeypatch):
    """The rule of 4 GiB with a limit of 4 MiB."""
    limit = 4 << 20
    monkeypatch.setattr(acquire_places, "FAT_LIMIT", limit - 1)
    monkeypatch.setattr(acquire_places, "_FAT_SPLIT", limit - (1 << 20))
    to = os.fsencode(tmp_path / "to")
    with filesystems.mounted("vfat", tmp_path / "to", program):
        got = kit.acquire_with(made, stick, to=to, format=form)
        folder = tmp_path / "to/C1/E1/A1"
        sizes = [(folder / name).stat().st_size for name in images(kit.end_of(made, got.ref))]
        assert len(sizes) == 4
        assert max(sizes) <= limit - (1 << 20)
        with pytest.raises(UsageError, match="holds no file of"):
            kit.acquire_with(made, stick, to=to, format=form, split=limit)
        got = kit.acquire_with(made, stick, to=to, format=form, split=limit - 1)
        assert got.exit_code == 0
        with pytest.raises(UsageError, match="holds no file of"):
            kit.acquire_with(made, stick, also=to, format=form, split=limit)


@pytest.mark.parametrize("kind", KINDS)
def test_a_write_protected_medium_is_refused_before_the_start(kind, made, stick, tmp_path, program):
    keep = tmp_path / "keep.img"
    with filesystems.mounted(kind, tmp_path / "to", program, keep=keep):
        pass
    before = made.open().head().size
    with filesystems.mounted(kind, tmp_path / "to", program, options="ro", keep=keep):
        for option in ("to", "also"):
            with pytest.raises(StorageError, match="cannot be written to"):
                kit.acquire_with(made, stick, **{option: os.fsencode(tmp_path / "to")})
    assert made.open().head().size == before


def test_a_folder_that_may_not_be_written_to(made, stick, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StorageError, match="cannot be written to"):
        kit.acquire_with(made, stick, to=os.fsencode(tmp_path))
    with made.open() as station:
        assert station.journals() == []
        assert all(event.kind != "acquire-start" for _, event, _ in station.events("C1"))


@pytest.mark.parametrize("form", ["raw", "e01"])
@pytest.mark.parametrize("full", ["master", "second"])
def test_one_copy_runs_full_and_the_other_goes_on(
    form, full, made, stick, tmp_path, program, monkeypatch
):
    """Room is asked for before; here it goes while the image is written."""
    monkeypatch.setattr(acquire_places.preflight, "room", lambda _: 1 << 40)
    small, large = tmp_path / "small", tmp_path / "large"
    large.mkdir()
    to, also = (small, large) if full == "master" else (large, small)
    with filesystems.mounted("tmpfs", small, program, mib=4):
        got = kit.acquire_with(made, stick, to=os.fsencode(to), also=os.fsencode(also), format=form)
        report = checked(made, got.ref)
        located = copies.locate(made.open(), got.ref)
    other = "second" if full == "master" else "master"
    assert got.exit_code == 16
    end = kit.end_of(made, got.ref)
    assert end.fields["result"] == "complete"
    assert end.fields["verification"]["state"] == "match"
    states = {copy["copy"]: copy["state"] for copy in end.fields["copies"]}
    assert states == {full: "failed", other: "complete"}
    failed = next(copy for copy in end.fields["copies"] if copy["copy"] == full)
    assert "No space left" in failed["error"]
    assert [d.code for d in end.deviations if d.code == "copy-failed"] == ["copy-failed"]
    assert any(f"{full} copy failed" in line for line in got.lines())
    assert content_of(large / "C1/E1/A1", images(end)) == stick.read_bytes()
    assert report.answer(CONTENT) == "PASS"
    assert any(text.startswith(f"read from the {other} copy") for text in report.reach)
    assert located.exit_code == 0


def test_both_copies_run_full(made, stick, tmp_path, program, monkeypatch):
    monkeypatch.setattr(acquire_places.preflight, "room", lambda _: 1 << 40)
    one, two = tmp_path / "one", tmp_path / "two"
    with (
        filesystems.mounted("tmpfs", one, program, mib=3),
        filesystems.mounted("tmpfs", two, program, mib=5),
    ):
        got = kit.acquire_with(
            made, stick, to=os.fsencode(one), also=os.fsencode(two), format="raw"
        )
    assert (got.made.result, got.exit_code) == ("failed", 16)
    assert got.made.resumable
    assert kit.end_of(made, got.ref) is None


def test_a_medium_is_found_wherever_it_is_mounted(made, stick, tmp_path, program, monkeypatch):
    """Written at one place, verified at another, under another device name; then it is away."""
    uuid = "6f1d2a4c-0b71-4e5c-9a3e-5c0b713e5c0b"
    monkeypatch.setattr(udev, "DATA", os.fsencode(tmp_path / "udev"))
    (tmp_path / "udev").mkdir()

    def tell(device):
        state = os.stat(device)
        name = f"b{os.major(state.st_rdev)}:{os.minor(state.st_rdev)}"
        (tmp_path / "udev" / name).write_text(f"E:ID_FS_UUID={uuid}\n")
        return tmp_path / "udev" / name

    keep, base = tmp_path / "medium.img", tmp_path / "first"
    with filesystems.mounted("ext4", base, program, keep=keep) as device:
        record = tell(device)
        (base / "store").mkdir()
        got = kit.acquire_with(made, stick, to=os.fsencode(base / "store"), format="raw")
        record.unlink()
    assert kit.end_of(made, got.ref).fields["copies"][0]["volume"] == uuid
    with made.open() as station:
        assert copies.locate(station, got.ref).exit_code == 5
        assert acquire_where.folders(station, got.ref) == []
    shutil.rmtree(base)
    with filesystems.mounted("ext4", tmp_path / "second", program, keep=keep) as device:
        record = tell(device)
        folder = tmp_path / "second/store/C1/E1/A1"
        with made.open() as station:
            located = copies.locate(station, got.ref)
            assert acquire_where.folders(station, got.ref) == [("master", os.fsencode(folder))]
        assert located.exit_code == 0
        assert located.document()["paths"] == [str(folder / "image.raw")]
        assert checked(made, got.ref).answer(CONTENT) == "PASS"
        with open(folder / "image.raw", "r+b") as handle:
            os.fchmod(handle.fileno(), 0o644)
            handle.seek(1 << 20)
            handle.write(b"X")
        report = checked(made, got.ref)
        assert report.answer(CONTENT) == "FAIL"
        record.unlink()
