"""The E01 reader on images of many programs' styles, undamaged, and what it says of them."""

from __future__ import annotations

import hashlib
import os
import shutil

import e01variants as v
import leftovers
import pytest

from evkit.core.errors import InputError
from evkit.images.e01 import codec
from evkit.images.e01.reader import E01Image
from evkit.images.opening import open_image

MD5 = "196066add11fb71c4c49cf1bb50d6d24"
SHA256 = "a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80"
NOISE = bytes((i * i * 31 + i // 7) & 255 for i in range(40000))
MEDIUM = (NOISE + bytes(70000) + b"text " * 9000 + NOISE)[: 185 * 1024]


@pytest.mark.parametrize("name", ["ext2.E01", "ext2.split.E01", "ext2.split.E02"])
def test_the_published_medium(vectors, name):
    with open_image(os.fsencode(vectors / "images" / name)) as image:
        content = image.read(0, image.size + 10)
        assert image.sector_size == 512
        assert image.stored_digests == {"md5": MD5}
        assert image.metadata["examiner_name"] == "examiner"
        assert image.remarks == ()
        assert image.read(image.size - 5, 100) == content[-5:]
        assert image.read(image.size, 1) == b""
    assert hashlib.sha256(content).hexdigest() == SHA256


STYLES = {
    "encase6": {},
    "small groups": {"group": 2},
    "several segments": {"group": 2, "per_segment": 3},
    "stored as it is": {"compress": False},
    "no digest": {"digest": False},
    "no digests at all": {"digest": False, "hash": False},
    "header only": {"headers": (b"header",)},
    "no data section": {"data": False},
    "no table2": {"table2": False},
    "no table but table2": {"table": False},
    "disk": {"volume": b"disk"},
    "long end": {"end_size": 76},
    "sectors of 4096": {"sector": 4096, "chunk": 65536},
    "large chunks": {"chunk": 1 << 20},
    "last chunk in full": {"pad_last": True},
    "last chunk in full, as it is": {"pad_last": True, "compress": False},
}


@pytest.mark.parametrize("style", STYLES)
def test_styles_of_programs(tmp_path, style):
    medium = MEDIUM[: 45 * 4096]
    paths = v.write(tmp_path, v.build(medium, **STYLES[style]))
    with E01Image(paths) as image:
        assert image.read(0, image.size) == medium
        assert image.findings == ()
        assert len(image.segments) == len(paths)


@pytest.mark.parametrize("recipe", [v.GUYMAGER, v.FTK, v.ENCASE1, v.SMART])
@pytest.mark.parametrize("size", [512, 32768, 33280, 65536, 189440])
def test_sizes_in_every_style(tmp_path, recipe, size):
    for more in ({}, {"group": 2}, {"group": 2, "per_segment": 4}):
        paths = v.write(tmp_path, v.build(MEDIUM[:size], recipe, **more))
        with E01Image(paths) as image:
            assert image.read(0, size) == MEDIUM[:size]
            assert image.findings == ()
            assert image.stored_digests["md5"] == hashlib.md5(MEDIUM[:size]).hexdigest()


def test_a_medium_without_a_byte(tmp_path):
    with E01Image(v.write(tmp_path, v.build(b""))) as image:
        assert (image.size, image.chunks) == (0, 0)
        assert image.read(0, 10) == b""
        assert image.runs(0, 5) == []


def test_what_it_says_of_the_case(tmp_path):
    with E01Image(v.write(tmp_path, v.build(MEDIUM))) as image:
        assert image.metadata == {
            "description": "Unique",
            "case_number": "FIR-1/2026",
            "evidence_number": "E1",
            "examiner_name": "Ünal",
            "notes": "a note",
            "acquisition_software_version": "6.19",
            "acquisition_operating_system": "Linux",
            "acquisition_date": "2026-11-21T22:26:40Z",
            "system_date": "2026-11-21T22:26:41Z",
            "media_type": "fixed",
            "media_flags": "physical",
            "set_identifier": "03020100-0504-0706-0809-0a0b0c0d0e0f",
        }
        assert image.format == "ewf"
        md5, sha1 = (hashlib.new(name, MEDIUM).hexdigest() for name in ("md5", "sha1"))
        assert image.stored == (
            ("digest", "md5", md5), ("digest", "sha1", sha1), ("hash", "md5", md5)
        )  # fmt: skip
        assert image.stored_digests == {"md5": md5, "sha1": sha1}


def test_any_range(tmp_path):
    paths = v.write(tmp_path, v.build(MEDIUM, group=2, per_segment=3))
    with E01Image(paths) as image:
        for start in (0, 1, 511, 32767, 32768, 65537, 131071, len(MEDIUM) - 1):
            for size in (0, 1, 513, 32768, 70000, 10**7):
                assert image.read(start, size) == MEDIUM[start : start + size]
        assert image.read(len(MEDIUM) + 5, 10) == b""
        assert image.read(5, -1) == b""


def test_runs_for_an_engine(tmp_path):
    paths = v.write(tmp_path, v.build(MEDIUM, group=2, per_segment=3))
    with E01Image(paths) as image:
        assert image.chunk == 32768
        runs = image.runs(0, 100)
        assert [(run.segment, run.first, len(run.sizes)) for run in runs] == [
            (0, 0, 2), (0, 2, 1), (1, 3, 2), (1, 5, 1)
        ]  # fmt: skip
        assert sum(len(run.sizes) for run in runs) == image.chunks == 6
        assert [len(run.sizes) for run in image.runs(1, 2)] == [1, 1]
        content = b""
        for run in runs:
            raw = os.pread(image.descriptor(run.segment), run.length, run.offset)
            out = bytearray(image.length_of(run.first, len(run.sizes)))
            assert codec.decode(memoryview(raw), run.sizes, memoryview(out)) == []
            content += out
        assert content == MEDIUM
        assert len(set(image.descriptors())) == 2
        assert image.sectors(3, 1, 1) == "sectors 192\N{EN DASH}255, segment `a.E02`"
        assert image.sectors(5, 1, 1).startswith("sectors 320\N{EN DASH}369,")


def test_gaps_and_another_order_are_read_and_noted(tmp_path):
    for style, code in (({"gap": b"slack" * 9}, "table-gap"), ({"backwards": True}, "table-order")):
        for compress in (True, False):
            paths = v.write(tmp_path, v.build(MEDIUM, compress=compress, **style))
            with E01Image(paths) as image:
                assert image.read(0, image.size) == MEDIUM
                codes = {finding.code for finding in image.findings}
                # what follows a deflate stream cannot be told from its end by the table alone
                assert codes == {code} if not compress or code == "table-order" else codes <= {code}


def test_sectors_that_its_maker_could_not_read(tmp_path):
    paths = v.write(tmp_path, v.build(MEDIUM, errors=[(10, 2), (300, 1)]))
    with E01Image(paths) as image:
        assert image.declared_gaps == ((5120, 1024), (153600, 512))
        assert image.findings == ()


def test_closing_twice_and_reading_after(tmp_path):
    image = E01Image(v.write(tmp_path, v.build(MEDIUM)))
    image.close()
    image.close()
    with pytest.raises(InputError, match="closed"):
        image.read(0, 1)


def test_a_name_that_is_not_utf8(vectors, tmp_path):
    for number in (1, 2):
        target = os.fsencode(tmp_path) + b"/\xff.E0%d" % number
        shutil.copy(vectors / "images" / f"ext2.split.E0{number}", target)
    with open_image(os.fsencode(tmp_path) + b"/\xff.E01") as image:
        assert hashlib.sha256(image.read(0, image.size)).hexdigest() == SHA256


def test_more_segments_than_stay_open(tmp_path, monkeypatch):
    monkeypatch.setattr("evkit.images.e01.segments.MAX_OPEN", 3)
    paths = v.write(tmp_path, v.build(NOISE * 12 + bytes(256), per_segment=1))
    assert len(paths) == 15
    with E01Image(paths) as image:
        assert image.read(0, image.size) == NOISE * 12 + bytes(256)
        assert image.read(0, 99) == NOISE[:99]
        opened = [to for to in leftovers.files().values() if to.startswith(str(tmp_path))]
        assert len(opened) <= 4


def test_a_segment_that_changes_meanwhile(tmp_path, monkeypatch):
    monkeypatch.setattr("evkit.images.e01.segments.MAX_OPEN", 1)
    paths = v.write(tmp_path, v.build(MEDIUM, per_segment=3))
    with E01Image(paths) as image:
        with open(paths[0], "ab") as handle:
            handle.write(b"x")
        with pytest.raises(InputError, match="was changed"):
            image.read(0, image.size)


def test_few_groups_are_kept(tmp_path):
    paths = v.write(tmp_path, v.build(bytes(32768 * 40), group=1))
    with E01Image(paths) as image:
        image.read(0, image.size)
        assert len(image._chunks._loaded) == 4


def test_entries_that_count_beyond_31_bits():
    from array import array

    from evkit.images.e01.entries import _absolute

    top = 0x7FFFFFFF
    entries = array("I", [0x80000100, top - 32771, top + 1, top + 32773])
    offsets, flags = _absolute(entries, 1000, 1 << 40)
    assert list(offsets) == [1256, 1000 + top - 32771, 1001 + top, 1000 + top + 32773]
    assert list(flags) == [1, 0, 0, 0]
