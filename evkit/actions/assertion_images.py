"""Assertions about images: format, splitting, integrity with location, conversion, block hashes.

Each function tries one on a `Bench` and returns what was done and found.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from evkit.acquire import imaging
from evkit.actions.assertion_bench import content_of, need, small_files
from evkit.actions.assertion_checks import complete
from evkit.core.errors import StorageError
from evkit.hashing import pieces
from evkit.hashing.pieces import PieceHasher
from evkit.images.detect import detect
from evkit.images.e01.build import checked
from evkit.images.e01.layout import CHECKSUM, DESCRIPTOR, DIGEST
from evkit.images.e01.reader import E01Image
from evkit.verify.report import CONTENT

if TYPE_CHECKING:
    from evkit.actions.assertion_bench import Bench, Made

_CHUNK = 3  # of the E01 in which a bit is changed
_PLACE = (1 << 20) + 4242  # byte of the raw image that is changed
_SPLIT = 3 << 20


def same_data(bench: Bench) -> str:
    """Compare what an image holds with what was acquired."""
    for made in (bench.raw, bench.e01):
        complete(made)
        hasher = PieceHasher(block_nodes=True)
        hasher.update(content_of(made))
        outcome = made.imaging.outcome
        same = outcome is not None and hasher.finish() == outcome.pieces
        need(same, f"{made.imaging.format} does not hold what its piece tree says")
    return "raw and E01 decoded again; their piece trees are those of the reading"


def requested_format(bench: Bench) -> str:
    """Ask for each format and compression, and look what came."""
    need(detect(bench.raw.paths[0]).name == "raw", "raw was asked for, and something else came")
    sizes = {}
    for compression in ("none", "fast", "best"):
        made = bench.acquire(imaging.E01, compression=compression)
        complete(made)
        need(detect(made.paths[0]).name == "ewf", "E01 was asked for, and something else came")
        need(content_of(made) == bench.content, f"E01 {compression} differs from the source")
        sizes[compression] = sum(made.sizes)
    need(sizes["none"] > max(sizes["fast"], sizes["best"]), f"compression is not kept: {sizes}")
    return "raw; E01 without compression, fast and best"


def write_error(bench: Bench) -> str:
    """Have the system refuse to write on in the middle of an image."""
    medium = bench.medium  # written before the limit
    for form in (imaging.RAW, imaging.E01):
        with small_files(1 << 20):
            made = bench.acquire(form, medium, compression="none")
        failed = made.imaging.result == imaging.FAILED
        need(failed, f"{form}: the image is `{made.imaging.result}` after a failed write")
        error = made.imaging.error
        need(isinstance(error, StorageError), f"{form}: the failed write is not named")
        names = [name for name in os.listdir(made.folder) if not name.endswith(b".part")]
        need(not names, f"{form}: an incomplete image got its name")
    return "raw and E01: the work fails with the reason, no incomplete image gets a name"


def parts_of_size(bench: Bench) -> str:
    """Ask for files of a size, at the edges."""
    for split in (_SPLIT, len(bench.content), len(bench.content) - 1):
        made = bench.acquire(imaging.RAW, split=split)
        complete(made)
        _parts(bench, made, split)
        need(made.sizes[0] == min(split, len(bench.content)), "the first part is not full")
    made = bench.acquire(imaging.E01, compression="none", split=_SPLIT)
    complete(made)
    _parts(bench, made, _SPLIT)
    need(len(made.paths) > 1, "the E01 was not divided")
    return "raw and E01: no file is larger, together they hold the medium"


def _parts(bench: Bench, made: Made, split: int) -> None:
    need(max(made.sizes) <= split, f"a file of {max(made.sizes)} bytes, {split} were asked for")
    need(content_of(made) == bench.content, "the parts together differ from the source")


def unchanged(bench: Bench) -> str:
    """Verify an image twice."""
    for _ in range(2):
        report = bench.verify(bench.e01.paths[0])
        need(report.answer(CONTENT) == "PASS", f"a sound image is {report.answer(CONTENT)}")
    tree = _tree(content_of(bench.raw))
    outcome = bench.raw.imaging.outcome
    need(outcome is not None and tree == outcome.pieces, "a sound raw image is called changed")
    return "an E01 twice with `evkit verify`, a raw image against its piece tree"


def changed(bench: Bench) -> str:
    """Change an image in several places; none may pass."""
    with E01Image(bench.e01.paths) as image:
        offset = image.runs(_CHUNK, 1)[0].offset
    with open(bench.e01.paths[0], "rb") as handle:
        data = handle.read()
    copies = {
        "a bit changed in the data": bench.changed(bench.e01, offset + 10),
        "another SHA-1, with the right checksum,": bench.write("sha1.E01", _other_sha1(data)),
    }
    for what, path in copies.items():
        need(bench.verify(path).answer(CONTENT) == "FAIL", f"{what} is not found")
    cut = bench.write("cut-off.E01", data[: len(data) // 2])
    need(bench.verify(cut).answer(CONTENT) != "PASS", "an image cut in half passes")
    _locate(bench)
    return "a bit in the data, another stored SHA-1, an E01 cut in half, a byte of a raw image"


def _other_sha1(data: bytes) -> bytes:
    """Return an E01 of one segment with another SHA-1 in its digest section, checksum and all."""
    at = data.rindex(b"digest".ljust(16, b"\0")) + DESCRIPTOR.size
    md5, sha1, rest, _ = DIGEST.unpack_from(data, at)
    body = DIGEST.pack(md5, bytes([sha1[0] ^ 1]) + sha1[1:], rest, 0)
    return data[:at] + checked(body[: -CHECKSUM.size]) + data[at + len(body) :]


def location(bench: Bench) -> str:
    """Change an image and ask where."""
    with E01Image(bench.e01.paths) as image:
        offset = image.runs(_CHUNK, 1)[0].offset
        wanted = image.sectors(_CHUNK, 1, 0).split(",")[0]
    report = bench.verify(bench.changed(bench.e01, offset + 10))
    texts = [found.text for found in report.findings if found.state == "FAIL"]
    named = any(f"chunk {_CHUNK}," in text and wanted in text for text in texts)
    need(named, f"chunk {_CHUNK}, {wanted}, is not named: {texts}")
    start, length = _locate(bench)
    need(start <= _PLACE < start + length <= start + pieces.BLOCK, "the block is not named")
    return f"E01: chunk {_CHUNK}, {wanted}; raw: the block of {pieces.BLOCK:,} bytes"


def _locate(bench: Bench) -> tuple[int, int]:
    with open(bench.changed(bench.raw, _PLACE), "rb") as handle:
        found = _tree(handle.read())
    outcome = bench.raw.imaging.outcome
    ranges = [] if outcome is None else pieces.locate(outcome.pieces, found)
    need(len(ranges) == 1, f"one changed byte of a raw image gives {len(ranges)} places")
    return ranges[0]


def _tree(content: bytes) -> pieces.PieceTree:
    hasher = PieceHasher(block_nodes=True)
    hasher.update(content)
    return hasher.finish()


def conversion(bench: Bench) -> str:
    """Convert raw to E01 and back."""
    from evkit.actions.image_convert import run
    from evkit.actions.image_job import Request

    folder = bench.place()
    packed, back = (os.path.join(folder, name) for name in (b"packed.E01", b"back.dd"))
    run(bench.raw.paths[0], packed, Request(format=imaging.E01))
    run(packed, back, Request(format=imaging.RAW))
    need(detect(packed).name == "ewf", "the converted image is no E01")
    with open(back, "rb") as handle:
        need(handle.read() == bench.content, "raw to E01 and back differs from the source")
    return "raw to E01 and back, the same bytes"


def block_hashes(bench: Bench) -> str:
    """Compute the hash of every block by hand."""
    outcome = bench.raw.imaging.outcome
    nodes = outcome.pieces.block_nodes if outcome is not None else None
    starts = range(0, len(bench.content), pieces.BLOCK)
    known = b"".join(
        hashlib.sha256(b"\0" + bench.content[at : at + pieces.BLOCK]).digest() for at in starts
    )
    need(nodes == known, "the hashes of the blocks are not those of the source")
    return f"{len(starts)} blocks of {pieces.BLOCK:,} bytes, SHA-256 with the prefix of RFC 6962"


def accurate_log(bench: Bench) -> str:
    """Compare every number that goes into the record with the files and the source."""
    for made in (bench.raw, bench.e01):
        complete(made)
        found = made.imaging
        need(found.bytes_read == len(bench.content), "another number of bytes was read")
        need(not found.gaps and found.retries == 0, "errors are told of a source without errors")
        need(found.verification.get("state") == "match", "the second reading is not told")
        listed = {artifact.name: artifact for artifact in found.artifacts}
        there = sorted(os.fsdecode(name) for name in os.listdir(made.folder))
        need(sorted(listed) == there, f"listed {sorted(listed)}, there are {there}")
        for name, artifact in listed.items():
            with open(os.path.join(made.folder, os.fsencode(name)), "rb") as handle:
                data = handle.read()
            same = (artifact.size, artifact.sha256) == (
                len(data), hashlib.sha256(data).hexdigest()
            )  # fmt: skip
            need(same, f"size or digest of `{name}` is told wrong")
    return "bytes, gaps, retries, second reading, and name, size and SHA-256 of every file"
