"""E01 read through libewf, and what evkit reads of the sections itself."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import zlib

import pytest

from evkit.core.errors import InputError
from evkit.images.ewf import EwfImage, find_segments, segment_extension
from evkit.images.ewfsections import read_segment
from evkit.images.opening import open_image

MD5 = "196066add11fb71c4c49cf1bb50d6d24"
SHA256 = "a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80"


@pytest.mark.parametrize("name", ["ext2.E01", "ext2.split.E01", "ext2.split.E02"])
def test_the_medium(vectors, name):
    with open_image(os.fsencode(vectors / "images" / name)) as image:
        content = image.read(0, image.size + 10)
        assert image.sector_size == 512
        assert image.stored_digests == {"md5": MD5}
        assert image.metadata["examiner_name"] == "examiner"
        assert image.remarks == ()
        assert image.read(image.size - 5, 100) == content[-5:]
        assert image.read(image.size, 1) == b""
    assert hashlib.sha256(content).hexdigest() == SHA256


def test_extensions():
    numbers = {1: ".E01", 99: ".E99", 100: ".EAA", 125: ".EAZ", 126: ".EBA", 775: ".EZZ"}
    numbers |= {776: ".FAA", 14971: ".ZZZ"}
    for number, text in numbers.items():
        assert segment_extension(number) == text.encode()
    assert segment_extension(100, b"e") == b".eaa"


def test_a_missing_segment_is_refused_by_name(vectors, tmp_path):
    shutil.copy(vectors / "images" / "ext2.split.E01", tmp_path / "a.E01")
    with pytest.raises(InputError, match=r"a\.E02"):
        open_image(os.fsencode(tmp_path / "a.E01"))
    shutil.copy(vectors / "images" / "ext2.split.E02", tmp_path / "b.E02")
    with pytest.raises(InputError, match="segment 2"):
        open_image(os.fsencode(tmp_path / "b.E02"))


def test_segments_of_another_order_and_too_many(vectors, tmp_path):
    one, two = (vectors / "images" / f"ext2.split.E0{n}" for n in (1, 2))
    shutil.copy(two, tmp_path / "a.E01")
    shutil.copy(one, tmp_path / "a.E02")
    with pytest.raises(InputError, match="where segment 1 belongs"):
        open_image(os.fsencode(tmp_path / "a.E01"))
    whole = vectors / "images" / "ext2.E01"
    shutil.copy(whole, tmp_path / "b.E01")
    shutil.copy(two, tmp_path / "b.E02")
    with pytest.raises(InputError, match="last segment"):
        open_image(os.fsencode(tmp_path / "b.E01"))


def test_a_name_that_is_not_utf8(vectors, tmp_path):
    for number in (1, 2):
        target = os.fsencode(tmp_path) + b"/\xff.E0%d" % number
        shutil.copy(vectors / "images" / f"ext2.split.E0{number}", target)
    with open_image(os.fsencode(tmp_path) + b"/\xff.E01") as image:
        assert hashlib.sha256(image.read(0, image.size)).hexdigest() == SHA256


def test_lower_case_names(vectors, tmp_path):
    for number in (1, 2):
        shutil.copy(vectors / "images" / f"ext2.split.E0{number}", tmp_path / f"a.e0{number}")
    assert len(find_segments(os.fsencode(tmp_path / "a.e01"))) == 2
    with open_image(os.fsencode(tmp_path / "a.e01")) as image:
        assert image.size == 4194304


def test_every_cut_is_an_error(vectors, tmp_path):
    data = (vectors / "images" / "ext2.E01").read_bytes()
    path = tmp_path / "c.E01"
    for length in [*range(8, 200, 7), *range(200, len(data), 997), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(InputError):
            open_image(os.fsencode(path))


def test_flipped_bits_never_pass_unseen(vectors, tmp_path):
    """Each flip is an error, a remark, a digest that differs, or leaves the medium as it was."""
    data = (vectors / "images" / "ext2.E01").read_bytes()
    path = tmp_path / "c.E01"
    for offset in range(8, len(data), 61):
        flipped = bytearray(data)
        flipped[offset] ^= 0x10
        path.write_bytes(flipped)
        try:
            with open_image(os.fsencode(path)) as image:
                found = hashlib.md5(image.read(0, image.size)).hexdigest()
                stored = image.stored_digests.get("md5")
                assert found == MD5 or found != stored or image.remarks
        except InputError:
            continue


def section(kind, body, offset, last=False):
    length = 0 if last else 76 + len(body)
    after = offset if last else offset + length
    head = struct.pack("<16sQQ40s", kind, after, length, b"")
    return head + struct.pack("<I", zlib.adler32(head)) + body


def container(*sections):
    data = b"EVF\x09\x0d\x0a\xff\x00" + struct.pack("<BHH", 1, 1, 0)
    for kind, body in sections:
        data += section(kind, body, len(data), last=kind in {b"done", b"next"})
    return data


def checked(body):
    return body + struct.pack("<I", zlib.adler32(body))


def test_both_places_of_the_digests_and_the_error_list(tmp_path):
    errors = checked(struct.pack("<I512x", 2)) + checked(struct.pack("<IIII", 10, 2, 500, 1))
    path = tmp_path / "s.E01"
    path.write_bytes(
        container(
            (b"error2", errors),
            (b"digest", checked(b"\1" * 16 + b"\2" * 20 + bytes(40))),
            (b"hash", checked(b"\3" * 16 + bytes(16))),
            (b"done", b""),
        )
    )
    facts = read_segment(os.fsencode(path))
    assert facts.errors == ((10, 2), (500, 1))
    assert (facts.digest_md5, facts.hash_md5) == ("01" * 16, "03" * 16)
    assert facts.digest_sha1 == "02" * 20
    assert facts.last == "done"
    assert facts.damaged == ()


def test_damaged_lists_are_named_not_believed(tmp_path):
    errors = bytearray(checked(struct.pack("<I512x", 2**31)) + bytes(8))
    path = tmp_path / "s.E01"
    path.write_bytes(container((b"error2", bytes(errors)), (b"hash", b"\3" * 36), (b"done", b"")))
    facts = read_segment(os.fsencode(path))
    assert facts.damaged == ("error2", "hash")
    assert facts.hash_md5 is None
    assert facts.errors == ()


@pytest.mark.parametrize(
    ("after", "length"), [(13, 76), (0, 76), (2**63, 76), (13 + 76, 77), (5, 0)]
)
def test_section_chains_that_loop_or_lie(tmp_path, after, length):
    head = struct.pack("<16sQQ40s", b"header", after, length, b"")
    data = container()[:13] + head + struct.pack("<I", zlib.adler32(head)) + bytes(200)
    path = tmp_path / "s.E01"
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_segment(os.fsencode(path))


def test_closing_twice_and_reading_after(vectors):
    image = EwfImage([os.fsencode(vectors / "images" / "ext2.E01")])
    image.close()
    image.close()
    with pytest.raises(InputError):
        image.read(0, 1)
