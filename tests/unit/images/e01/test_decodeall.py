"""Decoding a whole E01 once: digests, pieces, and the places that are lost."""

from __future__ import annotations

import hashlib
import os

import e01variants as v
import pytest

from evkit.hashing import pieces
from evkit.images.e01 import decodeall
from evkit.images.e01.decodeall import decode_all
from evkit.images.e01.reader import E01Image

NOISE = bytes((i * i * 31 + i // 7) & 255 for i in range(40000))
MEDIUM = (NOISE * 200)[: 7_900_160 // 512 * 512]


@pytest.mark.parametrize("block_nodes", [False, True])
def test_a_whole_image(tmp_path, block_nodes):
    done = []
    with E01Image(v.write(tmp_path, v.build(MEDIUM, per_segment=50))) as image:
        found = decode_all(image, ("md5", "sha256"), done.append, block_nodes=block_nodes)
    hasher = pieces.PieceHasher(block_nodes=block_nodes)
    hasher.update(MEDIUM)
    assert found.pieces == hasher.finish()
    assert found.digests == {
        name: hashlib.new(name, MEDIUM).hexdigest() for name in ("md5", "sha256")
    }
    assert (found.size, found.lost, found.chunks) == (len(MEDIUM), (), 0)
    assert sum(done) == len(MEDIUM)
    assert max(done) == 4 << 20


def test_an_empty_medium(tmp_path):
    with E01Image(v.write(tmp_path, v.build(b""))) as image:
        assert decode_all(image, ("md5",)).digests["md5"] == hashlib.md5(b"").hexdigest()


def test_what_is_lost_is_zeros_and_gathered(tmp_path):
    files = v.build(MEDIUM, per_segment=50, compress=False)
    data = files[0]
    at, _ = v.find(data, "sectors")
    for chunk in (3, 4, 9):
        data = v.flip(data, at + 76 + chunk * 32772)
    paths = v.write(tmp_path, [data, *files[1:]])
    os.remove(paths[2])
    with E01Image([paths[0], paths[1], *paths[3:]], partial=True) as image:
        found = decode_all(image, ("sha256",))
    out = bytearray(MEDIUM)
    for chunk in (3, 4, 9, *range(100, 150)):
        out[chunk * 32768 : (chunk + 1) * 32768] = bytes(32768)
    assert found.digests["sha256"] == hashlib.sha256(out).hexdigest()
    assert [(lost.first, lost.chunks, lost.missing) for lost in found.lost] == [
        (3, 2, False), (9, 1, False), (100, 50, True)
    ]  # fmt: skip
    assert found.chunks == 53
    assert found.lost[0].text == (
        "chunks 3 to 4, sectors 192\N{EN DASH}319, segment `a.E01`: its checksum is wrong"
    )
    assert found.lost[2].text.startswith("chunks 100 to 149, sectors 6400\N{EN DASH}9599: it lies")


def test_places_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(decodeall, "MAX_PLACES", 2)
    (data,) = v.build(MEDIUM[: 32768 * 9], compress=False)
    at, _ = v.find(data, "sectors")
    for chunk in (1, 3, 5, 7):
        data = v.flip(data, at + 76 + chunk * 32772)
    with E01Image(v.write(tmp_path, [data])) as image:
        found = decode_all(image, ())
    assert len(found.lost) == 2
    assert found.chunks == 4


def test_a_file_that_fails_while_it_is_read(tmp_path, monkeypatch):
    paths = v.write(tmp_path, v.build(MEDIUM[: 32768 * 9], compress=False))
    with E01Image(paths) as image:
        start = image.runs(4, 1)[0].offset
        real = os.pread

        def failing(descriptor, size, offset):
            if offset <= start < offset + size:
                raise OSError(5, "Input/output error")
            return real(descriptor, size, offset)

        monkeypatch.setattr("evkit.images.files.os.pread", failing)
        found = decode_all(image, ("md5",))
        (lost,) = found.lost
        assert (lost.first, lost.chunks, lost.unread) == (4, 1, True)
        assert lost.reason == "it cannot be read now: Input/output error"
        with pytest.raises(OSError, match="Input/output"):
            image.read(4 * 32768, 10)
