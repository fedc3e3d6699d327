"""Copies on media that come and go: `evkit copy`, and every command that reads the data."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil

import acquirekit as kit
import pytest

from evkit.acquire import volumes
from evkit.acquire.volumes import Volume
from evkit.actions import custody, gear
from evkit.core import durable
from evkit.core.errors import StorageError
from evkit.ledger.event import Draft
from evkit.station import Station

UUIDS = {"STORE-07": "3E5C-0B71", "STORE-08": "9A01-77F2"}


class Media:
    """Two media; each can be plugged in at a folder, and taken away."""

    def __init__(self, top, monkeypatch):
        self.top = top
        self.shelf = top / "shelf"
        self.shelf.mkdir()
        self.at = {}
        self.plugged = set()
        monkeypatch.setattr(volumes, "mounted", self.mounted)
        monkeypatch.setattr(volumes, "uuid_of", self.uuid_of)
        monkeypatch.setattr(volumes, "is_plugged_in", lambda uuid: uuid in self.plugged)

    def plug(self, label, name):
        point = self.top / name
        known = self.shelf / label
        if known.exists():
            known.rename(point)
        else:
            point.mkdir()
        self.at[label] = point
        return point

    def away(self, label):
        self.at.pop(label).rename(self.shelf / label)

    def mounted(self):
        return tuple(
            Volume(point=os.fsencode(point), type="ext4", uuid=UUIDS[label],
                   serials=frozenset({f"SN-{label}"}))
            for label, point in self.at.items()
        )  # fmt: skip

    def uuid_of(self, folder):
        for label, point in self.at.items():
            if os.fsencode(folder).startswith(os.fsencode(point)):
                return UUIDS[label]
        return None


@pytest.fixture
def media(tmp_path, monkeypatch, run):
    """The media, registered."""
    made = Media(tmp_path, monkeypatch)
    for label, uuid in UUIDS.items():
        run("media", "add", label, "--serial", f"SN-{label}", "--uuid", uuid)
    return made


@pytest.fixture
def stick(tmp_path):
    path = tmp_path / "stick.dd"
    path.write_bytes(os.urandom((2 << 20) + 512))
    return path


@pytest.fixture
def acquired(run, media, stick):
    """C1/E1/A1 on STORE-07 with a second copy on STORE-08; both are plugged in."""
    to, also = media.plug("STORE-07", "mnt-a"), media.plug("STORE-08", "mnt-b")
    run("acquire", stick, "--exhibit", "C1/E1", "--to", to, "--also", also)
    return media


def document(run, *arguments, expect=0):
    return json.loads(run(*arguments, "--json", expect=expect))


def states(run):
    listed = document(run, "copy", "list", "C1")["acquisitions"][0]["copies"]
    return {copy["copy"]: copy["now"] for copy in listed}


def test_list_names_copy_medium_place_and_check(run, acquired):
    out = run("copy", "list")
    first, second = acquired.at["STORE-07"], acquired.at["STORE-08"]
    assert f"  master: here: `{first}/C1/E1/A1`, medium STORE-07 (file system 3E5C-0B71)" in out
    assert f"  second: here: `{second}/C1/E1/A1`, medium STORE-08 (file system 9A01-77F2)" in out
    assert out.count("read back equal when it was made") == 2
    acquired.away("STORE-08")
    out = run("copy", "list", "C1/E1/A1")
    assert "second: not here: medium STORE-08 (file system 9A01-77F2), written to" in out


def test_the_log_lies_beside_every_copy(run, acquired):
    home = run.made.path / "cases/C1/E1/A1"
    log = (home / "acquisition-log.json").read_bytes()
    end = kit.end_of(run.made, "C1/E1/A1")
    (recorded,) = [one for one in end.fields["artifacts"] if one["role"] == "log"]
    assert recorded["sha256"] == hashlib.sha256(log).hexdigest()
    for label in ("STORE-07", "STORE-08"):
        beside = acquired.at[label] / "C1/E1/A1/acquisition-log.json"
        assert beside.read_bytes() == log
        assert beside.stat().st_mode & 0o777 == 0o444
    assert "error" not in end.fields["copies"][1]


def test_a_copy_that_cannot_take_the_log_is_complete_and_says_so(run, media, stick):
    """The disk runs full with the last small file; nothing else is lost."""
    also = media.plug("STORE-08", "mnt-b")
    beside = also / "C1/E1/A1/acquisition-log.json"

    def full(kind, path):
        if kind == "create" and path.startswith(os.fsencode(beside)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    durable.observe(full)
    try:
        run("acquire", stick, "--exhibit", "C1/E1", "--also", also, expect=16)
    finally:
        durable.observe(None)
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["result"] == "complete"
    assert [one["role"] for one in end.fields["artifacts"]].count("log") == 1
    first, second = end.fields["copies"]
    assert (first["state"], second["state"]) == ("complete", "complete")
    assert "error" not in first
    assert "the log could not be put beside the second copy" in second["error"]
    assert [d.code for d in end.deviations if d.code.startswith("copy")] == ["copy-without-log"]
    assert not beside.exists()
    assert "written" in run("copy", "list", "C1/E1/A1")
    assert "the log could not be put" in " ".join(run("copy", "list", "C1/E1/A1").split())
    assert content(verified(run, "--copy", "second")) == "PASS"


def test_a_medium_is_found_at_another_place(run, acquired):
    acquired.away("STORE-07")
    acquired.away("STORE-08")
    assert states(run) == {"master": "not-here", "second": "not-here"}
    out = run("copy", "locate", "C1/E1/A1", expect=5)
    assert "C1/E1/A1: not here" in out
    assert "master: not here: medium STORE-07" in out
    point = acquired.plug("STORE-08", "elsewhere")
    out = run("copy", "locate", "C1/E1/A1")
    assert "the second copy on medium STORE-08 is here" in out
    assert f"  {point}/C1/E1/A1/image.E01" in out


def test_another_medium_at_the_same_place_is_not_taken_for_it(run, acquired):
    acquired.away("STORE-07")
    acquired.away("STORE-08")
    acquired.plug("STORE-08", "mnt-a")  # where the master was written
    assert states(run) == {"master": "not-here", "second": "here"}


def test_plugged_in_and_not_mounted(run, acquired):
    acquired.away("STORE-07")
    acquired.plugged.add(UUIDS["STORE-07"])
    assert "medium STORE-07 is plugged in and not mounted" in run("copy", "list")


def test_a_medium_without_the_folder(run, acquired):
    shutil.rmtree(acquired.at["STORE-07"] / "C1")
    out = run("copy", "list")
    assert "medium STORE-07 is mounted at" in out
    assert "its folder is not on it" in out


def test_missing_files_are_counted(run, acquired):
    acquired.away("STORE-08")
    (acquired.at["STORE-07"] / "C1/E1/A1/image.E01").unlink()
    out = document(run, "copy", "locate", "C1/E1/A1", expect=3)
    assert (out["here"], out["copies"][0]["missing"]) == (False, ["image.E01"])


def test_what_is_not_there(run, acquired):
    run("copy", "list", "C9", expect=10)
    run("copy", "list", "C1/E9", expect=10)
    run("copy", "locate", "C1/E1/A9", expect=10)
    assert "is no acquisition" in run("copy", "locate", "C1/E1", expect=2)


def test_a_station_without_media(run, stick):
    assert "no data are on record" in run("copy", "list")
    run("acquire", stick, "--exhibit", "C1/E1")
    folder = run.made.path / "cases/C1/E1/A1"
    assert f"master: here: `{folder}`" in run("copy", "list")
    assert f"  {folder}/image.E01" in run("copy", "locate", "C1/E1/A1")
    end = kit.end_of(run.made, "C1/E1/A1")
    assert "copies" not in end.fields


def test_the_station_counts_as_a_copy_and_may_move(run, media, stick, tmp_path, monkeypatch):
    also = media.plug("STORE-08", "mnt-b")
    run("acquire", stick, "--exhibit", "C1/E1", "--also", also)
    moved = tmp_path / "moved"
    run.made.path.rename(moved)
    monkeypatch.setenv("EVKIT_STATION", str(moved))
    out = run("copy", "locate", "C1/E1/A1")
    assert f"  {moved}/cases/C1/E1/A1/image.E01" in out


def test_a_relative_destination_is_recorded_whole(run, media, stick, tmp_path, monkeypatch):
    (tmp_path / "store").mkdir()
    monkeypatch.chdir(tmp_path)
    run("acquire", stick, "--exhibit", "C1/E1", "--to", "store")
    monkeypatch.chdir("/")
    out = run("copy", "locate", "C1/E1/A1")
    assert f"  {tmp_path}/store/C1/E1/A1/image.E01" in out
    assert "only its path says that it is this copy" in out


def test_a_copy_that_was_given_away(run, acquired):
    settings = ["--set", "acquisition=C1/E1/A1", "--set", "copy=disclosure", "--set", "to=Counsel"]
    run("custody", "record", "copy-out", "C1/E1", *settings, "--set", "medium=STORE-08",
        "--set", "verified=true")  # fmt: skip
    run("custody", "record", "copy-out", "C1/E1", "--set", "copy=working", "--set",
        "medium_serial=SN-9")  # fmt: skip
    out = run("copy", "list", "C1/E1")
    assert "disclosure: here:" in out  # STORE-08 is plugged in, with the files of the second copy
    assert "given to Counsel" in out
    assert "read back equal when it was given" in out
    assert "working: not here: the medium with serial number SN-9" in out
    acquired.away("STORE-08")
    assert "disclosure: not here: medium STORE-08" in run("copy", "list", "C1/E1")
    found = document(run, "copy", "list", "C1/E1")["acquisitions"]
    assert [one["acquisition"] for one in found] == ["C1/E1/A1", "C1/E1"]


def content(report):
    return report["questions"]["content"]["answer"]


def verified(run, *more, expect=5):
    return document(run, "verify", "C1/E1/A1", "--no-history", *more, expect=expect)


def test_verify_names_the_copy_it_read(run, acquired):
    report = verified(run)
    assert content(report) == "PASS"
    assert "read from the master copy on medium STORE-07" in report["reach"]
    remark = next(one["text"] for one in report["remarks"] if one["code"] == "copy-read")
    assert "not read: the second copy on medium STORE-08" in remark
    acquired.away("STORE-07")
    report = verified(run)
    assert content(report) == "PASS"
    assert "read from the second copy on medium STORE-08" in report["reach"]


@pytest.mark.parametrize("wanted", ["second", "STORE-08", "9a01-77f2"])
def test_a_copy_can_be_chosen(run, acquired, wanted):
    report = verified(run, "--copy", wanted)
    assert content(report) == "PASS"
    assert "read from the second copy on medium STORE-08" in report["reach"]
    acquired.away("STORE-08")
    report = verified(run, "--copy", wanted)
    assert content(report) == "UNDECIDED"
    codes = {check["code"]: check for check in report["questions"]["content"]["checks"]}
    assert codes["copy-away"]["text"].endswith("not here: medium STORE-08")


def test_a_copy_that_is_not_on_record(run, acquired, tmp_path):
    out = run("verify", "C1/E1/A1", "--copy", "STORE-99", expect=2)
    assert "no copy `STORE-99` is on record" in out
    assert "`STORE-07`" in out
    out = run("verify", tmp_path / "stick.dd", "--copy", "second", expect=2)
    assert "`--copy` chooses among the copies" in out


def test_media_that_are_away_are_never_a_failure(run, acquired):
    acquired.away("STORE-07")
    acquired.away("STORE-08")
    report = verified(run)
    assert content(report) == "UNDECIDED"
    checks = report["questions"]["content"]["checks"]
    assert all(check["state"] != "FAIL" for check in checks)
    away = [check["text"] for check in checks if check["code"] == "copy-away"]
    assert away == ["the image of `C1/E1/A1` is not here: medium STORE-07 or medium STORE-08"]


def test_a_changed_copy_is_a_failure_and_the_other_is_not(run, acquired):
    image = acquired.at["STORE-08"] / "C1/E1/A1/image.E01"
    image.chmod(0o644)
    with open(image, "r+b") as handle:
        handle.seek(1 << 20)
        handle.write(b"X")
    assert content(verified(run)) == "PASS"
    assert content(verified(run, "--copy", "second", expect=4)) == "FAIL"


def test_a_medium_pulled_out_while_it_is_read(run, acquired, monkeypatch):
    from evkit.actions import verify_station
    from evkit.manifest.tree import Unreadable

    def pulled(_handle, name):
        yield b"x" * 100
        raise Unreadable(f"cannot read `{name}`: no such device")

    monkeypatch.setattr(verify_station, "blocks", pulled)
    report = verified(run)
    assert content(report) == "UNDECIDED"
    assert all(c["state"] != "FAIL" for c in report["questions"]["content"]["checks"])


def test_the_log_says_which_copy_was_read(run, acquired):
    run("verify", "C1/E1/A1", "--no-history", "--copy", "second", "--record", expect=5)
    with run.made.open() as station:
        event = next(e for _, e, _ in station.events("C1") if e.kind == "verify")
    assert event.fields["result"] == "pass"
    assert event.fields["where"] == "second copy on medium STORE-08 (C1/E1/A1)"
    assert event.fields["read"] == [
        {"acquisition": "C1/E1/A1", "copy": "second", "medium": "STORE-08", "volume": "9A01-77F2",
         "result": "pass"}
    ]  # fmt: skip
    checks = {c["copy"]: c["check"]["state"] for c in
              document(run, "copy", "list")["acquisitions"][0]["copies"]}  # fmt: skip
    assert checks == {"master": "match", "second": "pass"}
    assert "verified 2" in run("copy", "list")


def test_the_log_of_the_station_is_as_before(run, stick):
    run("acquire", stick, "--exhibit", "C1/E1")
    run("verify", "C1/E1/A1", "--no-history", "--record", expect=5)
    with run.made.open() as station:
        event = next(e for _, e, _ in station.events("C1") if e.kind == "verify")
    assert event.fields["where"] == "the station's own folder"
    assert "read" not in event.fields
    listed = document(run, "copy", "list")["acquisitions"][0]["copies"]
    assert [copy["check"]["state"] for copy in listed] == ["pass"]


def test_one_copy_that_fails_does_not_taint_the_other_acquisition(run, acquired, stick):
    """Several acquisitions are logged with one event, each with its own result."""
    run("acquire", stick, "--exhibit", "C1/E1", "--to", acquired.at["STORE-07"])
    image = acquired.at["STORE-07"] / "C1/E1/A2/image.E01"
    image.chmod(0o644)
    image.write_bytes(b"X" + image.read_bytes()[1:])
    run("verify", "C1", "--no-history", "--record", expect=4)
    with run.made.open() as station:
        event = next(e for _, e, _ in station.events("C1") if e.kind == "verify")
    assert [row["result"] for row in event.fields["read"]] == ["pass", "fail"]


def test_an_inventory_reads_the_copy_that_is_here(run, acquired):
    acquired.away("STORE-07")
    out = document(run, "inventory", "run", "C1/E1/A1", expect=3)
    assert out["sources"] == [str(acquired.at["STORE-08"] / "C1/E1/A1/image.E01")]
    assert out["database"] == str(run.made.path / "cases/C1/E1/A1/inventory.db")
    acquired.away("STORE-08")
    out = run("inventory", "run", "C1/E1/A1", expect=10)
    assert "not here: medium STORE-07 or medium STORE-08" in out


def test_a_bundle_takes_the_evidence_from_where_it_is(run, acquired, tmp_path):
    acquired.away("STORE-07")
    run("bundle", "create", "C1", "-o", tmp_path / "b1", "--with-exhibits")
    inside = tmp_path / "b1/data/exhibits/C1/E1/A1"
    found = list((tmp_path / "b1").rglob("image.E01"))
    assert len(found) == 1, inside
    source = acquired.at["STORE-08"] / "C1/E1/A1/image.E01"
    assert found[0].read_bytes() == source.read_bytes()
    acquired.away("STORE-08")
    out = document(run, "bundle", "create", "C1", "-o", tmp_path / "b2", "--with-exhibits")
    missing = {row["name"]: row["reason"] for row in out["missing"]}
    assert missing["image.E01"] == "not here: medium STORE-07 or medium STORE-08"
    assert list((tmp_path / "b2").rglob("image.E01")) == []


def test_a_comparison_reads_the_images_where_they_are(run, acquired, stick):
    with open(stick, "r+b") as handle:
        handle.seek(1 << 20)
        handle.write(b"CHANGED")
    run("acquire", stick, "--exhibit", "C1/E1")
    found = document(run, "exhibit", "compare", "C1/E1/A1", "C1/E1/A2", expect=4)
    assert (found["blocks"], found["sectors"]) == (1, 1)
    assert any("the master copy on medium STORE-07" in text for text in found["remarks"])
    acquired.away("STORE-07")
    acquired.away("STORE-08")
    found = document(run, "exhibit", "compare", "C1/E1/A1", "C1/E1/A2", expect=4)
    assert (found["whole_mib"], found["sectors"]) == (1, None)
    assert any("not here: medium STORE-07" in text for text in found["remarks"])


def test_status_says_that_an_image_is_away(run, acquired):
    assert document(run, "status")["images_not_here"] == []
    acquired.away("STORE-07")
    acquired.away("STORE-08")
    assert document(run, "status")["images_not_here"] == ["C1/E1/A1"]
    assert "on media that are not here: the image of C1/E1/A1" in run("status")


def test_late_signing_compares_the_copies_that_are_here(run, media, stick, monkeypatch):
    to, also = media.plug("STORE-07", "mnt-a"), media.plug("STORE-08", "mnt-b")
    real = Station.record

    def fail(self, draft, *arguments, **options):
        if draft.kind == "acquire-end":
            raise StorageError("no room for the ledger")
        return real(self, draft, *arguments, **options)

    monkeypatch.setattr(Station, "record", fail)
    run("acquire", stick, "--exhibit", "C1/E1", "--to", to, "--also", also, expect=16)
    monkeypatch.setattr(Station, "record", real)
    media.away("STORE-07")
    media.away("STORE-08")
    out = run("acquire", "--record", "--exhibit", "C1/E1", expect=4)
    assert "is not here: medium STORE-07 or medium STORE-08" in out
    point = media.plug("STORE-08", "elsewhere")
    image = point / "C1/E1/A1/image.E01"
    image.chmod(0o644)
    before = image.read_bytes()
    image.write_bytes(b"X" + before[1:])
    out = run("acquire", "--record", "--exhibit", "C1/E1", expect=4)
    assert "is not what was digested" in out
    image.write_bytes(before)
    assert "C1/E1/A1: recorded" in run("acquire", "--record", "--exhibit", "C1/E1")
    assert states(run) == {"master": "not-here", "second": "here"}


def test_names_from_the_ledger_are_escaped(run, acquired):
    made = run.made
    fields = {"copy": "working", "to": "A\x1b[31mB", "acquisition": "C1/E1/A1"}
    with made.open() as station:
        draft = Draft(kind="copy-out", case="C1", exhibits=("C1/E1",), fields=fields)
        station.record(draft, made.officer)
    assert "\x1b" not in run("copy", "list")


def test_hostile_folders_and_malformed_copies_are_data(run, media, stick):
    """An entry of another version may hold anything; nothing is raised and nothing found."""
    made = run.made
    odd = [
        {"copy": 7, "folder_path": "/x"},
        {"copy": "master", "folder_path": "../../etc", "folder_path_b64": "!!"},
        {"copy": "second", "volume": ["x"], "folder_path": "/etc"},
        {"state": 7},
    ]
    with made.open() as station:
        draft = Draft(
            kind="acquire-end", case="C1", exhibits=("C1/E1",), acquisitions=("C1/E1/A1",),
            fields={"result": "complete", "copies": odd},
        )  # fmt: skip
        station.record(draft, made.officer)
    found = document(run, "copy", "list", "C1")["acquisitions"]
    assert {copy["now"] for copy in found[0]["copies"]} == {"not-here"}


def test_registered_media_by_serial_number(run, media, stick, monkeypatch):
    """A medium without a known file system is recognised by its serial number."""
    made = run.made
    with made.open() as station:
        request = custody.Request(kind=gear.MEDIUM, refs=(), values={"label": "W-1", "serial": "q"})
        gear.add(station, made.officer, request)
    run("acquire", stick, "--exhibit", "C1/E1")
    run("custody", "record", "copy-out", "C1/E1", "--set", "acquisition=C1/E1/A1",
        "--set", "copy=working", "--set", "medium=W-1")  # fmt: skip
    assert states(run)["working"] == "not-here"
    point = media.top / "disk"
    (point / "C1/E1/A1").mkdir(parents=True)
    shutil.copy(made.path / "cases/C1/E1/A1/image.E01", point / "C1/E1/A1")
    volume = Volume(point=os.fsencode(point), type="vfat", serials=frozenset({"Q"}))
    monkeypatch.setattr(volumes, "mounted", lambda: (volume,))
    assert states(run)["working"] == "here"
