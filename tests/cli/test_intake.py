"""`evkit intake` on a real station."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess

import acquirekit as kit
import pytest

from evkit.cli.session import Session
from evkit.hashing.pieces import PieceHasher
from evkit.manifest import filelist
from evkit.station import Station

MD5 = "196066add11fb71c4c49cf1bb50d6d24"
SHA256 = "a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80"


@pytest.fixture
def delivery(tmp_path):
    top = tmp_path / "export"
    (top / "sub").mkdir(parents=True)
    (top / "a.csv").write_bytes(b"1,2,3\n")
    (top / "sub" / "large.bin").write_bytes(os.urandom((1 << 20) + 7))
    (top / "empty").write_bytes(b"")
    os.symlink("../../secret", top / "link")
    os.mkfifo(top / "fifo")
    with open(os.fsencode(top) + b"/\xff\x1b[31m\n\xe2\x80\xae.txt", "wb") as handle:
        handle.write(b"hostile")
    os.chmod(top / "a.csv", 0o640)
    os.utime(top / "a.csv", ns=(1, 1_700_000_000_123_456_789))
    return top


def rows_of(run, acquisition="A1"):
    data = (run.folder / acquisition / "files.jsonl").read_bytes()
    return {row.path: row for row in filelist.read_list(data)}


def test_files_from_start_to_end(run, delivery):
    out = run("intake", delivery, "--exhibit", "C1/E1")
    assert "C1/E1/A1 taken in: complete, 4 files" in out
    assert "\x1b" not in out
    rows = rows_of(run)
    row = rows[b"export/a.csv"]
    assert (row.mode, row.mtime_ns) == (0o640, 1_700_000_000_123_456_789)
    assert (run.folder / "A1" / row.name).read_bytes() == b"1,2,3\n"
    assert (run.folder / "A1" / row.name).stat().st_mode & 0o777 == 0o444
    large = rows[b"export/sub/large.bin"]
    tree = PieceHasher()
    tree.update((delivery / "sub" / "large.bin").read_bytes())
    assert large.pieces == tree.finish().fields()
    assert rows[b"export/link"].target == b"../../secret"
    assert (rows[b"export/fifo"].type, rows[b"export/fifo"].reason) == ("special", "fifo")
    assert rows[b"export/\xff\x1b[31m\n\xe2\x80\xae.txt"].size == 7
    stored = sorted(path.name for path in (run.folder / "A1" / "files").iterdir())
    assert stored == sorted(row.name[6:] for row in rows.values() if row.name)
    assert all(name.isdigit() for name in stored)
    assert (delivery / "a.csv").stat().st_atime_ns == 1

    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["files"] == 4
    assert end.fields["bytes"] == sum(row.size or 0 for row in rows.values())
    assert [item["role"] for item in end.fields["artifacts"]] == ["list"]
    assert end.subjects[0].digests["sha256"] == end.fields["artifacts"][0]["sha256"]
    kit.settled(run.made.path)


def test_in_place_copies_nothing(run, delivery):
    run("intake", delivery, "--exhibit", "C1/E1", "--in-place", "--reread")
    rows = rows_of(run)
    assert {row.name for row in rows.values()} == {None}
    assert rows[b"export/a.csv"].sha256 == hashlib.sha256(b"1,2,3\n").hexdigest()
    assert sorted(path.name for path in (run.folder / "A1").iterdir()) == ["files.jsonl"]
    assert kit.end_of(run.made, "C1/E1/A1").fields["in_place"] is True


def write_list(delivery, target, program=None):
    lines = []
    for name in ("a.csv", "sub/large.bin", "empty"):
        digest = hashlib.sha256((delivery / name).read_bytes()).hexdigest()
        lines.append(f"{digest}  {name}\n")
    target.write_text("".join(lines))
    return target


def test_a_list_that_agrees(run, delivery, tmp_path):
    known = write_list(delivery, tmp_path / "list.sha256")
    out = run("intake", delivery, "--exhibit", "C1/E1", "--expect", known)
    assert "ok, 3 match" in out
    expected = kit.end_of(run.made, "C1/E1/A1").fields["expected"]
    assert expected["counts"]["match"] == 3
    assert expected["list"]["sha256"] == hashlib.sha256(known.read_bytes()).hexdigest()


def test_a_list_of_hashdeep(run, delivery, tmp_path, program):
    done = subprocess.run(
        [program("hashdeep"), "-r", "-l", "-of", "-c", "md5,sha1", "export"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    text = b"".join(line for line in done.stdout.splitlines(keepends=True) if b"\x1b" not in line
                    and b".txt" not in line)  # fmt: skip
    (tmp_path / "known").write_bytes(text)
    out = run("intake", delivery, "--exhibit", "C1/E1", "--expect", tmp_path / "known")
    assert "3 match" in out
    assert "says nothing about tampering" in out
    assert rows_of(run)[b"export/a.csv"].sha1 == hashlib.sha1(b"1,2,3\n").hexdigest()


def test_a_list_that_does_not_agree(run, delivery, tmp_path):
    known = write_list(delivery, tmp_path / "list.sha256")
    (delivery / "a.csv").write_bytes(b"1,2,4\n")
    out = run("intake", delivery, "--exhibit", "C1/E1", "--expect", known, expect=4)
    assert "FAIL" in out
    assert "mismatch: a.csv" in out
    assert kit.end_of(run.made, "C1/E1/A1").fields["expected"]["counts"]["mismatch"] == 1


def test_a_listed_file_that_was_not_delivered(run, delivery, tmp_path):
    known = write_list(delivery, tmp_path / "list.sha256")
    (delivery / "empty").unlink()
    out = run("intake", delivery, "--exhibit", "C1/E1", "--expect", known, expect=3)
    assert "absent: empty" in out


def test_one_digest(run, delivery):
    right, wrong = hashlib.md5(b"1,2,3\n").hexdigest(), "0" * 32
    run("intake", delivery / "a.csv", "--exhibit", "C1/E1", "--expect", right)
    run("intake", delivery / "a.csv", "--exhibit", "C1/E1", "--expect", wrong, expect=4)
    run("intake", delivery / "a.csv", "--exhibit", "C1/E1", "--expect", "nonsense", expect=2)


def test_one_digest_for_many_files_is_a_question(run, delivery):
    out = run("intake", delivery, "--exhibit", "C1/E1", "--expect", "0" * 32, expect=2)
    assert "one digest was stated for 4 files" in out
    assert kit.end_of(run.made, "C1/E1/A1").fields["result"] == "failed"
    kit.settled(run.made.path)


def test_an_unreadable_file_is_a_row_and_exit_3(run, delivery, monkeypatch):
    from evkit.acquire import taking

    real = taking.open_evidence

    def open_evidence(path):
        if path.endswith(b"a.csv"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(taking, "open_evidence", open_evidence)
    out = run("intake", delivery, "--exhibit", "C1/E1", expect=3)
    assert "could not be read" in out
    row = rows_of(run)[b"export/a.csv"]
    assert (row.state, row.name, row.sha256) == ("unreadable", None, None)
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["result"] == "with-gaps"
    assert end.fields["unread"]["files"] == 1


def test_a_file_that_changes_is_recorded(run, delivery, monkeypatch):
    from evkit.acquire import taking

    real = taking._small

    def small(descriptor, writer, names):
        content = real(descriptor, writer, names)
        if content.size == 6:
            os.utime(delivery / "a.csv", ns=(5, 5))
        return content

    monkeypatch.setattr(taking, "_small", small)
    out = run("intake", delivery, "--exhibit", "C1/E1", expect=3)
    assert "changed while it was read" in out
    assert rows_of(run)[b"export/a.csv"].state == "changed"
    codes = {entry.code for entry in kit.end_of(run.made, "C1/E1/A1").deviations}
    assert codes == {"source-changed"}


def test_the_station_is_not_taken_into_itself(run):
    out = run("intake", run.made.path.parent, "--exhibit", "C1/E1", expect=15)
    assert "the station lies inside" in out


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("cctv", {"clock_shown": "10:00", "clock_actual": "10:07", "working_order": "tested"}),
        ("phone", {"extraction_tool": "X 1", "extraction_type": "file system"}),
        ("provider", {"order": "123/2026", "period": "June 2026"}),
        ("ram", {"ram_tool": "LiME", "ram_host": "PC-7"}),
    ],
)
def test_kinds_ask_their_own_fields(run, delivery, kind, asked):
    out = run("intake", delivery, "--exhibit", "C1/E1", "--kind", kind)
    assert all(f"`{name}`" in out for name in asked)
    settings = [part for pair in asked.items() for part in ("--set", "=".join(pair))]
    out = run("intake", delivery, "--exhibit", "C1/E1", "--kind", kind, *settings)
    assert "a delivery of kind" not in out
    end = kit.end_of(run.made, "C1/E1/A2")
    assert {name: end.fields[name] for name in asked} == asked
    assert end.fields["kind"] == kind


def test_kinds_of_the_help_are_those_of_the_action():
    from evkit.actions import intake_job
    from evkit.cli.intake import KINDS

    assert tuple(intake_job.KINDS) == KINDS


def test_on_a_terminal_it_asks(run, delivery, monkeypatch):
    monkeypatch.setattr(Session, "interactive", lambda _: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: "as asked")
    run("intake", delivery, "--exhibit", "C1/E1", "--kind", "ram")
    assert kit.end_of(run.made, "C1/E1/A1").fields["ram_tool"] == "as asked"


def test_derived_from(run, delivery):
    run("intake", delivery, "--exhibit", "C1/E1", "--derived-from", "C1/E1")
    assert kit.end_of(run.made, "C1/E1/A1").fields["derived_from"] == ["C1/E1"]


@pytest.mark.parametrize(
    ("names", "copies"),
    [
        (["ext2.E01"], ["image.E01"]),
        (["ext2.split.E01"], ["image.E01", "image.E02"]),
        (["ext2.split.E02", "ext2.split.E01"], ["image.E01", "image.E02"]),
    ],
)
def test_an_e01_of_another_tool(run, vectors, names, copies):
    paths = [vectors / "images" / name for name in names]
    out = run("intake", *paths, "--exhibit", "C1/E1", "--kind", "image")
    assert "made by another tool, first digested here" in out
    assert SHA256 in out
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["made_by"] == "other-tool"
    assert end.fields["media"]["md5"] == MD5
    assert "files" not in end.fields
    assert end.fields["media"]["sector_size"] == 512
    assert end.fields["expected"]["compared"][0]["source"] == "container"
    assert end.fields["tool"]["acquisition_software_version"] == "20140812"
    segments = [item["name"] for item in end.fields["artifacts"] if item["role"] == "segment"]
    assert segments == copies
    assert end.subjects[0].digests["sha256"] == SHA256
    kit.as_recorded(run.folder / "A1", end)
    names = {path.name for path in (run.folder / "A1").iterdir()}
    assert names == {*copies, "image.raw.pieces"}


def test_a_split_raw_image_with_its_log(run, tmp_path):
    content = os.urandom(3_000_000)
    for number in range(3):
        part = content[number * 1_000_000 : (number + 1) * 1_000_000]
        (tmp_path / f"d.00{number + 1}").write_bytes(part)
    log = tmp_path / "d.txt"
    log.write_text(f"MD5 checksum: {hashlib.md5(content).hexdigest()}\n"
                   f"SHA1 checksum: {hashlib.sha1(content).hexdigest()}\n")  # fmt: skip
    out = run("intake", tmp_path / "d.002", log, "--exhibit", "C1/E1", "--kind", "image")
    assert "ok, 2 match" in out
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["format"] == "split-raw"
    assert [item["name"] for item in end.fields["artifacts"]] == [
        "image.001", "image.002", "image.003", "vendor-log-1.txt", "image.raw.pieces",
    ]  # fmt: skip
    assert end.fields["media"]["sha1"] == hashlib.sha1(content).hexdigest()
    log.write_text(f"SHA1 checksum: {'0' * 40}\n")
    out = run("intake", tmp_path / "d.001", log, "--exhibit", "C1/E1", "--kind", "image", expect=4)
    assert "vendor-log states sha1 0000" in out
    (tmp_path / "d.002").unlink()
    out = run("intake", tmp_path / "d.001", "--exhibit", "C1/E1", "--kind", "image", expect=14)
    assert "d.002` of the image is missing" in out
    assert kit.end_of(run.made, "C1/E1/A3").fields["result"] == "failed"
    kit.settled(run.made.path)


def test_a_raw_image(run, tmp_path):
    content = os.urandom(2_000_000)
    (tmp_path / "disk.dd").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    run("intake", tmp_path / "disk.dd", "--exhibit", "C1/E1", "--kind", "image", "--expect", digest)
    assert (run.folder / "A1" / "image.raw").read_bytes() == content
    run("intake", tmp_path / "disk.dd", "--exhibit", "C1/E1", "--kind", "image", "--in-place")
    end = kit.end_of(run.made, "C1/E1/A2")
    assert end.fields["media"]["sha256"] == digest
    assert {path.name for path in (run.folder / "A2").iterdir()} == {"image.raw.pieces"}


VDI = bytes(64) + b"\x7f\x10\xda\xbe" + bytes(960)


def test_containers_that_evkit_does_not_decode(run, tmp_path):
    (tmp_path / "disk.dd").write_bytes(VDI)
    out = run("intake", tmp_path / "disk.dd", "--exhibit", "C1/E1", "--kind", "image", expect=14)
    assert "VirtualBox image" in out
    assert "hint:" in out


def test_a_container_that_evkit_decodes(run, vectors):
    image = vectors / "images" / "ext2.qcow2"
    run("intake", image, "--exhibit", "C1/E1", "--kind", "image")
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["format"] == "qcow"
    assert end.fields["media"]["sha256"] == SHA256
    assert end.fields["artifacts"][0]["name"] == "image.qcow2"
    assert end.fields["artifacts"][0]["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()


def test_a_damaged_e01_is_taken_as_far_as_it_goes(run, vectors, tmp_path):
    data = bytearray((vectors / "images" / "ext2.split.E01").read_bytes())
    data[4000] ^= 1
    (tmp_path / "x.E01").write_bytes(data)
    shutil.copy(vectors / "images" / "ext2.split.E02", tmp_path / "x.E02")
    out = run("intake", tmp_path / "x.E01", "--exhibit", "C1/E1", "--kind", "image", expect=4)
    assert f"container states md5 {MD5}" in out
    (tmp_path / "x.E01").write_bytes(data[: len(data) // 2])
    out = run("intake", tmp_path / "x.E01", "--exhibit", "C1/E1", "--kind", "image", expect=14)
    assert out.startswith("evkit: FAILED: C1/E1/A2 is not complete")
    assert "no unfinished file was kept" in out
    assert (
        f"start again with `evkit intake {tmp_path / 'x.E01'} --exhibit C1/E1 --kind image`" in out
    )
    kit.settled(run.made.path)
    with run.made.open() as station:
        events = [event for _, event, _ in station.events("C1")]
    error = kit.end_of(run.made, "C1/E1/A2").fields["error"]
    assert str(tmp_path / "x.E01") in error
    assert not [e for e in events if ".part" in str(e.fields) or "/cases/" in str(e.fields)]


def test_a_path_that_is_not_there(run, tmp_path):
    for kind in ("files", "image"):
        out = run("intake", tmp_path / "absent", "--exhibit", "C1/E1", "--kind", kind, expect=14)
        assert "hint:" in out
    assert not run.folder.exists()


def test_an_image_given_as_a_file_is_taken_in_and_said(run, vectors, tmp_path):
    image = tmp_path / "seized disk.E01"
    shutil.copy(vectors / "images" / "ext2.E01", image)
    wanted = f"`evkit intake '{image}' --exhibit C1/E1 --kind image`"
    assert wanted in run("intake", image, "--exhibit", "C1/E1", "--dry-run")
    out = run("intake", image, "--exhibit", "C1/E1")
    assert "taken in: complete, 1 file" in out
    assert "looks like an image: EnCase image (E01)" in out
    assert wanted in out
    assert rows_of(run)[b"seized disk.E01"].size == image.stat().st_size
    assert wanted in json.loads(run("intake", image, "--exhibit", "C1/E1", "--json"))["hints"][0]

    disk = tmp_path / "disk.dd"
    disk.write_bytes(bytes(510) + b"\x55\xaa" + bytes(512))
    (tmp_path / "machine").write_bytes(VDI)
    out = run("intake", disk, tmp_path / "machine", "--exhibit", "C1/E1")
    assert f"`evkit intake {disk} --exhibit C1/E1 --kind image`" in out
    assert "VirtualBox image (vdi); evkit does not decode this format" in out
    disk.write_bytes(bytes(1024))
    assert "hint" not in run("intake", disk, "--exhibit", "C1/E1")
    assert "looks like" not in run("intake", image, "--exhibit", "C1/E1", "--kind", "image")


def test_two_images_at_once_are_refused(run, tmp_path):
    for name in ("a.dd", "b.dd"):
        with open(tmp_path / name, "wb") as handle:
            handle.truncate(17 << 20)
    run("intake", tmp_path / "a.dd", tmp_path / "b.dd", "--exhibit", "C1/E1", "--kind", "image",
        expect=2)  # fmt: skip


def test_dry_run_writes_nothing(run, delivery):
    before = sorted(run.made.path.rglob("*"))
    document = json.loads(run("intake", delivery, "--exhibit", "C1/E1", "--dry-run", "--json"))
    assert (document["things"], document["acquisition"]) == (8, "C1/E1/A1")
    assert sorted(run.made.path.rglob("*")) == before


def test_signed_later(run, delivery, monkeypatch):
    from evkit.core.errors import LockedError

    real = Station.record

    def record(self, draft, *rest, **options):
        if draft.kind == "intake-end":
            raise LockedError("held")
        return real(self, draft, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Station, "record", record)
        out = run("intake", delivery, "--exhibit", "C1/E1", expect=11)
    assert "`evkit intake --record --exhibit C1/E1/A1`" in out
    run("acquire", "--record", "--exhibit", "C1/E1", expect=10)
    run("intake", "--record", "--exhibit", "C1/E1")
    assert kit.end_of(run.made, "C1/E1/A1").fields["files"] == 4
    kit.settled(run.made.path)


def test_what_was_taken_in_can_be_inventoried_and_verified(run, vectors, delivery):
    run("intake", delivery, "--exhibit", "C1/E1")
    run("intake", vectors / "images" / "ext2.split.E01", "--exhibit", "C1/E1", "--kind", "image")
    for ref in ("C1/E1/A1", "C1/E1/A2"):
        assert "recorded inventory" in run("inventory", "run", ref)
        out = run("verify", ref, expect=5)  # no root and no anchor were supplied
        assert "content     PASS" in out
