"""Every byte of a small E01, changed in turn.

Three readers of the change: the digest of the file as it was recorded, which finds all; the pieces
of the medium, which say where; and the E01 reader by itself, which must notice it or give the same
medium, and must never fail in another way than with an `EvkitError`.
"""

from __future__ import annotations

import hashlib
import os

import e01variants as v
import pytest

from evkit.core.errors import EvkitError
from evkit.hashing import pieces
from evkit.images.e01.reader import E01Image

MEDIUM = (b"evkit " * 6000)[:34816]  # two chunks, the second one short
STYLES = {"encase6": v.GUYMAGER, "ftk": v.FTK, "encase1": v.ENCASE1, "smart": v.SMART}
ONE_COPY = {"encase1", "smart"}  # a single table, the chunks in its section


def tree(data: bytes) -> pieces.PieceTree:
    hasher = pieces.PieceHasher(block_nodes=True)
    hasher.update(data)
    return hasher.finish()


def look(path, data: bytes):
    """Open a changed image: (findings, damaged chunks, medium), None when it is refused."""
    path.write_bytes(data)
    try:
        with E01Image([os.fsencode(path)], partial=True) as image:
            out = bytearray(image.size)
            damaged = image.decode(0, image.chunks, memoryview(out))
            return image.findings, damaged, bytes(out)
    except EvkitError:
        return None


def chunk_bytes(data: bytes) -> set[int]:
    """Offsets that hold chunks."""
    found: set[int] = set()
    for kind, at, after in v.sections(data):
        if kind == "sectors":
            found |= set(range(at + 76, after))
        elif kind == "table" and after - at > 300:
            found |= set(range(at + 100 + 8, after))  # two entries, with or without a checksum
    return found


QUICK = [("encase6", 0x01), ("smart", 0x01)]
ALL = [(style, mask) for style in STYLES for mask in (0x01, 0x80, 0xFF)]


@pytest.mark.parametrize(
    ("style", "mask"),
    [pytest.param(*pair, marks=[] if pair in QUICK else pytest.mark.slow) for pair in ALL],
)
def test_every_byte(tmp_path, style, mask):
    (data,) = v.build(MEDIUM, STYLES[style])
    digest, recorded = hashlib.sha256(data).hexdigest(), tree(MEDIUM)
    chunks = chunk_bytes(data)
    path = tmp_path / "a.E01"
    neutral = lost = 0
    for at in range(len(data)):
        changed = v.flip(data, at, mask)
        assert hashlib.sha256(changed).hexdigest() != digest
        seen = look(path, changed)
        if seen is None:
            lost += 1
            continue
        findings, damaged, medium = seen
        if medium == MEDIUM:
            neutral += not findings and not damaged
            assert not damaged, at
            continue
        # what the reader gives out changed is known by place: its chunk, and the pieces beside it
        assert damaged or findings, at
        wrong = {n // 32768 for n in range(len(MEDIUM)) if medium[n : n + 1] != MEDIUM[n : n + 1]}
        assert wrong <= {chunk for chunk, _, _ in damaged} or len(medium) != len(MEDIUM), at
        if len(medium) == len(MEDIUM):
            assert pieces.locate(recorded, tree(medium)), at
        # only chunks, and a table of which there is one copy, can take the evidence with them
        assert at in chunks or style in ONE_COPY, (at, findings)
    assert lost == 0
    assert neutral < 40  # spare bits of deflate streams


@pytest.mark.parametrize("style", STYLES)
def test_every_cut_and_every_doubled_byte(tmp_path, style):
    (data,) = v.build(MEDIUM, STYLES[style])
    path = tmp_path / "a.E01"
    for at in range(0, len(data), 13):
        for changed in (
            data[:at],
            data[:at] + data[at + 1 :],
            data[:at] + data[at:][:1] + data[at:],
        ):
            seen = look(path, changed)
            if seen is not None:
                findings, damaged, medium = seen
                assert medium == MEDIUM or findings or damaged, at


@pytest.mark.parametrize("kind", ["table", "sectors", "volume", "hash", "header2"])
def test_every_section_taken_out_or_doubled(tmp_path, kind):
    (data,) = v.build(MEDIUM, group=1)
    at, after = v.find(data, kind)
    for changed in (data[:at] + data[after:], data[:after] + data[at:]):
        seen = look(tmp_path / "a.E01", changed)
        if seen is not None:
            findings, damaged, medium = seen
            assert findings
            assert medium == MEDIUM or damaged
