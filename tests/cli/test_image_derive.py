"""`evkit image convert` and `export` of acquisitions: derived ones, proven by the record."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import struct
import zlib

import acquirekit as kit
import e01kit
import pytest

from evkit.acquire import mapfile
from evkit.actions import image_derive
from evkit.actions.image_job import Request
from evkit.core.refs import parse_ref
from evkit.hashing.piecefile import read_pieces
from evkit.hashing.pieces import PieceHasher
from evkit.images.e01.reader import E01Image
from evkit.images.opening import open_image

MIB = 1 << 20
CHUNK = 32768
SECTOR = 512
PART_AT, PART_LENGTH = 2048, 4100  # sectors of the partition


def disk(size=6 * MIB, seed=5):
    """A disk with an MBR and one partition, noise in it."""
    data = bytearray(random.Random(seed).randbytes(size))
    data[446:510] = bytes(64)
    struct.pack_into("<B3xB3xII", data, 446, 0, 7, PART_AT, PART_LENGTH)
    data[510:512] = b"\x55\xaa"
    return bytes(data)


@pytest.fixture
def acquired(run, tmp_path):
    """C1/E1/A1, raw; its content."""
    data = disk()
    path = tmp_path / "disk.dd"
    path.write_bytes(data)
    run("acquire", path, "--exhibit", "C1/E1", "--format", "raw", "--scope", "all")
    return data


def end_of(run, ref):
    with run.made.open() as station:
        found = [
            event for _, event, _ in station.events("C1")
            if event.kind == "acquire-end" and ref in event.acquisitions
        ]  # fmt: skip
    assert len(found) == 1
    return found[0]


def medium(path):
    with open_image(os.fsencode(path)) as image:
        return image.read(0, image.size)


def test_conversion_is_a_new_acquisition_of_the_same_exhibit(run, acquired):
    out = run("image", "convert", "C1/E1/A1")
    assert "C1/E1/A1 converted: C1/E1/A2, 6,291,456 bytes" in out
    assert "compared with what is on record: equal (6 recorded pieces)" in out
    folder = run.folder / "A2"
    assert sorted(os.listdir(folder)) == ["image.E01", "image.raw.pieces"]
    assert medium(folder / "image.E01") == acquired
    first, second = end_of(run, "C1/E1/A1"), end_of(run, "C1/E1/A2")
    media = second.fields["media"]
    for name in ("size", "md5", "sha256", "pieces"):
        assert media[name] == first.fields["media"][name]
    assert media["sha1"] == hashlib.sha1(acquired).hexdigest()
    assert second.fields["derived_from"] == ["C1/E1/A1"]
    assert second.fields["made_by"] == "evkit"
    assert second.fields["format"] == "e01"
    parent = second.fields["parent"]
    assert parent["acquisition"] == "C1/E1/A1"
    assert parent["media"] == first.fields["media"]
    assert parent["comparison"]["state"] == "equal"
    assert parent["comparison"]["pieces_equal"] == 6
    assert second.subjects[0].digests["sha256"] == media["sha256"]
    kit.as_recorded(folder, second)
    assert all((folder / name).stat().st_mode & 0o777 == 0o444 for name in os.listdir(folder))
    with E01Image([os.fsencode(folder / "image.E01")]) as image:
        assert image.metadata["evidence_number"] == "C1/E1/A1"
        assert "C1/E1/A1" in image.metadata["notes"]


def test_there_and_back_and_everything_verifies(run, acquired):
    run("image", "convert", "C1/E1/A1", "--compress", "best", "--split", "2M")
    out = run("image", "convert", "C1/E1/A2")
    assert "C1/E1/A2 converted: C1/E1/A3" in out
    folder = run.folder / "A3"
    assert (folder / "image.raw").read_bytes() == acquired
    media = [end_of(run, f"C1/E1/A{n}").fields["media"]["sha256"] for n in (1, 2, 3)]
    assert media == [hashlib.sha256(acquired).hexdigest()] * 3
    out = run("verify", "C1/E1/A2", "--no-history", expect=5)
    assert "FAIL" not in out
    out = run("custody", "log", "C1/E1")
    assert "imaging began from the image C1/E1/A1" in out
    assert "imaging began from the image C1/E1/A2" in out
    run("exhibit", "compare", "C1/E1/A1", "C1/E1/A3")


def test_the_thing_is_not_touched_by_a_conversion(run, acquired):
    """No handling, no broken seal: nobody had the exhibit in hand."""
    run("custody", "record", "seal", "C1/E1", "--set", "seal=S-1", "--set", "place=store")
    with run.made.open() as station:
        before = {f.code for f in station.state("C1").findings}
        holding = station.state("C1").state.exhibit("C1/E1").now
    run("image", "convert", "C1/E1/A1")
    with run.made.open() as station:
        replayed = station.state("C1")
        assert {f.code for f in replayed.findings} == before
        assert replayed.state.exhibit("C1/E1").now == holding
        assert replayed.state.acquisition("C1/E1/A2").result == "complete"


def test_another_folder_takes_the_image(run, acquired, tmp_path):
    (tmp_path / "store").mkdir()
    run("image", "convert", "C1/E1/A1", "--to", tmp_path / "store")
    copy = tmp_path / "store" / "C1" / "E1" / "A2"
    assert medium(copy / "image.E01") == acquired
    assert (copy / "image.raw.pieces").is_file()
    end = end_of(run, "C1/E1/A2")
    assert end.fields["copies"][0]["state"] == "complete"
    out = run("image", "convert", "C1/E1/A2")
    assert "C1/E1/A3" in out
    assert (run.folder / "A3" / "image.raw").read_bytes() == acquired


def change(path, offset):
    os.chmod(path, 0o644)
    with open(path, "r+b") as handle:
        handle.seek(offset)
        byte = handle.read(1)[0]
        handle.seek(offset)
        handle.write(bytes([byte ^ 1]))


def test_a_changed_image_is_not_converted(run, acquired):
    change(run.folder / "A1" / "image.raw", 2 * MIB + 17)
    out = run("image", "convert", "C1/E1/A1", expect=4)
    assert "first difference: bytes 2,097,152 to 3,145,728" in out
    assert hashlib.sha256(acquired).hexdigest() in out
    assert os.listdir(run.folder / "A2") == []
    end = end_of(run, "C1/E1/A2")
    assert end.fields["result"] == "failed"
    assert "media" not in end.fields
    assert end.fields["parent"]["comparison"]["state"] == "differs"
    assert end.fields["parent"]["comparison"]["differing"] == [[2 * MIB, MIB]]
    assert end.subjects[0].name != "C1/E1/A2" or "sha256" not in end.subjects[0].digests


def test_a_damaged_e01_keeps_what_can_be_decoded(run, acquired):
    run("image", "convert", "C1/E1/A1", "--compress", "none")
    image = run.folder / "A2" / "image.E01"
    with E01Image([os.fsencode(image)]) as opened:
        place = opened.runs(40, 1)[0].offset
    change(image, place + 9)
    out = run("image", "convert", "C1/E1/A2", expect=3)
    assert "sectors 2560–2623, segment `image.E01`: its checksum is wrong" in out
    assert "as far as it can be decoded: equal (5 recorded pieces, 1 not compared)" in out
    wanted = bytearray(acquired)
    wanted[40 * CHUNK : 41 * CHUNK] = bytes(CHUNK)
    folder = run.folder / "A3"
    assert (folder / "image.raw").read_bytes() == bytes(wanted)
    chart = mapfile.read(os.fsencode(folder / "image.map"), len(acquired))
    assert list(chart.ranges(mapfile.BAD)) == [(40 * CHUNK, CHUNK)]
    end = end_of(run, "C1/E1/A3")
    assert end.fields["result"] == "with-gaps"
    assert end.fields["unread"]["first"] == [[40 * CHUNK, CHUNK]]
    assert end.fields["parent"]["comparison"]["state"] == "equal-where-decoded"
    kit.as_recorded(folder, end)


def test_damage_beside_a_change_is_a_change(run, acquired):
    """What cannot be decoded excuses its own piece and no other."""
    run("image", "convert", "C1/E1/A1", "--compress", "none")
    image = run.folder / "A2" / "image.E01"
    with E01Image([os.fsencode(image)]) as opened:
        places = [opened.runs(number, 1)[0].offset for number in (40, 100)]
    change(image, places[0] + 9)
    os.chmod(image, 0o644)
    raw = bytearray(image.read_bytes())
    raw[places[1]] ^= 1
    raw[places[1] + CHUNK : places[1] + CHUNK + 4] = struct.pack(
        "<I", zlib.adler32(raw[places[1] : places[1] + CHUNK])
    )
    image.write_bytes(raw)
    out = run("image", "convert", "C1/E1/A2", expect=4)
    assert "bytes 3,145,728 to 4,194,304" in out
    assert end_of(run, "C1/E1/A3").fields["result"] == "failed"


def test_gaps_are_carried_over(run, tmp_path):
    """What was not read when A1 was made is in the error list of A2 and in the map of A3."""
    (path,) = e01kit.write_e01(tmp_path, disk(2 * MIB), name="gaps", unread=[(20480, 1024)])
    run("intake", path, "--exhibit", "C1/E1", "--kind", "image",
        expect=3)  # fmt: skip
    run("image", "convert", "C1/E1/A1", "--format", "e01")
    run("image", "convert", "C1/E1/A2")
    with E01Image([os.fsencode(run.folder / "A2" / "image.E01")]) as image:
        assert list(image.declared_gaps) == [(20480, 1024)]
    found = mapfile.read(os.fsencode(run.folder / "A3" / "image.map"), 2 * MIB)
    assert list(found.ranges(mapfile.BAD)) == [(20480, 1024)]
    for ref in ("C1/E1/A2", "C1/E1/A3"):
        assert end_of(run, ref).fields["result"] == "with-gaps"
        assert end_of(run, ref).fields["unread"]["first"] == [[20480, 1024]]


def test_a_partition_becomes_an_exhibit_of_its_own(run, acquired):
    out = run(
        "image", "export", "C1/E1/A1", "--exhibit", "C1/E2", "--part", "1",
        "--what", "the data partition of the disk",
    )  # fmt: skip
    start, length = PART_AT * SECTOR, PART_LENGTH * SECTOR
    assert "C1/E1/A1 exported: C1/E2/A1" in out
    assert "recorded register of C1/E2" in out
    assert "evkit:   " not in out
    assert "next: evkit acquire" not in out
    assert "compared with what is on record: equal (3 recorded pieces)" in out
    folder = run.made.path / "cases" / "C1" / "E2" / "A1"
    wanted = acquired[start : start + length]
    assert medium(folder / "image.E01") == wanted
    tree = PieceHasher()
    tree.update(wanted)
    assert read_pieces(str(folder / "image.raw.pieces")) == tree.finish()
    end = end_of(run, "C1/E2/A1")
    assert end.fields["type"] == "partition"
    assert end.fields["derived_from"] == ["C1/E1/A1"]
    assert end.fields["media"]["sha256"] == hashlib.sha256(wanted).hexdigest()
    part = end.fields["part"]
    assert (part["offset"], part["length"], part["source_size"]) == (start, length, len(acquired))
    assert end.fields["parent"]["media"]["sha256"] == hashlib.sha256(acquired).hexdigest()
    comparison = end.fields["parent"]["comparison"]
    assert comparison == {"state": "equal", "pieces_equal": 3, "pieces_not_compared": 0}
    with run.made.open() as station:
        exhibit = station.state("C1").state.exhibit("C1/E2")
    assert exhibit.fields["derived_from"] == ["C1/E1/A1"]
    assert exhibit.fields["nature"] == "copy"
    out = run("verify", "C1/E2/A1", "--no-history", expect=5)
    assert "FAIL" not in out


def test_a_range_and_a_second_export_of_the_same_exhibit(run, acquired):
    run("exhibit", "register", "C1/E2", "--what", "part", "--derived-from", "C1/E1/A1")
    run("image", "export", "C1/E1/A1", "--exhibit", "C1/E2", "--range", "3000s+1s")
    run("image", "export", "C1/E1/A1", "--exhibit", "C1/E2", "--range", "3000s+", "--format", "raw")
    folder = run.made.path / "cases" / "C1" / "E2"
    assert medium(folder / "A1" / "image.E01") == acquired[3000 * 512 : 3001 * 512]
    assert (folder / "A2" / "image.raw").read_bytes() == acquired[3000 * 512 :]
    assert end_of(run, "C1/E2/A2").fields["type"] == "range"
    assert end_of(run, "C1/E2/A2").fields["parent"]["comparison"]["pieces_equal"] == 5


def test_only_the_pieces_of_the_part_are_asked_for(run, acquired):
    change(run.folder / "A1" / "image.raw", 5 * MIB + 1)
    options = ["--exhibit", "C1/E2", "--range", "2048s+4096s"]
    run("image", "export", "C1/E1/A1", *options, "--what", "part")
    out = run("image", "export", "C1/E1/A1", "--exhibit", "C1/E2", "--range", "9000s+1300s",
              expect=4)  # fmt: skip
    assert "bytes 5,242,880 to 6,291,456" in out
    end = end_of(run, "C1/E2/A2")
    assert end.fields["result"] == "failed"
    assert end.fields["parent"]["comparison"]["differing"] == [[5 * MIB, MIB]]


def test_a_change_outside_the_range_but_inside_its_piece_is_found(run, acquired):
    change(run.folder / "A1" / "image.raw", MIB + 3)
    run("image", "export", "C1/E1/A1", "--exhibit", "C1/E2", "--range", "3000s+8s", "--what", "x",
        expect=4)  # fmt: skip


def test_a_part_without_recorded_pieces_is_not_exported(run, acquired):
    (run.folder / "A1" / "image.raw.pieces").unlink()
    out = run("image", "export", "C1/E1/A1", "--exhibit", "C1/E2", "--part", "1", "--what", "x",
              expect=5)  # fmt: skip
    assert "pieces" in out
    run("image", "convert", "C1/E1/A1")  # the whole has its digests
    assert end_of(run, "C1/E1/A2").fields["parent"]["comparison"]["state"] == "equal"


def test_a_forged_pieces_file_is_found(run, acquired):
    change(run.folder / "A1" / "image.raw.pieces", 100)
    out = run("image", "convert", "C1/E1/A1", expect=4)
    assert "not the one that was recorded" in out
    assert not (run.folder / "A2").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["convert", "C1/E1/A7"], 10, "no end on record"),
        (["convert", "C1/E1"], 2, "no acquisition CASE/E1/A1"),
        (["convert", "C9/E1/A1"], 10, "C9"),
        (["convert", "C1/E1/A1", "--to", "nowhere"], 14, "no folder"),
        (["convert", "C1/E1/A1", "--split", "1K"], 2, "1"),
        (["convert", "C1/E1/A1", "--set", "nonsense=1"], 2, "nonsense"),
        (["export", "C1/E1/A1", "--exhibit", "C1/E2", "--part", "1"], 10, "--what"),
        (["export", "C1/E1/A1", "--exhibit", "C1/E1", "--part", "1", "--what", "x"], 2, "already"),
        (["export", "C1/E1/A1", "--exhibit", "C1/E2", "--part", "9", "--what", "x"], 2, "1 ("),
        (["export", "C1/E1/A1", "--part", "1"], 2, "--exhibit"),
        (["export", "C1/E1/A1", "--exhibit", "C1/E2"], 2, "--part N"),
        (["export", "C1/E1/A1", "--exhibit", "C1/E2", "--range", "7+9", "--what", "x"], 2, "512"),
    ],
)
def test_refusals_record_nothing(run, acquired, arguments, code, text):
    with run.made.open() as station:
        before = station.head().size
    assert text in run("image", *arguments, expect=code)
    with run.made.open() as station:
        assert station.head().size == before
    assert not (run.folder / "A2").exists()


def test_a_dry_run_writes_nothing(run, acquired):
    with run.made.open() as station:
        before = station.head().size
    out = run("image", "convert", "C1/E1/A1", "--dry-run")
    assert "would be converted to C1/E1/A2 (e01)" in out
    document = json.loads(run("image", "convert", "C1/E1/A1", "--dry-run", "--json"))
    assert document["digests_to_compare"] == 2
    with run.made.open() as station:
        assert station.head().size == before


def test_the_document(run, acquired):
    document = json.loads(run("image", "convert", "C1/E1/A1", "--json"))
    assert document["schema"] == "evkit/image-converted/1"
    assert document["acquisition"] == "C1/E1/A2"
    assert document["derived_from"] == "C1/E1/A1"
    assert document["recorded"] is True
    assert len(document["entries"]) == 2
    assert document["files"][0]["path"].endswith("A2/image.E01")


def test_an_image_that_is_gone(run, acquired):
    os.chmod(run.folder / "A1", 0o755)
    (run.folder / "A1" / "image.raw").unlink()
    assert "is not here" in run("image", "convert", "C1/E1/A1", expect=10)


def test_what_was_taken_in_is_converted(run, tmp_path):
    """An image by another tool becomes an E01 by evkit, with the digests of the intake."""
    data = disk(2 * MIB)
    (path,) = e01kit.write_e01(tmp_path, data, name="other")
    run("intake", path, "--exhibit", "C1/E1", "--kind", "image")
    run("image", "convert", "C1/E1/A1", "--format", "e01", "--compress", "best")
    with E01Image([os.fsencode(run.folder / "A2" / "image.E01")]) as image:
        assert image.metadata["examiner_name"] == e01kit.DETAILS.examiner
        assert image.metadata["evidence_number"] == "E1"
    assert end_of(run, "C1/E1/A2").fields["media"]["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_killed_conversion_is_closed_as_failed(run, acquired, tmp_path):
    def convert():
        ref = parse_ref("C1/E1/A1")
        wish = image_derive.Derivation(parent=ref, exhibit=ref.of_exhibit(), request=Request())
        with run.made.open() as station:
            image_derive.run(station, run.made.officer, wish)

    total = kit.run_stopped(convert, 10**9)[1]
    assert total > 20
    for at in range(5, total, max(1, total // 12)):
        code, _ = kit.run_stopped(convert, at)
        assert code in {0, 9}
    with run.made.open() as station:
        left = len(station.journals())
        ends = {e.acquisitions[0] for _, e, _ in station.events() if e.kind == "acquire-end"}
    assert left
    for folder in run.folder.glob("A*"):
        ref = f"C1/E1/{folder.name}"
        for path in folder.iterdir():
            if path.name == "image.E01":  # named last: whole, whether or not it is recorded
                assert medium(path) == acquired
            elif ref not in ends:
                assert path.name in {"journal.json", "image.raw.pieces"} or ".part" in path.name
    run("acquire", "--finish", "--exhibit", "C1/E1")
    with run.made.open() as station:
        assert station.journals() == []


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """A file of which 300 sectors cannot be read."""
    path = tmp_path / "failing.dd"
    path.write_bytes(disk(2 * MIB))
    bad = range(MIB, MIB + 300 * SECTOR)
    real = os.preadv

    def preadv(descriptor, buffers, offset, *flags):
        if os.readlink(f"/proc/self/fd/{descriptor}") == str(path):
            length = sum(len(buffer) for buffer in buffers)
            if offset < bad.stop and bad.start < offset + length:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(descriptor, buffers, offset, *flags)

    monkeypatch.setattr(os, "preadv", preadv)
    return path


def test_an_error_storm_says_to_take_raw_and_convert(run, failing):
    arguments = ["acquire", failing, "--exhibit", "C1/E1", "--format", "e01"]
    out = run(*arguments, "--progress", "lines", expect=3)
    assert "so many read errors" in out
    assert "--format raw` tries harder and keeps a map, `evkit image convert`" in out
    assert end_of(run, "C1/E1/A1").fields["format"] == "e01"


def test_a_storm_that_ended_as_raw_is_converted_with_its_map(run, failing):
    arguments = ["acquire", failing, "--exhibit", "C1/E1", "--format", "e01", "--on-storm", "raw"]
    out = run(*arguments, expect=3)
    assert "hint: make an E01 of it with `evkit image convert C1/E1/A1`" in out
    first = end_of(run, "C1/E1/A1")
    assert first.fields["format"] == "raw"
    out = run("image", "convert", "C1/E1/A1")
    assert "153,600 bytes were not read when the source was made" in out
    with E01Image([os.fsencode(run.folder / "A2" / "image.E01")]) as image:
        assert list(image.declared_gaps) == [(MIB, 300 * SECTOR)]
    second = end_of(run, "C1/E1/A2")
    assert second.fields["media"]["sha256"] == first.fields["media"]["sha256"]
    assert second.fields["unread"]["first"] == first.fields["unread"]["first"]
    assert second.fields["result"] == "with-gaps"


def test_what_is_partial_by_decision_stays_so(run, tmp_path):
    """Another form of a part says which part, and why; a part of a whole says so anew."""
    path = tmp_path / "disk.dd"
    path.write_bytes(disk())
    run("acquire", path, "--exhibit", "C1/E1", "--type", "partition", "--part", "1", "--format",
        "raw", "--scope", "only the partition is covered by the order")  # fmt: skip
    run("image", "convert", "C1/E1/A1")
    first, second = end_of(run, "C1/E1/A1"), end_of(run, "C1/E1/A2")
    assert second.fields["type"] == "partition"
    assert second.fields["part"] == first.fields["part"]
    run("image", "export", "C1/E1/A1", "--exhibit", "C1/E2", "--range", "0+8s", "--what", "boot",
        "--set", "scope=the boot sector was asked for")  # fmt: skip
    out = " ".join(run("exhibit", "show", "C1/E1").split())
    assert out.count("why: only the partition is covered by the order") == 2
    out = " ".join(run("exhibit", "show", "C1/E2").split())
    assert "bytes 0 to 4,096 of 2,099,200 of C1/E1/A1" in out
    assert "the boot sector was asked for" in out
