"""`evkit exhibit compare`: by the recorded trees only, with the reason of each difference."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import random

import pytest

from evkit.acquire import gaps, mapfile
from evkit.core.ranges import merge
from evkit.core.refs import parse_ref
from evkit.hashing.piecefile import write_pieces
from evkit.hashing.pieces import BLOCK, PieceHasher
from evkit.ledger.event import Draft, Subject

SIZE = 3_000_000
CONTENT = random.Random(13).randbytes(SIZE)
MIB = 1 << 20


@pytest.fixture
def run(run):
    compare = functools.partial(run, "exhibit", "compare")
    compare.made = run.made
    return compare


def changed(places, content=CONTENT):
    """The content with these ranges as zeros."""
    found = bytearray(content)
    for start, length in places:
        found[start : start + length] = bytes(length)
    return bytes(found)


def tree_of(content, *, block_nodes=False):
    hasher = PieceHasher(block_nodes=block_nodes)
    hasher.update(content)
    return hasher.finish()


def acquired(made, number, content, *, image=True, block_nodes=False, unread=(), whole_map=False):
    """Record an acquisition as it was made; return its folder."""
    ref = f"C1/E1/A{number}"
    with made.open() as station:
        folder = os.fsdecode(station.folder(parse_ref(ref)))
        os.makedirs(folder, exist_ok=True)
        tree = tree_of(content, block_nodes=block_nodes)
        sha256 = hashlib.sha256(content).hexdigest()
        artifacts = [{"name": "image.raw", "role": "image", "size": len(content), "sha256": sha256}]
        if image:
            with open(os.path.join(folder, "image.raw"), "wb") as handle:
                handle.write(content)
        files = {"image.raw.pieces": ("pieces", None)}
        if whole_map:
            files["image.map"] = ("map", mapfile.encode(mapfile.of_gaps(unread, len(content))))
        for name, (role, given) in files.items():
            path = os.path.join(folder, name)
            data = given or write_pieces(path, tree)
            if given:
                with open(path, "wb") as handle:
                    handle.write(given)
            found = hashlib.sha256(data).hexdigest()
            artifacts.append({"name": name, "role": role, "size": len(data), "sha256": found})
        media = {"size": len(content), "sha256": sha256, "pieces": tree.fields()}
        fields = {"result": "complete", "made_by": "evkit", "media": media, "artifacts": artifacts}
        if unread:
            fields |= {"result": "with-gaps", "unread": gaps.fields(unread)}
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": (ref,)}
        end = Draft(
            kind="acquire-end",
            fields=fields,
            subjects=(Subject(ref, {"sha256": sha256}),),
            **common,
        )
        station.record_many([Draft(kind="acquire-start", **common), end], made.officer)
    return folder


# 12 blocks that A1 could not read, and two elsewhere
LOST = [(BLOCK * n, BLOCK) for n in (3, 4, 5, 70, 71, 72, 73, 74, 75, 76, 77, 150)]
OTHER = [(BLOCK * 100 + 600, 40), (BLOCK * 180, BLOCK)]


def pair(made, **options):
    one = acquired(made, 1, changed(LOST), unread=merge(LOST), **options)
    return one, acquired(made, 2, changed(OTHER), **options)


def test_equal(run):
    acquired(run.made, 1, CONTENT)
    acquired(run.made, 2, CONTENT, block_nodes=True, image=False)
    out = run("C1/E1/A1", "C1/E1/A2")
    assert out.startswith("equal: A1 and A2, 3,000,000 bytes")
    assert "as entry 6 records" in out
    found = json.loads(run("C1/E1/A1", "C1/E1/A2", "--json"))
    assert found["schema"] == "evkit/exhibit-comparison/1"
    assert found["verdict"] == "equal"
    assert found["blocks"] == 0


def test_the_images_narrow_it_to_blocks_and_sectors(run):
    pair(run.made)
    out = run("C1/E1/A1", "C1/E1/A2", expect=4)
    assert out.startswith("equal except 14 blocks: 12 unread in A1, 2 elsewhere\n")
    assert "bytes 49,152 to 98,303: unread in A1" in out
    assert "196,608 bytes could not be read when it was made" in out
    found = json.loads(run("C1/E1/A1", "C1/E1/A2", "--json", expect=4))
    assert found["blocks_by_kind"] == {"unread-in-a": 12, "elsewhere": 2}
    assert found["whole_mib"] == 0
    assert found["sectors"] == 12 * 32 + 1 + 32  # 40 bytes lie in one sector
    assert found["ranges"] == [
        [3 * BLOCK, 3 * BLOCK, "unread-in-a"],
        [70 * BLOCK, 8 * BLOCK, "unread-in-a"],
        [100 * BLOCK, BLOCK, "elsewhere"],
        [150 * BLOCK, BLOCK, "unread-in-a"],
        [180 * BLOCK, BLOCK, "elsewhere"],
    ]
    assert found["a"]["checked_against_entry"] == 6
    turned = run("C1/E1/A2", "C1/E1/A1", expect=4)
    assert turned.startswith("equal except 14 blocks: 12 unread in A1, 2 elsewhere\n")


def test_block_hashes_are_enough_without_images(run):
    pair(run.made, image=False, block_nodes=True)
    found = json.loads(run("C1/E1/A1", "C1/E1/A2", "--json", expect=4))
    assert found["blocks_by_kind"] == {"unread-in-a": 12, "elsewhere": 2}
    assert found["sectors"] is None


def test_without_both_it_says_the_mib(run):
    pair(run.made, image=False)
    out = run("C1/E1/A1", "C1/E1/A2", expect=4)
    assert out.startswith("equal except 3 whole MiB: 3 unread in A1\n")


def test_one_image_and_the_block_hashes_of_the_other(run):
    acquired(run.made, 1, changed(LOST), unread=merge(LOST))
    acquired(run.made, 2, changed(OTHER), image=False, block_nodes=True)
    out = run("C1/E1/A1", "C1/E1/A2", expect=4)
    assert out.startswith("equal except 14 blocks: 12 unread in A1, 2 elsewhere\n")


def test_a_block_with_an_unread_sector_and_another_difference_is_elsewhere(run):
    acquired(run.made, 1, changed([(BLOCK, 512)]), unread=[(BLOCK, 512)])
    acquired(run.made, 2, changed([(BLOCK + 4096, 10)]))
    out = run("C1/E1/A1", "C1/E1/A2", expect=4)
    assert out.startswith("equal except 1 block: 1 elsewhere\n")
    acquired(run.made, 3, CONTENT)
    out = run("C1/E1/A1", "C1/E1/A3", expect=4)
    assert out.startswith("equal except 1 block: 1 unread in A1\n")


def test_both_could_not_read(run):
    acquired(run.made, 1, changed([(0, 1024)]), unread=[(0, 1024)])
    marked = b"UNREAD" + changed([(0, 1024)])[6:]
    acquired(run.made, 2, marked, unread=[(0, 512)])
    out = run("C1/E1/A1", "C1/E1/A2", expect=4)
    assert out.startswith("equal except 1 block: 1 unread in both\n")


def test_different_lengths_are_said(run):
    acquired(run.made, 1, CONTENT)
    acquired(run.made, 2, CONTENT + b"x" * BLOCK)
    acquired(run.made, 3, CONTENT + b"x" * (3 * MIB), image=False)
    out = run("C1/E1/A1", "C1/E1/A2", expect=4)
    assert out.startswith("equal except 2 blocks: 2 beyond the end of A1\n")
    assert "A2 is longer than A1 by 16,384 bytes" in out
    out = run("C1/E1/A3", "C1/E1/A1", expect=4)
    assert "beyond the end of A1" in out
    assert "A3 is longer than A1 by 3,145,728 bytes" in out


def test_another_pieces_file_is_a_failure_not_a_result(run):
    one, _ = pair(run.made)
    path = os.path.join(one, "image.raw.pieces")
    os.unlink(path)
    write_pieces(path, tree_of(changed(OTHER)))  # well formed, and equal to that of A2
    err = run("C1/E1/A1", "C1/E1/A2", expect=4)
    assert "is not the one that was recorded" in err
    assert "equal" not in err
    assert tree_of(changed(LOST)).root.hex() in err
    os.chmod(path, 0o644)
    with open(path, "r+b") as handle:
        handle.seek(100)
        handle.write(b"?")
    assert "is not the one that was recorded" in run("C1/E1/A1", "C1/E1/A2", expect=4)


def test_what_cannot_be_told_is_undecided(run):
    one, _ = pair(run.made)
    os.unlink(os.path.join(one, "image.raw.pieces"))
    assert "is not here" in run("C1/E1/A1", "C1/E1/A2", expect=5)
    with run.made.open() as station:
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A3",)}
        end = Draft(kind="acquire-end", fields={"result": "failed", "made_by": "evkit"}, **common)
        station.record_many([Draft(kind="acquire-start", **common), end], run.made.officer)
    assert "no piece tree" in run("C1/E1/A3", "C1/E1/A2", expect=5)


def test_wrong_names(run):
    pair(run.made)
    assert "no acquisition" in run("C1/E1", "C1/E1/A1", expect=2)
    assert "no end on record" in run("C1/E1/A1", "C1/E1/A9", expect=10)
    assert "cannot read" in run("C1/E1/A1", "./absent", expect=14)


def test_a_correction_does_not_change_the_data(run):
    pair(run.made)
    with run.made.open() as station:
        media = {"size": SIZE, "sha256": "0" * 64, "pieces": tree_of(changed(OTHER)).fields()}
        ended = next(found for index, _, found in station.events("C1") if index == 6)
        values = {"corrects": ended, "values": {"media": media}}
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        station.record_many([Draft(kind="correct", fields=values, **common)], run.made.officer)
        corrected = station.state("C1").state.exhibit("C1/E1").acquisitions["C1/E1/A1"]
        assert corrected.media == media
    out = run("C1/E1/A1", "C1/E1/A2", expect=4)
    assert out.startswith("equal except 14 blocks: 12 unread in A1, 2 elsewhere\n")


def test_an_image_that_changed_since_does_not_speak(run):
    one, _ = pair(run.made)
    with open(os.path.join(one, "image.raw"), "r+b") as handle:
        handle.seek(3 * BLOCK)
        handle.write(CONTENT[3 * BLOCK : 6 * BLOCK])  # as if it had been read after all
    out = run("C1/E1/A1", "C1/E1/A2", expect=4)
    assert "no longer what was recorded, in 1 of the MiBs that differ" in out
    assert out.startswith("equal except 11 blocks: 9 unread in A1, 2 elsewhere; 1 whole MiB: 1 unr")


@pytest.mark.parametrize("damage", [None, b"# changed\n", "gone"])
def test_many_unread_places_come_from_the_recorded_map(run, damage):
    lost = [(n * 2 * BLOCK, 512) for n in range(80)]
    folder = acquired(run.made, 1, changed(lost), unread=lost, whole_map=True)
    acquired(run.made, 2, CONTENT)
    path = os.path.join(folder, "image.map")
    if damage == "gone":
        os.unlink(path)
    elif damage:
        with open(path, "ab") as handle:
            handle.write(damage)
    out = run("C1/E1/A1", "C1/E1/A2", expect=4)
    if damage is None:
        assert out.startswith("equal except 80 blocks: 80 unread in A1\n")
        assert "and 68 more places" in out
    else:
        assert out.startswith("equal except 80 blocks: 64 unread in A1, 16 elsewhere\n")
        assert "not all places that could not be read are known" in out


def test_files_by_their_paths(run, tmp_path):
    one, two = pair(run.made)
    pieces = [os.path.join(folder, "image.raw.pieces") for folder in (one, two)]
    out = run(*pieces, expect=4)
    assert out.startswith("equal except 3 whole MiB: 3 elsewhere\n")
    assert "no record says what it is of" in out
    assert run(pieces[0], pieces[0]).startswith("equal: ")
    (tmp_path / "disk.dd").write_bytes(changed(OTHER))
    assert run("C1/E1/A2", "disk.dd").startswith("equal: C1/E1/A2 and disk.dd")
    out = run("C1/E1/A1", "./disk.dd", expect=4)
    assert out.startswith("equal except 14 blocks: 12 unread in C1/E1/A1, 2 elsewhere\n")
    (tmp_path / "bad.pieces").write_bytes(b"EVKPIECE" + bytes(100))
    assert "pieces file" in run("C1/E1/A1", "./bad.pieces", expect=14)


def test_a_container_against_an_acquisition(run, vectors):
    import gzip

    acquired(run.made, 1, gzip.decompress((vectors / "images" / "ext2.raw.gz").read_bytes()))
    for name in ("ext2.qcow2", "ext2.vmdk", "ext2.E01"):
        assert run("C1/E1/A1", vectors / "images" / name).startswith("equal: ")
    out = run("C1/E1/A1", vectors / "images" / "ext2.vhd", expect=4)
    assert "is longer than C1/E1/A1 by 18,432 bytes" in out
