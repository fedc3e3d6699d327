"""Segments that are missing, swapped, foreign, cut or too many."""

from __future__ import annotations

import os

import e01variants as v
import pytest

from evkit.core.errors import InputError
from evkit.images.e01.reader import E01Image
from evkit.images.opening import open_image

NOISE = bytes((i * i * 31 + i // 7) & 255 for i in range(40000))
MEDIUM = (NOISE + bytes(70000) + b"text " * 9000 + NOISE)[: 185 * 1024]
CHUNK = 32768


def codes(image):
    return {finding.code for finding in image.findings}


def decoded(image):
    """The medium with zeros where it is damaged, and the damaged chunks."""
    out = bytearray(image.size)
    return out, [chunk for chunk, _, _ in image.decode(0, image.chunks, memoryview(out))]


@pytest.fixture
def three(tmp_path):
    """Three segments of two chunks each."""
    return v.write(tmp_path, v.build(MEDIUM, per_segment=2))


def with_hole(chunks):
    out = bytearray(MEDIUM)
    for chunk in chunks:
        part = slice(chunk * CHUNK, min(len(MEDIUM), (chunk + 1) * CHUNK))
        out[part] = bytes(part.stop - part.start)
    return out


@pytest.mark.parametrize(("lost", "name"), [(1, "a.E02"), (2, "a.E03")])
def test_a_missing_segment_is_named(three, lost, name):
    os.remove(three[lost])
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        open_image(three[0])


@pytest.mark.parametrize(("lost", "holes"), [(1, [2, 3]), (2, [4, 5])])
def test_what_is_there_keeps_its_place(three, lost, holes):
    paths = [path for number, path in enumerate(three) if number != lost]
    with E01Image(paths, partial=True) as image:
        out, damaged = decoded(image)
        assert damaged == holes
        assert out == with_hole(holes)
        assert "segment-missing" in codes(image)
        with pytest.raises(InputError, match="segment that is missing"):
            image.read(holes[0] * CHUNK, 1)
    if lost == 1:
        with pytest.raises(InputError, match="segment 3 of an image, where segment 2"):
            E01Image(paths)


def test_several_missing_segments(tmp_path):
    paths = v.write(tmp_path, v.build(MEDIUM, per_segment=1))
    with E01Image([paths[0], paths[2], paths[5]], partial=True) as image:
        out, damaged = decoded(image)
        # where the third one belongs cannot be known: the width of neither hole is
        assert damaged == [1, 2, 3, 4]
        assert out == with_hole([1, 2, 3, 4])


def test_the_first_segment_is_missing(three):
    with pytest.raises(InputError, match="segment 2 of an image, where segment 1 belongs"):
        E01Image(three[1:])
    with E01Image(three[1:], partial=True) as image:
        out, damaged = decoded(image)
        assert damaged == [0, 1]
        assert out == with_hole([0, 1])


def test_swapped_segments(three):
    with pytest.raises(InputError, match="segment 3 of an image, where segment 2 belongs"):
        E01Image([three[0], three[2], three[1]])


def test_a_segment_twice(three):
    with pytest.raises(InputError, match="segment 1 of an image, where segment 2 belongs"):
        E01Image([three[0], three[0], three[1]])


def test_a_later_segment_under_the_name_of_a_lost_one(three):
    """Its number alone is not believed against its place, and neither is its place."""
    with pytest.raises(InputError, match="segment 3 of an image, where segment 2 belongs"):
        E01Image([three[0], three[2]])


def test_a_foreign_segment(tmp_path, three):
    for number, part in ((2, MEDIUM), (2, MEDIUM[: 170 * 1024])):
        other = v.build(part, per_segment=2, guid=b"\x99" * 16)
        with open(three[number - 1], "wb") as handle:
            handle.write(other[number - 1])
        with pytest.raises(InputError, match=r"a\.E02.*another image than.*a\.E01"):
            E01Image(three)
        with E01Image(three, partial=True) as image:
            _, damaged = decoded(image)
            assert damaged == [2, 3]
            assert "segment-foreign" in codes(image)


def test_files_behind_the_last_segment(tmp_path):
    paths = v.write(tmp_path, v.build(MEDIUM))
    stray = v.write(tmp_path, v.build(MEDIUM[::-1], per_segment=3), name="b")
    with E01Image([*paths, stray[1]]) as image:
        assert image.read(0, image.size) == MEDIUM
        assert codes(image) == {"segment-extra"}
        assert "`b.E02`" in image.remarks[0]


def test_a_last_segment_that_is_cut(three):
    size = os.path.getsize(three[2])
    with open(three[2], "r+b") as handle:
        handle.truncate(size // 2)
    with pytest.raises(InputError, match=r"a\.E03. ends before its last section"):
        E01Image(three)
    with E01Image(three, partial=True) as image:
        out, damaged = decoded(image)
        assert damaged == [4, 5]
        assert out == with_hole([4, 5])
        assert "section-cut" in codes(image)


def test_a_segment_in_the_middle_that_is_cut(three):
    with open(three[1], "r+b") as handle:
        handle.truncate(os.path.getsize(three[1]) // 2)
    with pytest.raises(InputError, match=r"a\.E02. ends before its last section"):
        E01Image(three)
    with E01Image(three, partial=True) as image:
        _, damaged = decoded(image)
        assert damaged == [2, 3]


def test_an_end_in_the_middle(tmp_path):
    """A first segment that claims to be the last one: the others are left out, and it shows."""
    files = v.build(MEDIUM, per_segment=3)
    at, _ = v.find(files[0], "next")
    files[0] = v.reseal(files[0], at, b"done", at, 0)
    with E01Image(v.write(tmp_path, files)) as image:
        assert codes(image) == {"segment-extra", "chunks-missing"}
        with pytest.raises(InputError, match="chunk 3"):
            image.read(0, image.size)


def test_a_number_that_is_damaged(tmp_path):
    files = v.build(MEDIUM, per_segment=2)
    files[1] = v.flip(files[1], 9, 0x40)
    with E01Image(v.write(tmp_path, files)) as image:
        assert image.read(0, image.size) == MEDIUM
        assert codes(image) == {"segment-number"}


def test_segments_that_nothing_can_read(three):
    os.remove(three[1])
    os.mkdir(three[1])
    with pytest.raises(InputError, match="not a file"):
        E01Image(three)
