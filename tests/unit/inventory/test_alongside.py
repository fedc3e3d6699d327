"""Inventories made from passing blocks: file systems with traps, and children that lie or die."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import subprocess
import sys

import inventorykit as kit
import mftkit
import pytest

from evkit.core.errors import InterruptedByUserError
from evkit.inventory import alongside, walked
from evkit.inventory.alongside import Alongside
from evkit.inventory.database.store import Writer
from evkit.inventory.runner import EngineStoppedError, Limits
from evkit.inventory.scan import Options, Target
from evkit.inventory.types import typer
from evkit.inventory.types.filetype import HEAD
from evkit.inventory.types.typer import Typer

FEW = Limits(lines=5000)
HASTY = Limits(silence=1.0)  # for a child that never answers
NTFS = kit.SAMPLES / "laptop-ntfs.raw"
FAT = kit.SAMPLES / "usb-fat16.raw"
needs_samples = pytest.mark.skipif(not FAT.exists(), reason="the sample images are not here")


@pytest.mark.parametrize("number", ["5", "6", "7", "9", "ext2.raw", "hfsplus.raw", "iso9660.raw",
                                    "mbr.raw", "ext2.E01", "windows_volume.qcow2"])  # fmt: skip
def test_outside_images(vectors, tmp_path, number):
    image = kit.unpack(vectors / "images", number, tmp_path)
    counts, work = kit.same_both_ways(image, tmp_path / "out")
    assert work.problem == ""
    assert counts["on_the_way"]["streams"] > 0


@needs_samples
def test_without_types_and_with_other_digests(tmp_path):
    for options in (Options(types=False), Options(hashes=("sha1", "sha512"), orphans=100)):
        counts, _ = kit.same_both_ways(FAT, tmp_path / "out", options)
        assert counts["on_the_way"] == {"streams": 20, "bytes": 56_784}


@needs_samples
def test_a_window_of_nothing_reads_all_again(tmp_path, monkeypatch):
    monkeypatch.setattr(walked, "BATCH", 7)
    counts, work = kit.same_both_ways(FAT, tmp_path / "out", window=0)
    assert work.problem == ""
    assert counts["on_the_way"]["streams"] == 0
    assert counts["read_again"] == {"streams": 22, "bytes": 56_784}


@pytest.fixture
def fragmented(tmp_path, program):
    """A FAT16 image whose one large file lies backwards, scattered or forwards."""

    def make(order):
        image, content = tmp_path / "fat.raw", random.Random(5).randbytes(3_000_000)
        (tmp_path / "BIG.BIN").write_bytes(content)
        with open(image, "wb") as handle:
            handle.truncate(12 << 20)
        subprocess.run([program("mkfs.fat"), "-F", "16", "-s", "4", image], check=True,
                       capture_output=True)  # fmt: skip
        subprocess.run([program("mcopy"), "-i", image, tmp_path / "BIG.BIN", "::"], check=True)
        clusters = list(range(100, 100 + -(-len(content) // 2048)))
        kit.scattered(image, order(clusters))
        return image, content

    return make


def _backwards(clusters):
    return clusters[::-1]


def _scattered(clusters):
    return random.Random(9).sample([2 * number for number in clusters], len(clusters))


def _two_halves(clusters):
    return clusters[700:] + clusters[:700]


@pytest.mark.parametrize(
    ("order", "peak"),
    [(_backwards, 3_000_000), (_scattered, 2_500_000), (_two_halves, 700 * 2048)],
)
def test_a_fragmented_file(tmp_path, fragmented, order, peak):
    image, content = fragmented(order)
    counts, _ = kit.same_both_ways(image, tmp_path / "out")
    assert counts["on_the_way"] == {"streams": 1, "bytes": len(content)}
    counts, _ = kit.same_both_ways(image, tmp_path / "out", window=peak // 2)
    assert counts == {"on_the_way": {"streams": 0, "bytes": 0},
                      "read_again": {"streams": 1, "bytes": len(content)}}  # fmt: skip
    with kit.scan(image, tmp_path / "i.db") as plain:
        (row,) = kit.of_kind(plain, "stream")
    assert row["digests"]["sha256"] == hashlib.sha256(content).hexdigest()


def _record(image, inode):
    """Where the MFT record of a file lies, and the row of its content."""
    database = image.parent / "record.db"
    with kit.scan(image, database) as found:
        rows = kit.of_kind(found, "stream")
    database.unlink()
    mft = next(row for row in rows if row["inode"] == 0 and row["attr"] == 128)
    row = next(row for row in rows if row["inode"] == inode and row["attr"] == 128)
    return mft["extents"][0][0] + 1024 * inode, row


@needs_samples
def test_ntfs_streams_that_were_not_written_to_their_end_are_read_by_the_engine(tmp_path):
    """Behind the valid length the engine gives zeros, whatever the clusters hold."""
    with kit.scan(NTFS, tmp_path / "rows.db") as plain:
        large = [row for row in kit.of_kind(plain, "stream")
                 if row["inode"] > 40 and row["size"] > 8192 and "flags" not in row
                 and row["basis"] == "allocated"]  # fmt: skip
    inode, whole = large[0]["inode"], large[0]["digests"]
    image = kit.damaged_copy(NTFS, tmp_path / "ntfs.raw", {})
    place, row = _record(image, inode)
    data = bytearray(image.read_bytes())
    record = data[place : place + 1024]
    assert mftkit.valid_length(bytes(record), 128, row["attr_id"]) == row["size"]
    at = struct.unpack_from("<H", record, 0x14)[0]
    while struct.unpack_from("<I", record, at)[0] != 128:
        at += struct.unpack_from("<I", record, at + 4)[0]
    assert not at % 512 + 0x38 >= 0x1C0  # not where the ends of sectors are exchanged
    struct.pack_into("<Q", data, place + at + 0x38, row["size"] // 2)
    image.write_bytes(data)
    before, _ = kit.same_both_ways(NTFS, tmp_path / "out")
    counts, _ = kit.same_both_ways(image, tmp_path / "out")
    assert before["on_the_way"]["streams"] - counts["on_the_way"]["streams"] == 1
    _, changed = _record(image, inode)
    assert changed["digests"] != whole


def test_valid_lengths_of_records():
    def attribute(kind, number, *, resident=0, first=0, valid=77):
        head = struct.pack("<IIBBHHH", kind, 0x48, 1 - resident, 0, 0, 0, number)
        return head + struct.pack("<QQHHIQQQ", first, 9, 0x40, 0, 0, 4096, 100, valid) + bytes(8)

    def record(*attributes, end=b"\xff\xff\xff\xff"):
        data = bytearray(1024)
        data[:8] = b"FILE" + struct.pack("<HH", 0x30, 3)
        struct.pack_into("<H", data, 0x14, 0x38)
        body = b"".join(attributes) + end
        data[0x38 : 0x38 + len(body)] = body
        data[0x30:0x32] = b"\x05\x00"
        data[0x32:0x36] = data[510:512] + data[1022:1024]
        data[510:512] = data[1022:1024] = b"\x05\x00"
        return bytes(data)

    good = record(attribute(128, 3), attribute(128, 4, valid=5))
    assert mftkit.valid_length(good, 128, 3) == 77
    assert mftkit.valid_length(good, 128, 4) == 5
    fixed = record(*[attribute(128, number, valid=1 << 40) for number in range(8)])
    assert {mftkit.valid_length(fixed, 128, number) for number in range(8)} == {1 << 40}
    unknown = (
        record(attribute(128, 4)),  # absent
        record(attribute(128, 3), attribute(128, 3)),  # twice
        record(attribute(128, 3, resident=1)),
        record(attribute(128, 3, first=8)),  # begins elsewhere
        record(attribute(0x20, 0), attribute(128, 3)),  # goes on in other records
        record(attribute(128, 3), end=b"\x00" * 4),
        good[:512], good[:300], b"", b"BAAD" + good[4:], good[:511] + b"\x01" + good[512:],
    )  # fmt: skip
    assert [mftkit.valid_length(data, 128, 3) for data in unknown] == [None] * len(unknown)


OFFER = {
    "row": "stream", "fs": 1, "inode": 5, "seq": 0, "attr": 1, "attr_id": 0, "bytes_digested": 0,
    "size": 600, "extents": [[4096, 600]], "basis": "allocated",
}  # fmt: skip
ENGINE = """
if request['task'] == 'table':
    table()
