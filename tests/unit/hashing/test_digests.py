from __future__ import annotations

import hashlib
import os

import leftovers
import pytest

from evkit.core.errors import UsageError
from evkit.hashing import digests
from evkit.hashing.digests import MultiDigest, digest_descriptor, digest_file, parse_algorithms
from evkit.hashing.pieces import PieceHasher

NAMES = tuple(digests.ALGORITHMS)


def expected(data):
    return {name: hashlib.new(name, data).hexdigest() for name in NAMES}


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (8 << 20) - 1, 8 << 20, (21 << 20) + 3])
def test_one_read_gives_every_digest_and_the_pieces(tmp_path, size):
    data = os.urandom(size)
    (tmp_path / "f").write_bytes(data)
    pieces = PieceHasher()
    assert digest_file(tmp_path / "f", NAMES, pieces=pieces) == (size, expected(data))
    alone = PieceHasher()
    alone.update(data)
    assert pieces.finish() == alone.finish()


def test_multi_digest_takes_parts():
    made = MultiDigest(NAMES)
    for part in (b"", b"ab", b"c" * 5000):
        made.update(part)
    assert made.digests() == expected(b"ab" + b"c" * 5000)


def test_bytes_read_are_told(tmp_path):
    (tmp_path / "f").write_bytes(bytes((3 << 20) + 5))
    seen = []
    with open(tmp_path / "f", "rb") as handle:
        digest_descriptor(handle.fileno(), ["md5"], on_bytes=seen.append)
    assert seen == [1 << 20, 2 << 20, 3 << 20, (3 << 20) + 5]


def test_an_error_in_a_digest_thread_is_raised(tmp_path):
    class Bad:
        def update(self, block):
            raise RuntimeError("broken")

    (tmp_path / "f").write_bytes(bytes(3 << 20))
    with open(tmp_path / "f", "rb") as handle, pytest.raises(RuntimeError, match="broken"):
        digest_descriptor(handle.fileno(), ["md5"], pieces=Bad())


def test_an_unreadable_descriptor_leaves_no_thread_behind(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with leftovers.none(), pytest.raises(OSError, match="directory"):
            digest_descriptor(descriptor, ["md5", "sha256"])
    finally:
        os.close(descriptor)


def test_names_of_algorithms():
    assert parse_algorithms("SHA-256, md5,md5") == ("md5", "sha256")
    for wrong in ("", ",", "crc32", "md5,\x1b[31m"):
        with pytest.raises(UsageError) as caught:
            parse_algorithms(wrong)
        assert "\x1b" not in str(caught.value)
