"""`evkit image convert` and `export` of files: same bytes, no overwriting, damage has places."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import e01kit
import pytest

from evkit.acquire import mapfile, readback
from evkit.images.e01.reader import E01Image
from evkit.images.opening import open_image

MIB = 1 << 20
CHUNK = 32768


def content(size=5 * MIB + 512 * 3, seed=1):
    """Noise, text and zeros, in whole chunks each."""
    rng = random.Random(seed)
    data = rng.randbytes(MIB + CHUNK) + bytes(MIB) + b"evidence " * (MIB // 4)
    return (data + bytes(size))[:size]


@pytest.fixture
def run(evkit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return functools.partial(evkit, "image")


def write(path, data):
    path.write_bytes(data)
    return path


def medium(path):
    with open_image(os.fsencode(path)) as image:
        return image.read(0, image.size)


def test_raw_to_e01_and_back(run, tmp_path):
    data = content()
    source = write(tmp_path / "disk.dd", data)
    before = source.stat()
    out = run("convert", "disk.dd", "-o", "disk.E01")
    assert hashlib.sha256(data).hexdigest() in out
    assert "states nothing" in out
    assert medium(tmp_path / "disk.E01") == data
    out = run("convert", "disk.E01", "-o", "back.dd")
    assert "compared with what the source states: equal (md5, sha1)" in out
    assert (tmp_path / "back.dd").read_bytes() == data
    after = source.stat()
    assert (before.st_atime_ns, before.st_mtime_ns) == (after.st_atime_ns, after.st_mtime_ns)
    assert sorted(os.listdir(tmp_path)) == ["back.dd", "disk.E01", "disk.dd"]
    assert (tmp_path / "back.dd").stat().st_mode & 0o777 == 0o444


def test_parts_and_segments(run, tmp_path):
    data = content(4 * MIB)
    write(tmp_path / "disk.dd", data)
    document = json.loads(
        run("convert", "disk.dd", "-o", "d.E01", "--compress", "none", "--split", "1M", "--json")
    )
    files = [part["path"] for part in document["files"]]
    assert [os.path.basename(name) for name in files] == [f"d.E0{n}" for n in range(1, 6)]
    assert all(os.path.getsize(name) <= MIB for name in files)
    for part in document["files"]:
        with open(part["path"], "rb") as handle:
            assert hashlib.file_digest(handle, "sha256").hexdigest() == part["sha256"]
    out = run("convert", "d.E01", "-o", "r.dd", "--split", "1500K")
    assert "raw in 3 parts" in out
    parts = sorted(path for path in tmp_path.iterdir() if path.name.startswith("r."))
    assert [path.name for path in parts] == ["r.001", "r.002", "r.003"]
    assert b"".join(path.read_bytes() for path in parts) == data
    run("convert", "r.001", "-o", "whole.E01")
    assert medium(tmp_path / "whole.E01") == data


def test_case_details_and_flags_are_carried_over(run, tmp_path):
    data = content(MIB)
    e01kit.write_e01(
        tmp_path, data, name="old", media_type="optical", physical=False, sector_size=2048,
        write_blocker="tableau", unread=[(2048 * 5, 4096)],
    )  # fmt: skip
    out = run("convert", "old.E01", "-o", "new.E01", "--compress", "best")
    assert "4,096 bytes" in out
    assert "not read when the source was made" in out
    with E01Image([b"old.E01"]) as old, E01Image([b"new.E01"]) as new:
        assert list(new.declared_gaps) == list(old.declared_gaps) == [(10240, 4096)]
        assert new.sector_size == 2048
        kept = {**old.metadata}
        found = {**new.metadata}
        for name in ("set_identifier", "system_date"):
            kept.pop(name, None)
            found.pop(name, None)
        assert found == kept
        assert found["examiner_name"] == e01kit.DETAILS.examiner
        assert "Tableau" in found["media_flags"]


def test_gaps_become_a_map_and_a_map_becomes_gaps(run, tmp_path):
    data = content(MIB)
    e01kit.write_e01(tmp_path, data, name="old", unread=[(512 * 9, 1024), (512 * 100, 512)])
    out = run("convert", "old.E01", "-o", "disk.dd")
    assert "map: `" in out
    chart = mapfile.read(os.fsencode(tmp_path / "disk.map"), len(data))
    assert list(chart.ranges(mapfile.BAD)) == [(4608, 1024), (51200, 512)]
    run("convert", "disk.dd", "-o", "again.E01")
    with E01Image([b"again.E01"]) as image:
        assert list(image.declared_gaps) == [(4608, 1024), (51200, 512)]
    assert (tmp_path / "again.map").is_file()
    run("convert", "disk.dd", "-o", "plain.E01", "--map", "none")
    with E01Image([b"plain.E01"]) as image:
        assert list(image.declared_gaps) == []
    (tmp_path / "disk.dd.map").write_bytes((tmp_path / "disk.map").read_bytes())
    assert "two maps" in run("convert", "disk.dd", "-o", "x.E01", expect=2)
    run("convert", "disk.dd", "-o", "named.E01", "--map", "disk.dd.map")


def test_a_map_of_another_medium_is_refused(run, tmp_path):
    write(tmp_path / "disk.dd", content(MIB))
    (tmp_path / "disk.map").write_bytes(mapfile.encode(mapfile.of_gaps((), 2 * MIB)))
    assert "the medium has 1048576" in run("convert", "disk.dd", "-o", "disk.E01", expect=14)
    (tmp_path / "disk.map").write_bytes(b"roads and rivers\n")
    assert "--map none" in run("convert", "disk.dd", "-o", "disk.E01", expect=14)
    assert sorted(os.listdir(tmp_path)) == ["disk.dd", "disk.map"]


def damaged(tmp_path, data, *chunks, name="bad"):
    """An uncompressed E01 with a flipped byte in some chunks."""
    (path,) = e01kit.write_e01(tmp_path, data, name=name, compression="none")
    with E01Image([os.fsencode(path)]) as image:
        places = [image.runs(number, 1)[0].offset for number in chunks]
    raw = bytearray(path.read_bytes())
    for place in places:
        raw[place + 100] ^= 0x40
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("target", ["out.dd", "out.E01"])
def test_damage_has_places_and_neighbours_are_intact(run, tmp_path, target):
    data = content(3 * MIB)
    damaged(tmp_path, data, 0, 7, 8, 95)
    out = run("convert", "bad.E01", "-o", target, expect=3)
    assert "131,072 bytes could not be decoded" in out
    assert (
        "bytes 229,376 to 294,912: sectors 448–575, segment `bad.E01`: its checksum is wrong" in out
    )
    assert "not compared" in out
    wanted = bytearray(data)
    for number in (0, 7, 8, 95):
        wanted[number * CHUNK : (number + 1) * CHUNK] = bytes(CHUNK)
    assert medium(tmp_path / target) == bytes(wanted)
    lost = [(0, CHUNK), (7 * CHUNK, 2 * CHUNK), (95 * CHUNK, CHUNK)]
    chart = mapfile.read(os.fsencode(tmp_path / "out.map"), len(data))
    assert list(chart.ranges(mapfile.BAD)) == lost
    if target == "out.E01":
        with E01Image([b"out.E01"]) as image:
            assert list(image.declared_gaps) == lost


def test_damage_in_the_document(run, tmp_path):
    damaged(tmp_path, content(3 * MIB), 7)
    document = json.loads(run("convert", "bad.E01", "-o", "out.dd", "--json", expect=3))
    assert document["result"] == "with-gaps"
    assert document["comparison"]["state"] == "not-compared"
    assert document["not_decoded"]["bytes"] == CHUNK
    assert document["not_decoded"]["first"][0]["offset"] == 7 * CHUNK
    assert document["unread"]["first"] == [[7 * CHUNK, CHUNK]]


@pytest.mark.parametrize("target", ["out.dd", "out.E01"])
def test_other_content_than_stated_gets_no_name(run, tmp_path, target):
    """A chunk exchanged with its checksum put right: only the digests can tell."""
    data = content(2 * MIB)
    (path,) = e01kit.write_e01(tmp_path, data, name="forged", compression="none")
    other = bytearray(data)
    other[5 * CHUNK] ^= 1
    (twin,) = e01kit.write_e01(tmp_path, bytes(other), name="twin", compression="none")
    raw, good = bytearray(path.read_bytes()), twin.read_bytes()
    with E01Image([os.fsencode(path)]) as image:
        run_ = image.runs(5, 1)[0]
    raw[run_.offset : run_.offset + CHUNK + 4] = good[run_.offset : run_.offset + CHUNK + 4]
    path.write_bytes(raw)
    out = run("convert", "forged.E01", "-o", target, expect=4)
    assert hashlib.md5(data).hexdigest() in out
    assert hashlib.md5(other).hexdigest() in out
    assert hashlib.sha1(data).hexdigest() in out
    assert sorted(os.listdir(tmp_path)) == ["forged.E01", "twin.E01"]


def test_files_that_read_back_different_get_no_name(run, tmp_path, monkeypatch):
    write(tmp_path / "disk.dd", content())
    answer = readback.Answer(match=False, how="direct", damage=((0, MIB),))
    monkeypatch.setattr(readback, "compare", lambda *_, **__: answer)
    out = run("convert", "disk.dd", "-o", "disk.E01", expect=4)
    assert "read back different" in out
    assert os.listdir(tmp_path) == ["disk.dd"]


@pytest.mark.parametrize(
    ("names", "arguments"),
    [
        (["disk.E01"], ["-o", "disk.E01"]),
        (["disk.E02"], ["-o", "disk.E01"]),
        (["disk.EAA"], ["-o", "disk.E01"]),
        (["disk.map"], ["-o", "disk.E01", "--map", "none"]),
        (["new.dd"], ["-o", "new.dd"]),
        (["new.map"], ["-o", "new.dd"]),
        (["new.003"], ["-o", "new.dd", "--split", "1M"]),
    ],
)
def test_nothing_is_overwritten(run, tmp_path, names, arguments):
    write(tmp_path / "disk.dd", content(3 * MIB))
    for name in names:
        (tmp_path / name).write_bytes(b"mine")
    assert "exists already" in run("convert", "disk.dd", *arguments, expect=15)
    assert sorted(os.listdir(tmp_path)) == sorted(["disk.dd", *names])
    assert all((tmp_path / name).read_bytes() == b"mine" for name in names)


def test_the_source_itself_is_no_target(run, tmp_path):
    data = content(MIB)
    write(tmp_path / "disk.dd", data)
    assert "exists already" in run("convert", "disk.dd", "-o", "./disk.dd", expect=15)
    assert (tmp_path / "disk.dd").read_bytes() == data


@pytest.mark.parametrize("size", [1, 511, 513, MIB + 1])
def test_part_of_a_sector_fits_into_no_e01(run, tmp_path, size):
    write(tmp_path / "odd.dd", bytes(size))
    out = run("convert", "odd.dd", "-o", "odd.E01", expect=2)
    assert "whole sectors" in out
    assert "--format raw" in out
    run("convert", "odd.dd", "-o", "same.dd")
    assert (tmp_path / "same.dd").read_bytes() == bytes(size)


def test_an_empty_medium(run, tmp_path):
    write(tmp_path / "none.dd", b"")
    assert "empty medium" in run("convert", "none.dd", "-o", "none.E01", expect=2)
    run("convert", "none.dd", "-o", "same.dd")
    assert (tmp_path / "same.dd").read_bytes() == b""


def test_a_dry_run_writes_nothing(run, tmp_path):
    write(tmp_path / "disk.dd", content(MIB))
    out = run("convert", "disk.dd", "-o", "disk.E01", "--dry-run")
    assert "would be converted to" in out
    assert "nothing was written" in out
    document = json.loads(run("convert", "disk.dd", "-o", "x.dd", "--split", "100K", "--dry-run",
                              "--json"))  # fmt: skip
    assert document["target"].endswith("x.001")
    assert os.listdir(tmp_path) == ["disk.dd"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["convert", "disk.dd"], 2, "-o TARGET"),
        (["convert", "disk.dd", "-o", "x.E01", "--format", "raw"], 2, "not called `.E01`"),
        (["convert", "disk.dd", "-o", "x.dd", "--format", "e01"], 2, "x.E01"),
        (["convert", "disk.dd", "-o", "x.part"], 2, "unfinished"),
        (["convert", "disk.dd", "-o", "x.Ex01"], 2, "does not write `.ex01`"),
        (["convert", "disk.dd", "-o", "x.vmdk", "--format", "raw"], 2, "raw and E01"),
        (["convert", "disk.dd", "-o", "no/x.dd"], 14, "no folder"),
        (["convert", "gone.dd", "-o", "x.dd"], 14, "cannot read"),
        (["convert", ".", "-o", "x.dd"], 14, "is no file"),
        (["convert", "/dev/null", "-o", "x.dd"], 14, "evkit acquire"),
        (["convert", "disk.dd", "-o", "x.dd", "--split", "1"], 2, "names for 999"),
        (["convert", "disk.dd", "-o", "x.E01", "--split", "1000"], 2, "too small"),
        (["convert", "disk.dd", "-o", "x.dd", "--officer", "o"], 2, "no record"),
        (["convert", "disk.dd", "-o", "x.dd", "--set", "a=b"], 2, "no record"),
        (["convert", "disk.dd", "-o", "x.dd", "--to", "."], 2, "--to"),
        (["convert", "C1/E1/A1", "-o", "x.dd"], 2, "leave `-o` out"),
        (["convert", "cut.E01", "-o", "x.dd"], 14, "cut.E01"),
        (["export", "disk.dd", "-o", "x.dd"], 2, "--part N"),
        (["export", "disk.dd", "-o", "x.dd", "--part", "1", "--range", "0+1"], 2, "--part N"),
        (["export", "disk.dd", "-o", "x.dd", "--part", "1"], 2, "no partition `1`"),
        (["export", "disk.dd", "-o", "x.dd", "--range", "1+512"], 2, "multiples of 512"),
        (["export", "disk.dd", "-o", "x.dd", "--range", "0+9999999s"], 2, "no range of sectors"),
        (["export", "disk.dd", "--range", "0+1s"], 2, "-o TARGET"),
    ],
)
def test_refusals(run, tmp_path, arguments, code, text):
    data = content(MIB)
    write(tmp_path / "disk.dd", data)
    (path,) = e01kit.write_e01(tmp_path, data, name="cut")
    path.write_bytes(path.read_bytes()[:-2000])
    assert text in run(*arguments, expect=code)
    assert sorted(os.listdir(tmp_path)) == ["cut.E01", "disk.dd"]


def test_packed_and_foreign_files_are_named(run, tmp_path):
    write(tmp_path / "x.gz", b"\x1f\x8b\x08" + bytes(600))
    assert "gzip" in run("convert", "x.gz", "-o", "x.E01", expect=14)


@pytest.mark.parametrize("name", [b"we\xffird \n.dd", "دليل.dd".encode()])
def test_names_of_any_bytes(run, tmp_path, name):
    data = content(MIB)
    (tmp_path / "disk.dd").write_bytes(data)
    out = run("convert", "disk.dd", "-o", os.fsdecode(name))
    assert "\n.dd" not in out
    with open(os.path.join(os.fsencode(tmp_path), name), "rb") as handle:
        assert handle.read() == data


def test_a_range_of_a_file(run, tmp_path):
    data = content(5 * MIB)
    write(tmp_path / "disk.dd", data)
    run("convert", "disk.dd", "-o", "disk.E01")
    for source in ("disk.dd", "disk.E01"):
        out = run("export", source, "-o", f"{source}.part1.dd", "--range", "2047s+4097s")
        assert "bytes 1,048,064 to 3,145,728 of 5,242,880" in out
        assert (tmp_path / f"{source}.part1.dd").read_bytes() == data[2047 * 512 : 6144 * 512]
    run("export", "disk.dd", "-o", "tail.E01", "--range", "8192s+")
    assert medium(tmp_path / "tail.E01") == data[8192 * 512 :]
    with E01Image([b"tail.E01"]) as image:
        assert image.metadata["media_flags"] == "logical"


def test_a_killed_conversion_leaves_only_unfinished_files_and_can_start_again(run, tmp_path):
    data = random.Random(3).randbytes(MIB) * 96  # it takes long enough
    write(tmp_path / "disk.dd", data)
    command = [sys.executable, "-m", "evkit", "image", "convert", "disk.dd", "-o", "disk.E01",
               "--compress", "best"]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    for _ in range(12000):
        if len(os.listdir(tmp_path)) > 1:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = [name for name in os.listdir(tmp_path) if name != "disk.dd"]
    assert left
    assert all(name.endswith(".part") for name in left)
    (tmp_path / "disk.dd").write_bytes(data[:MIB])
    run("convert", "disk.dd", "-o", "disk.E01")
    assert medium(tmp_path / "disk.E01") == data[:MIB]


def test_a_stopped_conversion_leaves_nothing(tmp_path):
    write(tmp_path / "disk.dd", random.Random(3).randbytes(MIB) * 96)
    command = [sys.executable, "-m", "evkit", "image", "convert", "disk.dd", "-o", "disk.E01",
               "--compress", "best"]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
    for _ in range(12000):
        if len(os.listdir(tmp_path)) > 1:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert os.listdir(tmp_path) == ["disk.dd"]


def test_a_raw_image_has_no_compression(run, tmp_path):
    write(tmp_path / "disk.dd", content())
    said = run(
        "convert", "disk.dd", "-o", "x.raw", "--format", "raw", "--compress", "best", expect=2
    )
    assert "`--compress` does not go with `--format raw`" in said
    assert not (tmp_path / "x.raw").exists()