elif request['fs'] == 1:
    WALK = {walk!r}
    facts()
    serve(1, lines=[WALK], asked=lambda: exec({again!r}), died={died})
else:
    good(request['fs'])
say('done')
"""


def _engine(tmp_path, walk, again="pass", died=False):
    body = ENGINE.format(walk=walk, again=again, died=died)
    options = Options(
        command=kit.fake_engine(tmp_path, body),
        limits=FEW, types=False,
    )  # fmt: skip
    image = tmp_path / "disk.raw"
    image.write_bytes(random.Random(2).randbytes(1 << 20))
    (rows, _), counts, work = kit.alongside(image, tmp_path / "out", options)
    return [json.loads(row) for _, row in rows], counts, work


def offer(**changes):
    return "?" + _raw(OFFER | changes)


def _raw(row):
    return json.dumps(row, sort_keys=True, separators=(",", ":"))


def asked(**changes):
    return f"say('row', {OFFER | changes!r})"


def test_an_offer_is_completed_with_the_digests_of_the_blocks(tmp_path):
    rows, counts, _ = _engine(tmp_path, offer())
    content = (tmp_path / "disk.raw").read_bytes()[4096:4696]
    (row,) = [row for row in rows if row["row"] == "stream"]
    assert row["digests"] == {n: hashlib.new(n, content).hexdigest() for n in ("md5", "sha256")}
    assert (row["state"], row["bytes_digested"]) == ("ok", 600)
    assert counts["on_the_way"] == {"streams": 1, "bytes": 600}
    assert rows[-1]["filesystems"] == {"found": 2, "listed": 2, "failed": 0}


AGAIN = asked(extents=[[4096, 900]], size=900, state="unreadable", reason="read-error")
LIES = {
    "no extents": (offer(extents=None), ""),
    "extents that are words": (offer(extents=[["a", "b"]]), ""),
    "true for a place": (offer(extents=[[True, 600]]), ""),
    "a size that is a word": (offer(size="600"), ""),
    "no record": (offer(inode=-1), ""),
    "more than the row may say": (offer(surprise=1), ""),
    "its own digests": (offer(basis="none"), ""),
    "another volume": (offer(fs=2), ""),
    "nothing when asked again": (offer(size=900), "pass"),
    "another stream when asked again": (offer(size=900), AGAIN),
    "a row of another kind": (offer(size=900), "folder(1, 2)"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_child_that_lies_costs_its_volume(tmp_path, lie):
    walk, again = LIES[lie]
    rows, counts, work = _engine(tmp_path, walk, again or "pass")
    errors = [(row["fs"], row["reason"]) for row in rows if row["row"] == "error"]
    assert errors == [(1, "engine-garbage")]
    assert [row for row in rows if row["row"] == "stream"] == []
    assert rows[-1]["filesystems"] == {"found": 2, "listed": 1, "failed": 1}
    assert work.problem == ""
    assert counts["on_the_way"]["streams"] == (1 if lie in ADDED_TOO_LATE else 0)


ADDED_TOO_LATE = {"more than the row may say", "its own digests", "another volume"}
BEYOND = {
    "beyond the image": {"extents": [[(1 << 20) - 1, 600]]},
    "far beyond": {"extents": [[1 << 52, 600]]},
    "negative": {"extents": [[-7, 600]]},
    "shorter than the stream": {"extents": [[0, 599]]},
    "nothing but a hole": {"extents": [[-1, 600]]},
}


@pytest.mark.parametrize("case", BEYOND)
def test_extents_that_cannot_be_are_left_to_the_child(tmp_path, case):
    change = BEYOND[case]
    again = asked(**change, state="damaged", reason="short-read")
    rows, counts, _ = _engine(tmp_path, offer(**change), again)
    found = [row for row in rows if row["row"] == "stream"]
    if case == "negative":  # no row may say that
        assert found == []
    else:
        assert [row["reason"] for row in found] == ["short-read"]
    assert counts["on_the_way"]["streams"] == 0


def test_a_child_that_dies_after_its_offers(tmp_path):
    rows, counts, _ = _engine(tmp_path, offer(), died=True)
    assert [row["reason"] for row in rows if row["row"] == "error"] == []
    assert counts["on_the_way"]["streams"] == 1
    assert rows[-1]["streams"]["digested"] == 1


def test_a_child_that_dies_when_it_is_asked_again(tmp_path):
    rows, _, _ = _engine(tmp_path, offer(size=900), "os.kill(os.getpid(), 9)")
    assert [row["reason"] for row in rows if row["row"] == "error"] == ["engine-crash"]


def test_surrogates_and_escapes_survive_the_scrap_file(tmp_path):
    row = {"row": "error", "fs": 1, "stage": "walk", "reason": "odd", "detail": "a\\u2028\\x1b"}
    rows, _, _ = _engine(tmp_path, json.dumps(row, sort_keys=True, separators=(",", ":")))
    assert [r["detail"] for r in rows if r["row"] == "error"] == ["a\\u2028\\x1b"]
    line = json.dumps(row | {"detail": "\ud800"}, sort_keys=True, separators=(",", ":"))
    rows, _, _ = _engine(tmp_path, line)
    assert [r["reason"] for r in rows if r["row"] == "error"] == ["engine-garbage"]


TYPER = """
import os, sys, time
source = sys.stdin.buffer
source.readline()
{body}
"""
BAD_TYPERS = {
    "dies at once": "sys.exit(0)",
    "dies later": "source.read(10); os.kill(os.getpid(), 9)",
    "never answers": "time.sleep(30)",
    "reads all and never answers": "source.read(); time.sleep(30)",
    "answers nonsense": "source.read(10); print('[[', flush=True); time.sleep(30)",
    "answers unasked": 'print(\'["type","a/b"]\\n\' * 99, flush=True); time.sleep(30)',
    "answers a row": "source.read(10); print('[\"row\",{}]', flush=True); source.read()",
    "stops in between": 'source.read(); print(\'["type","a/b"]\\n["done"]\', flush=True)',
}


@needs_samples
@pytest.mark.parametrize("case", BAD_TYPERS)
def test_a_child_that_should_tell_types_and_does_not(tmp_path, monkeypatch, case):
    """All is read again by the engine, and the rows are as ever."""
    script = tmp_path / "typer.py"
    script.write_text(TYPER.format(body=BAD_TYPERS[case]))
    if "never" in case:
        monkeypatch.setattr(alongside, "Typer", lambda _limits, *rest: Typer(HASTY, *rest))
    counts, work = kit.same_both_ways(
        FAT, tmp_path / "out", type_command=[sys.executable, str(script)]
    )
    assert work.problem.startswith("engine-")
    assert counts["on_the_way"] == {"streams": 0, "bytes": 0}
    assert counts["read_again"]["streams"] == 22


@needs_samples
def test_a_type_that_is_none_spoils_the_volume_as_from_any_child(tmp_path):
    script = tmp_path / "typer.py"
    script.write_text(TYPER.format(body=(
        "n = source.read().count(b'')\n"
        "for _ in range(20): print('[\"type\",\"no type\"]')\n"
        "print('[\"done\"]', flush=True)"
    )))  # fmt: skip
    command = [sys.executable, str(script)]
    (rows, types), _, work = kit.alongside(FAT, tmp_path / "out", type_command=command)
    assert work.problem == ""
    assert len(types) == 2  # of the empty files, which the engine read
    reasons = [json.loads(row).get("reason") for _, row in rows if '"row":"error"' in row]
    assert reasons == ["engine-garbage"]


def test_types_of_many_heads_come_in_order():
    with Typer(Limits(), 1 << 20) as asker:
        for number in range(3000):
            text = b"#!/bin/sh\n" if number % 3 else b"%PDF-1.5\n"
            asker.give(number * 2, text + b"%d" % number, f"{number:064x}")
        asker.give(7001, b"GIF89a" + bytes(HEAD - 6), None)
        asker.finish()
        assert asker.mime(7001) == "image/gif"
        assert {asker.mime(2 * number) for number in range(0, 3000, 3)} == {"application/pdf"}
        assert asker.mime(2) == "text/x-shellscript"
        assert asker.mime(1) is None
        assert asker.mime(10**9) is None


def test_a_typer_that_is_closed_early_leaves_no_process():
    asker = Typer(Limits(), 1 << 20)
    asker.give(0, b"abc", None)
    asker.close()
    assert asker._process.poll() is not None
    with pytest.raises(EngineStoppedError):
        asker.finish()


def test_too_many_different_types(monkeypatch, tmp_path):
    monkeypatch.setattr(typer, "_KINDS", 3)
    script = tmp_path / "typer.py"
    script.write_text(TYPER.format(body=(
        "source.read()\n"
        "for n in range(5): print('[\"type\",\"a/%d\"]' % n)\n"
        "print('[\"done\"]', flush=True)"
    )))  # fmt: skip
    with Typer(Limits(), 1 << 20, [sys.executable, str(script)]) as asker:
        for number in range(5):
            asker.give(number, b"x", None)
        with pytest.raises(EngineStoppedError, match="too many different types"):
            asker.finish()


@needs_samples
def test_a_mismatch_and_an_early_end_keep_nothing(tmp_path):
    aim = Target(name=b"x", paths=[os.fsencode(FAT)])
    for finish in (True, False):
        work = Alongside(Options(), os.fsencode(tmp_path))
        if finish:
            work.walk(aim, FAT.stat().st_size)
            work.write(memoryview(FAT.read_bytes()))
            work.finish(match=False)
        assert work.problem
        database = tmp_path / f"{finish}.db"
        with Writer(os.fsencode(database)) as writer:
            _, counts = work.run(aim, writer)
            writer.finish({})
        assert counts["on_the_way"]["streams"] == 0
        assert counts["read_again"]["streams"] == 22


@needs_samples
def test_scrap_that_cannot_be_written_and_a_user_who_stops(tmp_path, monkeypatch):
    aim = Target(name=b"x", paths=[os.fsencode(FAT)])
    work = Alongside(Options(), os.fsencode(tmp_path / "absent"))
    work.walk(aim, FAT.stat().st_size)
    assert "No such file" in work.problem

    def stop(*_):
        raise InterruptedByUserError("stopped")

    monkeypatch.setattr(walked.Walked, "record", stop)
    work = Alongside(Options(), os.fsencode(tmp_path))
    with pytest.raises(InterruptedByUserError):
        work.walk(aim, FAT.stat().st_size)
    work.close()
